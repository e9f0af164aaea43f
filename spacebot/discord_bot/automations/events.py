"""What happened in Discord, in the terms of automations."""

from __future__ import annotations

import asyncio
import datetime
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import discord

from spacebot.discord_bot.delivery import DISCORD_ERRORS, roles_of_member
from spacebot.discord_bot.delivery.attachments import attachments_of, text_of
from spacebot.engine.store import Automation

log = logging.getLogger(__name__)

# Discord shows no preview of a link inside these.
LINK = re.compile(r"https?://[^\s<>]+")
# An emoji may be followed by a character that asks for its coloured form.
VARIATION_SELECTOR = "\ufe0f"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `source` is its kind, and the rest says where it happened and who caused it.

    `channel` is where it happened, possibly a thread, and `above` the forum of a post or the
    parent of a new thread. `message` is the message it concerns, if there is one. `roles` are
    the ids of the roles of the person who caused it.
    """

    source: str
    guild: int
    user: int
    name: str
    channel: int | None = None
    above: int | None = None
    message: discord.Message | None = None
    text: str = ""
    title: str = ""
    emoji: str = ""
    where: str = ""
    server: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def mention(self) -> str:
        """The mention of the person who caused it."""
        return f"<@{self.user}>"

    @property
    def files(self) -> list[discord.Attachment]:
        """The attachments of the message, or of the messages that it forwards."""
        return attachments_of(self.message) if self.message else []

    @property
    def link(self) -> str:
        """The first link in the text."""
        found = LINK.search(self.text)
        return found[0].rstrip(".,;:!?)") if found else ""

    @property
    def values(self) -> Mapping[str, str]:
        """The values that a command can take from it, by their names in braces."""
        return {
            "text": self.text,
            "link": self.link,
            "user": self.name,
            "mention": self.mention,
            "title": self.title,
            "emoji": self.emoji,
            "channel": self.where,
            "server": self.server,
            "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        }


def message_event(message: discord.Message, source: str = "message", **more: Any) -> Event:
    """Somebody wrote a message, or did something to it."""
    guild = message.guild
    assert guild is not None
    author = message.author
    arguments: dict[str, Any] = {"user": author.id, "name": author.display_name}
    arguments["roles"] = roles_of_member(author)
    thread = message.channel if isinstance(message.channel, discord.Thread) else None
    return Event(
        **(arguments | more),
        source=source,
        guild=guild.id,
        channel=message.channel.id,
        above=thread.parent_id if thread and is_post(thread) else None,
        message=message,
        # Mentions and emoji by name: a Space knows no ids.
        text=message.clean_content.strip() or text_of(message).strip(),
        title=thread.name if thread else "",
        where=getattr(message.channel, "name", ""),
        server=guild.name,
    )


def join_event(member: discord.Member) -> Event:
    """Somebody joined the server."""
    guild = member.guild
    roles = roles_of_member(member)
    return Event("join", guild.id, member.id, member.display_name, server=guild.name, roles=roles)


def thread_event(
    thread: discord.Thread, owner: discord.Member, first: discord.Message | None
) -> Event:
    """A thread or a forum post was opened; `first` is its first message."""
    return Event(
        "thread",
        thread.guild.id,
        owner.id,
        owner.display_name,
        channel=thread.id,
        above=thread.parent_id,
        message=first,
        text=first.clean_content.strip() if first else "",
        title=thread.name,
        where=getattr(thread.parent, "name", ""),
        server=thread.guild.name,
        roles=roles_of_member(owner),
    )


def timed_event(automation: Automation, guild: discord.Guild | None) -> Event:
    """The scheduled time of an automation, on behalf of the person who created it."""
    maker = guild.get_member(int(automation.maker)) if guild else None
    return Event(
        "time",
        int(automation.guild),
        int(automation.maker),
        "",
        channel=int(automation.channel),
        server=guild.name if guild else "",
        roles=roles_of_member(maker) if maker else frozenset(),
    )


def is_post(thread: discord.Thread) -> bool:
    """Whether a thread is a post of a forum."""
    return isinstance(thread.parent, discord.ForumChannel)


def is_by_person(message: discord.Message) -> bool:
    """Whether a person wrote a message, not a bot, a webhook or Discord itself."""
    written = message.type in (discord.MessageType.default, discord.MessageType.reply)
    return written and not message.author.bot and message.webhook_id is None


async def first_message(thread: discord.Thread) -> discord.Message | None:
    """The first message of a thread: in a forum, it may arrive a moment after the post."""
    place = thread if is_post(thread) else thread.parent
    for pause in (0.0, 1.0):
        await asyncio.sleep(pause)
        try:
            assert isinstance(place, discord.abc.Messageable)
            return await place.fetch_message(thread.id)
        except discord.NotFound:
            continue
        except DISCORD_ERRORS as error:
            log.info("the first message of a thread could not be read: %s", error)
            break
    return None


async def member_of(guild: discord.Guild, user: int) -> discord.Member | None:
    """A member of a server; None if there is no such member, or if Discord does not say."""
    try:
        return guild.get_member(user) or await guild.fetch_member(user)
    except DISCORD_ERRORS as error:
        log.info("a member could not be looked up: %s", error)
        return None


def plain_emoji(emoji: str) -> str:
    """An emoji in comparable form: "🎵", or "name:id" for a server's own."""
    emoji = emoji.strip()
    if own := re.fullmatch(r"<a?:(\w+):(\d+)>", emoji):
        return f"{own[1]}:{own[2]}"
    return emoji.replace(VARIATION_SELECTOR, "")
