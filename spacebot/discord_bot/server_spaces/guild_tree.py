"""A command tree that puts a server's own command in place just before looking it up.

Thousands of servers have their own commands and few are in use, so a command is built only when
somebody uses it. discord.py looks a command up after `interaction_check`;
tests/discord_bot/server_spaces/test_guild_tree.py fails if a version no longer does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands

Prepare = Callable[[discord.Interaction, int, str], Awaitable[None]]
Tell = Callable[[discord.Interaction, BaseException], Awaitable[None]]
SLASH_COMMAND = discord.AppCommandType.chat_input.value


class GuildCommandTree(app_commands.CommandTree[discord.Client]):
    """The tree. `prepare` puts a server's command on it; its errors go to `tell`."""

    def __init__(self, client: discord.Client, tell: Tell) -> None:
        super().__init__(client)
        self.prepare: Prepare | None = None
        self._tell = tell

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Put a server's command in place; False if that failed and the user was told."""
        data: Any = interaction.data
        guild = data.get("guild_id")
        if self.prepare is None or guild is None or data.get("type", 1) != SLASH_COMMAND:
            return True
        try:
            await self.prepare(interaction, int(guild), data["name"])
        except Exception as error:
            if interaction.type is discord.InteractionType.autocomplete:
                await interaction.response.autocomplete([])
            else:
                await self._tell(interaction, error)
            return False
        return True
