"""Guilds: members, roles, channels, permissions."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import discord

from .account import Account
from .channel import BOT_PERMISSIONS, FORUM, Channel
from .clock import timestamp

if TYPE_CHECKING:
    from ..server import DiscordServer

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
# Fields of a guild that ours do not use.
NOTHING_SET = (
    *("icon", "banner", "splash", "description", "home_header", "discovery_splash"),
    *("vanity_url_code", "afk_channel_id", "system_channel_id", "rules_channel_id"),
    *("widget_channel_id", "application_id", "public_updates_channel_id"),
    *("safety_alerts_channel_id", "max_presences", "incidents_data"),
)


@dataclass(eq=False)
class Guild:
    """A server. `members` maps user ids to the ids of their roles."""

    server: DiscordServer
    id: int
    name: str
    premium_tier: int = 0
    has_bot: bool = True
    # An outage at Discord: the guild is listed at READY, and nothing else follows.
    outage: bool = False
    locale: str = "en-US"
    members: dict[int, list[int]] = field(default_factory=dict)
    roles: dict[int, tuple[str, int]] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    joined_at: float = field(default_factory=time.time)
    # AutoMod refuses public messages with one of these words; the explicit content filter,
    # attachments that hold one of these bytes.
    blocked_words: set[str] = field(default_factory=set)
    filtered: set[bytes] = field(default_factory=set)
    # 3: the whole server is age-restricted.
    nsfw_level: int = 0

    def add_text_channel(
        self,
        name: str = "general",
        *,
        deny: tuple[str, ...] = (),
        file_limit: int | None = None,
        nsfw: bool = False,
        news: bool = False,
    ) -> Channel:
        """Adds a channel. `deny` names permissions the bot lacks there ("send_messages")."""
        kind = 5 if news else 0
        return self._add_channel(name, kind, deny=deny, file_limit=file_limit, nsfw=nsfw)

    def add_forum(self, name: str = "ideas", *, deny: tuple[str, ...] = ()) -> Channel:
        """Adds a forum: a channel that contains only threads, its posts."""
        return self._add_channel(name, FORUM, deny=deny)

    def _add_channel(
        self,
        name: str,
        kind: int,
        *,
        deny: tuple[str, ...],
        file_limit: int | None = None,
        nsfw: bool = False,
    ) -> Channel:
        channel = Channel(self.server, self.server.ids.next(), name, kind, self, nsfw=nsfw)
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
        """Removes the bot."""
        self.server.dispatch("GUILD_DELETE", {"id": str(self.id)}, guild=self)
        self.has_bot = False
        self.server.commands.forget(self.id)

    def begin_outage(self) -> None:
        """Makes the guild unavailable, as an outage at Discord does."""
        self.outage = True
        gone = {"id": str(self.id), "unavailable": True}
        self.server.dispatch("GUILD_DELETE", gone, guild=self)

    def add_bot(self) -> None:
        """Adds the bot, for the first time or again."""
        self.has_bot = True
        self.joined_at = time.time()
        self.members[self.server.bot.id] = []
        # Discord sends `unavailable` for a guild that is back after an outage, not for a new guild.
        joined = {key: value for key, value in self.to_json().items() if key != "unavailable"}
        self.server.dispatch("GUILD_CREATE", joined, guild=self)

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
            "region": "deprecated",
            "nsfw": False,
            "widget_enabled": False,
            "premium_progress_bar_enabled": False,
            "premium_subscription_count": (0, 2, 7, 14)[self.premium_tier],
            "max_members": 500_000,
            "max_video_channel_users": 25,
            "max_stage_video_channel_users": 50,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": self.nsfw_level,
            "afk_timeout": 300,
            "system_channel_flags": 0,
            "roles": [self.role_json(role) for role in (self.id, *self.roles)],
            "members": [self.member_json(self.server.bot)],
            "channels": [channel.to_json() for channel in channels],
            "threads": [thread.to_json() for thread in threads],
            **dict.fromkeys(NOTHING_SET),
            **{key: [] for key in ("emojis", "features", "stickers", "presences", "voice_states")},
        }
