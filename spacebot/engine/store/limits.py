"""The limits that servers' moderators set, and what members have used of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from spacebot.engine.store.batches import in_batches
from spacebot.engine.store.part import StorePart
from spacebot.engine.store.tables import by_key, counted_jobs, server_limits

# Stands in place of a role's id.
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The limits of one server; by default there are none.

    `member_jobs` is how many jobs a member may start a day, and `role_jobs` the same by role id.
    `running` and `waiting` are how many of a member's jobs may run or wait at once. None means no
    limit. Conversations work in `chat_channels`, or everywhere if that is empty. `run_access` says
    who may run any Space: "" everyone, `NOBODY`, or members with the role of this id. `log_channel`
    gets a line for each job; `log_maker` set it. Ids are Discord's, as text.
    """

    guild: str
    member_jobs: int | None = None
    role_jobs: Mapping[str, int] = field(default_factory=dict)
    running: int | None = None
    waiting: int | None = None
    chat_channels: Sequence[str] = ()
    run_access: str = ""
    blocked_members: Sequence[str] = ()
    blocked_words: Sequence[str] = ()
    log_channel: str = ""
    log_prompts: bool = False
    log_maker: str = ""

    @property
    def counts_jobs(self) -> bool:
        """Whether the jobs of a day must be counted."""
        return self.member_jobs is not None or bool(self.role_jobs)

    def jobs_a_day(self, roles: frozenset[str]) -> int | None:
        """How many jobs a member with these roles may start a day: the most
        generous role counts."""
        own = [most for role, most in self.role_jobs.items() if role in roles]
        return max(own) if own else self.member_jobs


class LimitsStore(StorePart):
    """The limits in the store."""

    async def all(self) -> list[ServerLimits]:
        """The limits of every server that set some."""
        found = await self._rows(sa.select(server_limits))
        return [ServerLimits(**by_key(row, server_limits)) for row in found]

    async def save(self, limits: ServerLimits) -> None:
        """Save a server's limits."""
        await self._put(server_limits, asdict(limits))

    async def used(self, day: int) -> dict[tuple[str, str], int]:
        """The jobs counted on a day, by server and member."""
        table = counted_jobs.c
        key = (table.guild, table.user)
        counted = sa.func.sum(table.jobs).label("counted")
        found = await self._rows(sa.select(*key, counted).where(table.day == day).group_by(*key))
        return {(row.guild, row.user): int(row.counted) for row in found}

    async def count(self, job: str, guild: str, user: str, day: int, jobs: int) -> None:
        """Note how many of a member's `jobs` of a day this job counts as, durably."""
        row = {"guild": guild, "user": user, "day": day, "job": job, "jobs": jobs}
        await self._put(counted_jobs, row)

    async def forget(self, before: int) -> None:
        """Forget what was counted on the days before this one."""
        table = counted_jobs.c
        key = (table.guild, table.user, table.day, table.job)
        old = sa.select(*key).where(table.day < before)
        # In a list of keys, SQLite would look up every server with every member.
        one = counted_jobs.delete().where(*(column == sa.bindparam(column.name) for column in key))

        async def find(rows: int) -> list[dict[str, Any]]:
            return [dict(row._mapping) for row in await self._rows(old.limit(rows))]

        async def delete(found: Sequence[dict[str, Any]]) -> None:
            await self._execute(one, found)

        async for _ in in_batches(find, delete):
            pass
