"""The command that chooses which chat answers in a channel."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from spacebot.discord_bot.conversations.conversations import Conversations
from spacebot.discord_bot.delivery import answer_privately
from spacebot.spaces.schema import commands_of

CHAT_HERE = "chat-here"


class ChatHereCommand:
    """`/chat-here`, for moderators, and whether there are chats at all."""

    def __init__(self, conversations: Conversations) -> None:
        self.conversations = conversations
        # Whether any server has added a Space that answers messages.
        self.servers_have_chats = False

    async def start(self) -> None:
        """Learn which conversations exist, and whether servers have chats of their own."""
        self.servers_have_chats = await self.conversations.jobs.store.server_spaces.any_chats()
        await self.conversations.load()

    @property
    def are_offered(self) -> bool:
        """Whether there is a chat, for everyone or in any server."""
        own = commands_of(self.conversations.jobs.catalogue.spaces).values()
        return self.servers_have_chats or any(endpoint.chats for endpoint in own)

    @property
    def must_hear(self) -> bool:
        """Whether the bot needs the content of messages: /run begins conversations with other chats
        too."""
        return self.are_offered or bool(self.conversations)

    def commands(self) -> list[app_commands.Command[Any, ..., Any]]:
        """The command to choose a channel's chat, for moderators, if there are any chats."""
        return [self._command()] if self.are_offered else []

    def _command(self) -> app_commands.Command[Any, ..., Any]:

        async def callback(interaction: discord.Interaction[Any], chat: str | None = None) -> None:
            await self._choose(interaction, chat)

        command = app_commands.Command(
            name=CHAT_HERE,
            description="Choose which chat answers when somebody mentions me in this channel",
            callback=callback,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
        )
        command.default_permissions = discord.Permissions(manage_messages=True)
        app_commands.describe(chat="A chat's command; leave it out if there is only one")(command)
        command.autocomplete("chat")(self._suggest)
        return command

    async def _suggest(
        self, interaction: discord.Interaction[Any], current: str
    ) -> list[app_commands.Choice[str]]:
        chats = await self.conversations.chats(interaction.guild_id)
        names = [name for name in chats if current.lower() in name]
        return [app_commands.Choice(name=name[:100], value=name[:100]) for name in names[:25]]

    async def _choose(self, interaction: discord.Interaction[Any], chat: str | None) -> None:
        """Set or remove the chat of this channel."""
        if interaction.guild_id and not interaction.permissions.manage_messages:
            await answer_privately(
                interaction, "Only moderators (Manage Messages) can choose that."
            )
            return
        chats = await self.conversations.chats(interaction.guild_id)
        if chat is not None and chat not in chats:
            names = ", ".join(f"`{name}`" for name in chats)
            await answer_privately(interaction, f"There is no such chat. There are: {names}.")
            return
        parent = getattr(interaction.channel, "parent_id", None) or interaction.channel_id
        wanted = chats[chat] if chat else None
        await self.conversations.choose(
            str(parent), (wanted.space, wanted.api_name) if wanted else None
        )
        if chat:
            said = f"Mention me in this channel, and `{chat}` answers."
        elif len(chats) == 1:
            said = f"Mention me in this channel, and `{next(iter(chats))}` answers."
        else:
            said = "This channel no longer has a chat of its own."
        await answer_privately(interaction, said)
