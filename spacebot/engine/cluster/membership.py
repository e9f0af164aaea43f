"""Several processes on one PostgreSQL database, as each of them takes part.

Each holds a lock for itself and one for each of its shards, in a session of its own: they are
free as soon as that ends. What a dead process worked on is free once its session has
been away for `ABSENT` of `recovery_seconds`. A process that cannot reach the database leaves
Discord and its jobs after `SILENT` of them, which is sooner: nothing is ever done by two. Where
the database itself is down, nobody can take anything, and all go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from spacebot.concurrency import TaskSet
from spacebot.engine.cluster.calls import ProcessCalls
from spacebot.engine.cluster.cluster import IDENTIFY_INTERVAL, Counts, ShardHost, own_status
from spacebot.engine.cluster.turns import SharedTurns
from spacebot.engine.store import ClusterSession, is_down
from spacebot.errors import ClusterLost, StoreError
from spacebot.models import ClusterStatus, ProcessStatus

log = logging.getLogger(__name__)

# Parts of `recovery_seconds`: how long a process goes on without the database, how long it is
# away before others take over, and after what time the server ends a silent session.
SILENT, ABSENT, VANISHED = 0.2, 0.35, 0.3
# Seconds between two looks at the others, and between two tries to get the database back.
BEAT, RETRY_PAUSE = 1.0, 0.3
# How often a process updates its row, in seconds, unless its shards change.
DESCRIBE_INTERVAL = 5.0
# What one look at a silent database counts at most, in seconds.
TICK = 0.1
# The least time for one try to get the database back, in seconds.
MIN_TRY = 0.5
# The longest that handing the shards over may take, and closing after that, in seconds.
HAND_OVER, CLOSE = 3.0, IDENTIFY_INTERVAL + 1.0
TAKEN_OVER = "Another process has taken over this one's shards and jobs. This one is restarting."
BUG = "Sharing the work with other processes failed; the log has the details. Trying again."
STANDS_BY = "This process cannot reach the database, so it answers nobody. Others may."


class Membership:
    """This process among those of the database `url`. `run` it for as long as there is work.

    `counts` gives its servers and jobs, as `ProcessStatus` names them; `abandon` leaves its jobs
    to the others without a word. `shards` fixes the number of shards, `recovery_seconds` how
    soon the others recover what this process had, at most.
    """

    def __init__(
        self,
        url: str,
        *,
        counts: Counts,
        abandon: Callable[[], None],
        shards: int = 0,
        recovery_seconds: float = 15.0,
    ) -> None:
        self.process: int | None = None
        self.shard_count = 0
        self.leads = False
        self.trouble = ""
        self._url, self._counts, self._abandon = url, counts, abandon
        self._fixed, self._seconds = shards, recovery_seconds
        self._started = time.time()
        self._session: ClusterSession | None = None
        self._host: ShardHost | None = None
        self._advised = 0
        self._lost: asyncio.Future[None] | None = None
        self._held = set[int]()
        # Shards whose jobs another process left: the next whole beat recovers them.
        self._due = set[int]()
        self._leaving = False
        self._others: list[ProcessStatus] = []
        # Since when each process has been seen without its session.
        self._absent: dict[int, float] = {}
        self._described = 0.0
        self._answered = time.monotonic()
        self._turns = SharedTurns(lambda: self._session, lambda: len(self._others) > 1)
        self._calls = ProcessCalls(lambda: self._session, self._cancel_here)
        self._busy = asyncio.Lock()
        self._tasks = TaskSet()

    async def run(self) -> None:
        """Take part until cancelled."""
        while True:
            try:
                await self._join()
                await self._take_part()
            except StoreError as error:
                log.error("this process leaves the cluster: %s", error)
                await self._leave_all(error)
            except Exception:
                log.exception("this process leaves the cluster because of a bug")
                await self._leave_all(ClusterLost(BUG))
                await asyncio.sleep(BEAT)

    async def _join(self) -> None:
        while self.process is None:
            try:
                self._session, self.process = await self._joined()
            except (StoreError, TimeoutError) as error:
                self.trouble = str(error) or STANDS_BY
                await asyncio.sleep(RETRY_PAUSE)
        self._answered = time.monotonic()
        self.trouble = ""
        log.info("this is process %d of the cluster", self.process)

    async def _joined(self) -> tuple[ClusterSession, int]:
        async with asyncio.timeout(VANISHED * self._seconds):
            session = await self._open()
            try:
                return session, await session.join(self._own())
            except BaseException:
                await session.close()
                raise

    async def _open(self) -> ClusterSession:
        return await ClusterSession.open(
            self._url, vanished_after=VANISHED * self._seconds, heard=self._calls.heard
        )

    async def _take_part(self) -> None:
        while True:
            try:
                async with self._busy:
                    await self._beat_in_time()
                self._answered = time.monotonic()
            except ClusterLost:
                raise
            except (StoreError, TimeoutError):
                async with self._busy:
                    await self._return()
            await asyncio.sleep(BEAT)

    async def _beat_in_time(self) -> None:
        """Raise `TimeoutError` where the database is silent for too long.

        Time in which this process itself did nothing does not count: its session stands.
        """
        beat = asyncio.create_task(self._beat(), name="beat")
        try:
            for _ in range(round(SILENT * self._seconds / TICK)):
                await asyncio.wait({beat}, timeout=TICK)
                silent = time.monotonic() - self._answered
                if beat.done() or silent > ABSENT * self._seconds:
                    break
            if not beat.done():
                raise TimeoutError
            beat.result()
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)

    async def _beat(self) -> None:
        """See who is there, and take or give what is due."""
        assert self._session is not None
        await self._describe()
        await self._bury()
        if self._host is not None:
            await self._balance(self._host)
        assert self.process is not None
        await self._session.release(self.process, self._held)
        if not self._leaving:
            await self._work_up()

    async def _work_up(self) -> None:
        """Lead if nobody does, and recover what others left."""
        assert self._session is not None
        if self._held and not self.leads and await self._session.lead():
            self.leads = True
            if self._host is not None:
                self._host.lead()
        due, self._due = self._due & self._held, set()
        if due and self._host is not None:
            self._host.take_up(due)

    async def _describe(self) -> None:
        assert self._session is not None
        assert self.process is not None
        own = self._own()
        known = next((one for one in self._others if one.id == self.process), None)
        changed = known is None or (known.shards, known.stopping) != (own.shards, own.stopping)
        if not changed and time.monotonic() - self._described < DESCRIBE_INTERVAL:
            return
        values = {name: getattr(own, name) for name in ("servers", "running", "waiting")}
        shards = [*own.shards]
        if not await self._session.beat(
            self.process, **values, shards=shards, stopping=own.stopping
        ):
            raise ClusterLost(TAKEN_OVER)
        self._described = time.monotonic()
        if self._host is not None and len(self._others) > 1:
            self._host.refresh_accounts()

    def _own(self) -> ProcessStatus:
        stopping = self._leaving or self._host is None
        return own_status(
            self.process or 0, self._started, self._counts(), shards=self._held, stopping=stopping
        )

    async def _bury(self) -> None:
        """Take those out that are gone."""
        assert self._session is not None
        before = {one.id for one in self._others}
        present, now = await self._session.present(), time.monotonic()
        for one in await self._session.processes():
            if one.id in present or one.id == self.process:
                self._absent.pop(one.id, None)
            elif now - self._absent.setdefault(one.id, now) >= ABSENT * self._seconds and (
                await self._session.bury(one.id)
            ):
                log.warning("process %d is gone; its shards and jobs are taken over", one.id)
        self._others = await self._session.processes()
        if before - {one.id for one in self._others}:
            self._due |= self._held

    async def _balance(self, host: ShardHost) -> None:
        """Take the free shards that are this process's share, or give up what is beyond it."""
        assert self._session is not None
        assert self.process is not None
        alone = not self._held and len(self._others) == 1
        if not self._leaving and (alone or not self.shard_count):
            self.shard_count = await self._session.settle_count(self._fixed or self._advised)
        share = self._share()
        for shard in sorted(self._held, reverse=True)[: max(0, len(self._held) - share)]:
            await self._give(shard)
        for shard in await self._session.free_shards(self.process):
            if len(self._held) >= share:
                break
            if shard in self._held:
                continue
            ours, session = await self._session.take(shard, self.process)
            # The client may have been closed meanwhile: then the shard is released.
            if ours and self._host is host:
                self._held.add(shard)
                self._due.add(shard)
                host.start(shard, session)

    def _share(self) -> int:
        """How many shards this process should hold: all take the same number, older ones one
        more where they do not divide. A process that leaves takes none back."""
        if self._leaving:
            return 0
        members = [one.id for one in self._others if not one.stopping or one.id == self.process]
        least, more = divmod(self.shard_count, max(1, len(members)))
        place = members.index(self.process) if self.process in members else len(members)
        return least + (place < more)

    async def _give(self, shard: int) -> None:
        session, host, process = self._session, self._host, self.process
        if session is None or host is None or process is None or shard not in self._held:
            return
        self._held.discard(shard)
        await session.give(shard, process, await host.stop(shard))

    async def _return(self) -> None:
        """Get the session back. Raises `ClusterLost` where others may have taken over."""
        log.warning("the session with the database is lost")
        self.leads = False
        while True:
            if self._session is not None:
                await self._session.close()
            left = self._answered + SILENT * self._seconds - time.monotonic()
            try:
                async with asyncio.timeout(max(MIN_TRY, left)):
                    self._session = await self._open()
                if await self._rejoined(self._session):
                    log.info("the session with the database is back")
                    self._answered = time.monotonic()
                    return
                raise ClusterLost(TAKEN_OVER)
            except ClusterLost:
                raise
            except (StoreError, TimeoutError) as error:
                if isinstance(error, StoreError) and is_down(error):
                    self._answered = time.monotonic()
            if time.monotonic() - self._answered > SILENT * self._seconds:
                raise ClusterLost(STANDS_BY)
            await asyncio.sleep(RETRY_PAUSE)

    async def _rejoined(self, session: ClusterSession) -> bool:
        assert self.process is not None
        # The server may not have noticed yet that the last session has ended.
        async with asyncio.timeout(SILENT * self._seconds):
            while not await session.rejoin(self.process):
                if self.process not in {one.id for one in await session.processes()}:
                    return False
                await asyncio.sleep(RETRY_PAUSE)
            missing = set(self._held)
            while missing := {  # noqa: ASYNC110 - the database tells nobody of a freed lock
                shard for shard in missing if not await session.keep(shard)
            }:
                await asyncio.sleep(RETRY_PAUSE)
        return True

    async def _leave_all(self, error: StoreError) -> None:
        """Leave Discord and the jobs to the others."""
        self.trouble = str(error)
        self._abandon()
        host, self._host = self._host, None
        if host is not None:
            await asyncio.gather(*map(host.stop, self._held), return_exceptions=True)
        self._held.clear()
        if self._session is not None:
            await self._session.close()
        self._session, self.process, self.leads = None, None, False
        self._others = []
        if self._lost is not None and not self._lost.done():
            self._lost.set_exception(error)

    async def share(self, host: ShardHost, advised: int) -> None:
        """Have `host` hold this process's share of the shards, until cancelled.

        Raises `ClusterLost` where this process must not go on as it is.
        """
        self._lost = asyncio.get_running_loop().create_future()
        self._advised, self._host = advised, host
        try:
            await self._lost
        finally:
            self._lost = None
            await asyncio.shield(self._tasks.start(self._stop_sharing(host), "give shards up"))

    async def _stop_sharing(self, host: ShardHost) -> None:
        if self._host is host:
            await self._hand_over()
        if self._host is host:
            self._host = None
            self._held.clear()

    async def leave(self) -> None:
        """Hand the shards over, and take no more: this process is about to end."""
        self._leaving = True
        await self._hand_over()

    async def _hand_over(self) -> None:
        """Give every shard up, in bounded time; whatever fails is only logged."""
        try:
            async with asyncio.timeout(min(HAND_OVER, SILENT * self._seconds)), self._busy:
                await self._give_all()
        except (StoreError, TimeoutError) as error:
            log.warning("the shards could not all be handed over: %r", error)
            # A statement may be cut halfway: the next beat begins a session and releases the rest.
            if self._session is not None:
                await self._session.close()
        except Exception:
            log.exception("the shards could not be handed over because of a bug")

    async def _give_all(self) -> None:
        ends = await asyncio.gather(*map(self._give, sorted(self._held)), return_exceptions=True)
        for error in filter(None, ends):
            raise error
        if self._session is not None:
            await self._describe()

    async def close(self) -> None:
        """Be gone: the others recover what did not end."""
        if self._session is None:
            return
        try:
            async with asyncio.timeout(CLOSE):
                if self.process is not None:
                    await asyncio.wait_for(self._session.remove(self.process), HAND_OVER)
                if len(self._others) > 1:
                    await self._turns.ended()
        except (StoreError, TimeoutError):
            log.warning("the database does not answer; the others will notice that this one ended")
        await self._session.close()

    def identifying(self, bucket: int, *, urgent: bool) -> AbstractAsyncContextManager[None]:
        """Wait for the bucket's turn among all processes."""
        return self._turns.turn(bucket, urgent=urgent)

    async def claim(self, job: str) -> bool:
        """Assign a job to this process if no living process has it; whether that worked."""
        if self._session is None or self.process is None:
            return False
        return await self._session.claim(job, self.process)

    async def cancel(self, process: int, target: str) -> str:
        """Have another process cancel what it runs; returns what that does."""
        return await self._calls.cancel(self.process or 0, process, target)

    def _cancel_here(self, target: str) -> str | None:
        return None if self._host is None else self._host.cancel(target)

    def is_living(self, process: int | None) -> bool:
        """Whether another process has not ended."""
        return process != self.process and process in {one.id for one in self._others}

    def status(self) -> ClusterStatus:
        """The processes as this one last saw them."""
        own = self._own()
        others = [own if one.id == own.id else one for one in self._others] or [own]
        return ClusterStatus(own.id, tuple(others), self.shard_count, self.trouble)
