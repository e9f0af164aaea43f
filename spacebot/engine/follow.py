"""Following a job: this module alone decides when to show progress, and what ends a job.

A `Follower` runs a job and shows it on a `Surface`. It knows neither Discord nor HTTP; a
surface knows nothing about time, the queue or restarts.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from spacebot.engine.jobs import JobHandle, JobManager, ending_of
from spacebot.engine.pacing import EditPacer, Pacer
from spacebot.engine.store import RecordState
from spacebot.errors import JobCancelled, JobInterrupted, SpacebotError, kind_of
from spacebot.models import Job, Outcome, Reply
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH

log = logging.getLogger(__name__)

# How long a failure waits for what the job had streamed, in seconds.
STREAMED_TIMEOUT = 5.0
# How long the final edit waits for an edit under way, in seconds.
LAST_EDIT_WAIT = 0.5


class ShowResult(enum.Enum):
    """The outcome of showing progress. After NEVER, showing stops; DELETED cancels the job."""

    YES = enum.auto()
    NOT_NOW = enum.auto()
    NEVER = enum.auto()
    DELETED = enum.auto()


class CloseAction(enum.Enum):
    """What happens to a running job whose surface is closed under it.

    HAND_OVER: it continues, and the next client shows it. PUT_OFF: it stops, and the next start
    runs it again. LOSE: it stops, and is lost. CANCEL: it stops, since its requester left.
    """

    HAND_OVER = enum.auto()
    PUT_OFF = enum.auto()
    LOSE = enum.auto()
    CANCEL = enum.auto()


class SurfaceClosed(Exception):
    """The surface of a job was closed."""


class Surface:
    """Where a job is shown. `name` is its name in the log, `header` the line above a result.

    A subclass implements `show`, `deliver` and `fail`. A preview has at most `preview_limit`
    characters; 0 turns previews off. `saved` becomes False if the store fails to save
    something about this job: the answer is still delivered, and says so.
    """

    leaving = CloseAction.HAND_OVER
    preview_limit = MAX_MESSAGE_LENGTH
    header = ""

    def __init__(self, jobs: JobManager, name: str) -> None:
        self.jobs = jobs
        self.running: JobHandle | None = None
        self.name = name
        self.saved = True

    @property
    def closed(self) -> bool:
        """Whether nothing can be shown here any more, for a reason other than the job."""
        return False

    def move(self, client: Any) -> None:
        """Continue with the next client."""

    def pace(self, running: JobHandle) -> Pacer:
        """When progress is shown."""
        return EditPacer(self.jobs, running)

    async def prepare(self, job: Job) -> Mapping[str, Any]:
        """The job's values, with their files downloaded."""
        return job.arguments

    @asynccontextmanager
    async def showing(self, running: JobHandle) -> AsyncIterator[None]:
        """Held open while the job runs."""
        self.running = running
        yield

    async def streamed(self, limit: int) -> Reply | None:
        """What a failed job had streamed, in about `limit` characters."""
        if self.running is None or self.running.partial is None:
            return None
        # A failed Space may no longer serve its files: then the last preview counts.
        with contextlib.suppress(SpacebotError, TimeoutError):
            async with asyncio.timeout(STREAMED_TIMEOUT):
                return await self.jobs.preview(self.running, limit=limit)
        return self.running.previewed[1]

    async def show(self, running: JobHandle, preview: Reply | None) -> ShowResult:
        """Show the job's progress, with what it has streamed so far."""
        raise NotImplementedError

    def overtake(self) -> bool:
        """Whether the edit under way can be abandoned, so that the final one need
        not wait for it."""
        return False

    async def deliver(self, running: JobHandle, outcome: Outcome) -> None:
        """Show the result."""
        raise NotImplementedError

    async def fail(self, error: BaseException) -> None:
        """Say what went wrong and what to do next."""
        raise NotImplementedError

    async def interrupted(self, error: JobInterrupted) -> None:
        """Say that the bot is stopping, and what happens to the job."""
        await self.fail(error)

    async def taken(self) -> None:
        """Wait until the files of the result are no longer needed."""

    async def save(self, writing: Awaitable[None]) -> None:
        """Save something about the job."""
        self.saved &= await self.jobs.store.saved(writing)


class Follower:
    """Runs one job and shows it on a surface, from its start to its end.

    It raises only cancellation: every failure is shown on the surface, and logged.
    """

    def __init__(self, surface: Surface, job: Job) -> None:
        self.surface = surface
        self.jobs = surface.jobs
        self.job = job
        self._visible = True
        self._noted = False

    async def run(self) -> BaseException | None:
        """Run the job to its end; returns the error that ended it."""
        surface = self.surface
        try:
            running = await self.jobs.start(
                self.job, header=surface.header, prepare=surface.prepare
            )
        except Exception as error:
            await self._tell_failure(error)
            if self._is_put_off(error):
                await self.jobs.note_known(self.job, RecordState.WAITING)
                self.jobs.release(self.job.id)
            else:
                await self.jobs.drop(self.job, ending_of(error))
            return error
        return await self._see_through(running)

    async def _go_on(self, running: JobHandle, client: Any) -> None:
        """Continue a job with the next client."""
        self.surface.move(client)
        self._visible = True
        await self._see_through(running)

    async def _see_through(self, running: JobHandle) -> BaseException | None:
        try:
            error, posted = await self._tell(running)
            if error is None:
                await self.surface.taken()
        except asyncio.CancelledError:
            await self._leave(running)
            raise
        except SurfaceClosed as closed:
            await self._leave(running)
            return closed
        if self._is_put_off(error):
            self.jobs.put_off(running)
        else:
            await self.jobs.settle(running, error, posted=posted)
        return error

    def _is_put_off(self, error: BaseException | None) -> bool:
        """Whether the next start runs the job."""
        keeps = self.surface.leaving in (CloseAction.HAND_OVER, CloseAction.PUT_OFF)
        return isinstance(error, JobInterrupted) and keeps

    async def _leave(self, running: JobHandle) -> None:
        """Leave a job whose surface is closed."""
        match self.surface.leaving:
            case CloseAction.HAND_OVER:
                self.jobs.leave(running, partial(self._go_on, running))
            case CloseAction.PUT_OFF:
                running.interrupt()
                self.jobs.put_off(running)
            case CloseAction.LOSE:
                running.interrupt()
                await self.jobs.settle(running, JobInterrupted())
            case CloseAction.CANCEL:
                await self.jobs.settle(running, JobCancelled(running.cancel()))

    async def _tell(self, running: JobHandle) -> tuple[BaseException | None, float]:
        """Show a job to its end; returns the error that ended it, and how long posting took."""
        try:
            outcome = await self._follow(running)
            self._check_saved(running.job)
            began = time.monotonic()
            await self.surface.deliver(running, outcome)
            return None, time.monotonic() - began
        except Exception as error:
            self._check_open(error)
            await self._tell_failure(error)
            return error, 0.0

    def _check_saved(self, job: Job) -> None:
        self.surface.saved &= self.jobs.store.is_saved(job.id)

    def _check_open(self, error: BaseException | None = None) -> None:
        if self.surface.closed and not isinstance(error, JobInterrupted):
            raise SurfaceClosed from error

    async def _follow(self, running: JobHandle) -> Outcome:
        """Show the job's progress until it ends."""
        result = asyncio.ensure_future(running.result())
        pace = self.surface.pace(running)
        try:
            async with self.surface.showing(running):
                while await pace.due(result):
                    self._check_open()
                    await self._note_waiting(running)
                    await self._show_or_end(running, result)
            return await result
        finally:
            result.cancel()

    async def _note_waiting(self, running: JobHandle) -> None:
        """Record where a waiting job's message is: its token may be over when the job is sent."""
        if not (self._noted or running.noted):
            self._noted = True
            await self.jobs.note_known(running.job, RecordState.WAITING)

    async def _show_or_end(self, running: JobHandle, result: asyncio.Future[Outcome]) -> None:
        """Show the job's progress; once the job has ended, stop waiting for the edit."""
        if not self._visible:
            return
        edit = asyncio.ensure_future(self._show(running))
        try:
            await asyncio.wait({result, edit}, return_when=asyncio.FIRST_COMPLETED)
            if not edit.done():
                await asyncio.wait({edit}, timeout=LAST_EDIT_WAIT)
            if not edit.done() and not self.surface.overtake():
                await asyncio.wait({edit})
        finally:
            edit.cancel()

    async def _show(self, running: JobHandle) -> None:
        surface = self.surface
        try:
            preview = None
            if surface.preview_limit:
                preview = await self.jobs.preview(running, limit=surface.preview_limit)
            shown = await surface.show(running, preview)
        except (SpacebotError, OSError) as error:
            log.info("job %s: progress is not shown: %s", surface.name, type(error).__name__)
            return
        except Exception as error:
            if not surface.closed:
                log.exception(
                    "job %s: progress failed because of a bug", surface.name, exc_info=error
                )
                self._visible = False
            return
        if shown is ShowResult.DELETED:
            running.cancel("Its message was deleted.")
        self._visible = shown in (ShowResult.YES, ShowResult.NOT_NOW)

    async def _tell_failure(self, error: BaseException) -> None:
        self._check_saved(self.job)
        await tell_failure(self.surface, error)


async def tell_failure(surface: Surface, error: BaseException) -> None:
    """Say on a surface what went wrong, and log it once. Raises `SurfaceClosed`."""
    if not isinstance(error, SpacebotError):
        log.error("job %s failed because of a bug", surface.name, exc_info=error)
    elif not isinstance(error, JobCancelled | JobInterrupted):
        log.warning("job %s failed: %s", surface.name, kind_of(error))
    try:
        if not isinstance(error, JobInterrupted):
            await surface.fail(error)
        elif not surface.closed:
            await surface.interrupted(error)
    except Exception as trouble:
        if surface.closed:
            raise SurfaceClosed from trouble
        log.exception("job %s: the failure could not be told", surface.name)
