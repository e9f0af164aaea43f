"""A running job, as its waiters see it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from spacebot.errors import JobCancelled, JobInterrupted
from spacebot.models import NO_ACCOUNT, Account, Job, JobStage, Outcome, Progress, Reply
from spacebot.spaces.client import Partial

RESTARTING = (
    "The bot is restarting. This job is saved: within a minute it continues, or you are told."
)

Prepare = Callable[[Job], Awaitable[Mapping[str, Any]]]


class JobHandle:
    """One running job: its latest `progress`, and finally its `result`.

    `header` begins the first message of the result. `prepare` downloads the files among the job's
    values.
    """

    def __init__(
        self,
        job: Job,
        folder: Path,
        *,
        header: str = "",
        prepare: Prepare | None = None,
    ) -> None:
        self.job = job
        self.folder = folder
        self.header = header
        self.prepare = prepare
        self.started = time.time()
        self.progress = Progress(JobStage.WAITING)
        self.partial: Partial | None = None
        self.previewed: tuple[Partial | None, Reply | None] = (None, None)
        # The files of the last preview.
        self.preview_folder: Path | None = None
        self.outputs: list[Any] | None = None
        self.notes: list[str] = []
        self.page_ran: tuple[str, ...] = ()
        # Chosen when the job begins.
        self.account: Account = NO_ACCOUNT
        self.sent = False
        self.noted = False
        self.began = False
        # Another process takes it up: nothing more is told or written here.
        self.abandoned = False
        self.wait_seconds = self.run_seconds = 0.0
        self.task: asyncio.Task[Outcome] | None = None
        # Set at the first partial result.
        self.spoke = asyncio.Event()
        # Set at each change of progress.
        self.changed = asyncio.Event()
        self._stopped_by: JobCancelled | JobInterrupted | None = None

    def update(self, progress: Progress) -> None:
        """Note the latest progress."""
        self.progress = progress
        self.changed.set()

    def cancel(self, why: str = "") -> str:
        """Stop the job; returns a sentence that says what that does, after `why`."""
        does = _what_cancel_does(self)
        return self._stop(JobCancelled(f"{why} {does}".strip()))

    def interrupt(self) -> None:
        """Stop the job because the bot is stopping; it stays stored."""
        self._stop(JobInterrupted(RESTARTING))

    def _stop(self, error: JobCancelled | JobInterrupted) -> str:
        if self.task is None or self.task.done():
            return "This job has already ended."
        if self._stopped_by is None:
            self._stopped_by = error
            self.task.cancel()
        return str(self._stopped_by)

    async def result(self) -> Outcome:
        """Wait for the end; raises the job's `SpacebotError`."""
        assert self.task is not None
        try:
            outcome = await asyncio.shield(self.task)
        except asyncio.CancelledError:
            if self.task.cancelled() and self._stopped_by is not None:
                raise self._stopped_by from None
            raise
        if self._stopped_by is not None:
            # The person who stopped it was told that there will be no result.
            raise self._stopped_by
        return outcome


def _what_cancel_does(running: JobHandle) -> str:
    match running.progress.stage:
        case JobStage.WAKING if running.progress.step:
            return "Cancelled: the Space is not asked again."
        case JobStage.WAITING | JobStage.WAKING:
            return "Cancelled before it was sent to the Space."
        case JobStage.SENDING:
            return "Cancelled on its way to the Space."
        case JobStage.FETCHING:
            return "Cancelled: the Space had finished, and its result is dropped."
    if not running.began:
        return "Cancelled before the Space started it."
    if running.job.endpoint.streams:
        return "Cancelled: the Space stops after its current step."
    return "Cancelled: the Space cannot be stopped in the middle, so its result is dropped."
