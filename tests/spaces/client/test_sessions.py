"""Sessions: one per key, one job at a time, the least recently used ones dropped."""

from __future__ import annotations

import asyncio

import pytest

from spacebot.spaces.client.sessions import SpaceSessions
from tests.support.clocks import set_clock


async def name_of(sessions: SpaceSessions, key: str, *, stateful: bool = True) -> str:
    """The name that a job of `key` gets."""
    async with sessions.hold(key, stateful=stateful) as session:
        return session.name


async def test_each_key_has_a_session_of_its_own():
    sessions = SpaceSessions()
    ada, ben = await name_of(sessions, "ada"), await name_of(sessions, "ben")
    assert ada != ben
    assert await name_of(sessions, "ada") == ada


async def test_a_job_that_keeps_state_waits_for_the_session():
    sessions = SpaceSessions()
    async with sessions.hold("ada", stateful=True) as first:
        waiting = asyncio.create_task(name_of(sessions, "ada"))
        await asyncio.sleep(0.02)
        assert not waiting.done()
    assert await waiting == first.name


async def test_a_job_that_keeps_none_gets_another_one_meanwhile():
    sessions = SpaceSessions()
    async with sessions.hold("ada", stateful=True) as first:
        other = await name_of(sessions, "ada", stateful=False)
        another = await name_of(sessions, "ada", stateful=False)
    assert len({first.name, other, another}) == 3
    assert len(sessions) == 1


async def test_the_least_recently_used_are_forgotten():
    sessions = SpaceSessions(most=2)
    ada, ben = await name_of(sessions, "ada"), await name_of(sessions, "ben")
    await name_of(sessions, "ada")
    await name_of(sessions, "cy")
    assert len(sessions) == 2
    assert await name_of(sessions, "ada") == ada
    assert await name_of(sessions, "ben") != ben


async def test_one_in_use_is_never_forgotten():
    sessions = SpaceSessions(most=1)
    async with sessions.hold("ada", stateful=True) as ada:
        for number in range(5):
            await name_of(sessions, f"user {number}")
        waiting = asyncio.create_task(name_of(sessions, "ada"))
        await asyncio.sleep(0.02)
        assert not waiting.done()
    assert await waiting == ada.name


async def test_an_old_one_is_forgotten(monkeypatch: pytest.MonkeyPatch):
    now = 1000.0
    set_clock(monkeypatch, "spacebot.spaces.client.sessions", monotonic=lambda: now)
    sessions = SpaceSessions(ttl=60)
    ada = await name_of(sessions, "ada")
    now += 61
    # It is dropped when the next session starts.
    await name_of(sessions, "ben")
    assert len(sessions) == 1
    assert await name_of(sessions, "ada") != ada


async def test_forgetting_starts_afresh():
    sessions = SpaceSessions()
    ada = await name_of(sessions, "ada")
    sessions.forget("ada")
    assert await name_of(sessions, "ada") != ada
    sessions.forget("nobody")


async def test_no_job_comes_in_before_the_last_one_has_left():
    sessions, out = SpaceSessions(), asyncio.Event()

    async def leave() -> None:
        await out.wait()

    async with sessions.hold("ada", stateful=True) as first:
        first.leave(leave())
    assert await name_of(sessions, "ada", stateful=False) != first.name
    waiting = asyncio.create_task(name_of(sessions, "ada"))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    out.set()
    assert await waiting == first.name


async def test_closing_leaves_at_once():
    sessions = SpaceSessions()
    async with sessions.hold("ada", stateful=True) as session:
        leaving = session.leave(asyncio.sleep(3600))
    sessions.close()
    await asyncio.wait({leaving}, timeout=5)
    assert leaving.cancelled()
