"""What the tests of conversations share: a Discord with people, and a bot with chats."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacebot.models import Source
from tests.support.bot_in_loop import Home, at_home
from tests.support.loopback import Channel, DiscordServer, Guild, Message, User

LAST = "Regenerate"


@dataclass(frozen=True)
class Lab:
    """A Discord with a server, a channel and people, and the bot in it."""

    server: DiscordServer
    guild: Guild
    channel: Channel
    ada: User
    ben: User
    home: Home


@asynccontextmanager
async def lab(
    folder: Path, *, reads: bool = True, database: str = "", **spaces: str
) -> AsyncIterator[Lab]:
    """Offer these Spaces (name=address); `reads`: the message content intent is switched on."""
    privileged = ("message_content",) if reads else ()
    async with DiscordServer(privileged=privileged) as server:
        server.limits.enforced = False
        ada, ben = server.add_user("ada"), server.add_user("ben")
        guild = server.add_guild("Lab", ada, ben)
        channel = guild.add_text_channel("art")
        sources = [Source(url, name=name) for name, url in spaces.items()]
        async with at_home(server, *sources, folder=folder, database=database) as home:
            yield Lab(server, guild, channel, ada, ben, home)


def spoken(place: Channel) -> list[Message]:
    """The bot's messages there."""
    return [message for message in place.messages if message.author.bot]


def is_answered(place: Channel, text: str = "") -> bool:
    """Whether the last answer is complete and says this."""
    said = spoken(place)
    return bool(said) and LAST in said[-1].buttons() and text in said[-1].content


async def answer(place: Channel, text: str = "", seconds: float = 60) -> Message:
    """Wait for a complete answer that says this."""
    await place.wait(lambda channel: is_answered(channel, text), seconds)
    return spoken(place)[-1]


async def forked(user: User, message: Message) -> Channel:
    """Fork a conversation with the button under its last answer; returns the new thread."""
    pressed = await user.click(message, "Fork")
    await pressed.wait(lambda i: i.message and "It continues in" in i.message.content, 10)
    parent = message.channel.parent
    assert parent is not None
    return parent.threads[-1]


async def opened(
    requester: User, command: str, channel: Channel, seconds: float = 60, **arguments: Any
) -> Channel:
    """Open a conversation with its command; returns its thread, once answered."""
    before = set(channel.threads)
    await requester.command(command, channel=channel, **arguments)
    await channel.wait(lambda place: set(place.threads) - before, seconds)
    (thread,) = set(channel.threads) - before
    await answer(thread, seconds=seconds)
    return thread
