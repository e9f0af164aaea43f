"""`/space …`: moderators add, list, refresh, rename, pause and remove their server's Spaces."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.app_commands import Choice, Range

from spacebot.discord_bot.delivery import answer_privately, manages
from spacebot.discord_bot.registration.commands import FOR_MODERATORS
from spacebot.discord_bot.server_spaces import texts
from spacebot.discord_bot.server_spaces.changes import AddRequest, ListChanges
from spacebot.discord_bot.server_spaces.server_commands import ServerCommands
from spacebot.engine.on_demand import hub_name
from spacebot.engine.store import ServerSpace
from spacebot.errors import InputError
from spacebot.models import AnswerPlace
from spacebot.spaces.inputs.components.base import MAX_CHOICES
from spacebot.wording import clip

SPACE = "space"
MODERATORS_ONLY = (
    "Only members with the **Manage Server** permission can do this. Ask one of this server's "
    "moderators."
)
SERVERS_ONLY = "This works in servers only."
ANSWER_CHOICES = [
    Choice(name="In the channel", value=AnswerPlace.CHANNEL.value),
    Choice(name="In a thread", value=AnswerPlace.THREAD.value),
    Choice(name="Privately, to the person who asked", value=AnswerPlace.PRIVATE.value),
]


class SpaceCommands(app_commands.Group):
    """The moderators' commands.

    Discord hides them from everyone else unless a server's settings say otherwise, so each one
    checks who uses it.
    """

    def __init__(self, commands: ServerCommands) -> None:
        super().__init__(
            name=SPACE,
            description="Add Spaces of Hugging Face as commands of this server",
            **FOR_MODERATORS,
        )
        self.commands_of_servers = commands
        self.spaces = commands.spaces
        self.changes = ListChanges(commands)

    @app_commands.command(description="Add a Space as a command of this server")
    @app_commands.describe(
        space="Its name (owner/name), or the address of its page",
        endpoint="One of its endpoints, like /predict; by default, all of them",
        name="The command's name; by default, the Space's",
        description="What it does, in one sentence; by default, the Space's own description",
        answer="Where its answers go; by default, where they fit best",
        age_restricted="Whether to limit it to age-restricted channels",
    )
    @app_commands.choices(answer=ANSWER_CHOICES)
    async def add(
        self,
        interaction: discord.Interaction,
        space: Range[str, 1, 200],
        endpoint: Range[str, 1, 100] = "",
        name: Range[str, 1, 32] = "",
        description: Range[str, 1, 100] = "",
        answer: str = "",
        age_restricted: bool = False,
    ) -> None:
        """Add a Space."""
        guild = moderated_guild(interaction)
        request = AddRequest(
            guild=guild,
            adder=str(interaction.user.id),
            space=hub_name(space),
            endpoint="/" + endpoint.strip().strip("/") if endpoint.strip(" /") else None,
            name=name,
            description=description,
            answer=answer,
            nsfw=age_restricted,
        )
        await interaction.response.defer(ephemeral=True)
        done = await self.changes.add(request)
        await answer_privately(interaction, texts.added(done))

    @app_commands.command(description="Remove an added Space")
    @app_commands.describe(name="Its command")
    async def remove(self, interaction: discord.Interaction, name: str) -> None:
        """Remove a Space."""
        row = await self._row(interaction, name)
        await interaction.response.defer(ephemeral=True)
        await self.changes.remove(row)
        await answer_privately(interaction, f"🗑️ `/{row.name}` is gone from this server.")

    @app_commands.command(name="list", description="The Spaces that this server added")
    async def show(self, interaction: discord.Interaction) -> None:
        """List what this server added."""
        guild = moderated_guild(interaction)
        rows = await self.spaces.of(guild)
        for page in texts.listed(rows, self.spaces.most):
            await answer_privately(interaction, page)

    @app_commands.command(description="Show what an added Space is and offers")
    @app_commands.describe(name="Its command")
    async def info(self, interaction: discord.Interaction, name: str) -> None:
        """Show what is known about an added Space."""
        row = await self._row(interaction, name)
        space = await self.spaces.known(row)
        await answer_privately(interaction, texts.info(row, space))

    @app_commands.command(description="Read an added Space again")
    @app_commands.describe(name="Its command")
    async def refresh(self, interaction: discord.Interaction, name: str) -> None:
        """Read a Space again, however fresh its description."""
        row = await self._row(interaction, name)
        await interaction.response.defer(ephemeral=True)
        before = await self.spaces.store.payload(row.id)
        space = await self.commands_of_servers.refresh(row)
        same = before == await self.spaces.store.payload(row.id)
        what = "unchanged" if same else "changed; Discord shows it in a moment"
        row = await self.spaces.named(row.guild, space.name)
        said = f"🔄 {texts.page_link(row.space)} was read again: its command is {what}."
        await answer_privately(interaction, f"{said}\n{texts.info(row, space)}")

    @app_commands.command(description="Rename the command of an added Space")
    @app_commands.describe(name="Its command", to="The new name")
    async def rename(
        self, interaction: discord.Interaction, name: str, to: Range[str, 1, 32]
    ) -> None:
        """Rename a command."""
        row = await self._row(interaction, name)
        await interaction.response.defer(ephemeral=True)
        renamed, known = await self.changes.rename(row, to)
        late = "" if known else " Discord is not responding; the new name appears once it does."
        await answer_privately(interaction, f"✏️ `/{row.name}` is now `/{renamed.name}`.{late}")

    @app_commands.command(description="Pause the command of an added Space")
    @app_commands.describe(name="Its command")
    async def pause(self, interaction: discord.Interaction, name: str) -> None:
        """Pause a command."""
        row = await self._row(interaction, name)
        await self.spaces.change(row, paused=True)
        await answer_privately(interaction, f"⏸️ `/{row.name}` takes no jobs until `/space resume`.")

    @app_commands.command(description="Resume a paused command")
    @app_commands.describe(name="Its command")
    async def resume(self, interaction: discord.Interaction, name: str) -> None:
        """Resume a command."""
        row = await self._row(interaction, name)
        await self.spaces.change(row, paused=False)
        await answer_privately(interaction, f"▶️ `/{row.name}` takes jobs again.")

    async def _row(self, interaction: discord.Interaction, name: str) -> ServerSpace:
        return await self.spaces.named(moderated_guild(interaction), name)

    @add.autocomplete("space")
    async def _of_the_hub(
        self, interaction: discord.Interaction, current: str
    ) -> list[Choice[str]]:
        if not manages(interaction):
            return []
        found = await self.commands_of_servers.suggest(interaction, current)
        return [Choice(name=one.label, value=one.value) for one in found]

    @remove.autocomplete("name")
    @info.autocomplete("name")
    @refresh.autocomplete("name")
    @rename.autocomplete("name")
    @pause.autocomplete("name")
    @resume.autocomplete("name")
    async def _names(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        if not manages(interaction):
            return []
        wanted = current.strip().lstrip("/").casefold()
        return [
            Choice(name=clip(f"/{row.name} · {row.space}", 100), value=row.name)
            for row in await self.spaces.of(str(interaction.guild_id))
            if wanted in f"{row.name} {row.space}".casefold()
        ][:MAX_CHOICES]


def moderated_guild(interaction: discord.Interaction) -> str:
    """The id of the server that the user manages; raises `InputError`."""
    if interaction.guild_id is None:
        raise InputError(SERVERS_ONLY)
    if not manages(interaction):
        raise InputError(MODERATORS_ONLY)
    return str(interaction.guild_id)
