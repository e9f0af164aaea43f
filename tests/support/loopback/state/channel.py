"""Channels: text channels, threads and direct messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord

from .account import Account
from .clock import Watched, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..server import DiscordServer
    from .guild import Guild
    from .message import Message

MIB = 1024 * 1024
FORUM = 15
# Upload limits by boost level, as of November 2026.
FILE_LIMITS = (10 * MIB, 10 * MIB, 50 * MIB, 100 * MIB)
# The permissions of the README's invite: a server need not grant more.
BOT_PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    attach_files=True,
    embed_links=True,
    read_message_history=True,
    add_reactions=True,
)


class Channel(Watched):
    """A text channel, a forum, a thread (`parent` is set) or a direct message (no `guild`)."""

    def __init__(
        self,
        server: DiscordServer,
        channel_id: int,
        name: str,
        kind: int,
        guild: Guild | None,
        *,
        parent: Channel | None = None,
        nsfw: bool = False,
    ) -> None:
        super().__init__()
        self.server, self.id, self.name, self.type = server, channel_id, name, kind
        self.guild, self.parent, self.nsfw = guild, parent, nsfw
        self.topic: str | None = None
        self.denied = 0
        self.own_file_limit: int | None = None
        self.recipient: Account | None = None
        self.owner: Account | None = None
        self.joined: dict[int, float] = {}
        self.archived = self.locked = self.deleted = False
        self.auto_archive_duration = 1440
        self.created = server.clock.now()
        self.typing: list[float] = []
        self._messages: dict[int, Message] = {}
        self.last_message_id: int | None = None

    def __repr__(self) -> str:
        return f"<Channel {self.name!r} {len(self._messages)} messages>"

    def describe(self) -> str:
        """The channel and its last ten messages."""
        return "\n".join([repr(self), *(m.describe() for m in self.messages[-10:])])

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread: of an announcement channel, public or private."""
        return self.type in (10, 11, 12)

    @property
    def messages(self) -> list[Message]:
        """Every current message except ephemeral ones, oldest first."""
        return list(self._messages.values())

    @property
    def hears_bot(self) -> bool:
        """Whether the bot itself is here, rather than only through a user install."""
        return self.guild.has_bot if self.guild else self.recipient is not None

    @property
    def threads(self) -> list[Channel]:
        """The threads of this channel."""
        places = self.guild.channels.values() if self.guild else ()
        return [place for place in places if place.parent is self]

    @property
    def file_limit(self) -> int:
        """The size limit of a file here, in bytes."""
        place = self.parent or self
        if place.own_file_limit is not None:
            return place.own_file_limit
        return FILE_LIMITS[self.guild.premium_tier if self.guild else 0]

    def permissions(self, user: Account) -> int:
        """A user's permissions here."""
        if self.guild is None:
            return BOT_PERMISSIONS.value
        value = self.guild.permissions(user)
        return value & ~(self.parent or self).denied if user is self.server.bot else value

    def get(self, message_id: int) -> Message | None:
        """The message of this id, if it is here."""
        return self._messages.get(message_id)

    def put(self, message: Message) -> None:
        """Adds a new message."""
        self._messages[message.id] = message
        self.last_message_id = message.id
        self.changed()

    def discard(self, message: Message) -> None:
        """Deletes a message and tells the bot."""
        self._messages.pop(message.id, None)
        message.deleted = True
        message.changed()
        self.changed()
        if not message.ephemeral:
            payload = {"id": str(message.id), "channel_id": str(self.id)}
            self.dispatch_message("MESSAGE_DELETE", payload)

    def purge(self, messages: Sequence[Message]) -> None:
        """Deletes many messages at once, as a moderator's bot would."""
        for message in messages:
            self._messages.pop(message.id, None)
            message.deleted = True
            message.changed()
        self.changed()
        payload = {"ids": [str(one.id) for one in messages], "channel_id": str(self.id)}
        self.dispatch_message("MESSAGE_DELETE_BULK", payload)

    def dispatch_message(self, event: str, payload: dict[str, Any]) -> None:
        """Sends a message event to the bot, by the intents for this kind of place."""
        if not self.hears_bot:
            return
        if self.guild:
            payload = payload | {"guild_id": str(self.guild.id)}
        reaction = "REACTION" in event
        intent = (1 << 10 if reaction else 1 << 9) if self.guild else 1 << (13 if reaction else 12)
        self.server.dispatch(event, payload, guild=self.guild, intent=intent)

    def delete(self) -> None:
        """Deletes the channel or thread, as a moderator would."""
        self.deleted = True
        self.server.channels.pop(self.id, None)
        if self.guild:
            self.guild.channels.pop(self.id, None)
            event = "THREAD_DELETE" if self.is_thread else "CHANNEL_DELETE"
            self.server.dispatch(event, self.to_json(), guild=self.guild)
        self.changed()

    def member_json(self, user_id: int) -> dict[str, Any]:
        """Discord's thread member object."""
        joined = timestamp(self.joined[user_id])
        return {
            "id": str(self.id),
            "user_id": str(user_id),
            "join_timestamp": joined,
            "flags": 0,
        }

    def _thread_json(self) -> dict[str, Any]:
        meta = {
            "archived": self.archived,
            "locked": self.locked,
            "auto_archive_duration": self.auto_archive_duration,
            "archive_timestamp": timestamp(self.created),
            "create_timestamp": timestamp(self.created),
        }
        thread = {
            "owner_id": str(self.owner.id if self.owner else 0),
            "message_count": len(self._messages),
            "total_message_sent": len(self._messages),
            "member_count": len(self.joined),
            "thread_metadata": meta,
        }
        if self.server.bot.id in self.joined:
            thread["member"] = self.member_json(self.server.bot.id)
        return thread

    def to_json(self) -> dict[str, Any]:
        """Discord's channel object."""
        data: dict[str, Any] = {
            "id": str(self.id),
            "type": self.type,
            "flags": 0,
            "last_message_id": str(self.last_message_id) if self.last_message_id else None,
        }
        if self.guild is None:
            people = [self.recipient.to_json()] if self.recipient else []
            if self.type == 3 and self.owner:
                data |= {"name": self.name, "icon": None, "owner_id": str(self.owner.id)}
            return data | {"recipients": people}
        data |= {
            "guild_id": str(self.guild.id),
            "name": self.name,
            "parent_id": str(self.parent.id) if self.parent else None,
            "rate_limit_per_user": 0,
        }
        if self.is_thread:
            return data | self._thread_json()
        overwrite = {"id": str(self.server.bot.id), "type": 1, "allow": "0"}
        overwrites = [overwrite | {"deny": str(self.denied)}] if self.denied else []
        return data | {
            "topic": self.topic,
            "position": 0,
            "nsfw": self.nsfw,
            "permission_overwrites": overwrites,
        }
