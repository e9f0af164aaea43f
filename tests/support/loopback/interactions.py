"""Interactions: what the bot receives, how it may answer, and what the person then sees."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from . import messages
from .commands import check_choice_value
from .components import check_modal
from .errors import ApiError, Problems
from .messages import Files, Payload
from .state import COMPONENTS_V2, EPHEMERAL, LOADING, Account, Channel, Message, Watched

if TYPE_CHECKING:
    from .server import DiscordServer

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
REPLY, DEFER, DEFER_UPDATE, UPDATE, CHOICES, SHOW_MODAL, LAUNCH = 4, 5, 6, 7, 8, 9, 12
# Which responses Discord accepts for which interaction.
ANSWERS = {
    COMMAND: {REPLY, DEFER, SHOW_MODAL, LAUNCH},
    COMPONENT: {REPLY, DEFER, DEFER_UPDATE, UPDATE, SHOW_MODAL, LAUNCH},
    AUTOCOMPLETE: {CHOICES},
    MODAL: {REPLY, DEFER, DEFER_UPDATE, UPDATE, LAUNCH},
}
TOKEN_LIFE = 900.0
USER_INSTALL_FOLLOWUPS = 5


class Interaction(Watched):
    """One thing a person did. `message` is the first answer (or the updated message)."""

    def __init__(
        self,
        server: DiscordServer,
        kind: int,
        user: Account,
        channel: Channel,
        data: Payload,
        *,
        source: Message | None = None,
        user_install: bool = False,
    ) -> None:
        super().__init__()
        self.server, self.type, self.user, self.channel = server, kind, user, channel
        self.data, self.source, self.user_install = data, source, user_install
        self.id = server.ids.next()
        self.token = secrets.token_urlsafe(32)
        self.created = server.clock.now()
        self.acknowledged_after: float | None = None
        # No session receives what is sent while the bot identifies again.
        self.heard = False
        self.response_type: int | None = None
        self.message: Message | None = None
        self.followups: list[Message] = []
        self.modal: Payload | None = None
        self.choices: list[Payload] | None = None
        self.sent_followups = 0
        self.deferred_ephemeral = False
        server.interactions[self.id] = server.tokens[self.token] = self

    def __repr__(self) -> str:
        name = self.data.get("name") or self.data.get("custom_id")
        after = self.acknowledged_after
        said = "not acknowledged" if after is None else f"acknowledged after {after:.3f} s"
        return f"<Interaction {name!r} by {self.user.name}, {said}>"

    def describe(self) -> str:
        """The interaction, its message, and its followups."""
        lines = [repr(self), f"message: {self.message!r}"]
        lines += [f"followup: {message!r}" for message in self.followups]
        if self.modal:
            lines.append(f"modal: {self.modal.get('title')!r}")
        return "\n".join(lines)

    @property
    def acknowledged(self) -> bool:
        """Whether the bot answered in time; if not, Discord says that it did not respond."""
        return self.acknowledged_after is not None

    @property
    def expired(self) -> bool:
        """Whether its token has expired."""
        return self.server.clock.now() - self.created > TOKEN_LIFE

    def message_json(self, message: Message) -> Payload:
        """What a message that answers this interaction has beyond other messages."""
        application = str(self.server.application_id)
        metadata: Payload = {
            "id": str(self.id),
            "type": self.type,
            "user": self.user.to_json(),
            "authorizing_integration_owners": self.owners(),
        }
        if self.type == COMMAND:
            metadata["name"] = self.data["name"]
        if message in self.followups and self.message:
            metadata["original_response_message_id"] = str(self.message.id)
        if self.source:
            metadata["interacted_message_id"] = str(self.source.id)
        if self.type == MODAL:
            metadata.pop("interacted_message_id", None)
            metadata["triggering_interaction_metadata"] = self._trigger_json()
        data = {"interaction_metadata": metadata}
        return data | {"application_id": application, "webhook_id": application}

    def _trigger_json(self) -> Payload:
        trigger: Payload = {
            "id": str(self.id),
            "type": COMPONENT if self.source else COMMAND,
            "user": self.user.to_json(),
            "authorizing_integration_owners": self.owners(),
        }
        if self.source:
            trigger["interacted_message_id"] = str(self.source.id)
        return trigger

    def owners(self) -> dict[str, str]:
        """Who installed the app here: "0" a guild (0 in a direct message), "1" a user."""
        guild = self.channel.guild
        owners = {}
        if guild and guild.has_bot:
            owners["0"] = str(guild.id)
        elif not guild and not self.user_install:
            owners["0"] = "0"
        if self.user_install or self.user.installed:
            owners["1"] = str(self.user.id)
        return owners

    def to_json(self) -> Payload:
        """Discord's interaction object."""
        channel, guild, bot = self.channel, self.channel.guild, self.server.bot
        permissions = channel.permissions(self.user)
        data: Payload = {
            "id": str(self.id),
            "application_id": str(self.server.application_id),
            "type": self.type,
            "data": self.data,
            "token": self.token,
            "version": 1,
            "channel_id": str(channel.id),
            "channel": channel.to_json() | {"permissions": str(permissions)},
            "app_permissions": str(channel.permissions(bot)),
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": self.owners(),
            "context": 0 if guild else 1 if channel.recipient else 2,
            "attachment_size_limit": channel.file_limit,
        }
        if guild:
            member = guild.member_json(self.user) | {"permissions": str(permissions)}
            data |= {"guild_id": str(guild.id), "member": member, "guild_locale": guild.locale}
            data["guild"] = {"id": str(guild.id), "locale": guild.locale, "features": []}
        else:
            data["user"] = self.user.to_json()
        if self.source:
            data["message"] = self.source.to_json()
        return data

    def answer(self, response: Payload, files: Files) -> Payload:
        """Takes the callback, and returns what `with_response` asks for; ApiError if refused."""
        if self.response_type is not None:
            raise ApiError(40060)
        if self.server.clock.now() - self.created > self.server.limits.acknowledge_within:
            raise ApiError(10062)
        kind, data = int(response.get("type") or 0), response.get("data") or {}
        allowed = ANSWERS[self.type]
        if kind not in allowed or (kind in (DEFER_UPDATE, UPDATE) and not self.source):
            problems = Problems()
            text = f"Value must be one of {sorted(allowed)}."
            problems.add(("type",), "BASE_TYPE_CHOICES", text)
            problems.raise_any()
        message = self._take(kind, data, files)
        self.response_type = kind
        self.acknowledged_after = self.server.clock.now() - self.created
        self.changed()
        return self._answer_json(kind, message)

    def _take(self, kind: int, data: Payload, files: Files) -> Message | None:
        if kind == REPLY:
            self.message = self._create(data, files)
        elif kind == DEFER:
            self.message = self._defer(data)
        elif kind in (UPDATE, DEFER_UPDATE):
            assert self.source
            if kind == UPDATE:
                messages.edit(self.source, data, files)
            self.message = self.source
        elif kind == SHOW_MODAL:
            check_modal(data)
            self.modal = data
        elif kind == CHOICES:
            self.choices = self._check_choices(data.get("choices") or [])
        return self.message

    def _create(self, data: Payload, files: Files) -> Message:
        bot = self.server.bot
        return messages.create(self.channel, bot, data, files, interaction=self)

    def _defer(self, data: Payload) -> Message:
        message = Message(self.channel, self.server.bot, interaction=self)
        message.type = 20 if self.type == COMMAND else 0
        message.flags = LOADING | ((data.get("flags") or 0) & (EPHEMERAL | COMPONENTS_V2))
        messages.announce(message)
        return message

    def _check_choices(self, choices: list[Payload]) -> list[Payload]:
        problems = Problems()
        problems.length(("data", "choices"), choices, 0, 25)
        kind = self.server.focused(self.data)["type"]
        for index, choice in enumerate(choices):
            path = ("data", "choices", index)
            problems.length((*path, "name"), choice.get("name"), 1, 100)
            check_choice_value(problems, (*path, "value"), kind, choice.get("value"))
        problems.raise_any()
        return choices

    def _answer_json(self, kind: int, message: Message | None) -> Payload:
        about: Payload = {"id": str(self.id), "type": self.type}
        if message is None:
            return {"interaction": about}
        about |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.loading,
            "response_message_ephemeral": message.ephemeral,
        }
        if kind not in (REPLY, UPDATE):
            return {"interaction": about}
        return {"interaction": about, "resource": {"type": kind, "message": message.to_json()}}

    def follow_up(self, payload: Payload, files: Files) -> Message:
        """Takes a followup. The first one after a deferral takes the deferral's place."""
        if self.user_install:
            self._count_followup()
        first = self.message
        if first and first.loading and not first.deleted and first is not self.source:
            payload = payload | {"flags": (payload.get("flags") or 0) & ~EPHEMERAL}
            return messages.edit(first, payload, files)
        message = self._create(payload, files)
        self.followups.append(message)
        self.changed()
        return message

    def _count_followup(self) -> None:
        if self.sent_followups >= USER_INSTALL_FOLLOWUPS:
            raise ApiError(40094)
        self.sent_followups += 1

    def find(self, which: str) -> Message:
        """The message that "@original" or an id names; ApiError 10008, 10015."""
        if which == "@original":
            if self.message is None:
                raise ApiError(10015)
            found = self.message
        else:
            mine = [m for m in (self.message, *self.followups) if m and str(m.id) == which]
            if not mine:
                raise ApiError(10008)
            found = mine[0]
        if found.deleted:
            raise ApiError(10008)
        return found
