"""What Discord keeps: accounts, guilds, channels, threads, messages, files."""

from __future__ import annotations

import asyncio
import mimetypes
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import discord

if TYPE_CHECKING:
    from .interactions import Interaction
    from .server import DiscordServer

MIB = 1024 * 1024
# Upload limits by boost level, as of November 2026.
FILE_LIMITS = (10 * MIB, 10 * MIB, 50 * MIB, 100 * MIB)
EPHEMERAL = 1 << 6
LOADING = 1 << 7
HAS_THREAD = 1 << 5
COMPONENTS_V2 = 1 << 15
DISCORD_EPOCH = 1_420_070_400_000

BOT_PERMISSIONS = discord.Permissions.text() | discord.Permissions(manage_threads=True)
MEMBER_PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    embed_links=True,
    attach_files=True,
    add_reactions=True,
    read_message_history=True,
    use_application_commands=True,
)


class Clock:
    """Discord's time in epoch seconds; `advance` moves it, so that tokens expire at once."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """The time now."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Lets `seconds` pass."""
        self.offset += seconds


class Snowflakes:
    """Gives ids: growing, unique, with the time in them as Discord's have."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """The next id."""
        fresh = (int(time.time() * 1000) - DISCORD_EPOCH) << 22
        self._last = max(self._last + 1, fresh)
        return self._last


def timestamp(seconds: float) -> str:
    """Epoch seconds as ISO 8601, as Discord writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


class Watched:
    """Something that changes: `wait` sleeps until what one hopes for is true."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def changed(self) -> None:
        """Wakes whoever waits."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def describe(self) -> str:
        """What it looks like now, for an AssertionError."""
        return repr(self)

    async def wait(self, predicate: Callable[[Self], Any], timeout: float = 5.0) -> Self:  # noqa: ASYNC109
        """Returns itself as soon as `predicate(self)` is true; AssertionError after `timeout` s.

        A predicate that stumbles over what is not there yet counts as false.
        """
        end = time.monotonic() + timeout
        while True:
            stumbled = ""
            try:
                if predicate(self):
                    return self
            except (AttributeError, IndexError, KeyError, TypeError) as exc:
                stumbled = f"\nthe predicate stumbled: {exc!r}"
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(
                    f"not within {timeout} s. Last state:\n{self.describe()}{stumbled}"
                )
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await asyncio.wait([future], timeout=left)


@dataclass(eq=False)
class Account:
    """A user or the bot itself."""

    server: DiscordServer
    id: int
    name: str
    bot: bool = False
    dm: Channel | None = field(default=None, repr=False)
    installed: bool = False
    accepts_dms: bool = True

    @property
    def mention(self) -> str:
        """How a message names it."""
        return f"<@{self.id}>"

    def to_json(self) -> dict[str, Any]:
        """Discord's user object."""
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": None if self.bot else self.name.title(),
            "discriminator": "0000" if self.bot else "0",
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
            "flags": 0,
        }


@dataclass(eq=False)
class Guild:
    """A server. `members` maps user ids to the ids of their roles."""

    server: DiscordServer
    id: int
    name: str
    premium_tier: int = 0
    has_bot: bool = True
    locale: str = "en-US"
    members: dict[int, list[int]] = field(default_factory=dict)
    roles: dict[int, tuple[str, int]] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    joined_at: float = field(default_factory=time.time)

    def add_text_channel(
        self,
        name: str = "general",
        *,
        deny: tuple[str, ...] = (),
        file_limit: int | None = None,
        nsfw: bool = False,
    ) -> Channel:
        """Adds a channel. `deny` names permissions the bot lacks there ("send_messages")."""
        channel = Channel(self.server, self.server.ids.next(), name, 0, self, nsfw=nsfw)
        channel.denied = discord.Permissions(**dict.fromkeys(deny, True)).value
        channel.own_file_limit = file_limit
        self.channels[channel.id] = self.server.channels[channel.id] = channel
        self.server.dispatch("CHANNEL_CREATE", channel.to_json(), guild=self)
        return channel

    def add_member(self, user: Account, *permissions: str) -> None:
        """Lets a user join, with a role of these permissions ("manage_messages") if any."""
        roles = []
        if permissions:
            role = self.server.ids.next()
            value = discord.Permissions(**dict.fromkeys(permissions, True)).value
            self.roles[role] = (f"role of {user.name}", value)
            roles.append(role)
            role_json = self.role_json(role)
            payload = {"guild_id": str(self.id), "role": role_json}
            self.server.dispatch("GUILD_ROLE_CREATE", payload, guild=self)
        self.members[user.id] = roles
        payload = self.member_json(user) | {"guild_id": str(self.id)}
        self.server.dispatch("GUILD_MEMBER_ADD", payload, guild=self, intent=1 << 1)

    def remove_member(self, user: Account) -> None:
        """Lets a user leave."""
        self.members.pop(user.id, None)
        payload = {"guild_id": str(self.id), "user": user.to_json()}
        self.server.dispatch("GUILD_MEMBER_REMOVE", payload, guild=self, intent=1 << 1)

    def remove_bot(self) -> None:
        """Throws the bot out."""
        self.server.dispatch("GUILD_DELETE", {"id": str(self.id)}, guild=self)
        self.has_bot = False

    def permissions(self, user: Account) -> int:
        """A member's permissions in the guild."""
        value = MEMBER_PERMISSIONS.value
        for role in self.members.get(user.id, ()):
            value |= self.roles[role][1]
        return value | (BOT_PERMISSIONS.value if user is self.server.bot else 0)

    def role_json(self, role: int) -> dict[str, Any]:
        """Discord's role object; the role of the guild's own id is @everyone."""
        name, permissions = self.roles.get(role, ("@everyone", MEMBER_PERMISSIONS.value))
        return {
            "id": str(role),
            "name": name,
            "permissions": str(permissions),
            "position": 0 if role == self.id else 1,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "flags": 0,
            "icon": None,
            "unicode_emoji": None,
        }

    def member_json(self, user: Account, *, with_user: bool = True) -> dict[str, Any]:
        """Discord's guild member object."""
        member: dict[str, Any] = {
            "roles": [str(role) for role in self.members.get(user.id, ())],
            "joined_at": timestamp(self.joined_at),
            "nick": None,
            "avatar": None,
            "banner": None,
            "premium_since": None,
            "communication_disabled_until": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "flags": 0,
        }
        if with_user:
            member["user"] = user.to_json()
        return member

    def to_json(self) -> dict[str, Any]:
        """Discord's guild object, with what GUILD_CREATE adds."""
        channels = [c for c in self.channels.values() if not c.is_thread]
        threads = [c for c in self.channels.values() if c.is_thread and not c.archived]
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": str(next(iter(self.members), self.id)),
            "premium_tier": self.premium_tier,
            "preferred_locale": self.locale,
            "member_count": len(self.members),
            "joined_at": timestamp(self.joined_at),
            "large": False,
            "unavailable": False,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "afk_timeout": 300,
            "system_channel_flags": 0,
            "roles": [self.role_json(role) for role in (self.id, *self.roles)],
            "members": [self.member_json(self.server.bot)],
            "channels": [channel.to_json() for channel in channels],
            "threads": [thread.to_json() for thread in threads],
            **dict.fromkeys(("icon", "banner", "splash", "description", "region")),
            **{key: [] for key in ("emojis", "features", "stickers", "presences", "voice_states")},
        }


class Channel(Watched):
    """A text channel, a thread (`parent` is set) or a direct message (`guild` is None)."""

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
        """Whether it is a thread, public or private."""
        return self.type in (11, 12)

    @property
    def messages(self) -> list[Message]:
        """Every message that is there now, oldest first; ephemeral ones are not."""
        return list(self._messages.values())

    @property
    def threads(self) -> list[Channel]:
        """The threads of this channel."""
        places = self.guild.channels.values() if self.guild else ()
        return [place for place in places if place.parent is self]

    @property
    def file_limit(self) -> int:
        """The bytes that one file may have here."""
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
        """Takes a new message in."""
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

    def dispatch_message(self, event: str, payload: dict[str, Any]) -> None:
        """Sends a message event to the bot, by the intents for this kind of place."""
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


@dataclass(eq=False, slots=True)
class Attachment:
    """A file on the CDN. `description` is its alt text."""

    id: int
    filename: str
    data: bytes = field(repr=False)
    url: str
    content_type: str | None = None
    description: str | None = None
    ephemeral: bool = False

    async def read(self) -> bytes:
        """The bytes, without the way over HTTP."""
        return self.data

    def to_json(self) -> dict[str, Any]:
        """Discord's attachment object."""
        data: dict[str, Any] = {
            "id": str(self.id),
            "filename": self.filename,
            "size": len(self.data),
            "url": self.url,
            "proxy_url": self.url,
        }
        if self.content_type:
            data["content_type"] = self.content_type
        if self.description:
            data["description"] = self.description
        if self.ephemeral:
            data["ephemeral"] = True
        return data


@dataclass(frozen=True, slots=True)
class Pings:
    """Whom a message made notice: ids of users and roles, and whether everyone."""

    users: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


@dataclass(frozen=True, slots=True)
class Version:
    """What a message was at a time (`at`, on Discord's clock)."""

    at: float
    content: str
    attachments: tuple[Attachment, ...]
    embeds: list[dict[str, Any]]
    components: list[dict[str, Any]]


class Message(Watched):
    """A message: what it is now, and in `history` everything it has been, oldest first."""

    def __init__(
        self, channel: Channel, author: Account, *, interaction: Interaction | None = None
    ) -> None:
        super().__init__()
        self.server = channel.server
        self.id = self.server.ids.next()
        self.channel, self.author, self.interaction = channel, author, interaction
        self.content = ""
        self.attachments: list[Attachment] = []
        self.embeds: list[dict[str, Any]] = []
        self.components: list[dict[str, Any]] = []
        self.flags = 0
        self.type = 0
        self.created = self.server.clock.now()
        self.edited: float | None = None
        self.reference: Message | None = None
        self.thread: Channel | None = None
        self.pings = Pings()
        self.reactions: dict[str, set[int]] = {}
        self.history: list[Version] = []
        self.deleted = False
        self.nonce: str | None = None

    def __repr__(self) -> str:
        files = [f"{a.filename} ({len(a.data)} B)" for a in self.attachments]
        buttons = [c.get("label") or c.get("custom_id") for c in self.walk() if c["type"] == 2]
        marks = [name for name in ("ephemeral", "loading", "deleted") if getattr(self, name)]
        return (
            f"<Message by {self.author.name}: {self.text!r} files={files} buttons={buttons} "
            f"embeds={len(self.embeds)} edits={self.edits} {' '.join(marks)}>"
        )

    @property
    def edits(self) -> int:
        """How often it was edited."""
        return max(0, len(self.history) - 1)

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it still says that the bot is thinking."""
        return bool(self.flags & LOADING)

    @property
    def text(self) -> str:
        """What a person reads: content, or the text of Components V2."""
        shown = [c["content"] for c in self.walk() if c["type"] == 10]
        return "\n".join([self.content, *shown] if self.content else shown)

    def walk(self) -> list[dict[str, Any]]:
        """Every component, however deep, in order."""
        found: list[dict[str, Any]] = []
        pile = list(reversed(self.components))
        while pile:
            part = pile.pop()
            found.append(part)
            below = [*part.get("components", ()), part.get("accessory"), part.get("component")]
            pile.extend(reversed([child for child in below if child]))
        return found

    def buttons(self) -> dict[str, dict[str, Any]]:
        """Its buttons by label (by custom_id where there is none)."""
        parts = [part for part in self.walk() if part["type"] == 2]
        return {str(part.get("label") or part.get("custom_id")): part for part in parts}

    def remember(self) -> None:
        """Adds what it is now to its history, and wakes whoever waits."""
        files = tuple(self.attachments)
        now = self.server.clock.now()
        self.history.append(Version(now, self.content, files, self.embeds, self.components))
        self.changed()
        self.channel.changed()
        if self.interaction:
            self.interaction.changed()

    def to_json(self, *, content: bool = True) -> dict[str, Any]:
        """Discord's message object; without `content` as a bot without that intent sees it."""
        data: dict[str, Any] = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "author": self.author.to_json(),
            "content": self.content if content else "",
            "attachments": [a.to_json() for a in self.attachments] if content else [],
            "embeds": self.embeds if content else [],
            "components": self.components if content else [],
            "flags": self.flags,
            "type": self.type,
            "timestamp": timestamp(self.created),
            "edited_timestamp": timestamp(self.edited) if self.edited else None,
            "mentions": self._mentions_json(),
            "mention_roles": [str(role) for role in self.pings.roles],
            "mention_everyone": self.pings.everyone,
            "pinned": False,
            "tts": False,
        }
        if self.nonce:
            data["nonce"] = self.nonce
        if self.reactions:
            data["reactions"] = [self._reaction_json(emoji) for emoji in self.reactions]
        if self.reference:
            data |= self._reference_json(self.reference)
        if self.thread and not self.thread.deleted:
            data["thread"] = self.thread.to_json()
        if self.interaction:
            data |= self.interaction.message_json(self)
        return data

    def _mentions_json(self) -> list[dict[str, Any]]:
        users = self.server.users
        return [users[user].to_json() for user in self.pings.users if user in users]

    def _reaction_json(self, emoji: str) -> dict[str, Any]:
        people = self.reactions[emoji]
        return {
            "emoji": emoji_json(emoji),
            "count": len(people),
            "count_details": {"burst": 0, "normal": len(people)},
            "burst_colors": [],
            "me": self.server.bot.id in people,
            "me_burst": False,
        }

    def _reference_json(self, other: Message) -> dict[str, Any]:
        reference = {"type": 0, "message_id": str(other.id), "channel_id": str(other.channel.id)}
        if other.channel.guild:
            reference["guild_id"] = str(other.channel.guild.id)
        gone = None if other.deleted else other.to_json() | {"referenced_message": None}
        return {"message_reference": reference, "referenced_message": gone}


def emoji_json(emoji: str) -> dict[str, Any]:
    """Discord's partial emoji for "🔁" or "name:id"."""
    name, _, emoji_id = emoji.partition(":")
    return {"id": emoji_id or None, "name": name, "animated": False}


def content_type_of(filename: str) -> str | None:
    """The type that Discord gives to an upload, by its name."""
    kind = mimetypes.guess_type(filename)[0]
    return f"{kind}; charset=utf-8" if kind and kind.startswith("text/") else kind
