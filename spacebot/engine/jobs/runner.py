"""One job's way: waiting here, running on the Space, and back as messages to post."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import html
import logging
import math
import re
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacebot.engine import job_text
from spacebot.engine.accounts import Accounts
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs.gpu_quota import GpuQuotas
from spacebot.engine.jobs.handle import JobHandle
from spacebot.engine.jobs.queue import JobQueue, QueueTicket
from spacebot.engine.jobs.rendering import RenderPool, is_light
from spacebot.engine.jobs.result_files import MAX_BYTES_IN_MEMORY, ResultFolders
from spacebot.errors import (
    DiskFull,
    QuotaExceeded,
    SpaceBusy,
    SpaceError,
    SpaceRaised,
    SpaceSilent,
    SpaceUnreadable,
)
from spacebot.models import Job, JobStage, Outcome, Progress, Reply
from spacebot.settings import Settings
from spacebot.spaces import inputs, outputs
from spacebot.spaces.client import (
    Connection,
    JobWithdrawn,
    PageEventsRan,
    Partial,
    Result,
    Toast,
    Update,
)
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH, MAX_MESSAGES
from spacebot.spaces.outputs.values import files_in

log = logging.getLogger(__name__)

# The limits on a Space's messages during a job: characters of each, and how many.
MAX_NOTE_LENGTH, MAX_NOTES = 2000, 20
# A conversation is meant to be read; only the longest answers become a file.
MAX_CHAT_MESSAGES = 8
# The pauses between attempts, in seconds, if the Space asks for none.
FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE = 2.0, 30.0
# How many waiting jobs a second look at their places: in a long line, each does so less often.
RANKS_PER_SECOND = 200

SentMarker = Callable[[JobHandle, bool], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class JobDeadlines:
    """After how many seconds a job is abandoned.

    `queue` is the time in the Space's own queue, `silence` without any response, `total` from start
    to end. `retry` is how long a job that cannot have run yet is retried, with pauses from 2 to 30
    seconds.
    """

    queue: float = 1800.0
    silence: float = 45.0
    total: float = 3600.0
    retry: float = 120.0

    @classmethod
    def from_settings(cls, settings: Settings) -> JobDeadlines:
        """The deadlines that the owner set."""
        return cls(
            queue=settings.queue_seconds,
            silence=settings.silence_seconds,
            total=settings.job_seconds,
            retry=settings.retry_seconds,
        )


class JobRunner:
    """Takes jobs from their values to the messages to post.

    `cap` limits the bytes of one downloaded result file; `mark(running, sent)` records that a job
    goes to its Space, or is back; `results` provides a folder in memory while the disk is full.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        queue: JobQueue,
        deadlines: JobDeadlines,
        *,
        cap: int,
        mark: SentMarker,
        results: ResultFolders,
        accounts: Accounts | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.queue = queue
        self.deadlines = deadlines
        self._cap = cap
        self._mark = mark
        self._results = results
        self._accounts = accounts
        self._quotas = GpuQuotas()
        self._rendering = RenderPool()

    def close(self) -> None:
        """End the threads and processes."""
        self._rendering.close()

    def _connection(self, running: JobHandle) -> Connection:
        return self.catalogue.connection(running.job.endpoint.space, running.account)

    async def run(self, running: JobHandle) -> Outcome:
        """Run a job to its end; raises `SpacebotError`."""
        deadline = asyncio.timeout(self.deadlines.total)
        try:
            async with deadline:
                return await self._run(running)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            then = "smaller values" if running.began else "again when fewer people use the Space"
            raise SpaceSilent(
                f"This job took longer than {job_text.duration(self.deadlines.total)}, so the bot "
                f"stopped waiting. Try {then}."
            ) from error

    async def _run(self, running: JobHandle) -> Outcome:
        self._rendering.warm()
        if running.prepare is not None:
            arguments = await running.prepare(running.job)
            running.job = replace(running.job, arguments=arguments)
        await self._choose_account(running)
        values = await self._values(running)
        endpoint, user = running.job.endpoint, running.job.requester.turns
        server = str(running.job.server or "")
        ticket = self.queue.enter(endpoint.space, endpoint.api_name, user, server)
        try:
            await self._turn(running, ticket)
            running.outputs = await self._attempts(running, ticket, values)
        except SpaceRaised as error:
            error.empty = inputs.left_empty(endpoint, running.job.arguments)
            raise
        except QuotaExceeded as error:
            raise self._quotas.explain(running, values, error) from error
        finally:
            if ticket.sent:
                running.run_seconds = time.monotonic() - ticket.sent
            self.queue.leave(ticket)
        running.update(Progress(JobStage.FETCHING))
        replies = await self._render(running, running.outputs, running.header)
        timing, values = (running.wait_seconds, running.run_seconds), tuple(running.outputs)
        return Outcome(replies, *timing, values, running.page_ran)

    async def _choose_account(self, running: JobHandle) -> None:
        """Choose whose Hugging Face account the job runs with; raises `HubTokenRefused`."""
        if self._accounts is not None:
            account = await self._accounts.of_job(running.job)
            running.account = self.catalogue.account_for(running.job.endpoint.space, account)
        running.job = replace(running.job, account=running.account.key)

    async def _values(self, running: JobHandle) -> dict[str, Any]:
        job = running.job
        if not any(files_in(job.arguments)):
            return inputs.values(job.endpoint, job.arguments)
        # Attached tables are read: a few MB take a while.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._rendering.pool, inputs.values, job.endpoint, job.arguments
        )

    async def _turn(self, running: JobHandle, ticket: QueueTicket) -> None:
        """Wait in line here, showing the place."""
        while not ticket.granted.is_set():
            rank, size = self.queue.rank(ticket)
            running.update(Progress(JobStage.WAITING, rank=rank, size=size))
            # Not `wait_for`: in Python 3.11 it loses a cancel that comes with the turn.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(1.0, size / RANKS_PER_SECOND)):
                    await ticket.granted.wait()
        running.wait_seconds = ticket.sent - ticket.entered

    async def _attempts(
        self, running: JobHandle, ticket: QueueTicket, values: dict[str, Any]
    ) -> list[Any]:
        """Run on the Space, retrying if the job cannot have run yet and trying again can help."""
        tries, deadline = 1, math.inf
        while True:
            try:
                return await self._once(running, ticket, values)
            except JobWithdrawn:
                await self._unsent(running)
                self.queue.back(ticket)
                await self._turn(running, ticket)
            except SpaceError as error:
                if tries == 1:
                    # Counted from the first failure: the job may have waited in a queue for long by
                    # then.
                    deadline = time.monotonic() + self.deadlines.retry
                pause = error.wait or min(FIRST_RETRY_PAUSE * 2 ** (tries - 1), MAX_RETRY_PAUSE)
                safe = error.safe_to_retry or running.job.endpoint.repeatable
                # A quota comes back in hours, so the requester is told at once.
                soon = error.worth_retrying and not isinstance(error, QuotaExceeded)
                if not (soon and safe) or time.monotonic() + pause > deadline:
                    raise
                log.info("job %s tries again: %s", running.job.id, type(error).__name__)
                await self._unsent(running)
                tries += 1
                why = re.sub(r" Try again\b.*", "", str(error))
                running.update(Progress(JobStage.WAKING, step=tries, eta=pause, note=why))
                await asyncio.sleep(pause)

    async def _unsent(self, running: JobHandle) -> None:
        """Record that the Space does not have the job after all."""
        running.sent = running.began = False
        running.partial = None
        await self._mark(running, False)

    async def _once(
        self, running: JobHandle, ticket: QueueTicket, values: dict[str, Any]
    ) -> list[Any]:
        job, connection = running.job, self._connection(running)
        await self._reach(running, connection)
        await self._quotas.check(running, connection, values)
        running.sent = True
        await self._mark(running, True)
        updates = connection.run(
            job.endpoint.api_name,
            values,
            key=session_key(job),
            stateful=job.endpoint.stateful,
            before=job.endpoint.before,
            failing=job.endpoint.failing,
            after=job.endpoint.after,
            page=job.endpoint,
            silence=self.deadlines.silence,
            recall=ticket.withdrawn,
        )
        result = Result([])
        queueing = asyncio.timeout_at(self._queue_deadline())
        try:
            async with queueing, contextlib.aclosing(updates):
                async for update in updates:
                    if isinstance(update, Result):
                        result = update
                    else:
                        self._take(running, ticket, update)
                    if running.began:
                        queueing.reschedule(None)
                    elif queueing.when() is None:
                        queueing.reschedule(self._queue_deadline())
        except TimeoutError as error:
            if not queueing.expired():
                raise
            raise SpaceBusy(
                f"This waited {job_text.duration(self.deadlines.queue)} "
                "in the Space's own queue, so "
                "the bot stopped waiting. Try again when fewer people use the Space."
            ).for_good() from error
        return [*connection.visible(job.endpoint.api_name, result.outputs), *result.shown]

    def _queue_deadline(self) -> float:
        return asyncio.get_running_loop().time() + self.deadlines.queue

    async def _reach(self, running: JobHandle, connection: Connection) -> None:
        """Reach the Space, showing what is known about how long that takes."""
        if not connection.is_open:
            running.update(Progress(JobStage.WAKING))
        reaching = asyncio.ensure_future(connection.ready())
        try:
            while not (await asyncio.wait({reaching}, timeout=1.0))[0]:
                hub = connection.hub
                running.update(Progress(JobStage.WAKING, note=hub.news, eta=hub.left))
        finally:
            reaching.cancel()
        reaching.result()

    def _take(self, running: JobHandle, ticket: QueueTicket, update: Update) -> None:
        """Store an update for the next reader of the job."""
        match update:
            case Toast():
                said = update.text[:MAX_NOTE_LENGTH]
                running.notes = [*running.notes, said][-MAX_NOTES:]
                note = html.unescape(said)[:200]
                running.update(replace(running.progress, note=note))
            case PageEventsRan():
                running.page_ran = update.labels
            case Partial():
                running.partial = update
                running.spoke.set()
                running.began = True
                running.update(replace(running.progress, stage=JobStage.RUNNING))
            case Progress():
                if update.stage is JobStage.SENDING:
                    # The next of several steps begins in the Space's queue again.
                    running.began = False
                elif update.stage is JobStage.RUNNING:
                    running.began = True
                    self.queue.started(ticket)
                running.update(update)

    async def preview(self, running: JobHandle, *, limit: int = MAX_MESSAGE_LENGTH) -> Reply | None:
        """What a job has made so far, as a message; None if that is nothing.

        Of a longer text, it is the last `limit` characters. The files live until the next preview.
        """
        partial = running.partial
        if partial is None or running.previewed[0] is partial:
            return running.previewed[1]
        endpoint, connection = running.job.endpoint, self._connection(running)
        own = connection.visible(endpoint.api_name, partial.outputs)
        values = outputs.trim_for_preview([*own, *partial.shown])
        running.folder.mkdir(parents=True, exist_ok=True)
        stale = folder = Path(tempfile.mkdtemp(prefix="preview-", dir=running.folder))
        # The job continues after a failure here: its result may still be readable.
        reply = running.previewed[1]
        try:
            values = await connection.localize(values, folder, cap=running.job.file_limit)
            with contextlib.suppress(SpaceUnreadable):
                reply = await self._rendering.preview(
                    endpoint, values, header=running.header, limit=limit
                )
                stale, running.preview_folder = running.preview_folder, folder
        finally:
            if stale is not None:
                shutil.rmtree(stale, ignore_errors=True)
        running.previewed = (partial, reply)
        return reply

    async def _render(
        self, running: JobHandle, values: list[Any], header: str
    ) -> tuple[Reply, ...]:
        """The messages of a result. On a full disk, files pass through memory or are left out."""
        with contextlib.suppress(DiskFull), DiskFull.translate_errors():
            return await self._rendered(running, values, header, cap=self._cap)
        shutil.rmtree(running.folder, ignore_errors=True)
        room = 0
        with contextlib.suppress(DiskFull):
            running.folder, room = self._results.in_memory(), MAX_BYTES_IN_MEMORY
        with DiskFull.translate_errors():
            return await self._rendered(running, values, header, cap=room, full=True)

    async def _rendered(
        self, running: JobHandle, values: list[Any], header: str, *, cap: int, full: bool = False
    ) -> tuple[Reply, ...]:
        job = running.job
        connection = self._connection(running)
        is_light(values)  # raises if it is nested too deeply
        local = await connection.localize(values, running.folder, cap=cap, full=full)
        return await self._rendering.render(
            job.endpoint,
            local,
            header=header,
            folder=running.folder,
            file_limit=job.file_limit,
            alt=inputs.thread_title(job.endpoint, job.arguments),
            notes=running.notes,
            most=MAX_CHAT_MESSAGES if job.conversation and job.endpoint.chats else MAX_MESSAGES,
        )


def session_key(job: Job) -> str:
    """Whose session on the Space a job runs in.

    A conversation's session is named by a secret that is the same on each connection (there is a
    connection for each account). Other keys mean a separate session on each connection.
    """
    if job.conversation is None or not job.account:
        return job.conversation or job.requester.user
    return hashlib.sha256(f"{job.conversation}\n{job.account}".encode()).hexdigest()[:32]
