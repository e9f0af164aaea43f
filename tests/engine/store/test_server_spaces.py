"""The Spaces that servers added, in the store: stored rows survive a kill."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from spacebot.engine.store import GuildCommands, ServerSpace, Store, StoreError
from spacebot.engine.store.descriptions import StoredDescription
from spacebot.models import ServerSpaceTotals
from tests.support.clocks import set_clock

Open = Callable[[], Store]

DESCRIPTIONS = "spacebot.engine.store.descriptions"


def added(number: int, guild: str = "7", **changed: object) -> ServerSpace:
    """An added Space."""
    row = ServerSpace(
        id=f"{number:012x}",
        guild=guild,
        name=f"paint{number}",
        space="ada/paint",
        adder="1",
        created=float(number),
        read=float(number),
    )
    return replace(row, **changed)  # type: ignore[arg-type]


async def test_what_a_server_added_is_there_for_the_next_start(opened: Open) -> None:
    first = added(1, endpoint="/run", answer="thread", title="Paint", nsfw=True, chats=True)
    async with opened() as store:
        await store.server_spaces.add(first, b"one")
        await store.server_spaces.add(added(2, paused=True), b"two")
        await store.server_spaces.add(added(3, guild="8", problem="It is gone."), b"three")
    async with opened() as store:
        kept = store.server_spaces
        assert await kept.of("7") == [first, added(2, paused=True)]
        assert await kept.payloads("7") == [b"one", b"two"]
        assert await kept.find("7", "paint3") is None
        assert await kept.find("8", "paint3") == added(3, guild="8", problem="It is gone.")
        assert [row.id for row in await kept.all(limit=2)] == [added(3).id, added(2).id]
        assert len(await kept.using("ada/paint")) == 3
        assert await kept.totals() == ServerSpaceTotals(3, 2, unreadable=1, paused=1)
        assert await kept.any_chats()


async def test_what_a_server_added_keeps_its_description(opened: Open) -> None:
    async with opened() as store:
        await store.server_spaces.add(added(1), b"one")
        for space in ("ada/paint", "ada/once"):
            await store.descriptions.put(space, "", StoredDescription(b"packed", 1.0))
        await store.descriptions.trim(older=time.time() + 60)
        assert await store.descriptions.get("ada/paint", "") is not None
        assert await store.descriptions.get("ada/once", "") is None


async def test_descriptions_beyond_a_size_are_forgotten_the_least_recent_first(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as store:
        await store.server_spaces.add(added(1), b"{}")
        names = ("ada/paint", "ada/old", "ada/new", "ada/newest")
        for used, space in enumerate(names, 1):
            set_clock(monkeypatch, DESCRIPTIONS, now=lambda used=used: float(used))
            packed = StoredDescription(bytes(10), 1.0)
            await store.descriptions.put(space, "", packed)
        await store.descriptions.touch("ada/paint", "")
        await store.descriptions.trim(older=0.0, max_bytes=20)
        left = [one for one in names if await store.descriptions.get(one, "") is not None]
        assert left == ["ada/paint", "ada/new", "ada/newest"]


async def test_an_empty_store_has_none(opened: Open) -> None:
    async with opened() as store:
        kept = store.server_spaces
        assert await kept.totals() == ServerSpaceTotals()
        assert not await kept.any_chats()
        assert await kept.registered() == []
        assert await kept.registration("7") == GuildCommands("7")


async def test_two_rows_of_one_server_never_have_the_same_name(opened: Open) -> None:
    async with opened() as store:
        kept = store.server_spaces
        twice = (added(number, name="paint") for number in (1, 2))
        ended = await asyncio.gather(*(kept.add(row, b"") for row in twice), return_exceptions=True)
        assert sum(isinstance(one, StoreError) for one in ended) == 1
        assert [row.name for row in await kept.of("7")] == ["paint"]
        await kept.add(added(3, guild="8", name="paint"), b"")


async def test_a_row_is_changed_and_forgotten(opened: Open) -> None:
    async with opened() as store:
        kept = store.server_spaces
        await kept.add(added(1), b"one")
        await kept.change(added(1).id, name="draw", payload=b"other")
        assert await kept.payloads("7") == [b"other"]
        assert [row.name for row in await kept.of("7")] == ["draw"]
        await kept.delete(added(1).id)
        assert await kept.of("7") == []


async def test_what_is_registered_for_a_server_is_known_at_the_next_start(opened: Open) -> None:
    async with opened() as store:
        await store.server_spaces.note("7", pending=True)
    async with opened() as store:
        kept = store.server_spaces
        assert await kept.registered() == [("7", 0.0, True)]
        now = {"digest": "d", "commands": {"paint": "9"}, "created": [1.5], "registered": 2.0}
        await kept.note("7", pending=False, **now)
        await kept.note("8", pending=True)
    async with opened() as store:
        kept = store.server_spaces
        assert await kept.registration("7") == GuildCommands(
            "7", "d", {"paint": "9"}, [1.5], registered=2.0
        )
        assert sorted(await kept.registered()) == [("7", 2.0, False), ("8", 0.0, True)]
