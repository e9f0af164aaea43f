"""A comparison under way: several jobs, their answers side by side in one message."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import aiohttp
import discord

from spacebot import pacing, words
from spacebot.buttons import cancel_view, failed_view
from spacebot.desk import Desk
from spacebot.errors import Interrupted, SpacebotError
from spacebot.jobs import Running
from spacebot.models import Attached, Ending, Job, Outcome, Reply
from spacebot.outputs import text
from spacebot.outputs.files import REQUEST_LIMIT
from spacebot.places import DELETED, GONE, Writer
from spacebot.posting import Poster

log = logging.getLogger(__name__)

# Discord: so many characters and files in a message.
MESSAGE, FILES = 1990, 10


@dataclass(slots=True, eq=False)
class Entry:
    """One of the commands that are compared, and how far it is."""

    command: str
    running: Running | None = None
    result: asyncio.Future[Outcome] | None = None
    error: BaseException | None = None
    outcome: Outcome | None = None
    files: list[Attached] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether it has its answer, or failed."""
        return self.outcome is not None or self.error is not None

    @property
    def ended_by(self) -> BaseException | None:
        """What ended it: without an answer or an error, that it was not waited for."""
        return self.error if self.ended else asyncio.CancelledError()

    def take(self, most: int) -> None:
        """Take what came of it, where it has ended: its files, `most` at most."""
        if self.ended or self.result is None or not self.result.done():
            return
        self.error = self.result.exception()
        if self.error is None:
            self.outcome = self.result.result()
            slug = self.command.strip("/").replace(" ", "-")
            files = _files(self.outcome)
            self.files = [
                replace(file, name=f"{slug}-{file.name}") for file in itertools.islice(files, most)
            ]

    def shown(self, room: int) -> str:
        """Its part of the message, of at most `room` characters."""
        head = f"**{self.command}**"
        if self.error is not None:
            return f"{head}\n{words.failure(self.error)}"[:room]
        if self.outcome is None:
            line = words.progress(self.running.progress) if self.running else "-# ⏳ Starting"
            return f"{head}\n{line}"
        said = "\n\n".join(reply.text for reply in self.outcome.replies if reply.text).strip()
        for before, file in zip(_files(self.outcome), self.files, strict=False):
            said = said.replace(text.code(before.name), text.code(file.name))
        unnamed = (text.code(file.name) for file in self.files)
        names = ", ".join(name for name in unnamed if name not in said)
        tail = "\n".join(filter(None, [names, words.took(self.outcome.ran)]))
        left = room - len(head) - len(tail) - 40
        parts = text.split(said, max(left, 100)) if said else []
        more = "\n-# The answer goes on: run the command alone to see all of it."
        body = f"{parts[0]}{more if len(parts) > 1 else ''}\n" if parts else ""
        return f"{head}\n{body}{tail}"


def _files(outcome: Outcome) -> Iterator[Attached]:
    return (file for reply in outcome.replies for file in reply.files)


class Comparison:
    """One comparison under way: its message, and the jobs behind it."""

    def __init__(self, desk: Desk, job: Job, entries: Sequence[Entry]) -> None:
        self.desk = desk
        self.job = job
        self.entries = entries
        self.header = words.header(job, job.command)
        assert job.message_ref is not None
        self.writer = Writer(desk.client, job.message_ref)
        self._shown: tuple[str, int] = ("", 0)

    async def run(self) -> None:
        """Show the answers as they come, and the whole of it at the end."""
        self.desk.stoppable[self.job.id] = (self.job, self.cancel)
        pause = pacing.FIRST
        try:
            while waiting := [one.result for one in self.entries if one.result and not one.ended]:
                await asyncio.wait(waiting, timeout=pause)
                self._take()
                if not all(one.ended for one in self.entries):
                    await self._show()
                pause = pacing.LEAST
            await self._finish()
        finally:
            self.desk.stoppable.pop(self.job.id, None)
            for entry in self.entries:
                if entry.running is not None:
                    await self.desk.jobs.settle(entry.running, entry.ended_by)

    def cancel(self, why: str = "") -> str:
        """Stop what has not ended; returns what that does, after `why`."""
        said = [one.running.cancel(why) for one in self.entries if one.running and not one.ended]
        return said[0] if said else "This has already ended."

    def _take(self) -> None:
        for entry in self.entries:
            entry.take(FILES // len(self.entries))

    def _text(self) -> str:
        room = (MESSAGE - len(self.header)) // len(self.entries) - 2
        return "\n\n".join([self.header, *(entry.shown(room) for entry in self.entries)])

    def _files(self) -> list[Attached]:
        """The files so far, as many as one request to Discord may have."""
        size, kept = 0, []
        for file in (file for entry in self.entries for file in entry.files):
            size += file.path.stat().st_size
            if size <= REQUEST_LIMIT:
                kept.append(file)
        return kept

    async def _show(self) -> None:
        now, files = self._text(), self._files()
        if (now, len(files)) == self._shown or not self.writer.ref.is_editable:
            return
        # Files are sent again only when there is one more.
        fresh = files if len(files) != self._shown[1] else None
        try:
            await self.writer.edit(now, files=fresh, view=cancel_view(self.job.id))
            self._shown = (now, len(files))
        except discord.HTTPException as error:
            if error.code in DELETED:
                self.cancel()
            elif error.code not in GONE:
                log.warning("job %s: progress could not be shown: %s", self.job.id, error)
        except (aiohttp.ClientError, OSError) as error:
            log.info("job %s: progress is not shown: %s", self.job.id, type(error).__name__)

    async def _finish(self) -> None:
        for entry in self.entries:
            if entry.error is not None and not isinstance(entry.error, SpacebotError):
                log.error("job %s met a bug", self.job.id, exc_info=entry.error)
        poster = Poster(self.writer, self.header, self.job.id)
        reply = Reply(self._text(), tuple(self._files()))
        if any(isinstance(entry.error, Interrupted) for entry in self.entries):
            # The button of a running job says at the next start that this one is kept.
            await poster.notice(reply.text, view=cancel_view(self.job.id))
            return
        await poster.final(reply, view=failed_view(self.job.id))
        await self.desk.jobs.drop(self.job, Ending.DONE)
