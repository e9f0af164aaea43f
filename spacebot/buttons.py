"""What sits under a running job or a result.

A button's state is in its id, so it outlives a restart: it is answered by its
id alone, and nothing has to remember the message it is under.
"""

from __future__ import annotations

import re
from typing import Any, Protocol, Self, cast

import discord

from spacebot.jobs import Jobs

JOB = r"(?P<job>[0-9a-f]{12})"


class Desk(Protocol):
    """What the buttons need of the bot."""

    jobs: Jobs

    async def repeat(self, interaction: discord.Interaction[Any], job: str) -> None:
        """Run a kept job again, for whoever pressed."""
        ...


class JobButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template="^$"):
    """A button that belongs to a job."""

    name: str
    label: str
    style = discord.ButtonStyle.secondary

    def __init__(self, job: str) -> None:
        super().__init__(
            discord.ui.Button(label=self.label, style=self.style, custom_id=f"{self.name}:{job}")
        )
        self.job = job

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003
        item: discord.ui.Item[Any],  # noqa: ARG003
        match: re.Match[str],
        /,
    ) -> Self:
        """Make the button again from its id."""
        return cls(match["job"])

    @staticmethod
    def desk(interaction: discord.Interaction[Any]) -> Desk:
        """The bot, as the buttons see it."""
        return cast(Desk, interaction.client)


class Cancel(JobButton, template=rf"cancel:{JOB}"):
    """Stops a job: for the one who asked, and for moderators."""

    name, label = "cancel", "Cancel"

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Cancel the job, and say what that did."""
        running = self.desk(interaction).jobs.find(self.job)
        if running is None:
            said = "This job has already ended."
        elif not _may_cancel(interaction, running.job.asker.user):
            said = "Only the one who asked, or a moderator, can cancel this."
        else:
            said = running.cancel()
        await interaction.response.send_message(said, ephemeral=True)


def _may_cancel(interaction: discord.Interaction[Any], asker: str) -> bool:
    moderates = interaction.guild_id is not None and interaction.permissions.manage_messages
    return str(interaction.user.id) == asker or moderates


class Again(JobButton, template=rf"again:{JOB}"):
    """Runs a job again with the same values, for whoever presses."""

    name, label = "again", "Run again"

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Start the same job anew."""
        await self.desk(interaction).repeat(interaction, self.job)


def cancel_view(job: str) -> discord.ui.View:
    """The buttons under a running job."""
    return _view(Cancel(job))


def again_view(job: str) -> discord.ui.View:
    """The button under a job whose result was lost."""
    return _view(Again(job))


def is_running(message: discord.Message) -> bool:
    """Whether a message still shows a job under way."""
    return any(
        isinstance(child, discord.Button) and (child.custom_id or "").startswith("cancel:")
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for child in row.children
    )


def _view(*items: discord.ui.Item[Any]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    # Stopped, so that discord.py does not remember it for as long as it lives.
    view.stop()
    return view


BUTTONS: dict[str, type[discord.ui.DynamicItem[Any]]] = {"cancel": Cancel, "again": Again}
