"""Recipe in a message's own menu (right click → Apps)."""

from __future__ import annotations

import discord
from discord import app_commands

from spacebot.discord_bot.button_base import job_under
from spacebot.discord_bot.buttons import results
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.registration.commands import FOR_EVERYONE

NO_RESULT = "This message is not a command's result, or its result is no longer stored."


def recipe_menu(dispatcher: Dispatcher) -> app_commands.ContextMenu:
    """The command that shows how a message's result was made."""

    async def recipe(interaction: discord.Interaction, message: discord.Message) -> None:
        job = await job_id_of(dispatcher, message)
        if job is None:
            await interaction.response.send_message(NO_RESULT, ephemeral=True)
        else:
            await results.show_recipe(dispatcher, interaction, job)

    return app_commands.ContextMenu(
        name="Recipe",
        callback=recipe,
        **FOR_EVERYONE,
    )


async def job_id_of(dispatcher: Dispatcher, message: discord.Message) -> str | None:
    """The id of the job whose result this message shows, if any."""
    if dispatcher.client.user is None or message.author.id != dispatcher.client.user.id:
        return None
    if (job := job_under(message)) is not None:
        return job
    about = message.interaction_metadata
    first = about.original_response_message_id if about else None
    for known in (message.id, first):
        record = await dispatcher.jobs.store.at(str(known)) if known else None
        if record is not None:
            return record.id
    return None
