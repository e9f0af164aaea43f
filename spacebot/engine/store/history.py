"""A member's past jobs, for browsing and searching, and the results that they starred."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from spacebot.engine.store.part import StorePart
from spacebot.engine.store.tables import favourites, jobs
from spacebot.models import MessageRef

# How many of the newest jobs a search covers: more would hold up others.
MAX_SEARCHED = 1000
MAX_FAVOURITES = 100


@dataclass(frozen=True, slots=True)
class PastJob:
    """One job of a member, without its result; `said` is the text of a conversation's question."""

    id: str
    command: str
    state: str
    arguments: Mapping[str, Any] = field(repr=False)
    message_ref: MessageRef
    created: float
    said: str | None
    starred: bool


class HistoryStore(StorePart):
    """The past jobs in the store."""

    async def of(self, user: str, guild: int | None, *, starred: bool = False) -> list[PastJob]:
        """A member's newest jobs in a server or in direct messages, newest first."""
        mine = sa.and_(favourites.c.job == jobs.c.id, favourites.c.user == user)
        columns = (jobs.c.id, jobs.c.command, jobs.c.state, jobs.c.arguments, jobs.c.message_ref)
        stars = favourites.c.user.is_not(None)
        said = jobs.c.turn["text"].as_string()
        query = sa.select(*columns, jobs.c.created, said, stars.label("starred"))
        query = query.select_from(jobs.outerjoin(favourites, mine)).where(jobs.c.user == user)
        place = sa.cast(jobs.c.message_ref["guild"].as_string(), sa.BigInteger)
        query = query.where(place.is_(None) if guild is None else place == guild)
        if starred:
            query = query.where(stars)
        found = await self._rows(query.order_by(jobs.c.created.desc()).limit(MAX_SEARCHED))
        return [PastJob(*row) for row in found]

    async def stars(self, user: str) -> set[str]:
        """The jobs that a member starred."""
        found = await self._rows(sa.select(favourites.c.job).where(favourites.c.user == user))
        return {row.job for row in found}

    async def star(self, user: str, job: str) -> None:
        """Star a job."""
        row = {"user": user, "job": job, "created": time.time()}
        await self._put(favourites, row)

    async def unstar(self, user: str, job: str) -> None:
        """Unstar a job."""
        mine = sa.and_(favourites.c.user == user, favourites.c.job == job)
        await self._execute(favourites.delete().where(mine))
