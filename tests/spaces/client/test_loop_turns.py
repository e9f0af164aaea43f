"""Nothing that a Space sends blocks the event loop: other tasks run between its parts."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest

from spacebot.errors import SpaceUnreadable
from spacebot.models import Endpoint, PageEvent, PageLogic, Parameter, Source
from spacebot.spaces.client import Result
from spacebot.spaces.client.legacy import legacy_run
from spacebot.spaces.client.page.replay import MAX_OFFERED, PageReplay, PageState
from spacebot.spaces.client.transport import event_stream, json_parser
from spacebot.spaces.client.transport.bounded_reading import (
    MAX_INLINE_BYTES,
    PIECE_BYTES,
    Inflater,
    parse_json,
)
from spacebot.spaces.client.transport.skip_limit import MAX_SKIPPED
from spacebot.spaces.schema import read_space
from tests.spaces.client.test_hostile import UNREADABLE, explode, hostile, reaching, run
from tests.spaces.client.test_legacy import DONE as OLD_DONE
from tests.spaces.client.test_legacy import Old, greeted, old

DONE = b'data: {"msg": "process_completed", "success": true, "output": {"data": ["ok"]}}\n\n'


class Turns:
    """Counts the turns of the event loop; `seen` are the turns in which something happened."""

    def __init__(self) -> None:
        self.count = 0
        self.seen: list[int] = []

    def note(self) -> None:
        """Record that something happened in this turn."""
        self.seen.append(self.count)

    @property
    def are_apart(self) -> bool:
        """Whether the loop turned between any two events."""
        return all(one < other for one, other in pairwise(self.seen))

    async def count_all(self) -> None:
        """Count until cancelled."""
        while True:
            self.count += 1
            await asyncio.sleep(0)


@asynccontextmanager
async def counting(turns: Turns) -> AsyncIterator[None]:
    """Count the turns of the loop during the block."""
    task = asyncio.create_task(turns.count_all())
    try:
        yield
    finally:
        task.cancel()


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """The turns in which a message of a stream is read."""
    turns, read = Turns(), event_stream._message

    async def noted(*given: Any) -> Any:
        turns.note()
        return await read(*given)

    monkeypatch.setattr(event_stream, "_message", noted)
    return turns


async def test_others_run_between_the_pieces_of_one_read(
    messages: Turns, monkeypatch: pytest.MonkeyPatch
):
    pieces, unpack = Turns(), Inflater.pieces

    def noted(self: Inflater, chunk: bytes) -> Iterator[bytes]:
        for piece in unpack(self, chunk):
            pieces.note()
            yield piece

    monkeypatch.setattr(Inflater, "pieces", noted)
    blank = b"\n" * (8 * PIECE_BYTES)
    async with hostile() as space, reaching(space) as connection:
        space.answers["data"] = explode(body=gzip.compress(blank + DONE))
        async with counting(pieces):
            assert (await run(connection))[-1] == Result(["ok"])
    assert len(pieces.seen) > 8
    assert pieces.are_apart
    # Blank lines are no messages.
    assert len(messages.seen) == 1


async def test_others_run_between_unreadable_messages(messages: Turns):
    async with hostile() as space, reaching(space) as connection:
        space.answers["data"] = explode(body=gzip.compress(b"data:x\n\n:\n\n" * 1000 + DONE))
        async with counting(messages):
            assert (await run(connection))[-1] == Result(["ok"])
    assert len(messages.seen) == 2001
    assert messages.are_apart


async def test_a_stream_of_nothing_but_unreadable_messages_ends(messages: Turns):
    async with hostile() as space, reaching(space) as connection:
        space.answers["data"] = explode(body=gzip.compress(b"data:x\n\n" * 2 * MAX_SKIPPED + DONE))
        with pytest.raises(SpaceUnreadable, match=UNREADABLE):
            await run(connection)
    assert len(messages.seen) == MAX_SKIPPED + 1


async def test_others_run_between_the_messages_of_a_gradio_3_queue(
    monkeypatch: pytest.MonkeyPatch,
):
    turns, read = Turns(), legacy_run.read_json

    async def noted(*given: Any) -> Any:
        turns.note()
        return await read(*given)

    async def chatter(space: Old) -> None:
        for _ in range(300):
            await space.socket.send_str("{}")
        await space.socket.send_json(OLD_DONE)

    monkeypatch.setattr(legacy_run, "read_json", noted)
    async with old(chatter) as (_, connection), counting(turns):
        assert await greeted(connection) == ["Hello Ada"]
    assert len(turns.seen) > 300
    assert turns.are_apart


@pytest.mark.parametrize("depth", [1, 50, 300, 480])
def test_json_that_never_ends_is_looked_at_once(depth: int, monkeypatch: pytest.MonkeyPatch):
    looks = 0
    within = json_parser._ChunkParser._within

    def counted(self: json_parser._ChunkParser, at: int) -> Any:
        nonlocal looks
        looks += 1
        return within(self, at)

    monkeypatch.setattr(json_parser._ChunkParser, "_within", counted)
    with pytest.raises(SpaceUnreadable):
        parse_json(b"[" * depth + b"[]," * (MAX_INLINE_BYTES // 3 - depth))
    assert looks == 1


async def test_what_a_page_event_answers_is_parsed_off_the_event_loop(
    monkeypatch: pytest.MonkeyPatch,
):
    threads: list[threading.Thread] = []
    loads = json_parser.loads

    def noted(text: str) -> Any:
        if len(text) > MAX_INLINE_BYTES:
            threads.append(threading.current_thread())
        return loads(text)

    monkeypatch.setattr(json_parser, "loads", noted)
    choices = [[f"choice {number}", f"c{number}"] for number in range(5000)]
    assert len(json.dumps(choices)) > MAX_INLINE_BYTES
    async with hostile() as space, reaching(space) as connection:
        space.takes("sse_v3", [("dropdown", {"choices": [["a", "a"]], "value": "a"})])
        (take,) = space.config["dependencies"]
        opening = {**take, "id": 1, "targets": [[None, "load"]], "inputs": [], "outputs": [0]}
        space.config["dependencies"].append({**opening, "api_name": False, "queue": False})
        space.answers["predict"] = {"data": [{"__type__": "update", "choices": choices}]}
        (endpoint,) = read_space(Source("a/b"), space.config, space.info).endpoints
        assert endpoint.page is not None
        assert await connection.opened([endpoint.page]) == {0: {"choices": choices}}
    assert threads
    assert threading.main_thread() not in threads


class Counted(str):
    """A text that counts how often it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)


async def test_each_chosen_value_is_compared_to_few_of_the_new_choices():
    parameter = Parameter("a", "A", "checkboxgroup", option="a", multiple=True)
    event = PageEvent(0, "fill", on=((None, "load"),), gives=(1,))
    page = PageLogic(events=(event,), fields={"a": 1}, start={1: list(map(Counted, range(3000)))})

    async def call(*_: Any) -> list[Any]:
        return [{"__type__": "update", "choices": list(map(Counted, range(1000, 20_000)))}]

    replay = PageReplay(Endpoint("a/b", "/a", "a", "", (parameter,), page=page), PageState(), call)
    Counted.compared = 0
    await replay.open()
    assert Counted.compared <= 20_000
    assert replay.state.values[1] == list(map(str, range(1000, 3000)))
    assert len(replay.parameter("a").choices) == MAX_OFFERED
