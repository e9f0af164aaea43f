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
# By default, discord.py offers categories too, and kinds of channels that Discord's own description
# of its API lacks.
WRITABLE_TYPES = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    *THREAD_TYPES,
]


class WritableChannel(app_commands.Transformer):
    """An option that takes a channel with messages."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """The option type for Discord."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """The channel types in Discord's menu."""
        return WRITABLE_TYPES

    async def transform(self, _: discord.Interaction, value: Any, /) -> ServerChannel:
        """Take the channel as Discord sends it: it need not be in the cache."""
        return value
