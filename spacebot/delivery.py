"""One job's message in Discord, from the acknowledgement to the result.

The first reply is edited as the job moves on. An interaction's token lives 15
minutes: what takes longer is delivered by an ordinary message that mentions
whoever asked, and where the bot may not write there, by direct message.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial
from typing import Any

import aiohttp
import discord

from spacebot import inputs, words
from spacebot.attachments import brought
from spacebot.buttons import (
    again_view,
    cancel_view,
    failed_view,
    result_rows,
    send_me_view,
    to_view,
)
from spacebot.errors import Cancelled, Interrupted, SpacebotError, kind_of
from spacebot.jobs import Jobs, Running, ending_of
from spacebot.models import Answer, Attached, Job, MessageRef, Outcome, Reply
from spacebot.pacing import Pace
from spacebot.places import AUTOMOD, DELETED, GONE, TROUBLE, Writer, thread_on
from spacebot.posting import Poster
from spacebot.store import State

log = logging.getLogger(__name__)

# So long the last edit waits for one that is under way, in seconds.
OVERTAKE = 0.5
LONG = "-# ⌛ This takes long. The result will come as a new message that mentions you."
MAYBE = "⚠️ The bot was restarted while it posted this. If you have seen no answer, run it again."
LOST = (
    "⚠️ The bot was restarted while the Space worked on this, so the result is lost. "
    "It may have been made already: run it again only if you want it twice."
)


class Closed(Exception):
    """The client was closed under a job."""


class Delivery:
    """One job's message: `job.message_ref` says where it is."""

    def __init__(self, client: discord.Client, jobs: Jobs, job: Job) -> None:
        self.client = client
        self.jobs = jobs
        self.job = job
        self.header = words.header(job, job.command)
        self.since = time.time()
        self.writer = Writer(client, self.ref)
        self.poster = Poster(self.writer, self.header, job.id)
        self._thread: discord.Thread | None = None
        self._shown: tuple[str, tuple[Attached, ...]] = "", ()
        self._unseen = False
        self._posted: list[int] = []
        self._unposted: list[Reply] | None = None

    @property
    def ref(self) -> MessageRef:
        """Where the message is."""
        assert self.job.message_ref is not None
        return self.job.message_ref

    def found(self, message: int) -> None:
        """Answer by this message, whose id was not known."""
        self.job = replace(self.job, message_ref=replace(self.ref, message=message))
        self.writer = self.poster.writer = Writer(self.client, self.ref)

    def _note_ref(self, running: Running, **changes: Any) -> None:
        """Note what the answer has besides its first message."""
        self.job = running.job = replace(self.job, message_ref=replace(self.ref, **changes))

    async def _prepare(self) -> Job:
        """Bring attachments here: they go to the Space by upload."""
        given = await brought(self.client, self.jobs, self.job)
        self.job = replace(self.job, given=given)
        return self.job

    async def run(self) -> None:
        """Run the job, which is kept, showing how it moves on, and post what comes of it.

        Nothing is raised: what goes wrong is told in the message and logged.
        """
        try:
            running = await self.jobs.start(
                self.job, header=lambda: self.header, kept=True, prepare=self._prepare
            )
        except Exception as error:
            await self.fail(error)
            await self.jobs.drop(self.job, ending_of(error))
            return
        await self._see_through(running)

    async def go_on(self, running: Running, client: discord.Client) -> None:
        """Take over a job from a client that was closed under it."""
        self.client = client
        self.writer = self.poster.writer = Writer(client, self.ref)
        self._unseen = False
        # It belongs to the old client; it is found again.
        self._thread = None
        await self._see_through(running)

    async def _see_through(self, running: Running) -> None:
        """Show how a job moves on until it ends, tell its end, and settle it.

        Where the client is closed under it, the job goes on, and the next client tells.
        """
        try:
            ended, posted = await self._told(running)
        except asyncio.CancelledError:
            self.jobs.leave(running, partial(self.go_on, running))
            raise
        except Exception as error:
            if not self.client.is_closed():
                await self.jobs.settle(running, error)
                raise
            self.jobs.leave(running, partial(self.go_on, running))
        else:
            if isinstance(ended, Interrupted):
                self.jobs.put_off(running)
            else:
                await self.jobs.settle(running, ended, posted=posted)

    async def _told(self, running: Running) -> tuple[Exception | None, float]:
        """Show a job to its end and tell that; the error that ended it, and the seconds of posting.

        Raises only where the client was closed, or the bot stops.
        """
        try:
            if self.job.endpoint.answer is Answer.THREAD:
                await self._open_thread(running)
            outcome = await self._follow(running)
            began = time.monotonic()
            await self._post(running, outcome)
            return None, time.monotonic() - began
        except Interrupted as error:
            if not self.client.is_closed():
                # The button of a running job says at the next start that this one is kept.
                said = f"{self.header}\n{words.failure(error)}"
                await self.poster.notice(said, view=cancel_view(self.job.id))
            return error, 0.0
        except Exception as error:
            self._check_open()
            await self.fail(error)
            return error, 0.0

    def _check_open(self) -> None:
        if self.client.is_closed():
            raise Closed

    async def _follow(self, running: Running) -> Outcome:
        """Edit the message as the job moves on, until it ends."""
        result = asyncio.ensure_future(running.result())
        pace = Pace(self.jobs, running)
        noted = False
        try:
            while await pace.due(result):
                self._check_open()
                if not (noted or running.noted):
                    noted = True
                    # With where its message is: the token may be over before it is sent.
                    await self.jobs.note_known(running.job, State.WAITING)
                edit = asyncio.ensure_future(self._show(running))
                await asyncio.wait({result, edit}, return_when=asyncio.FIRST_COMPLETED)
                if not edit.done():
                    await self._overtake(edit)
                elif error := edit.exception():
                    self._check_open()
                    log.error("job %s: progress met a bug", self.job.id, exc_info=error)
                    self._unseen = True
            return await result
        finally:
            result.cancel()

    async def _overtake(self, edit: asyncio.Future[None]) -> None:
        """The job ended while an edit was under way: the last one does not wait long for it."""
        if not (await asyncio.wait({edit}, timeout=OVERTAKE))[0]:
            edit.cancel()
            self.poster.overtake()

    async def _show(self, running: Running) -> None:
        """Edit the message to where the job stands, where that has changed."""
        if self._unseen or not self.ref.is_editable:
            return
        line = words.progress(running.progress, self.since)
        if not self.ref.is_ordinary and time.time() - self.ref.created > 13.5 * 60:
            line = LONG
        try:
            preview = await self.jobs.preview(running, self.header)
            text = f"{preview.text[: 1990 - len(line)]}\n{line}" if preview else ""
            text = text or f"{self.header}\n{line}"
            files = preview.files if preview else ()
            if (text, files) == self._shown:
                return
            await self.writer.edit(text, files=files, view=cancel_view(self.job.id))
            self._shown = text, files
        except discord.HTTPException as error:
            if error.code in DELETED:
                running.cancel("Its message was deleted.")
            self._unseen = error.code in GONE | AUTOMOD
            if not self._unseen:
                log.warning("job %s: progress could not be shown: %s", self.job.id, error)
        except (SpacebotError, aiohttp.ClientError, OSError) as error:
            log.info("job %s: progress is not shown: %s", self.job.id, type(error).__name__)

    async def _open_thread(self, running: Running) -> None:
        """Have a thread on the reply, named by the prompt; without one the answer stays here."""
        message, channel = self.ref.message, self._channel()
        if message is None or channel is None:
            return
        title = inputs.thread_title(self.job.endpoint, self.job.given)
        try:
            self._thread = await thread_on(channel.get_partial_message(message), title)
        except TROUBLE as error:
            log.info("job %s: no thread: %s", self.job.id, error)
            return
        self._note_ref(running, thread=self._thread.id)

    def _channel(self) -> discord.TextChannel | discord.PartialMessageable | None:
        """Where a thread can be: Discord has them in channels for text and announcements."""
        ref = self.ref
        if ref.channel is None or self.client.get_guild(ref.guild or 0) is None:
            return None
        known = self.client.get_channel(ref.channel)
        if known is None:
            # Not told of (yet): it is tried.
            return self.client.get_partial_messageable(ref.channel, guild_id=ref.guild)
        return known if isinstance(known, discord.TextChannel) else None

    async def _post(self, running: Running, outcome: Outcome) -> None:
        """Post the messages of a result, in order, where whoever asked will see them."""
        if self.ref.private:
            await self.jobs.note(self.job.id, state=State.POSTING)
        done = words.took(outcome.ran)
        unsaved = not self.jobs.is_saved(self.job)
        if unsaved:
            done = f"{done}\n{words.UNSAVED}"
        view = self._buttons(outcome)
        if self._unposted is None:
            self._unposted = list(outcome.replies)
        left, first = self._unposted, len(self._unposted) == len(outcome.replies)
        between = send_me_view(self.job.id) if self.ref.private else None
        await self._post_in_thread(left, view)
        if self._posted and self._thread is not None:
            said = f"{self.header}\n{done} · in {self._thread.mention}"
            await self.poster.final(Reply(said), view=view if left else None)
        elif left and first:
            reply = left[0]
            fits = len(reply.text) + len(done) < 2000
            if fits:
                reply = replace(reply, text=f"{reply.text}\n{done}")
            rest = left[1:] + [Reply(words.UNSAVED)] * (unsaved and not fits)
            await self.poster.final(reply, view=between if rest else view)
            left[:] = rest
        while left:
            posted = await self.poster.more(left[0], view=between if left[1:] else view)
            self._posted += [posted] if posted else []
            del left[0]
        await self._note_more(running)

    async def _post_in_thread(self, left: list[Reply], view: discord.ui.View) -> None:
        """Post in the thread, where there is one; what was not posted stays in `left`."""
        while left and self._thread is not None:
            buttons = None if left[1:] else view
            posted = await self.poster.in_thread(self._thread, left[0], view=buttons)
            if posted is None:
                break
            self._posted.append(posted)
            del left[0]

    def _buttons(self, outcome: Outcome) -> discord.ui.View:
        rows = result_rows(self.job.id, self.job.endpoint, outcome.values, private=self.ref.private)
        return to_view(rows)

    async def _note_more(self, running: Running) -> None:
        """Write down the messages after the first: whoever deletes a result means them all."""
        if self._posted:
            self._note_ref(running, more=tuple(self._posted))
            await self.jobs.note(self.job.id, message_ref=self.ref)

    async def fail(self, error: BaseException) -> None:
        """Say in the same message what went wrong and what to do next; log it once."""
        if not isinstance(error, SpacebotError):
            log.error("job %s met a bug", self.job.id, exc_info=error)
        elif not isinstance(error, Cancelled | Interrupted):
            log.warning("job %s failed: %s", self.job.id, kind_of(error))
        try:
            said = Reply(f"{self.header}\n{words.failure(error)}")
            await self.poster.final(said, view=failed_view(self.job.id))
        except TROUBLE as trouble:
            self._check_open()
            log.warning("job %s: the failure could not be told: %s", self.job.id, trouble)

    async def tell_lost(self, why: str = LOST) -> None:
        """Say that a restart lost the result, with a button that runs the job again."""
        await self.poster.final(Reply(f"{self.header}\n{why}"), view=again_view(self.job.id))
