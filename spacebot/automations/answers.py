"""How an automation answers: by an ordinary message, or by a reaction."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import discord

from spacebot import inputs, recipes, words
from spacebot.automations.events import Event
from spacebot.buttons import cancel_view
from spacebot.delivery import Delivery
from spacebot.errors import Unanswered
from spacebot.jobs import Jobs, Running
from spacebot.models import FILE_LIMIT, Answer, Job, MessageRef, Outcome, Reply
from spacebot.places import TROUBLE, fresh_nonce, send, thread_on
from spacebot.posting import Poster, persist
from spacebot.store import Automation

log = logging.getLogger(__name__)

Deliver = Callable[[Job, discord.Message | None], Awaitable[None]]
# What people choose from, and how it is told.
ANSWERS = {
    "reply": "a reply",
    "thread": "a thread",
    "channel": "another channel",
    "reaction": "a reaction",
}
DONE = "✅"
# What an answer takes beside seeing the channel; others take to write there.
NEEDED = {
    "reaction": ["add_reactions", "read_message_history"],
    "thread": ["create_public_threads", "send_messages_in_threads"],
}
# Discord: there is no such channel.
NO_CHANNEL = 10003
# Edits of a channel's messages are five in 5 seconds for all of them together: the results
# must not wait for progress that nobody asked to see.
SHOW_FIRST, SHOW = 5.0, 15.0
# One emoji, with its colour or skin, and what it is joined with.
SIGN = "[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]*"
EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{SIGN}(?:\u200d{SIGN})*")


class Answering(Delivery):
    """A job that an automation started. `error` is what went wrong, once it has ended."""

    def __init__(self, client: discord.Client, jobs: Jobs, job: Job) -> None:
        share = f"automation:{automation_of(job)}"
        asker = replace(job.asker, share=share)
        # It answers where its moderator said, whatever its command does otherwise.
        endpoint = replace(job.endpoint, answer=Answer.CHANNEL)
        super().__init__(client, jobs, replace(job, asker=asker, endpoint=endpoint))
        self.poster = Quiet(self.writer, self.header, job.id)
        self.error: BaseException | None = None
        self._next = time.monotonic() + SHOW_FIRST

    async def fail(self, error: BaseException) -> None:
        """Note what went wrong, and tell it in the message."""
        self.error = error
        await super().fail(error)

    async def _show(self, running: Running) -> None:
        if time.monotonic() < self._next:
            return
        refs = [one.job.message_ref for one in self.jobs.running]
        alike = [ref for ref in refs if ref and ref.channel == self.ref.channel]
        self._next = time.monotonic() + max(SHOW, 2.0 * len(alike))
        await super()._show(running)


class Quiet(Poster):
    """Writes where the automation answers, or nowhere: nobody asked for a direct message."""

    async def _another_way(self, reply: Reply, view: discord.ui.View | None) -> None:  # noqa: ARG002
        log.info("job %s: its message is gone", self.name)

    async def _to_person(self, reply: Reply, view: discord.ui.View | None = None) -> bool:  # noqa: ARG002
        return False


class Reacting(Answering):
    """Answers by a reaction: the emoji that the Space gives, else `emoji`."""

    def __init__(self, client: discord.Client, jobs: Jobs, job: Job, emoji: str = DONE) -> None:
        super().__init__(client, jobs, job)
        self.emoji = emoji or DONE

    async def _show(self, running: Running) -> None:
        """Nothing is shown of the way."""

    async def _post(self, running: Running, outcome: Outcome) -> None:  # noqa: ARG002
        said = EMOJI.search(recipes.texts(self.job.endpoint, outcome.values))
        channel = self.client.get_partial_messageable(self.ref.channel or 0)
        message = channel.get_partial_message(self.ref.origin or 0)
        for emoji in [said[0], self.emoji] if said else [self.emoji]:
            try:
                way = partial(_react, message, emoji)
                await persist(way, Reply(""), self.job.id)
                return
            except discord.HTTPException as error:
                # What a Space says may look like an emoji and be none to Discord.
                if emoji == self.emoji or error.status != 400:
                    raise Unanswered(
                        f"I could not react: {error.text or error.status}. Give me the permissions "
                        "to add reactions and to read that channel's history."
                    ) from error


class Later(Answering):
    """A job that the bot stopped before its message was written, or that answers by a reaction.

    `deliver` waits for its turn, and answers the message that it is about.
    """

    def __init__(self, client: discord.Client, jobs: Jobs, job: Job, deliver: Deliver) -> None:
        super().__init__(client, jobs, job)
        self._deliver = deliver

    async def run(self) -> None:
        """Wait for its turn again, and answer the message that it is about."""
        await self._deliver(self.job, await self._origin())

    async def _origin(self) -> discord.Message | None:
        channel = self.client.get_channel(self.ref.channel or 0)
        if self.ref.origin is None or not isinstance(channel, discord.abc.Messageable):
            return None
        try:
            return await channel.fetch_message(self.ref.origin)
        except TROUBLE as error:
            log.info("job %s: what it answers cannot be read: %s", self.job.id, error)
            return None


async def _react(message: discord.PartialMessage, emoji: str, _: Reply) -> None:
    await message.add_reaction(emoji)


def barred(guild: discord.Guild, automation: Automation) -> list[str]:
    """The permissions that the bot lacks where it answers, by their names in Discord."""
    elsewhere = automation.answer == "channel"
    number = int(automation.target if elsewhere else automation.channel)
    channel = guild.get_channel_or_thread(number)
    if channel is None:
        return ["View Channel"]
    within = isinstance(channel, discord.Thread | discord.ForumChannel)
    write = "send_messages_in_threads" if within else "send_messages"
    needed = ["view_channel", *(NEEDED.get(automation.answer) or [write])]
    mine = channel.permissions_for(guild.me)
    lacking = (name for name in needed if not getattr(mine, name))
    return [name.replace("_", " ").title().replace(" In ", " in ") for name in lacking]


def automation_of(job: Job) -> str:
    """The id of the automation that started a job; empty where none did."""
    return job.message_ref.automation if job.message_ref else ""


def ref_of(client: discord.Client, automation: Automation, event: Event) -> MessageRef:
    """Where an event happened: the answer has no message yet."""
    guild = client.get_guild(event.guild)
    return MessageRef(
        application=client.application_id or 0,
        created=time.time(),
        user=event.user,
        channel=event.channel,
        guild=event.guild,
        origin=event.message.id if event.message else None,
        automation=automation.id,
        file_limit=guild.filesize_limit if guild else FILE_LIMIT,
    )


async def open_message(
    client: discord.Client, automation: Automation, job: Job, message: discord.Message | None
) -> MessageRef:
    """Write the message that becomes the answer to another; a reaction needs none.

    Raises `Unanswered`.
    """
    assert job.message_ref is not None
    if automation.answer == "reaction":
        return job.message_ref
    try:
        channel = await _channel(automation, job, message)
        reference = None
        if message is not None and channel == message.channel.id:
            reference = message.to_reference(fail_if_not_exists=False)
        way = partial(
            send,
            client.get_partial_messageable(channel),
            nonce=fresh_nonce(),
            reference=reference,
            view=cancel_view(job.id),
        )
        first = Reply(f"{words.header(job, job.command)}\n-# ⏳ Starting")
        sent = await persist(way, first, job.id)
    except TROUBLE as error:
        raise Unanswered(_why(error)) from error
    return replace(job.message_ref, channel=channel, message=sent.id)


def _why(error: Exception) -> str:
    """Why it cannot be answered, and what a moderator can do about it."""
    if not isinstance(error, discord.HTTPException):
        return "Discord could not be reached. It is tried again the next time."
    if error.code == NO_CHANNEL:
        return (
            "The channel where it answers is gone. Delete this automation, and add one that "
            "answers elsewhere."
        )
    return (
        f"I may not write where it answers: {error.text or error.status}. Give me the "
        "permissions to see that channel, to send messages and to read its history."
    )


async def _channel(automation: Automation, job: Job, message: discord.Message | None) -> int:
    """The channel or thread that the answer goes to."""
    if automation.answer == "channel":
        return int(automation.target)
    if automation.answer == "thread" and message is not None:
        if isinstance(message.channel, discord.Thread):
            return message.channel.id
        return (await thread_on(message, inputs.thread_title(job.endpoint, job.given))).id
    ref = job.message_ref
    return (ref.channel if ref else None) or int(automation.channel)
