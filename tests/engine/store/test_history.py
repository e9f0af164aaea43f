"""A member's past jobs, favourites and presets, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from spacebot.engine.store import JobRecord, Preset, Store
from spacebot.models import MessageRef, guild_key, user_key

Open = Callable[[], Store]
# Larger than 32 bits, as Discord's ids are.
GUILD = 1_575_875_687_208_714_240


def record(number: int, user: str = "1", guild: int | None = GUILD) -> JobRecord:
    """A job that has ended."""
    return JobRecord(
        id=f"{number:012x}",
        space="owner/name",
        api_name="/run",
        command="/name",
        user=user,
        mention="<@1>",
        state="done",
        arguments={"prompt": f"cat {number}"},
        message_ref=MessageRef(channel=2, guild=guild),
        created=float(number),
        ended=float(number),
    )


async def test_a_member_sees_their_own_jobs_of_one_place_the_newest_first(opened: Open):
    async with opened() as store:
        for number in (1, 2, 3):
            await store.add(record(number))
        await store.add(record(4, user="2"))
        await store.add(record(5, guild=None))
        await store.add(record(6, guild=GUILD + 1))
        here = await store.history.of("1", GUILD)
        assert [job.arguments["prompt"] for job in here] == ["cat 3", "cat 2", "cat 1"]
        assert [job.created for job in await store.history.of("1", None)] == [5.0]


async def test_a_star_outlives_a_restart_and_keeps_its_job(opened: Open):
    async with opened() as store:
        for number in (1, 2, 3):
            await store.add(record(number))
        await store.history.star("1", record(1).id)
        # Another member's star is not mine.
        await store.history.star("2", record(2).id)
    async with opened() as store:
        assert [job.id for job in await store.history.of("1", GUILD, starred=True)] == [
            record(1).id
        ]
        assert await store.trim(most=0, older=100.0) == [record(3).id]
        await store.history.unstar("1", record(1).id)
        assert await store.history.stars("1") == set()
        assert await store.trim(most=0, older=100.0) == [record(1).id]


async def test_a_starred_job_keeps_its_files_no_longer_than_others(opened: Open):
    async with opened() as store:
        await store.add(record(1))
        await store.add(replace(record(2), state="waiting", ended=None))
        await store.history.star("1", record(1).id)
        ids = [record(number).id for number in (1, 2)]
        assert await store.known(ids, since=1.0) == set(ids)
        assert await store.known(ids, since=1.5) == {record(2).id}
        assert await store.get(record(1).id) is not None


async def test_presets_are_their_owner_s_and_outlive_a_restart(opened: Open) -> None:
    given = {"prompt": "sea 🌊", "steps": 9}
    mine = Preset(user_key(1), "sea", "Sea", "o/n", "/run", "/n", given, nsfw=False, maker="1")
    async with opened() as store:
        await store.presets.put(mine)
        await store.presets.put(replace(mine, owner=guild_key(GUILD), nsfw=True))
        # It replaces the preset of the same name.
        await store.presets.put(replace(mine, name="SEA", arguments={"prompt": "land"}))
        await store.presets.put(replace(mine, key="bay", name="Bay"))
    async with opened() as store:
        found = await store.presets.of(mine.owner)
        assert [(one.name, dict(one.arguments)) for one in found] == [
            ("Bay", given),
            ("SEA", {"prompt": "land"}),
        ]
        assert await store.presets.servers() == [GUILD]
        await store.presets.delete(mine.owner, "sea")
        assert await store.presets.get(mine.owner, "sea") is None
        await store.presets.delete_all(guild_key(GUILD))
        assert await store.presets.servers() == []
        assert [one.name for one in await store.presets.of(mine.owner)] == ["Bay"]
