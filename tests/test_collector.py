"""The garbage collector: no full collection begins while a Space's answer is read."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest

from spacebot import collector
from spacebot.spaces.client import Network
from spacebot.spaces.client.transport.bounded_reading import read_json


@pytest.fixture
def full() -> Iterator[list[str]]:
    """Every full collection, and the collector as it was afterwards."""
    found: list[str] = []
    thresholds = gc.get_threshold()

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] == 2:
            found.append("full")

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


async def test_a_long_answer_is_read_without_a_full_collection(full: list[str]):
    answer = json.dumps([[] for _ in range(300_000)]).encode()
    async with Network() as network:
        before = await read_json(network, answer)
        # Or the test would prove nothing.
        assert full
        collector.settle()
        full.clear()
        after = await read_json(network, answer)
    assert full == []
    assert before == after


async def test_what_refers_to_itself_is_freed_while_nobody_waits(
    full: list[str], monkeypatch: pytest.MonkeyPatch
):
    freed, busy = asyncio.Event(), [True, True, False]

    class Knot:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            freed.set()

    def is_busy() -> Any:
        return busy.pop(0) if busy else True

    monkeypatch.setattr(collector, "INTERVAL", 0.01)
    collector.settle()
    full.clear()
    knot = Knot()
    # Old enough that no collection of young objects finds it.
    gc.collect(1)
    full.clear()
    del knot
    collecting = asyncio.create_task(collector.collect(is_busy))
    await asyncio.wait_for(freed.wait(), 60)
    collecting.cancel()
    # It waited for a moment when nothing ran.
    assert busy == []


async def test_a_busy_process_that_grows_is_collected_at_once(
    full: list[str], monkeypatch: pytest.MonkeyPatch
):
    looked, sizes = asyncio.Event(), iter([0, 1, 2 * collector.MAX_GROWTH])

    def resident() -> int:
        size = next(sizes, None)
        if size is None:
            looked.set()
        return size or 0

    monkeypatch.setattr(collector, "INTERVAL", 0.01)
    monkeypatch.setattr(collector, "LONGEST_INTERVAL", 1e9)
    monkeypatch.setattr(collector, "resident", resident)
    collector.settle()
    full.clear()
    collecting = asyncio.create_task(collector.collect(lambda: True))
    await asyncio.wait_for(looked.wait(), 60)
    collecting.cancel()
    assert full == ["full"]


def test_the_size_of_the_process_is_known():
    assert collector.resident() > 1 << 20
