"""One job's message in Discord, from the acknowledgement to the result.

The first reply is edited as the job moves on. An interaction's token lives 15
minutes: what takes longer is delivered by an ordinary message that mentions
whoever asked, and where the bot may not write there, by direct message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import discord

from spacebot import inputs, words
from spacebot.buttons import again_view, cancel_view
from spacebot.errors import Cancelled, InputError, Interrupted, SpacebotError
from spacebot.inputs.form import megabytes
from spacebot.jobs import Jobs, Running
from spacebot.models import Answer, File, Job, Outcome, Reply
from spacebot.places import DELETED, GONE, TOO_LARGE, Place, Writer, send
from spacebot.store import State

log = logging.getLogger(__name__)

# An instant job needs no progress: its result is the first edit.
FIRST_EDIT = 1.0
EDIT = 1.5
# All messages together: progress must never use up what the results need.
EDITS_A_SECOND = 25.0
# A file for a Space without a limit of its own.
UPLOAD = 100_000_000
LONG = "-# ⌛ This takes long. The result will come as a new message that mentions you."
LOST = (
    "⚠️ The bot was restarted while the Space worked on this, so the result is lost. "
    "It may have been made already: run it again only if you want it twice."
)


class Delivery:
    """One job's message. `job.place` says where it is."""

    def __init__(self, client: discord.Client, jobs: Jobs, job: Job) -> None:
        self.client = client
        self.jobs = jobs
        self.job = job
        self.header = words.header(job, job.command)
        self.since = time.time()
        self.writer = Writer(client, Place.from_json(job.place))
        self._thread: discord.Thread | None = None
        self._shown = ""

    @property
    def place(self) -> Place:
        """Where the message is."""
        return self.writer.place

    async def fetch(self, given: Mapping[str, Any]) -> None:
        """Bring attachments here, checked for size before: they go to the Space by upload."""
        fetched = {
            name: await self._save(name, value) if isinstance(value, discord.Attachment) else value
            for name, value in given.items()
        }
        self.job = replace(self.job, given=fetched)

    async def _save(self, option: str, attachment: discord.Attachment) -> File:
        limit = self.job.endpoint.max_file_size or UPLOAD
        if attachment.size > limit:
            raise InputError(
                f"`{option}` is {megabytes(attachment.size)} large: this Space takes at most "
                f"{megabytes(limit)} a file. Attach a smaller one.",
                option=option,
            )
        path = self.jobs.upload_path(self.job.id, attachment.filename)
        try:
            await attachment.save(path)
        except discord.HTTPException as error:
            raise InputError(
                f"{option}: Discord did not hand over {attachment.filename}. Attach it again.",
                option=option,
            ) from error
        return File(
            name=attachment.filename,
            path=path,
            size=attachment.size,
            mime=attachment.content_type,
        )

    async def run(self, *, kept: bool = False) -> None:
        """Run the job, showing how it moves on, and post what comes of it.

        Nothing is raised: what goes wrong is told in the message and logged.
        `kept` says that the job was written down before, by an earlier start.
        """
        try:
            running = await self.jobs.start(self.job, header=lambda: self.header, kept=kept)
        except Exception as error:
            await self.fail(error)
            if kept:
                await self.jobs.store.mark(self.job.id, state=State.FAILED, ended=time.time())
            return
        state, posted = State.FAILED, 0.0
        try:
            if self.job.endpoint.answer is Answer.THREAD:
                await self._open_thread()
            outcome = await self._follow(running)
            began = time.monotonic()
            await self._post(outcome)
            state, posted = State.DONE, time.monotonic() - began
        except Cancelled as error:
            state = State.CANCELLED
            await self.fail(error)
        except Interrupted as error:
            state = State.SENT if running.sent else State.WAITING
            await self.fail(error)
        except Exception as error:
            await self.fail(error)
        finally:
            await self.jobs.settle(running, state, posted=posted)

    async def _follow(self, running: Running) -> Outcome:
        """Edit the message as the job moves on, until it ends."""
        result = asyncio.ensure_future(running.result())
        pause = FIRST_EDIT
        while not (await asyncio.wait({result}, timeout=pause))[0]:
            # The last edit must not wait behind this one: it is given up when the job ends.
            edit = asyncio.ensure_future(self._show(running))
            await asyncio.wait({result, edit}, return_when=asyncio.FIRST_COMPLETED)
            edit.cancel()
            pause = max(EDIT, len(self.jobs.running) / EDITS_A_SECOND)
        return await result

    async def _show(self, running: Running) -> None:
        """Edit the message to where the job stands, where that has changed."""
        if not self.place.has_token:
            return
        line = words.progress(running.progress, self.since)
        if time.time() - self.place.created > 13.5 * 60:
            line = LONG
        try:
            preview = await self.jobs.preview(running, self.header)
            text = f"{preview.text[: 1990 - len(line)]}\n{line}" if preview else ""
            text = text or f"{self.header}\n{line}"
            if text == self._shown:
                return
            self._shown = text
            files = preview.files if preview else ()
            await self.writer.edit(text, files=files, view=cancel_view(self.job.id))
        except discord.HTTPException as error:
            if error.code in DELETED:
                running.cancel("Its message was deleted.")
            elif error.code not in GONE:
                log.warning("job %s: progress could not be shown: %s", self.job.id, error)
        except SpacebotError as error:
            log.info("job %s: no preview: %s", self.job.id, type(error).__name__)

    async def _open_thread(self) -> None:
        """Open a thread on the reply, named by the prompt; without one the answer stays here."""
        place = self.place
        channel = self.client.get_channel(place.channel or 0)
        if place.message is None or not isinstance(channel, discord.TextChannel):
            return
        try:
            self._thread = channel.get_thread(place.message) or await channel.create_thread(
                name=inputs.thread_title(self.job.endpoint, self.job.given),
                message=discord.Object(place.message),
            )
        except discord.HTTPException as error:
            log.info("job %s: no thread: %s", self.job.id, error)
            return
        self.writer.place = replace(place, thread=self._thread.id)
        if found := self.jobs.find(self.job.id):
            found.job = replace(found.job, place=self.place.to_json())

    async def _post(self, outcome: Outcome) -> None:
        """Post the messages of a result, in order, where whoever asked will see them."""
        done = words.took(outcome.ran)
        replies = outcome.replies
        if self._thread is not None and await self._post_in_thread(self._thread, replies):
            await self._finish(Reply(f"{self.header}\n{done} · in {self._thread.mention}"))
            return
        first, *rest = replies
        if len(first.text) + len(done) < 2000:
            first = replace(first, text=f"{first.text}\n{done}")
        await self._finish(first)
        for reply in rest:
            await self._more(reply)

    async def _post_in_thread(self, thread: discord.Thread, replies: Sequence[Reply]) -> bool:
        try:
            for reply in replies:
                await send(thread, reply)
        except discord.HTTPException as error:
            if error.code not in GONE:
                raise
            return False
        return True

    async def fail(self, error: BaseException) -> None:
        """Say in the same message what went wrong and what to do next; log it once."""
        if not isinstance(error, SpacebotError):
            log.error("job %s met a bug", self.job.id, exc_info=error)
        elif not isinstance(error, Cancelled | Interrupted):
            # Its kind alone: its text may quote what somebody asked for.
            cause = f" ({type(error.__cause__).__name__})" if error.__cause__ else ""
            log.warning("job %s failed: %s%s", self.job.id, type(error).__name__, cause)
        try:
            await self._finish(Reply(f"{self.header}\n{words.failure(error)}"))
        except (discord.HTTPException, OSError) as trouble:
            log.warning("job %s: the failure could not be told: %s", self.job.id, trouble)

    async def tell_lost(self) -> None:
        """Say that a restart lost the result, with a button that runs the job again."""
        text = f"{self.header}\n{LOST}"
        if self.place.has_token:
            try:
                await self.writer.edit(text, view=again_view(self.job.id))
            except discord.HTTPException as error:
                if error.code not in GONE:
                    raise
            else:
                return
        await self._another_way(Reply(text), view=again_view(self.job.id))

    async def _finish(self, reply: Reply) -> None:
        """Make the first reply the final one, or deliver it another way."""
        deleted = False
        if self.place.has_token:
            try:
                await self.writer.edit(reply.text, files=reply.files)
            except discord.HTTPException as error:
                if error.code in TOO_LARGE and reply.files:
                    await self._finish(without_files(reply))
                    return
                if error.code not in GONE:
                    raise
                deleted = error.code in DELETED
            else:
                return
        await self._another_way(reply, deleted=deleted)

    async def _more(self, reply: Reply) -> None:
        """Post one message after the first."""
        if self.place.has_token:
            try:
                await self.writer.follow_up(reply)
            except discord.HTTPException as error:
                if error.code in TOO_LARGE and reply.files:
                    await self._more(without_files(reply))
                    return
                if error.code not in GONE:
                    raise
            else:
                return
        await self._another_way(reply)

    async def _another_way(
        self, reply: Reply, *, deleted: bool = False, view: discord.ui.View | None = None
    ) -> None:
        """Deliver by an ordinary message that mentions whoever asked; else to them alone.

        Where the reply was deleted, its channel is spared.
        """
        if self.place.channel is not None and not self.place.private and not deleted:
            try:
                await self.writer.to_channel(reply, view=view)
                await self._close_old()
            except discord.HTTPException as error:
                log.info("job %s: not in its channel: %s", self.job.id, error)
            else:
                return
        try:
            await self.writer.to_person(reply, view=view)
        except discord.HTTPException as error:
            log.warning("job %s could not be delivered anywhere: %s", self.job.id, error)

    async def _close_old(self) -> None:
        """Let nobody wait on the old message."""
        try:
            await self.writer.edit_without_token(f"{self.header}\n-# Answered below.")
        except discord.HTTPException as error:
            log.info("job %s: its first message stays as it is: %s", self.job.id, error)


def without_files(reply: Reply) -> Reply:
    """The same without its files, saying so: Discord over-reports what it takes at times."""
    names = ", ".join(file.name for file in reply.files)
    return Reply(f"{reply.text[:1800]}\n-# Discord did not take {names}: too large for this place.")
