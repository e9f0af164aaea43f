"""A job of the try-out, as steps that the page turns into server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spacebot.engine import job_text
from spacebot.engine.follow import CloseAction, ShowResult, Surface
from spacebot.engine.jobs import JobHandle, JobManager
from spacebot.errors import JobCancelled, JobInterrupted, SpacebotError
from spacebot.models import Job, Outcome, Progress, Reply

Step = Progress | Outcome | BaseException
# How long a result's files live unless the page says that it has them, in seconds.
FILES_TTL = 60.0
STOPPED = "Spacebot is stopping, so this was cancelled. Run it again once Spacebot is back."


class ImmediatePacer:
    """Shows each change at once: the page itself skips what arrives too fast."""

    def __init__(self, running: JobHandle) -> None:
        self._running = running
        running.changed.set()

    async def due(self, result: asyncio.Future[Any]) -> bool:
        """Wait for the next change; False as soon as the job has ended."""
        changed = asyncio.ensure_future(self._running.changed.wait())
        try:
            await asyncio.wait({result, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        self._running.changed.clear()
        return not result.done()


class PageSurface(Surface):
    """Puts the steps of a job into a queue of the page's event loop. Nothing is stored."""

    leaving = CloseAction.CANCEL

    def __init__(self, jobs: JobManager, job: Job, put: Callable[[Step], None]) -> None:
        super().__init__(jobs, job.id)
        # In a conversation, the question is right above.
        self.header = "" if job.conversation else job_text.header_line(job, named=job.command)
        self._put = put

    def pace(self, running: JobHandle) -> ImmediatePacer:
        return ImmediatePacer(running)

    async def show(self, running: JobHandle, preview: Reply | None) -> ShowResult:
        self._put(replace(running.progress, partial=preview))
        return ShowResult.YES

    async def deliver(self, running: JobHandle, outcome: Outcome) -> None:  # noqa: ARG002
        self._put(outcome)

    async def fail(self, error: BaseException) -> None:
        """Put what was streamed, then the error; the follower has logged any bug."""
        if self.running and (partial := await self.streamed(self.preview_limit)):
            self._put(replace(self.running.progress, partial=partial))
        self._put(error if isinstance(error, SpacebotError) else SpacebotError(job_text.BUG))

    async def interrupted(self, error: JobInterrupted) -> None:  # noqa: ARG002
        """Put a cancel: no restart continues this job."""
        self._put(JobCancelled(STOPPED))

    async def taken(self) -> None:
        """Wait until the page has the files."""
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(FILES_TTL)
