"""Pacing: a crowd's acknowledgements come before its jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from spacebot.engine import pacing
from spacebot.engine.jobs import JobHandle
from spacebot.engine.pacing import (
    CROWD_SIZE,
    FIRST_EDIT_DELAY,
    MIN_EDIT_INTERVAL,
    EditPacer,
    InteractionThrottle,
)
from spacebot.models import Endpoint, Job, Requester, Source
from tests.e2e.conftest import discord
from tests.support.asking import is_final, shown
from tests.support.bot_in_loop import at_home


async def test_after_a_streams_first_words_the_next_edit_waits_as_long_as_any():
    endpoint = Endpoint("owner/name", "/run", "run", "", streams=True)
    job = JobHandle(Job("0" * 12, endpoint, Requester("1", "<@1>"), {}), Path("nowhere"))
    pace = EditPacer(cast(Any, SimpleNamespace(running=())), job)
    never = asyncio.get_running_loop().create_future()
    assert pace.pause() == FIRST_EDIT_DELAY
    job.spoke.set()
    assert await pace.due(never)
    assert pace.pause() == MIN_EDIT_INTERVAL


async def test_a_crowd_that_is_not_answered_yet_comes_first():
    rush = InteractionThrottle()
    with ExitStack() as few:
        for _ in range(CROWD_SIZE):
            few.enter_context(rush.acknowledging())
        await rush.wait_for_crowd()
        with rush.acknowledging():
            waiting = asyncio.create_task(rush.wait_for_crowd())
            await asyncio.sleep(0)
            assert not waiting.done()
        await waiting


async def test_who_came_first_goes_first():
    rush, gone = InteractionThrottle(), []

    async def come(number: int, stays: asyncio.Event) -> None:
        with rush.acknowledging():
            await stays.wait()
        await rush.wait_for_crowd()
        gone.append(number)

    doors = [asyncio.Event() for _ in range(3 * CROWD_SIZE)]
    crowd = [asyncio.create_task(come(number, door)) for number, door in enumerate(doors)]
    for door in doors:
        await asyncio.sleep(0)
        door.set()
    await asyncio.gather(*crowd)
    assert gone == sorted(gone)


async def test_work_waits_for_no_crowd_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pacing, "CROWD_WAIT", 0.01)
    rush = InteractionThrottle()
    with ExitStack() as crowd:
        for _ in range(CROWD_SIZE + 1):
            crowd.enter_context(rush.acknowledging())
        await rush.wait_for_crowd()


async def test_three_hundred_at_once_are_acknowledged_before_they_are_answered(
    served: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # However slow the machine is.
    monkeypatch.setattr(pacing, "CROWD_WAIT", 60.0)
    async with (
        discord() as here,
        at_home(here.server, Source(served("fast"), name="fast"), folder=tmp_path),
    ):
        here.server.limits.acknowledge_within = 60.0
        here.server.limits.fail("POST /interactions/*", times=300, late=True, hang=0.3)
        people = [here.server.add_user(f"person{number}") for number in range(300)]
        for one in people:
            here.guild.add_member(one)
        seen = await asyncio.gather(
            *(
                one.command("fast echo", text=one.name, channel=here.channel, wait=False)
                for one in people
            )
        )
        await asyncio.gather(*(one.wait(is_final, 120) for one in seen))
        what = [request.method for request in here.server.requests]
        # POST acknowledges, PATCH answers.
        before = what[: what.index("PATCH")].count("POST")
        assert before >= len(people) - CROWD_SIZE
        for one, interaction in zip(people, seen, strict=True):
            assert interaction.message
            assert f"\n{one.name}\n" in interaction.message.content


async def test_a_job_that_waits_for_a_crowd_has_not_ended(
    served: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pacing, "CROWD_WAIT", 60.0)
    source = Source(served("fast"), name="fast")
    async with discord() as here, at_home(here.server, source, folder=tmp_path) as home:
        with ExitStack() as crowd:
            for _ in range(CROWD_SIZE + 1):
                crowd.enter_context(home.bot.dispatcher.throttle.acknowledging())
            seen = await here.ada.command("fast echo", text="hello", channel=here.channel)
            pressed = await here.ada.click(shown(seen), "Cancel")
            assert pressed.message
            assert "has not started yet" in pressed.message.content
        await seen.wait(is_final, 20)
