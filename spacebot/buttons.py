"""What sits under a running job. A button's state is in its id, so it outlives a restart."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

import discord

from spacebot.jobs import Jobs


class Cancel(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=r"cancel:(?P<job>[0-9a-f]{12})",
):
    """Stops a job: for the one who asked, and for moderators."""

    jobs: ClassVar[Jobs]

    def __init__(self, job: str) -> None:
        super().__init__(
            discord.ui.Button(
                label="Cancel", style=discord.ButtonStyle.secondary, custom_id=f"cancel:{job}"
            )
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

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Cancel the job, and say what that did."""
        running = next((one for one in self.jobs.running if one.job.id == self.job), None)
        moderator = interaction.permissions.manage_messages and interaction.guild_id is not None
        if running is None:
            said = "This job has already ended."
        elif running.job.asker.user != str(interaction.user.id) and not moderator:
            said = "Only the one who asked, or a moderator, can cancel this."
        else:
            said = running.cancel()
        await interaction.response.send_message(said, ephemeral=True)


def cancel_view(job: str) -> discord.ui.View:
    """The buttons under a running job."""
    view = discord.ui.View(timeout=None)
    view.add_item(Cancel(job))
    # The button is answered by its id alone: nothing has to remember this view.
    view.stop()
    return view


BUTTONS: dict[str, type[discord.ui.DynamicItem[Any]]] = {"cancel": Cancel}
