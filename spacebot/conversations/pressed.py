"""What the buttons under an answer do, and the setting of a channel."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from spacebot import words
from spacebot.conversations.controls import answer_view
from spacebot.conversations.conversations import Conversations, told
from spacebot.conversations.talk import secrets_missing, secrets_of
from spacebot.errors import SpacebotError
from spacebot.forms import Forms
from spacebot.inputs.base import clip
from spacebot.models import Asker
from spacebot.store import Conversation

GONE = "This conversation is no longer kept. Start a new one with its command."
OWNER = "Only whoever started this conversation can do that. **Fork** gives you one of your own."
BUSY = "An answer is under way. Wait for it, or stop it first."
HERE = "chat-here"


class Pressed:
    """Answers the buttons of the conversations. `talks` are the conversations themselves."""

    def __init__(self, client: discord.Client, talks: Conversations, forms: Forms) -> None:
        self.client = client
        self.forms = forms
        self.talks = talks

    async def stop(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Stop the answer that is being given: for who may speak, and for moderators."""
        found = await self._find(interaction, conversation)
        if found is None:
            return
        asking = self.talks.lines.of(conversation).now
        asks = asking is not None and asking.question.asker.user == str(interaction.user.id)
        if not (asks or _may_speak(interaction, found) or _moderates(interaction)):
            await _say(interaction, OWNER)
        elif asking is None:
            await _say(interaction, "This answer has already ended.")
        else:
            await _say(interaction, asking.stop())

    async def regenerate(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Ask the last question again, in the place of its answer."""
        found = await self._mine(interaction, conversation)
        if found is None:
            return
        line = self.talks.lines.of(conversation)
        if line.is_busy:
            await _say(interaction, BUSY)
            return
        last = map(str, line.now.speech.messages) if line.now else found.answer
        if interaction.message and str(interaction.message.id) not in last:
            await _say(interaction, "Only the last answer can be given anew.")
            return
        await interaction.response.defer()
        user = interaction.user
        await self.talks.again(found, Asker(str(user.id), user.mention, found.channel))

    async def enter(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Ask for one's own secrets, then ask the last question again in the same message."""
        found = await self._mine(interaction, conversation)
        if found is None:
            return
        endpoint = self.talks.endpoint(found)
        user = str(interaction.user.id)
        needed = secrets_missing(endpoint, found.given, self.talks.secrets(conversation, user))

        async def finish(after: discord.Interaction[Any], filled: dict[str, Any]) -> None:
            self.talks.give_secrets(conversation, user, secrets_of(endpoint, filled))
            await after.response.defer()
            await self.talks.again(found, Asker(user, after.user.mention, found.channel))

        await self.forms.open(interaction, found.command, endpoint, {}, finish, only=needed)

    async def fork(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Go on in a thread of one's own, from here."""
        found = await self._find(interaction, conversation)
        if found is None:
            return
        parent = getattr(interaction.channel, "parent", None) or interaction.channel
        if not isinstance(parent, discord.TextChannel):
            await _say(interaction, "No thread can be opened here, so it cannot be forked.")
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        name = getattr(interaction.channel, "name", None) or found.command
        kinds = discord.ChannelType
        kind = kinds.news_thread if parent.is_news() else kinds.public_thread
        try:
            thread = await parent.create_thread(name=clip(f"Fork of {name}", 100), type=kind)
        except discord.HTTPException:
            said = "I may not open threads in this channel, so it cannot be forked."
            await interaction.followup.send(said, ephemeral=True)
            return
        copy = await self.talks.fork(found, interaction.user, thread.id)
        await self.talks.tell(copy, await self._forked(found, copy))
        await interaction.followup.send(f"It goes on in {thread.mention}.", ephemeral=True)

    async def _forked(self, conversation: Conversation, copy: Conversation) -> str:
        turns = await self.talks.kept.said(conversation.id)
        said = (
            f"🔀 {copy.mention} goes on here from <#{conversation.channel}>, "
            f"after {len(turns)} question{'s' * (len(turns) != 1)}."
        )
        try:
            endpoint = self.talks.endpoint(conversation)
        except SpacebotError as error:
            return f"{said}\n{words.failure(error)}"
        if endpoint.takes_history:
            return f"{said} Say what comes next."
        return (
            f"{said}\n-# ⚠️ This Space keeps conversations itself and cannot copy one: "
            "it has not heard what was said before."
        )

    async def export(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Hand over what was said, as Markdown, to whoever presses alone."""
        found = await self._find(interaction, conversation)
        if found is not None:
            file = await self.talks.export(found)
            await interaction.response.send_message(file=file, ephemeral=True)

    async def share(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Let everybody speak, or only the owner again: for the owner, and for moderators."""
        found = await self._find(interaction, conversation)
        if found is None:
            return
        if not (_owns(interaction, found) or _moderates(interaction)):
            await _say(interaction, OWNER)
            return
        now = not found.open
        await self.talks.kept.change(conversation, open=now)
        changed = await self.talks.kept.get(conversation)
        await interaction.response.edit_message(view=answer_view(changed or found))
        said = "Everybody can speak here now." if now else f"Only {found.mention} is answered now."
        await told(self.talks.tell(found, f"-# {said}"), "a conversation")

    async def _find(
        self, interaction: discord.Interaction[Any], conversation: str
    ) -> Conversation | None:
        """The conversation of a button; whoever pressed is told where it is gone."""
        found = await self.talks.kept.get(conversation)
        if found is None or found.ended is not None:
            await _say(interaction, GONE)
            return None
        return found

    async def _mine(
        self, interaction: discord.Interaction[Any], conversation: str
    ) -> Conversation | None:
        """The conversation of a button, for somebody who may speak in it."""
        found = await self._find(interaction, conversation)
        if found is not None and not _may_speak(interaction, found):
            await _say(interaction, OWNER)
            return None
        return found

    def here_command(self) -> app_commands.Command[Any, ..., Any]:
        """The command with which moderators choose the chat of a channel."""

        async def callback(interaction: discord.Interaction[Any], chat: str | None = None) -> None:
            await self._choose(interaction, chat)

        command = app_commands.Command(
            name=HERE,
            description="Choose which chat answers when somebody mentions me in this channel",
            callback=callback,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        command.default_permissions = discord.Permissions(manage_messages=True)
        app_commands.describe(chat="A chat's command; nothing for the only one there is")(command)
        command.autocomplete("chat")(self._suggest)
        return command

    async def _suggest(
        self, _: discord.Interaction[Any], current: str
    ) -> list[app_commands.Choice[str]]:
        names = [name for name in self.talks.chats() if current.lower() in name]
        return [app_commands.Choice(name=name[:100], value=name[:100]) for name in names[:25]]

    async def _choose(self, interaction: discord.Interaction[Any], chat: str | None) -> None:
        """Set, or take back, the chat of this channel."""
        if interaction.guild_id and not interaction.permissions.manage_messages:
            await _say(interaction, "Only moderators (Manage Messages) can choose that.")
            return
        chats = self.talks.chats()
        if chat is not None and chat not in chats:
            names = ", ".join(f"`{name}`" for name in chats)
            await _say(interaction, f"There is no such chat. There are: {names}.")
            return
        parent = getattr(interaction.channel, "parent_id", None) or interaction.channel_id
        wanted = chats[chat] if chat else None
        await self.talks.kept.choose(
            str(parent), (wanted.space, wanted.api_name) if wanted else None
        )
        if chat:
            said = f"Mention me in this channel, and `{chat}` answers."
        elif len(chats) == 1:
            said = f"Mention me in this channel, and `{next(iter(chats))}` answers."
        else:
            said = "No chat is chosen for this channel any more."
        await _say(interaction, said)


def _owns(interaction: discord.Interaction[Any], conversation: Conversation) -> bool:
    return str(interaction.user.id) == conversation.user


def _may_speak(interaction: discord.Interaction[Any], conversation: Conversation) -> bool:
    return conversation.open or _owns(interaction, conversation)


def _moderates(interaction: discord.Interaction[Any]) -> bool:
    return interaction.guild_id is not None and interaction.permissions.manage_messages


async def _say(interaction: discord.Interaction[Any], text: str) -> None:
    await interaction.response.send_message(text, ephemeral=True)
