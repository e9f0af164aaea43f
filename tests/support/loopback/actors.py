"""People: what a test lets a user do, as Discord's own client would let them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import discord

from tests.support.patience import PATIENCE

from . import messages, options
from .components import BUTTON, SELECT, SELECTS, bound
from .interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL, Interaction
from .messages import Payload
from .options import Filled, NotSendable, Upload
from .routes_channels import join_thread, react, start_thread
from .state import Account, Channel, Guild, Message


class User(Account):
    """A person. Without a `channel`, they act in their direct messages with the bot."""

    async def command(
        self,
        name: str,
        options_: Mapping[str, Any] | None = None,
        /,
        *,
        channel: Channel | None = None,
        wait: bool = True,
        **given: Any,
    ) -> Interaction:
        """Runs a slash command ("demo paint" for a subcommand), and waits for its answer.

        Options go by name, as keywords or in a dict; a file is (name, bytes) or (name, bytes,
        content type). Returns once the bot has answered, or when Discord says that it did not
        respond (3 s).
        """
        given |= options_ or {}
        place = channel or self.server.dm_with(self)
        root, *path = name.removeprefix("/").split(" ")
        command = self._visible(root, place, 1)
        passed, last = options.walk(command, path)
        filled = Filled(place, self)
        sent = options.nest(passed, options.fill(last, given, filled))
        data = self._data(command, place) | {"options": sent} | filled.data()
        return await self._send(self._interaction(COMMAND, place, data), wait)

    async def autocomplete(
        self,
        name: str,
        options_: Mapping[str, Any] | None = None,
        /,
        *,
        option: str,
        text: Any = "",
        channel: Channel | None = None,
        **given: Any,
    ) -> list[Payload]:
        """Types `text` into an option: the choices ({"name", "value"}) that the bot suggests."""
        given |= options_ or {}
        place = channel or self.server.dm_with(self)
        root, *path = name.removeprefix("/").split(" ")
        command = self._visible(root, place, 1)
        passed, last = options.walk(command, path)
        known = {one["name"]: one for one in last.get("options", ())}
        if not known.get(option, {}).get("autocomplete"):
            raise NotSendable(f"/{name} has no option {option!r} with autocomplete")
        typed = {"name": option, "type": known[option]["type"], "value": text, "focused": True}
        # While the person types, other options may still be missing.
        partial = {"options": [known[key] | {"required": False} for key in given]}
        sent = options.nest(passed, [*options.fill(partial, given, Filled(place, self)), typed])
        data = self._data(command, place) | {"options": sent}
        interaction = await self._send(self._interaction(AUTOCOMPLETE, place, data), True)
        if interaction.choices is None:
            raise AssertionError(f"no choices came in time: {interaction}")
        return interaction.choices

    async def message_command(
        self, name: str, message: Message, *, wait: bool = True
    ) -> Interaction:
        """Uses a command of a message's context menu."""
        place = message.channel
        command = self._visible(name, place, 3)
        target = str(message.id)
        data = self._data(command, place) | {"target_id": target}
        data["resolved"] = {"messages": {target: message.to_json()}}
        return await self._send(self._interaction(COMMAND, place, data), wait)

    async def user_command(
        self, name: str, user: Account, *, channel: Channel, wait: bool = True
    ) -> Interaction:
        """Uses a command of a user's context menu."""
        command = self._visible(name, channel, 2)
        filled = Filled(channel, self)
        data = self._data(command, channel) | {"target_id": filled.mention(6, user)}
        data |= filled.data()
        return await self._send(self._interaction(COMMAND, channel, data), wait)

    async def click(self, message: Message, button: str, *, wait: bool = True) -> Interaction:
        """Presses a button, by its label, emoji or custom_id."""
        part = self._part(message, button, (BUTTON,))
        if not part.get("custom_id"):
            raise NotSendable(f"button {button!r} is a link")
        data = {"custom_id": part["custom_id"], "component_type": BUTTON, "id": part["id"]}
        return await self._use(message, data, wait)

    async def choose(
        self, message: Message, values: Any, *, select: str | None = None, wait: bool = True
    ) -> Interaction:
        """Chooses in a select (by custom_id or placeholder; None: the only one).

        `values` are labels or values, users, channels or roles; one, or a list.
        """
        part = self._part(message, select, SELECTS)
        chosen = values if isinstance(values, list) else [values]
        least, most = bound(part, "min_values", 1), bound(part, "max_values", 1)
        if not least <= len(chosen) <= most:
            raise NotSendable(f"the select takes {least}–{most} values, not {len(chosen)}")
        filled = Filled(message.channel, self)
        kind = part["type"]
        if kind == SELECT:
            sent = [options.pick(part["options"], one) for one in chosen]
        else:
            sent = [filled.mention(kind + 1, one) for one in chosen]
        data = {"custom_id": part["custom_id"], "component_type": kind, "id": part["id"]}
        data |= {"values": sent} | filled.data()
        return await self._use(message, data, wait)

    async def submit(
        self, shown: Interaction, given: Mapping[str, Any] | None = None, *, wait: bool = True
    ) -> Interaction:
        """Fills in the modal that `shown` brought up, by label or custom_id, and submits it.

        Fields that are left out keep their defaults. A value is text, a label or value (a
        list where several may be chosen), True or False, or a (name, bytes) file or files.
        """
        if shown.modal is None:
            raise NotSendable(f"no modal is open: {shown.describe()}")
        if shown.user is not self:
            raise NotSendable("someone else has this modal open")
        filled = Filled(shown.channel, self)
        sent = options.fill_modal(shown.modal, given or {}, filled)
        data = {"custom_id": shown.modal["custom_id"], "components": sent}
        data |= filled.data()
        interaction = self._interaction(MODAL, shown.channel, data, source=shown.source)
        return await self._send(interaction, wait)

    def say(
        self,
        text: str = "",
        *,
        channel: Channel | None = None,
        files: Sequence[Upload] = (),
        reply_to: Message | None = None,
    ) -> Message:
        """Sends a message; the bot receives it if its intents allow."""
        place = channel or self.server.dm_with(self)
        return self._say(place, text, files, reference=reply_to)

    def post(
        self, title: str, forum: Channel, text: str = "", *, files: Sequence[Upload] = ()
    ) -> Channel:
        """Opens a post in a forum: a thread, whose first message has its id."""
        thread = start_thread(forum, self, {"name": title, "type": 11})
        self._say(thread, text, files, number=thread.id)
        return thread

    def forward(self, message: Message, channel: Channel) -> Message:
        """Forwards a message to another channel."""
        sent = Message(channel, self)
        sent.forwarded = message
        messages.announce(sent)
        return sent

    def _say(self, place: Channel, text: str, files: Sequence[Upload], **more: Any) -> Message:
        numbered = {index: (file[0], file[1]) for index, file in enumerate(files)}
        sent = messages.create(place, self, {"content": text}, numbered, **more)
        for attachment, file in zip(sent.attachments, files, strict=True):
            if len(file) == 3:
                attachment.content_type = file[2]
        return sent

    def edit(self, message: Message, text: str) -> Message:
        """Edits a message of their own."""
        return messages.edit(message, {"content": text}, {})

    def delete(self, message: Message) -> None:
        """Deletes a message: their own, or as a moderator."""
        message.channel.discard(message)

    def react(self, message: Message, emoji: str) -> None:
        """Adds a reaction."""
        react(message, self, emoji, add=True)

    def unreact(self, message: Message, emoji: str) -> None:
        """Removes a reaction."""
        react(message, self, emoji, add=False)

    def start_thread(
        self, name: str, channel: Channel, *, message: Message | None = None
    ) -> Channel:
        """Starts a public thread, on a message or without one."""
        return start_thread(channel, self, {"name": name, "type": 11}, message=message)

    def join_thread(self, thread: Channel) -> None:
        """Joins a thread."""
        join_thread(thread, self)

    def archive(self, thread: Channel, *, archived: bool = True) -> None:
        """Closes a thread, or opens it again."""
        thread.archived = archived
        self.server.dispatch("THREAD_UPDATE", thread.to_json(), guild=thread.guild)

    def join(self, guild: Guild, *permissions: str) -> None:
        """Joins a guild, with a role of these permissions if any are named."""
        guild.add_member(self, *permissions)

    def leave(self, guild: Guild) -> None:
        """Leaves a guild."""
        guild.remove_member(self)

    def _visible(self, name: str, place: Channel, kind: int) -> Payload:
        guild = place.guild
        command = self.server.commands.find(name, guild.id if guild else None, kind)
        if command is None:
            names = sorted(c["name"] for c in self.server.registered_commands)
            raise NotSendable(f"no command {name!r} here; registered are {names}")
        contexts = command.get("contexts")
        context = 0 if guild else 1 if place.recipient else 2
        if contexts is not None and context not in contexts:
            raise NotSendable(f"/{name} is not offered in this context ({context})")
        if guild is None and not contexts and not command.get("dm_permission", True):
            raise NotSendable(f"/{name} is not offered in direct messages")
        self._may_use(command, place)
        return command

    def _may_use(self, command: Payload, place: Channel) -> None:
        guild, name = place.guild, command["name"]
        by_user = self.installed and 1 in command["integration_types"]
        by_guild = 0 in command["integration_types"] and (guild is None or guild.has_bot)
        if not by_user and (not by_guild or (guild is None and place.recipient is None)):
            raise NotSendable(f"/{name} is not installed here")
        if guild is None:
            return
        if self.id not in guild.members:
            raise NotSendable(f"{self.name} is not in {guild.name}")
        needed = command.get("default_member_permissions")
        mine = discord.Permissions(guild.permissions(self))
        if needed is not None and not mine.administrator and int(needed) & ~mine.value:
            raise NotSendable(f"/{name} is not shown to {self.name}: permissions")
        if command["nsfw"] and not (place.parent or place).nsfw:
            raise NotSendable(f"/{name} is only for age-restricted channels")

    @staticmethod
    def _data(command: Payload, place: Channel) -> Payload:
        data = {"id": command["id"], "name": command["name"], "type": command["type"]}
        if "guild_id" in command and place.guild:
            data["guild_id"] = command["guild_id"]
        return data

    def _part(self, message: Message, name: str | None, kinds: tuple[int, ...]) -> Payload:
        if message.ephemeral and message.interaction and message.interaction.user is not self:
            raise NotSendable("this message is shown only to someone else")
        if message.deleted:
            raise NotSendable("the message was deleted")
        parts = [part for part in message.walk() if part["type"] in kinds]
        for part in parts:
            emoji = (part.get("emoji") or {}).get("name")
            names = (part.get("label"), part.get("custom_id"), part.get("placeholder"), emoji)
            if name is None or name in names:
                if part.get("disabled"):
                    raise NotSendable(f"{name!r} is disabled")
                return part
        there = [part.get("label") or part.get("custom_id") for part in parts]
        raise NotSendable(f"no {name!r} on {message!r}, only {there}")

    async def _use(self, message: Message, data: Payload, wait: bool) -> Interaction:
        interaction = self._interaction(COMPONENT, message.channel, data, source=message)
        return await self._send(interaction, wait)

    def _interaction(
        self, kind: int, place: Channel, data: Payload, *, source: Message | None = None
    ) -> Interaction:
        by_user = self.installed and not place.hears_bot
        return Interaction(
            self.server, kind, self, place, data, source=source, user_install=by_user
        )

    async def _send(self, interaction: Interaction, wait: bool) -> Interaction:
        guild = interaction.channel.guild
        data = interaction.to_json()
        heard = self.server.dispatch("INTERACTION_CREATE", data, guild=guild, intent=0)
        interaction.heard = heard > 0
        if wait:
            # A missing answer is a result here: `acknowledged` tells.
            with contextlib.suppress(AssertionError):
                within = (self.server.limits.acknowledge_within + 0.1) / PATIENCE
                await interaction.wait(lambda i: i.response_type is not None, within)
        return interaction
