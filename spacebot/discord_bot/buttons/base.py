"""What all buttons of a job have in common: who may press them, and their job."""

from __future__ import annotations

import discord

from spacebot.discord_bot.button_base import ButtonHandler, Presser, bot_of, roles_of
from spacebot.discord_bot.dispatcher import Dispatcher

NOT_YOURS = "Only the person who asked, or a moderator, can {} this."


class JobButton(ButtonHandler):
    """Handles a button of a job. A subclass implements `run`."""

    @property
    def job(self) -> str:
        """The id of its job."""
        return self.ids[0]

    async def press(self, interaction: discord.Interaction) -> None:
        """Run it for people who may press it, and tell others that they may not."""
        dispatcher: Dispatcher = bot_of(interaction).dispatcher
        if Presser.ANYONE not in self.spec.allowed:
            owner = await self.owner(dispatcher, interaction)
            if owner is not None and not self.spec.allowed & roles_of(interaction, owner):
                said = NOT_YOURS.format(self.spec.label.lower())
                await interaction.response.send_message(said, ephemeral=True)
                return
        await self.run(dispatcher, interaction)

    async def owner(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> str | None:
        """Who asked for the job; None if there is nothing left to protect."""
        record = await dispatcher.jobs.store.get(self.job)
        if record is not None:
            return record.user
        # What Discord knows about its message.
        about = interaction.message.interaction_metadata if interaction.message else None
        return str(about.user.id) if about else ""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        """Do what this button is for."""
        raise NotImplementedError
