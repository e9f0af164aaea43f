"""A cluster, as the client that connects its shards sees it; a single process is the smallest."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypeAlias

from spacebot import __version__
from spacebot.models import ClusterStatus, GatewaySession, ProcessStatus

# Gives the servers and jobs of this process, as `ProcessStatus` names them.
Counts: TypeAlias = Callable[[], Mapping[str, int]]
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

    def take_up(self, shards: Collection[int]) -> None:
        """Read the data of these shards' servers again, and recover the jobs left there."""
        ...

    def lead(self) -> None:
        """Register the bot's commands from now on."""
        ...

    def cancel(self, target: str, /) -> str:
        """Cancel a job, or the answer of a conversation, that runs here; returns what that does,
        empty if it does not run here."""
        ...

    def refresh_accounts(self) -> None:
        """Look members' accounts up again: theirs may have changed through another process."""
        ...


class Cluster(Protocol):
    """The processes of the bot, as one of them sees it.

    `shard_count` is the number of all shards, 0 until `share` knows it; `leads` says whether
    this process registers the bot's commands. `process` is its id, None where it shares with no
    other; `trouble` says why it may not answer, as a sentence.
    """

    shard_count: int
    process: int | None
    leads: bool
    trouble: str

    async def share(self, host: ShardHost, advised: int) -> None:
        """Have `host` hold this process's shards until cancelled; Discord `advised` this number of
        shards."""
        ...

    def identifying(self, bucket: int, *, urgent: bool) -> AbstractAsyncContextManager[None]:
        """Wait until a shard of this bucket may identify, and hold its turn meanwhile.

        It is `urgent` if the shard is not connected.
        """
        ...

    async def leave(self) -> None:
        """Hand the shards over, before this process ends."""
        ...

    def status(self) -> ClusterStatus:
        """The processes as this one last saw them."""
        ...

    def is_living(self, process: int | None) -> bool:
        """Whether another process has not ended."""
        ...

    async def claim(self, job: str) -> bool:
        """Assign a job to this process if no living process has it; whether that worked."""
        ...

    async def cancel(self, process: int, target: str) -> str:
        """Have another process cancel what it runs, as `ShardHost.cancel` does. Raises `StoreError`
        or `TimeoutError` where that process cannot be reached."""
        ...


def own_status(
    process: int,
    started: float,
    counts: Mapping[str, int],
    *,
    shards: Iterable[int],
    stopping: bool = False,
) -> ProcessStatus:
    """This process, as it is now."""
    return ProcessStatus(
        process,
        socket.gethostname(),
        __version__,
        started,
        time.time(),
        shards=tuple(sorted(shards)),
        stopping=stopping,
        **counts,
    )


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
    """The only process there is: it holds every shard. `shards` fixes their number, `counts`
    gives its servers and jobs."""

    leads = True
    process: int | None = None
    trouble = ""

    def __init__(self, shards: int = 0, counts: Counts = dict) -> None:
        self.shard_count = 0
        self._fixed = shards
        self._counts = counts
        self._started = time.time()
        self._turns = IdentifyTurns()

    async def leave(self) -> None:
        """Nobody takes over: the shards stay until the client is closed."""

    def status(self) -> ClusterStatus:
        """This process alone."""
        shards = range(self.shard_count)
        own = own_status(0, self._started, self._counts(), shards=shards)
        return ClusterStatus(0, (own,), self.shard_count)

    async def share(self, host: ShardHost, advised: int) -> None:
        """Start every shard."""
        self.shard_count = self._fixed or advised
        for shard in range(self.shard_count):
            host.start(shard)
        await asyncio.get_running_loop().create_future()

    def identifying(self, bucket: int, *, urgent: bool) -> AbstractAsyncContextManager[None]:
        """Wait for the bucket's turn in this process."""
        del urgent
        return self._turns.turn(bucket)

    def is_living(self, process: int | None) -> bool:
        """There is no other."""
        del process
        return False

    async def claim(self, job: str) -> bool:
        """Every job is this process's."""
        del job
        return True

    async def cancel(self, process: int, target: str) -> str:
        """There is no other."""
        del process, target
        return ""
