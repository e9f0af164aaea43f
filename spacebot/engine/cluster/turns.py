"""The turns of shards that identify, among all processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from spacebot.concurrency import TaskSet
from spacebot.engine.cluster import cluster as single
from spacebot.engine.store import ClusterSession
from spacebot.errors import StoreError

# Seconds between two tries to get a turn, and how long a shard that has a session lets others go
# first, in any process.
RETRY_PAUSE, GIVE_WAY = 0.3, 1.0


class SharedTurns:
    """One identify of a bucket at a time; `session` gives the current one, if there is any."""

    def __init__(self, session: Callable[[], ClusterSession | None]) -> None:
        self._session = session
        self._turns = single.IdentifyTurns()
        self._tasks = TaskSet()

    @asynccontextmanager
    async def turn(self, bucket: int, *, urgent: bool) -> AsyncIterator[None]:
        """Wait for a turn; the next one comes an interval after this one ends."""
        async with self._turns.turn(bucket):
            if not urgent:
                await asyncio.sleep(GIVE_WAY)
            # Waiting in the database would keep the session from all else.
            while not await self._begin(bucket):  # noqa: ASYNC110
                await asyncio.sleep(RETRY_PAUSE if urgent else GIVE_WAY)
            try:
                yield
            finally:
                self._tasks.start(self._end(bucket), "end of an identify turn")

    async def ended(self) -> None:
        """Wait until the turns of this process are over: its session holds them that long."""
        await self._tasks.ended()

    async def _begin(self, bucket: int) -> bool:
        session = self._session()
        # While the database is down, this process has the shards that it has.
        try:
            return session is None or await session.begin_identify(bucket)
        except StoreError:
            return True

    async def _end(self, bucket: int) -> None:
        session = self._session()
        await asyncio.sleep(single.IDENTIFY_INTERVAL)
        if session is not None and session is self._session():
            try:
                await session.end_identify(bucket)
            except StoreError:
                return
