"""Recipe in a message's own menu (right click → Apps)."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from spacebot.buttons import job_under
from spacebot.commands import EVERYWHERE, INSTALLS
from spacebot.desk import Desk
from spacebot.presses import results

NO_RESULT = "This is no result of a command, or it is no longer kept."


def recipe_menu(desk: Desk) -> app_commands.ContextMenu:
    """The command that shows what a message's result was made with."""

    async def recipe(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        job = await job_of(desk, message)
        if job is None:
            await interaction.response.send_message(NO_RESULT, ephemeral=True)
        else:
            await results.recipe(desk, interaction, job)

    return app_commands.ContextMenu(
        name="Recipe",
        callback=recipe,
        allowed_contexts=EVERYWHERE,
        allowed_installs=INSTALLS,
    )


async def job_of(desk: Desk, message: discord.Message) -> str | None:
    """The job that a message of the bot is of, if it is of one."""
    if desk.client.user is None or message.author.id != desk.client.user.id:
        return None
    if (job := job_under(message)) is not None:
        return job
    about = message.interaction_metadata
    first = about.original_response_message_id if about else None
    for known in (message.id, first):
        record = await desk.jobs.store.at(str(known)) if known else None
        if record is not None:
            return record.id
    return None
