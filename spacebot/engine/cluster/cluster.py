"""A cluster, as the client that connects its shards sees it; a single process is the smallest."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from spacebot.models import GatewaySession

# Discord allows one identify for a bucket of shards in this many seconds.
IDENTIFY_INTERVAL = 5.0


class ShardHost(Protocol):
    """Connects shards to Discord."""

    def start(self, shard: int, session: GatewaySession | None = None) -> None:
        """Begin to connect a shard, resuming its session if there is one."""
        ...

    async def stop(self, shard: int) -> GatewaySession | None:
        """Disconnect a shard; returns the session that another process can resume."""
        ...


class Cluster(Protocol):
    """The processes of the bot, as one of them sees it.

    `shard_count` is the number of all shards, 0 until `share` knows it; `leads` says whether
    this process registers the bot's commands.
    """

    shard_count: int

    @property
    def leads(self) -> bool:
        """Whether this process registers the bot's commands."""
        ...

    async def share(self, host: ShardHost, advised: int) -> None:
        """Have `host` hold this process's shards until cancelled; Discord `advised` this number of
        shards."""
        ...

    def identifying(self, bucket: int) -> AbstractAsyncContextManager[None]:
        """Wait until a shard of this bucket may identify, and hold its turn meanwhile."""
        ...


class IdentifyTurns:
    """The turns of one process: one identify of a bucket at a time, in `IDENTIFY_INTERVAL`."""

    def __init__(self) -> None:
        self._locks = defaultdict[int, asyncio.Lock](asyncio.Lock)
        self._free: dict[int, float] = {}

    @asynccontextmanager
    async def turn(self, bucket: int) -> AsyncIterator[None]:
        """Wait for a turn; the next one comes an interval after this one ends."""
        async with self._locks[bucket]:
            await asyncio.sleep(max(0.0, self._free.get(bucket, 0.0) - time.monotonic()))
            try:
                yield
            finally:
                self._free[bucket] = time.monotonic() + IDENTIFY_INTERVAL


class SingleProcess:
    """A process without others: it holds every shard. `shards` fixes their number."""

    leads = True

    def __init__(self, shards: int = 0) -> None:
        self.shard_count = 0
        self._fixed = shards
        self._turns = IdentifyTurns()

    async def share(self, host: ShardHost, advised: int) -> None:
        """Start every shard."""
        self.shard_count = self._fixed or advised
        for shard in range(self.shard_count):
            host.start(shard)
        await asyncio.get_running_loop().create_future()

    def identifying(self, bucket: int) -> AbstractAsyncContextManager[None]:
        """Wait for the bucket's turn in this process."""
        return self._turns.turn(bucket)
