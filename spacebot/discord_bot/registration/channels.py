"""Options of the bot's own commands that take a channel."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import AppCommandChannel, AppCommandThread

ServerChannel = AppCommandChannel | AppCommandThread
THREAD_TYPES = [
    discord.ChannelType.news_thread,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
]
# Left to itself, discord.py offers categories too, and kinds of channels that Discord's own
# description of its API does not have.
WRITABLE_TYPES = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    *THREAD_TYPES,
]


class WritableChannel(app_commands.Transformer):
    """An option that takes a channel in which messages are written."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """What Discord asks for."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """What Discord's menu has."""
        return WRITABLE_TYPES

    async def transform(self, _: discord.Interaction, value: Any, /) -> ServerChannel:
        """Take it as Discord tells of it: it need not be known here."""
        return value
