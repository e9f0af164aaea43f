"""The turns of shards that identify, among all processes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from spacebot.concurrency import TaskSet
from spacebot.engine.cluster import cluster as single
from spacebot.engine.store import ClusterSession
from spacebot.errors import StoreError

# Seconds between two tries to get a turn, and how long a process that just had one leaves the next
# to the others: long enough for all of them to try.
RETRY_PAUSE, OTHERS_FIRST = 0.3, 0.6
# How long a shard that has a session lets the disconnected ones go first, in any process.
GIVE_WAY = 1.0


class SharedTurns:
    """One identify of a bucket at a time. `session` gives the current one, if there is any, and
    `shared` says whether there are other processes."""

    def __init__(
        self, session: Callable[[], ClusterSession | None], shared: Callable[[], bool]
    ) -> None:
        self._session = session
        self._shared = shared
        # PostgreSQL counts how often a session takes a lock, so this process takes it once.
        self._locks = defaultdict[int, asyncio.Lock](asyncio.Lock)
        self._tasks = TaskSet()

    @asynccontextmanager
    async def turn(self, bucket: int, *, urgent: bool) -> AsyncIterator[None]:
        """Wait for a turn; the next one comes an interval after this one ends."""
        if not urgent:
            await self._give_way(bucket)
        while not await self._begin(bucket, urgent=urgent):
            await self._give_way(bucket)
        try:
            yield
        finally:
            self._end_after(single.IDENTIFY_INTERVAL, bucket)

    async def ended(self) -> None:
        """Wait until the turns of this process are over: its session holds them that long."""
        await self._tasks.ended()

    async def _give_way(self, bucket: int) -> None:
        while True:
            await asyncio.sleep(GIVE_WAY)
            if not self._locks[bucket].locked():
                return

    async def _begin(self, bucket: int, *, urgent: bool) -> bool:
        """Take the turn. An urgent shard waits for it; another one only tries."""
        lock = self._locks[bucket]
        had_turn = lock.locked()
        await lock.acquire()
        try:
            if had_turn and self._shared():
                await asyncio.sleep(OTHERS_FIRST)
            # Waiting in the database would keep the session from all else.
            while not await self._try(bucket):
                if not urgent:
                    lock.release()
                    return False
                await asyncio.sleep(RETRY_PAUSE)
        except BaseException:
            # The statement of a cancelled try goes on, and may take the lock.
            self._end_after(0.0, bucket)
            raise
        return True

    async def _try(self, bucket: int) -> bool:
        session = self._session()
        # While the database is down, this process has the shards that it has.
        try:
            return session is None or await session.begin_identify(bucket)
        except StoreError:
            return True

    def _end_after(self, seconds: float, bucket: int) -> None:
        self._tasks.start(self._end(seconds, bucket), "end of an identify turn")

    async def _end(self, seconds: float, bucket: int) -> None:
        try:
            await asyncio.sleep(seconds)
            session = self._session()
            if session is not None:
                with suppress(StoreError):
                    await session.end_identify(bucket)
        finally:
            self._locks[bucket].release()
