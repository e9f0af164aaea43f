"""Jobs shown in their own message: an interaction's reply, or an ordinary message.

An interaction's token is valid for 15 minutes. Later results arrive in an ordinary message
that mentions the person who asked, or in a direct message if the bot may not write there.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import discord

from spacebot.discord_bot.button_base import (
    again_view,
    cancel_view,
    failed_view,
    is_running,
    job_under,
    result_rows,
    send_me_view,
    to_view,
)
from spacebot.discord_bot.delivery.attachments import load_attachments
from spacebot.discord_bot.delivery.posting import ResultPoster
from spacebot.discord_bot.delivery.refusals import (
    DISCORD_ERRORS,
    GONE_REFUSALS,
    Refusal,
    refusal_of,
)
from spacebot.discord_bot.delivery.writer import MessageWriter, thread_on
from spacebot.engine import job_text
from spacebot.engine.follow import ShowResult, Surface
from spacebot.engine.jobs import JobHandle, JobManager
from spacebot.engine.store import RecordState
from spacebot.errors import JobInterrupted
from spacebot.models import AnswerPlace, Job, JobEnding, MessageRef, Outcome, OutgoingFile, Reply
from spacebot.spaces import inputs
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH

log = logging.getLogger(__name__)

# From this age of an interaction on, in seconds, its result may come as a new message.
OLD_INTERACTION_SECONDS = 13.5 * 60
TAKES_LONG = (
    "-# ⌛ This is taking a while. The result will come as a new message that mentions you."
)
POSTED_UNCERTAIN = (
    "⚠️ The bot was restarted while it posted this. If you have seen no answer, run it again."
)
LOST = (
    "⚠️ The bot was restarted while the Space worked on this, so the result is lost. "
    "It may have been made already: run it again only if you want it twice."
)


class MessageSurface(Surface):
    """Shows a job in the message `job.message_ref`, with a thread if its endpoint wants one.

    Without `elsewhere`, the result is posted there or nowhere.
    """

    def __init__(
        self, client: discord.Client, jobs: JobManager, job: Job, *, elsewhere: bool = True
    ) -> None:
        super().__init__(jobs, job.id)
        self.client = client
        self.job = job
        self.writer = MessageWriter(client, self.ref)
        self.poster = ResultPoster(self.writer, job, elsewhere=elsewhere)
        self.header = self.poster.header
        self._since = time.time()
        self._thread: discord.Thread | None = None
        self._shown: tuple[str, tuple[OutgoingFile, ...]] = "", ()
        self._posted: list[int] = []
        self._unposted: list[Reply] | None = None

    @property
    def ref(self) -> MessageRef:
        """The message, as it was when the job began; the running job has its later state."""
        assert self.job.message_ref is not None
        return self.job.message_ref

    @property
    def closed(self) -> bool:
        return self.client.is_closed()

    def move(self, client: discord.Client) -> None:
        self.client = client
        self.writer = self.poster.writer = MessageWriter(client, self.ref)
        self._thread = None

    async def prepare(self, job: Job) -> Mapping[str, Any]:
        """Download attachments: they go to the Space as uploads."""
        return await load_attachments(self.client, self.jobs, job)

    @asynccontextmanager
    async def showing(self, running: JobHandle) -> AsyncIterator[None]:
        if self.job.endpoint.answer is AnswerPlace.THREAD:
            await self._open_thread(running)
        async with super().showing(running):
            yield

    async def show(self, running: JobHandle, preview: Reply | None) -> ShowResult:
        if not self.ref.is_editable:
            return ShowResult.NEVER
        line = job_text.progress_line(running.progress, self._since)
        if not self.ref.is_ordinary and time.time() - self.ref.created > OLD_INTERACTION_SECONDS:
            line = TAKES_LONG
        text = job_text.under(preview.text[: 1990 - len(line)], line) if preview else ""
        shown = text or job_text.under(self.header, line), preview.files if preview else ()
        if shown == self._shown:
            return ShowResult.YES
        try:
            await self.writer.edit(shown[0], files=shown[1], view=cancel_view(self.job.id))
        except DISCORD_ERRORS as error:
            return shown_despite(error, self.name)
        self._shown = shown
        return ShowResult.YES

    def overtake(self) -> bool:
        """Abandon the edit under way: the final edit neither waits for it nor is overwritten by
        it."""
        self.poster.overtake()
        return True

    async def deliver(self, running: JobHandle, outcome: Outcome) -> None:
        """Post the messages of a result, in order, where the person who asked sees them."""
        if self.ref.private:
            await self.jobs.note(self.job.id, state=RecordState.POSTING)
        done = job_text.duration_line(outcome.run_seconds)
        if not self.saved:
            done = f"{done}\n{job_text.UNSAVED}"
        rows = result_rows(
            self.job.id,
            self.job.endpoint,
            outcome.outputs,
            private=self.ref.private,
            follows=self.job.chain is not None,
        )
        view = to_view(rows)
        if self._unposted is None:
            self._unposted = list(outcome.replies)
        left, first = self._unposted, len(self._unposted) == len(outcome.replies)
        between = send_me_view(self.job.id) if self.ref.private else None
        await self._post_in_thread(left, view)
        if self._posted and self._thread is not None:
            said = job_text.under(self.header, f"{done} · in {self._thread.mention}")
            await self.poster.final(Reply(said), view=view if left else None)
        elif left and first:
            reply = left[0]
            fits = len(reply.text) + len(done) < 2000
            if fits:
                reply = replace(reply, text=job_text.under(reply.text, done))
            rest = left[1:] + [Reply(job_text.UNSAVED)] * (not self.saved and not fits)
            await self.poster.final(reply, view=between if rest else view)
            left[:] = rest
        while left:
            posted = await self.poster.more(left[0], view=between if left[1:] else view)
            self._posted += [posted] if posted else []
            del left[0]
        await self._note_more(running)

    async def fail(self, error: BaseException) -> None:
        why = job_text.describe_failure(error)
        room = MAX_MESSAGE_LENGTH - len(why) - 1
        streamed = await self.streamed(room) or Reply(self.header)
        said = Reply(job_text.under(streamed.text[:room], why), streamed.files)
        try:
            await self.poster.final(said, view=failed_view(self.job.id))
        except DISCORD_ERRORS as trouble:
            if self.closed:
                raise
            log.warning("job %s: the failure could not be told: %s", self.name, trouble)

    async def interrupted(self, error: JobInterrupted) -> None:
        """Say so at once or not at all: the bot is stopping."""
        # At the next start, the button of a running job says that this job is saved.
        said = job_text.under(self.header, job_text.describe_failure(error))
        await self.poster.notice(said, view=cancel_view(self.job.id))

    async def tell_lost(self, state: str) -> None:
        """Say that a restart lost the result, with a button that runs the job again."""
        # A private answer cannot be read once its token is over.
        why = POSTED_UNCERTAIN if state == RecordState.POSTING else LOST
        await self.poster.final(
            Reply(job_text.under(self.header, why)), view=again_view(self.job.id)
        )

    async def ending_shown(self) -> JobEnding | None:
        """How the message says that the job ended, after a restart; None while it waits.

        A process can be killed between posting a result and recording it.
        """
        try:
            message = await self.writer.fetch() or await self._sought()
        except DISCORD_ERRORS as error:
            refusal = refusal_of(error)
            # A message that cannot be read now is assumed to be there.
            never = self.ref.message is None and refusal is Refusal.UNANSWERED
            return JobEnding.CANCELLED if never or refusal is Refusal.DELETED else None
        if message is not None and self.ref.message is None:
            self.job = replace(self.job, message_ref=replace(self.ref, message=message.id))
            self.writer = self.poster.writer = MessageWriter(self.client, self.ref)
        return None if message is None or is_running(message) else JobEnding.DONE

    async def _sought(self) -> discord.Message | None:
        """A reply whose id was never learnt, found by its button among the messages of its time."""
        ref = self.ref
        # Without an interaction it was never written: it waits for its turn.
        if ref.message is not None or ref.channel is None or ref.private or ref.is_ordinary:
            return None
        channel = self.client.get_partial_messageable(ref.channel)
        made = datetime.datetime.fromtimestamp(ref.created, datetime.UTC)
        async for message in channel.history(limit=100, around=made):
            if job_under(message) == self.job.id:
                return message
        return None

    async def _open_thread(self, running: JobHandle) -> None:
        """Open a thread on the reply, named after the prompt; if that fails, the
        answer stays here."""
        message, channel = self.ref.message, self._channel()
        if message is None or channel is None:
            return
        title = inputs.thread_title(self.job.endpoint, self.job.arguments)
        try:
            self._thread = await thread_on(channel.get_partial_message(message), title)
        except DISCORD_ERRORS as error:
            log.info("job %s: no thread: %s", self.name, error)
            return
        note_ref(running, thread=self._thread.id)

    def _channel(self) -> discord.TextChannel | discord.PartialMessageable | None:
        """The channel, if threads are possible there: in text and announcement channels."""
        ref = self.ref
        if ref.channel is None or self.client.get_guild(ref.guild or 0) is None:
            return None
        known = self.client.get_channel(ref.channel)
        if known is None:
            # It is not in the cache (yet), so it is tried.
            return self.client.get_partial_messageable(ref.channel, guild_id=ref.guild)
        return known if isinstance(known, discord.TextChannel) else None

    async def _post_in_thread(self, left: list[Reply], view: discord.ui.View) -> None:
        """Post in the thread, if there is one; unposted messages stay in `left`."""
        if left and self._thread is not None and not self._posted:
            left[:1] = self.poster.with_command(left[0])
        while left and self._thread is not None:
            buttons = None if left[1:] else view
            posted = await self.poster.in_thread(self._thread, left[0], view=buttons)
            if posted is None:
                break
            self._posted.append(posted)
            del left[0]

    async def _note_more(self, running: JobHandle) -> None:
        """Record the messages after the first: deleting a result deletes all of them."""
        if self._posted:
            note_ref(running, more=tuple(self._posted))
            await self.jobs.note(self.job.id, message_ref=running.job.message_ref)


def note_ref(running: JobHandle, **changes: Any) -> None:
    """Record what a job's answer has besides its first message."""
    assert running.job.message_ref is not None
    ref = replace(running.job.message_ref, **changes)
    running.job = replace(running.job, message_ref=ref)


def shown_despite(error: Exception, name: str) -> ShowResult:
    """What a refused edit means for the next ones; `name` is the job's name in the log."""
    refusal = refusal_of(error)
    if refusal is Refusal.DELETED:
        return ShowResult.DELETED
    if refusal in GONE_REFUSALS | {Refusal.MODERATED}:
        return ShowResult.NEVER
    log.warning("job %s: progress could not be shown: %s", name, type(error).__name__)
    return ShowResult.NOT_NOW
