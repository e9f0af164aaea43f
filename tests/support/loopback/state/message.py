"""Messages, their files, and their history."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .account import Account
from .channel import Channel
from .clock import Watched, timestamp

if TYPE_CHECKING:
    from ..interactions import Interaction

EPHEMERAL = 1 << 6
LOADING = 1 << 7
HAS_THREAD = 1 << 5
COMPONENTS_V2 = 1 << 15


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
    title: str | None = None

    async def read(self) -> bytes:
        """The bytes, without a request over HTTP."""
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
        if self.title:
            data["title"] = self.title
        return data


@dataclass(frozen=True, slots=True)
class Pings:
    """Whom a message notified: ids of users and roles, and whether everyone."""

    users: tuple[int, ...] = ()
    roles: tuple[int, ...] = ()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


@dataclass(frozen=True, slots=True)
class Version:
    """A message's state at a time (`at`, on Discord's clock)."""

    at: float
    content: str
    attachments: tuple[Attachment, ...]
    embeds: list[dict[str, Any]]
    components: list[dict[str, Any]]


class Message(Watched):
    """A message: its current state, and all earlier ones in `history`, oldest first."""

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
        self.forwarded: Message | None = None
        self.stickers: list[dict[str, Any]] = []
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
        """Its buttons by label (by custom_id if they have none)."""
        parts = [part for part in self.walk() if part["type"] == 2]
        return {str(part.get("label") or part.get("custom_id")): part for part in parts}

    def remember(self) -> None:
        """Adds its current state to its history and wakes everyone who waits."""
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
        if self.stickers and content:
            data["sticker_items"] = self.stickers
        if self.reference:
            data |= self._reference_json(self.reference)
        if self.forwarded:
            data |= self._forward_json(self.forwarded, content=content)
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

    def _forward_json(self, other: Message, *, content: bool) -> dict[str, Any]:
        reference = {"type": 1, "message_id": str(other.id), "channel_id": str(other.channel.id)}
        keys = ("type", "content", "embeds", "attachments", "timestamp", "edited_timestamp")
        shown = other.to_json(content=content)
        snapshot = {key: shown[key] for key in (*keys, "flags", "components")}
        return {"message_reference": reference, "message_snapshots": [{"message": snapshot}]}


def emoji_json(emoji: str) -> dict[str, Any]:
    """Discord's partial emoji for "🔁" or "name:id"."""
    name, _, emoji_id = emoji.partition(":")
    return {"id": emoji_id or None, "name": name, "animated": False}


def content_type_of(filename: str) -> str | None:
    """The content type that Discord sets for an upload, by its name."""
    kind = mimetypes.guess_type(filename)[0]
    return f"{kind}; charset=utf-8" if kind and kind.startswith("text/") else kind
