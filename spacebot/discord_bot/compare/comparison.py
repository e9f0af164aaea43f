"""One comparison: several jobs, with their answers side by side in one message."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

from spacebot.discord_bot.button_base import cancel_view, failed_view
from spacebot.discord_bot.delivery import DISCORD_ERRORS, MessageWriter, ResultPoster, shown_despite
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.engine import job_text
from spacebot.engine.follow import CloseAction, Follower, ShowResult, Surface, SurfaceClosed
from spacebot.engine.jobs import JobHandle
from spacebot.engine.pacing import MIN_EDIT_INTERVAL, SteadyPacer
from spacebot.errors import JobInterrupted
from spacebot.models import Job, JobEnding, JobStage, Outcome, OutgoingFile, Progress, Reply
from spacebot.spaces.outputs import text
from spacebot.spaces.outputs.files import MAX_REQUEST_BYTES

log = logging.getLogger(__name__)

# Discord's limits on the characters and files of a message.
MAX_TEXT, MAX_FILES = 1990, 10


class ComparisonCell(Surface):
    """One command's part of the message that a comparison's commands share."""

    leaving = CloseAction.LOSE
    preview_limit = 0

    def __init__(self, comparison: Comparison, job: Job) -> None:
        super().__init__(comparison.dispatcher.jobs, job.id)
        self.comparison = comparison
        self.job = job
        self.error: BaseException | None = None
        self.outcome: Outcome | None = None
        self.files: list[OutgoingFile] = []
        self.ended = asyncio.Event()
        self._progress = Progress(JobStage.WAITING)
        self._running: JobHandle | None = None

    async def run(self) -> None:
        """Run the command to its end, unless it has failed already."""
        try:
            if self.error is None:
                await Follower(self, self.job).run()
        finally:
            self.ended.set()

    def cancel(self, why: str = "") -> str:
        """Stop the command; returns what that does, after `why`."""
        return self._running.cancel(why) if self._running else ""

    @property
    def closed(self) -> bool:
        return self.comparison.dispatcher.client.is_closed()

    def pace(self, running: JobHandle) -> SteadyPacer:
        """Show the other commands' progress at the same time."""
        return SteadyPacer(self.jobs, running)

    @asynccontextmanager
    async def showing(self, running: JobHandle) -> AsyncIterator[None]:
        self._running = running
        yield

    async def show(self, running: JobHandle, preview: Reply | None) -> ShowResult:  # noqa: ARG002
        self._progress = running.progress
        return await self.comparison.show()

    async def deliver(self, running: JobHandle, outcome: Outcome) -> None:  # noqa: ARG002
        """Add the answer, with its share of the files that one message may have."""
        slug = self.job.command.strip("/").replace(" ", "-")
        files = itertools.islice(_files(outcome), MAX_FILES // len(self.comparison.cells))
        self.files = [replace(file, name=f"{slug}-{file.name}") for file in files]
        self.outcome = outcome
        self.ended.set()

    async def fail(self, error: BaseException) -> None:
        self.error = error
        self.ended.set()

    async def taken(self) -> None:
        """Wait until the whole comparison is posted."""
        await self.comparison.posted.wait()

    def shown(self, room: int) -> str:
        """Its part of the message, in at most `room` characters."""
        head = f"**{self.job.command}**"
        if self.error is not None:
            return f"{head}\n{job_text.describe_failure(self.error)}"[:room]
        if self.outcome is None:
            return f"{head}\n{job_text.progress_line(self._progress)}"
        said = "\n\n".join(reply.text for reply in self.outcome.replies if reply.text).strip()
        for before, file in zip(_files(self.outcome), self.files, strict=False):
            said = said.replace(text.code(before.name), text.code(file.name))
        unnamed = (text.code(file.name) for file in self.files)
        names = ", ".join(name for name in unnamed if name not in said)
        tail = "\n".join(filter(None, [names, job_text.duration_line(self.outcome.run_seconds)]))
        left = room - len(head) - len(tail) - 40
        parts = text.split(said, max(left, 100)) if said else []
        more = "\n-# The answer continues: run the command alone to see all of it."
        body = f"{parts[0]}{more if len(parts) > 1 else ''}\n" if parts else ""
        return f"{head}\n{body}{tail}"


def _files(outcome: Outcome) -> Iterator[OutgoingFile]:
    return (file for reply in outcome.replies for file in reply.files)


class Comparison:
    """One unfinished comparison: its message, and a cell for each command."""

    def __init__(self, dispatcher: Dispatcher, job: Job) -> None:
        assert job.message_ref is not None
        self.dispatcher = dispatcher
        self.job = job
        self.cells: list[ComparisonCell] = []
        self.posted = asyncio.Event()
        self.header = job_text.header_line(job, job.message_ref.named)
        self.writer = MessageWriter(dispatcher.client, job.message_ref)
        self._shown: tuple[str, int] = ("", 0)
        self._next = 0.0

    async def run(self) -> None:
        """Show the answers as they arrive, and everything at the end."""
        with self.dispatcher.cancelling(self):
            await self._run()

    async def _run(self) -> None:
        tasks = [asyncio.create_task(cell.run(), name=f"job {cell.name}") for cell in self.cells]
        try:
            await asyncio.gather(*(cell.ended.wait() for cell in self.cells))
            if any(cell.closed for cell in self.cells):
                raise SurfaceClosed
            await self._finish()
        except BaseException:
            # The next client says that it is lost.
            self.dispatcher.jobs.release(self.job.id)
            raise
        finally:
            self.posted.set()
            for cell, task in zip(self.cells, tasks, strict=True):
                if not cell.ended.is_set():
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def cancel(self, why: str = "") -> str:
        """Stop what has not ended; returns what that does, after `why`."""
        said = [cell.cancel(why) for cell in self.cells if not cell.ended.is_set()]
        return next(filter(None, said), "This has already ended.")

    def _text(self) -> str:
        room = (MAX_TEXT - len(self.header)) // len(self.cells) - 2
        return "\n\n".join(filter(None, [self.header, *(cell.shown(room) for cell in self.cells)]))

    def _files(self) -> list[OutgoingFile]:
        """The files so far, as many as one request to Discord may have."""
        size, kept = 0, []
        for file in (file for cell in self.cells for file in cell.files):
            size += file.path.stat().st_size
            if size <= MAX_REQUEST_BYTES:
                kept.append(file)
        return kept

    async def show(self) -> ShowResult:
        """Bring the message up to date, as often as one message may be edited."""
        now, files = self._text(), self._files()
        if (now, len(files)) == self._shown:
            return ShowResult.YES
        if not self.writer.ref.is_editable or time.monotonic() < self._next:
            return ShowResult.NOT_NOW
        self._next = time.monotonic() + MIN_EDIT_INTERVAL
        # Files are sent again only when a new one arrives.
        fresh = files if len(files) != self._shown[1] else None
        try:
            await self.writer.edit(now, files=fresh, view=cancel_view(self.job.id))
        except DISCORD_ERRORS as error:
            shown = shown_despite(error, self.job.id)
            if shown is ShowResult.DELETED:
                self.cancel("Its message was deleted.")
            return shown
        self._shown = (now, len(files))
        return ShowResult.YES

    async def _finish(self) -> None:
        poster = ResultPoster(self.writer, self.job)
        reply = Reply(self._text(), tuple(self._files()))
        if any(isinstance(cell.error, JobInterrupted) for cell in self.cells):
            # At the next start, the button of a running job says that this job is saved.
            await poster.notice(reply.text, view=cancel_view(self.job.id))
            return
        await poster.final(reply, view=failed_view(self.job.id))
        await self.dispatcher.jobs.drop(self.job, JobEnding.DONE)
