"""Delivers a job's messages exactly once to the person who asked, whatever Discord does."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import discord
from discord.webhook.async_ import AsyncWebhookAdapter

from spacebot.concurrency import growing_pauses
from spacebot.discord_bot.button_base import again_view, is_running
from spacebot.discord_bot.delivery.refusals import (
    DISCORD_ERRORS,
    GONE_REFUSALS,
    Refusal,
    refusal_of,
)
from spacebot.discord_bot.delivery.writer import MessageWriter, fresh_nonce, send
from spacebot.discord_bot.discord_internals import use_adapter
from spacebot.engine import job_text
from spacebot.models import Job, Reply
from spacebot.spaces.outputs.text import code, split

T = TypeVar("T")
ReplySender = Callable[[Reply], Awaitable[T]]

log = logging.getLogger(__name__)

# How long to retry a result while Discord has trouble, in seconds.
MAX_RETRY_SECONDS = 900.0
FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE = 1.0, 30.0
# After this many seconds, an abandoned edit has arrived or never will.
EDIT_GRACE = 2.0

# The note about files that are left out, with their names.
FILES_TOO_LARGE = "Discord rejected {}: too large for this channel."
FILTERED_OUT = "Discord's content filter blocked the files here: {}."
MODERATED = "This server's AutoMod blocked the answer, so it was sent to you privately."
UNATTACHED = "I cannot attach {} here: I need the Attach Files permission."
UNDELIVERED = (
    "I have an answer, but I cannot post it here or in a direct message. Ask a moderator to let "
    "me write here, then run it again."
)


class ResultPoster:
    """Writes one job's messages.

    It uses the interaction's token while that is valid; then an ordinary message that mentions the
    person who asked; and a direct message if the bot may not write there. Without `elsewhere` it
    posts nowhere else: nobody asked for the job.
    """

    def __init__(self, writer: MessageWriter, job: Job, *, elsewhere: bool = True) -> None:
        self.writer = writer
        self.elsewhere = elsewhere
        self.job = job
        self.name = job.id
        self.header = job_text.header_line(job, writer.ref.named)
        self._moved = False
        self._direct = writer.ref.private or writer.ref.channel is None
        self._overtaken = False
        self._deleted = self._stands = self._moderated = False
        self._followed: list[int] = []

    def overtake(self) -> None:
        """Abandon the edit under way: the next one neither waits for it nor is
        overwritten by it."""
        self._overtaken = True
        # discord.py sends one request per token at a time; an adapter of this task's own avoids
        # that queue, and any lock that a cancelled request left behind.
        use_adapter(AsyncWebhookAdapter())

    async def final(self, reply: Reply, *, view: discord.ui.View | None = None) -> None:
        """Make the first reply the final one, or deliver it another way."""
        edit = partial(self._edit, view=view)
        self._stands = await self._by_token(edit, reply)
        if not self._stands:
            await self._another_way(reply, view)
        elif self._overtaken:
            await asyncio.sleep(EDIT_GRACE)
            if await self._shows_progress():
                await self._by_token(edit, reply)

    async def more(self, reply: Reply, *, view: discord.ui.View | None = None) -> int | None:
        """Post another message after the first; returns its id if it is in the same channel."""
        count, nonce, tries = len(self._followed), fresh_nonce(), itertools.count()

        async def follow_up(part: Reply) -> None:
            again, posted = next(tries), None
            if again:
                posted = await self.writer.arrived(part, besides=self._followed)
            if posted is None:
                posted = await self.writer.follow_up(part, nonce=nonce, view=view)
            self._followed.append(posted)

        if not await self._by_token(follow_up, reply):
            await self._another_way(reply, view)
        return self._followed[-1] if len(self._followed) > count else None

    def with_command(self, reply: Reply) -> list[Reply]:
        """A reply as messages above which Discord names no command: the first one names it."""
        if not self.writer.ref.named:
            return [reply]
        body = reply.text.removeprefix(self.header).lstrip("\n")
        *before, text = split(job_text.under(job_text.header_line(self.job), body))
        return [*map(Reply, before), Reply(text, reply.files)]

    async def in_thread(
        self, thread: discord.Thread, reply: Reply, *, view: discord.ui.View | None = None
    ) -> int | None:
        """Post one message in a thread; None if the thread is closed or gone."""
        try:
            way = partial(send, thread, nonce=fresh_nonce(), view=view)
            sent = await self._persist(way, reply)
        except discord.HTTPException as error:
            if refusal_of(error) not in GONE_REFUSALS | {Refusal.MODERATED}:
                raise
            return None
        return sent.id

    async def notice(self, text: str, *, view: discord.ui.View | None = None) -> None:
        """Change the first reply if that works at once; nothing depends on it."""
        try:
            if self.writer.ref.is_editable:
                await self.writer.edit(text, view=view)
            else:
                await self.writer.edit_without_token(text, view=view)
        except DISCORD_ERRORS as error:
            log.info("job %s: its message stays as it is: %s", self.name, type(error).__name__)

    async def _edit(self, reply: Reply, *, view: discord.ui.View | None) -> None:
        await self.writer.edit(reply.text, files=reply.files, view=view)

    async def _by_token(self, way: ReplySender[None], reply: Reply) -> bool:
        """Try the interaction's token; returns whether the reply could be written."""
        if self._moved or not self.writer.ref.is_editable:
            return False
        try:
            await self._persist(way, reply)
        except discord.HTTPException as error:
            refusal = refusal_of(error)
            if refusal is Refusal.MODERATED:
                return await self._privately(reply)
            if refusal not in GONE_REFUSALS:
                raise
            if refusal is Refusal.FORBIDDEN and reply.files:
                # Its text may be accepted, without the permission to attach files.
                return await self._by_token(way, await self._unattached(reply))
            # A person who deleted the reply does not want it in the channel.
            self._deleted = refusal is Refusal.DELETED
            self._direct = self._direct or self._deleted
            return False
        return True

    async def _privately(self, reply: Reply) -> bool:
        """Show a reply that AutoMod blocks to the requester only; returns whether that worked."""
        try:
            way = partial(self.writer.follow_up, nonce=fresh_nonce(), private=True)
            await self._persist(way, reply)
        except discord.HTTPException as error:
            log.info("job %s: not as a private message: %s", self.name, error)
            self._direct = True
            return False
        if not self._moderated:
            self._moderated = True
            await self._close_old(MODERATED, None)
        return True

    async def _another_way(self, reply: Reply, view: discord.ui.View | None) -> None:
        """Write an ordinary message in the channel; if that fails, only to the person who asked."""
        if not self.elsewhere:
            log.info("job %s: its message is gone", self.name)
            return
        if not self._moved:
            *before, reply = self.with_command(reply)
            for part in before:
                await self._elsewhere(part, None)
        await self._elsewhere(reply, view)

    async def _elsewhere(self, reply: Reply, view: discord.ui.View | None) -> None:
        first, self._moved = not self._moved, True
        told, again = "Answered below.", None
        if not self._direct:
            try:
                # One nonce for each message, however often it is sent.
                nonce = fresh_nonce()
                way = partial(self.writer.to_channel, nonce=nonce, view=view, mention=first)
                await self._persist(way, reply)
            except discord.HTTPException as error:
                log.info("job %s: not in its channel: %s", self.name, error)
                self._direct = True
        if self._direct:
            told = "Answered by direct message."
            if not await self._to_person(reply, view):
                told, again = UNDELIVERED, again_view(self.name)
        if first and not self._deleted and not self._stands:
            await self._close_old(told, again)

    async def _to_person(self, reply: Reply, view: discord.ui.View | None = None) -> bool:
        """Write only to the person who asked; returns whether they accept that."""
        if not self.elsewhere:
            return False
        try:
            way = partial(self.writer.to_person, nonce=fresh_nonce(), view=view)
            await self._persist(way, reply)
        except discord.HTTPException as error:
            log.warning("job %s could not be delivered by direct message: %s", self.name, error)
            return False
        return True

    async def _unattached(self, reply: Reply) -> Reply:
        """The same reply without its files, which go only to the person who asked."""
        sent = await self._to_person(reply)
        return without_files(reply, UNATTACHED + " Sent by direct message." * sent)

    async def _close_old(self, said: str, view: discord.ui.View | None) -> None:
        """Have the old message say that it is done."""
        # AutoMod may block the header, since it quotes the prompt.
        texts = dict.fromkeys((job_text.under(self.header, f"-# {said}"), f"-# {said}"))
        ways = [self.writer.edit] * self.writer.ref.is_editable + [self.writer.edit_without_token]
        for way in ways:
            for text in texts:
                try:
                    await way(text, view=view)
                except DISCORD_ERRORS as error:
                    log.info("job %s: its first message stays as it is: %s", self.name, error)
                    if refusal_of(error) is not Refusal.MODERATED:
                        break
                else:
                    return

    async def _shows_progress(self) -> bool:
        """Whether an overtaken edit arrived after the final one."""
        try:
            message = await self.writer.fetch()
        except DISCORD_ERRORS:
            return True
        return message is not None and is_running(message)

    async def _persist(self, way: ReplySender[T], reply: Reply) -> T:
        return await persist(way, reply, self.name)


async def persist(way: ReplySender[T], reply: Reply, name: str) -> T:
    """Write, retrying while Discord has trouble, and without the files if they are too large.

    Raises errors that will not pass by themselves. `name` is the job's name in the log.
    """
    pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
    deadline = time.monotonic() + MAX_RETRY_SECONDS
    while True:
        try:
            return await way(reply)
        except DISCORD_ERRORS as error:
            if reply.files and (why := refused_files(error)):
                reply = without_files(reply, why)
                continue
            pause = next(pauses)
            if refusal_of(error) is not Refusal.PASSING or time.monotonic() + pause > deadline:
                raise
            log.warning("job %s: Discord has trouble: %s", name, type(error).__name__)
        await asyncio.sleep(pause)


def refused_files(error: Exception) -> str:
    """Why Discord accepts the message only without its files; empty if that is not the reason."""
    return REFUSED_FILES.get(refusal_of(error), "")


def without_files(reply: Reply, why: str) -> Reply:
    """The same reply without its files, saying so: Discord sometimes overstates its limit."""
    names = ", ".join(code(file.name) for file in reply.files)
    return Reply(f"{reply.text[:1800]}\n-# {why.format(names)}"[:2000])


REFUSED_FILES = {Refusal.FILTERED: FILTERED_OUT, Refusal.TOO_LARGE: FILES_TOO_LARGE}


async def send_best_effort(sending: Awaitable[Any], what: str) -> None:
    """Send something that need not arrive."""
    try:
        await sending
    except DISCORD_ERRORS as error:
        log.info("%s: %s", what, error)
