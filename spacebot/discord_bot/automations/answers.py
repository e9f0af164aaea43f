"""How an automation answers: with an ordinary message, or with a reaction."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import replace
from functools import partial

import discord

from spacebot.discord_bot.age import is_age_restricted
from spacebot.discord_bot.automations.events import Event
from spacebot.discord_bot.button_base import cancel_view
from spacebot.discord_bot.delivery import (
    DISCORD_ERRORS,
    MessageSurface,
    Refusal,
    fresh_nonce,
    persist,
    refusal_of,
    send,
    thread_on,
)
from spacebot.engine import job_text, recipes
from spacebot.engine.follow import ShowResult
from spacebot.engine.jobs import JobHandle, JobManager
from spacebot.engine.pacing import EditPacer, Pacer
from spacebot.engine.store import Automation
from spacebot.errors import CannotAnswer
from spacebot.models import DEFAULT_FILE_LIMIT, AnswerPlace, Job, MessageRef, Outcome, Reply
from spacebot.spaces import inputs

log = logging.getLogger(__name__)

# The choices, and their names in messages.
ANSWERS = {
    "reply": "a reply",
    "thread": "a thread",
    "channel": "another channel",
    "reaction": "a reaction",
}
DONE = "✅"
# The permissions for an answer besides View Channel; the other kinds need Send Messages.
NEEDED_PERMISSIONS = {
    "reaction": ["add_reactions", "read_message_history"],
    "thread": ["create_public_threads", "send_messages_in_threads"],
}
# Edits in a channel share a limit of five in 5 seconds: progress that nobody asked to see must not
# delay results.
SHOW_FIRST, SHOW = 5.0, 15.0
# One emoji, with its colour or skin tone, and whatever is joined to it.
SIGN = "[\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]*"
# How much of an answer is searched for one.
MAX_TEXT_SEARCHED = 4000
EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{SIGN}(?:\u200d{SIGN})*")


class SlowPacer(EditPacer):
    """Paces a channel's messages, many of which share one rate limit of Discord's."""

    def __init__(self, jobs: JobManager, running: JobHandle) -> None:
        super().__init__(jobs, running, eager=False)
        self._ref = running.job.message_ref

    def pause(self) -> float:
        refs = [one.job.message_ref for one in self.jobs.running]
        alike = [ref for ref in refs if ref and self._ref and ref.channel == self._ref.channel]
        return max(SHOW, 2.0 * len(alike)) if self.edits else SHOW_FIRST


class ChannelSurface(MessageSurface):
    """Shows a job that an automation started in the message that answers the event."""

    def __init__(self, client: discord.Client, jobs: JobManager, job: Job) -> None:
        requester = replace(job.requester, share=f"automation:{automation_of(job)}")
        # It answers where its moderator chose, whatever its command does elsewhere.
        endpoint = replace(job.endpoint, answer=AnswerPlace.CHANNEL)
        job = replace(job, requester=requester, endpoint=endpoint)
        super().__init__(client, jobs, job, elsewhere=False)

    def pace(self, running: JobHandle) -> Pacer:
        """Edit rarely: progress that nobody asked to see must not delay results."""
        return SlowPacer(self.jobs, running)


class ReactionSurface(ChannelSurface):
    """Answers with a reaction: the emoji that the Space returns, otherwise `emoji`."""

    preview_limit = 0

    def __init__(
        self, client: discord.Client, jobs: JobManager, job: Job, emoji: str = DONE
    ) -> None:
        super().__init__(client, jobs, job)
        self.emoji = emoji or DONE

    async def show(self, running: JobHandle, preview: Reply | None) -> ShowResult:  # noqa: ARG002
        return ShowResult.NEVER

    async def deliver(self, running: JobHandle, outcome: Outcome) -> None:  # noqa: ARG002
        """React; raises `CannotAnswer`."""
        said = recipes.result_text(self.job.endpoint, outcome.outputs)
        found = EMOJI.search(said[:MAX_TEXT_SEARCHED])
        channel = self.client.get_partial_messageable(self.ref.channel or 0)
        message = channel.get_partial_message(self.ref.origin or 0)
        for emoji in [found[0], self.emoji] if found else [self.emoji]:
            try:
                await persist(partial(_react, message, emoji), Reply(""), self.name)
                return
            except discord.HTTPException as error:
                # A Space's text may look like an emoji without being one for Discord.
                if emoji == self.emoji or refusal_of(error) is not Refusal.INVALID:
                    raise CannotAnswer(
                        f"I could not react: {error.text or error.status}. Give me the permissions "
                        "to add reactions and to read that channel's history."
                    ) from error


async def _react(message: discord.PartialMessage, emoji: str, _: Reply) -> None:
    await message.add_reaction(emoji)


async def origin_of(client: discord.Client, job: Job) -> discord.Message | None:
    """The message that a job answers; None if it cannot be read."""
    ref = job.message_ref or MessageRef()
    channel = client.get_channel(ref.channel or 0)
    if ref.origin is None or not isinstance(channel, discord.abc.Messageable):
        return None
    try:
        return await channel.fetch_message(ref.origin)
    except DISCORD_ERRORS as error:
        log.info("job %s: what it answers cannot be read: %s", job.id, error)
        return None


def missing_permissions(guild: discord.Guild, automation: Automation) -> list[str]:
    """The permissions that the bot lacks in the answer's channel, by their names in Discord."""
    elsewhere = automation.answer == "channel"
    number = int(automation.target if elsewhere else automation.channel)
    channel = guild.get_channel_or_thread(number)
    if channel is None:
        return ["View Channel"]
    within = isinstance(channel, discord.Thread | discord.ForumChannel)
    write = "send_messages_in_threads" if within else "send_messages"
    needed = ["view_channel", *(NEEDED_PERMISSIONS.get(automation.answer) or [write])]
    mine = channel.permissions_for(guild.me)
    lacking = (name for name in needed if not getattr(mine, name))
    return [name.replace("_", " ").title().replace(" In ", " in ") for name in lacking]


def automation_of(job: Job) -> str:
    """The id of the automation that started a job; empty if none did."""
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
        file_limit=guild.filesize_limit if guild else DEFAULT_FILE_LIMIT,
        nsfw=answers_adults(client, automation),
    )


def answers_adults(client: discord.Client, automation: Automation) -> bool:
    """Whether an automation answers in an age-restricted channel."""
    elsewhere = automation.answer == "channel"
    number = int(automation.target if elsewhere else automation.channel)
    return is_age_restricted(client.get_channel(number))


async def open_answer(
    client: discord.Client, automation: Automation, job: Job, message: discord.Message | None
) -> MessageRef:
    """Post the message that becomes the answer; a reaction needs none. Raises `CannotAnswer`."""
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
        first = Reply(job_text.under(job_text.header_line(job), job_text.STARTING))
        sent = await persist(way, first, job.id)
    except DISCORD_ERRORS as error:
        raise CannotAnswer(_reason(error)) from error
    return replace(job.message_ref, channel=channel, message=sent.id)


def _reason(error: Exception) -> str:
    """Why it cannot answer, and what a moderator can do about it."""
    if not isinstance(error, discord.HTTPException):
        return "Discord could not be reached. It will be tried again next time."
    if refusal_of(error) is Refusal.NO_CHANNEL:
        return (
            "The channel where it answers is gone. Delete this automation and add another that "
            "answers elsewhere."
        )
    return (
        f"I cannot write where it answers: {error.text or error.status}. Give me the "
        "permissions to see that channel, to send messages and to read its history."
    )


async def _channel(automation: Automation, job: Job, message: discord.Message | None) -> int:
    """The channel or thread that the answer goes to."""
    if automation.answer == "channel":
        return int(automation.target)
    if automation.answer == "thread" and message is not None:
        if isinstance(message.channel, discord.Thread):
            return message.channel.id
        return (await thread_on(message, inputs.thread_title(job.endpoint, job.arguments))).id
    ref = job.message_ref
    return (ref.channel if ref else None) or int(automation.channel)
