"""Jobs interrupted by a restart or a closed client: run again, or reported as lost.

One rule for every record: a job that was waiting runs again. A job that its Space may have worked
on runs again if repeating it does no harm. For any other, the requester is told once that it is
lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import discord

from spacebot.concurrency import TaskSet
from spacebot.discord_bot.delivery import DISCORD_ERRORS
from spacebot.engine.cluster import Cluster
from spacebot.engine.jobs import JobManager, secrets_of
from spacebot.engine.store import JobRecord, RecordState, StoreError, UnfinishedJob
from spacebot.errors import UnreadableRecord, kind_of
from spacebot.models import Job, JobEnding, shard_of

T = TypeVar("T")

log = logging.getLogger(__name__)

MAX_CONCURRENT_RECOVERIES = 10
# How often to retry reading from a database that fails, in seconds.
RETRY_PAUSE = 5.0


class RecoverySurface(Protocol):
    """Where an interrupted job is shown."""

    async def ending_shown(self) -> JobEnding | None:
        """How the job ended, if its message says so and its record does not."""
        ...

    async def tell_lost(self, state: str) -> None:
        """Say that the result is lost, for a job that was in this state."""
        ...


@dataclass(frozen=True, slots=True)
class Recovery:
    """How to continue one job: where it is shown, and what runs it for the first time here.

    `repeatable` says that its Space may do the work twice.
    """

    job: Job
    surface: RecoverySurface
    run: Callable[[], Coroutine[Any, Any, Any]]
    repeatable: bool


# Returns how to continue a record of its kind; None for other kinds.
RecoveryKind = Callable[[JobRecord], Awaitable[Recovery | None]]


class Recoverer:
    """Continues interrupted jobs once a client is ready. `kinds` are asked in this order."""

    def __init__(
        self,
        client: discord.Client,
        jobs: JobManager,
        kinds: Sequence[RecoveryKind],
        cluster: Cluster,
    ) -> None:
        self.client = client
        self.jobs = jobs
        self.cluster = cluster
        # The jobs that this client has recovered, or reported as lost.
        self._taken = set[str]()
        self._kinds = kinds
        self._limit = asyncio.Semaphore(MAX_CONCURRENT_RECOVERIES)
        self._tasks = TaskSet()

    async def recover(self, shard: int = 0) -> None:
        """Continue, or report as lost, every unfinished job in the servers of a shard."""
        left = await self._read(partial(self._left, shard))
        if left:
            log.info("%d jobs were interrupted by the restart", len(left))
        # A conversation's questions in order, everything else side by side.
        rows: defaultdict[str, list[str]] = defaultdict(list)
        for one in left:
            rows[one.chat or one.id].append(one.id)
        await asyncio.gather(*map(self._recover_in_order, rows.values()))

    async def _left(self, shard: int) -> list[UnfinishedJob]:
        # Their state before the database is queried: they continue to end meanwhile.
        ours, count = self.jobs.job_ids | self._taken, self.cluster.shard_count or 1
        left = [
            one
            for one in await self.jobs.store.unfinished()
            if one.id not in ours
            and shard_of(one.guild, count) == shard
            and not self.cluster.is_living(one.process)
        ]
        self._taken |= {one.id for one in left}
        return left

    async def _recover_in_order(self, jobs: Sequence[str]) -> None:
        async with self._limit:
            for job in jobs:
                await self._recover(job)

    async def _recover(self, job: str) -> None:
        """Continue one job, or report it as lost. A failure affects no other job."""
        recovery = None
        try:
            if not await self._read(partial(self.cluster.claim, job)):
                return
            if (record := await self._read(partial(self._record, job))) is not None:
                recovery = await self._read(partial(self._recovery, record))
                await self._take_up(record, recovery)
        except DISCORD_ERRORS as error:
            log.warning("job %s could not be recovered: %s", job, type(error).__name__)
        except Exception as error:
            if self.client.is_closed():
                return
            log.exception("job %s could not be recovered", job, exc_info=error)
            await self._give_up(job, recovery)

    async def _record(self, job: str) -> JobRecord | None:
        record = await self.jobs.store.get(job)
        # The record of its end may be the write that failed.
        return record if record is not None and record.is_unfinished else None

    async def _recovery(self, record: JobRecord) -> Recovery:
        for kind in self._kinds:
            if recovery := await kind(record):
                return recovery
        raise LookupError(record.id)

    async def _take_up(self, record: JobRecord, recovery: Recovery) -> None:
        if ending := await recovery.surface.ending_shown():
            await self.jobs.note(record.id, state=ending.value, ended=time.time())
        elif _is_safe(record, recovery):
            log.info("job %s %s is resumed", record.id, record.command)
            self._tasks.start(recovery.run(), f"job {record.id}")
        else:
            await recovery.surface.tell_lost(record.state)
            await self.jobs.lose(recovery.job)

    async def _give_up(self, job: str, recovery: Recovery | None) -> None:
        """End a job that cannot be recovered, and say so if possible."""
        if recovery is None:
            await self.jobs.note(job, state=JobEnding.LOST.value, ended=time.time())
            return
        try:
            await recovery.surface.tell_lost(RecordState.SENT)
        except Exception as error:
            log.warning("job %s: nobody could be told: %s", job, type(error).__name__)
        await self.jobs.lose(recovery.job)

    async def _read(self, reading: Callable[[], Awaitable[T]]) -> T:
        """The result of a query, retried while the database fails."""
        logged = False
        while True:
            try:
                return await reading()
            except UnreadableRecord:
                raise
            except StoreError as error:
                if not logged:
                    log.warning("what was left waits for the database: %s", kind_of(error))
            logged = True
            await asyncio.sleep(RETRY_PAUSE)

    async def take_over(self) -> None:
        """Continue the jobs of closed clients, until cancelled."""
        while True:
            running, go_on = await self.jobs.left.get()
            log.info("job %s is taken over", running.job.id)
            self._tasks.start(go_on(self.client), f"job {running.job.id}")


def _is_safe(record: JobRecord, recovery: Recovery) -> bool:
    """Whether a job can run without harm, and with all its values: secrets are not stored."""
    harmless = record.state == RecordState.WAITING or recovery.repeatable
    return harmless and not secrets_of(record)
