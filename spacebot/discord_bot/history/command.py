"""The command /history."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from spacebot.discord_bot.delivery import NO_PINGS
from spacebot.discord_bot.history.pages import MAX_COMMAND, MAX_WORDS, HistoryPage, show
from spacebot.discord_bot.registration.commands import FOR_EVERYONE
from spacebot.engine.jobs import JobManager

HISTORY = "history"


def history_command(jobs: JobManager) -> app_commands.Command[Any, ..., Any]:
    """The command for browsing one's own jobs."""

    @app_commands.describe(
        command="Only jobs of this command",
        words="Only jobs whose options contain these words",
        favourites="Only those with your ⭐",
    )
    async def history(
        interaction: discord.Interaction,
        command: Range[str, 1, MAX_COMMAND] = "",
        words: Range[str, 1, MAX_WORDS] = "",
        favourites: bool = False,
    ) -> None:
        page = HistoryPage(starred=favourites, command=command, words=words)
        shown = await show(jobs, interaction, page)
        if shown["view"] is None:
            del shown["view"]
        await interaction.response.send_message(**shown, ephemeral=True, allowed_mentions=NO_PINGS)

    return app_commands.Command(
        name=HISTORY,
        description="Your recent jobs here, visible only to you",
        callback=history,
        **FOR_EVERYONE,
    )
