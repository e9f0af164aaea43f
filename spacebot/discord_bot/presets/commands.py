"""`/preset …`: use, list and delete saved commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands

from spacebot.discord_bot.delivery import answer_privately, check_manages
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.presets.names import (
    choice_of,
    find_preset,
    is_servers,
    key_of,
    presets_here,
)
from spacebot.discord_bot.presets.using import PresetRun
from spacebot.discord_bot.registration.commands import FOR_EVERYONE
from spacebot.engine.jobs import values_line
from spacebot.engine.store import Preset
from spacebot.spaces.inputs.components.base import MAX_CHOICES
from spacebot.spaces.outputs.text import escape
from spacebot.wording import clip

MAX_PROMPT = 6000
# 25 such lines fill a message.
MAX_LINE = 70
NONE_YET = "There are no presets yet. **Save as…** under a result creates one."


class PresetCommands(app_commands.Group):
    """The commands for a member's own presets and the server's."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__(
            name="preset",
            description="Commands with their values, saved under a name",
            **FOR_EVERYONE,
        )
        self.dispatcher = dispatcher
        self.jobs = dispatcher.jobs

    @app_commands.command(description="Run a preset")
    @app_commands.describe(
        name="The preset",
        prompt="A prompt to use instead of the saved one",
        file="A file to use instead of the saved one",
        edit="Review all its values in a form first",
    )
    async def use(
        self,
        interaction: discord.Interaction[Any],
        name: str,
        prompt: app_commands.Range[str, 1, MAX_PROMPT] = "",
        file: discord.Attachment | None = None,
        edit: bool = False,
    ) -> None:
        """Run a preset, after a form for missing values."""
        preset = find_preset(await presets_here(self.jobs, interaction), name)
        await PresetRun(self.dispatcher, interaction, preset).start(prompt, file, edit=edit)

    @app_commands.command(description="Your presets and this server's, visible only to you")
    async def list(self, interaction: discord.Interaction[Any]) -> None:
        """List the presets: a member's own in one message, the server's in another."""
        found = await presets_here(self.jobs, interaction)
        parts = (
            ("**Your presets**", [one for one in found if not is_servers(one)]),
            ("**This server's presets**", [one for one in found if is_servers(one)]),
        )
        for title, presets in parts:
            if presets:
                await answer_privately(interaction, _listed(title, presets))
        if not found:
            await answer_privately(interaction, NONE_YET)

    @app_commands.command(description="Delete a preset of yours, or of the server you manage")
    @app_commands.describe(name="The preset")
    async def delete(self, interaction: discord.Interaction[Any], name: str) -> None:
        """Delete a preset."""
        preset = find_preset(await presets_here(self.jobs, interaction), name)
        if is_servers(preset):
            check_manages(interaction)
        await self.jobs.store.presets.delete(preset.owner, preset.key)
        await answer_privately(interaction, f"🗑️ **{escape(preset.name)}** is deleted.")

    @use.autocomplete("name")
    async def suggest_used(
        self, interaction: discord.Interaction[Any], text: str
    ) -> list[app_commands.Choice[str]]:
        """The presets that may run here."""
        adult = self.dispatcher.age.takes(interaction)
        found = await presets_here(self.jobs, interaction)
        return _matching([one for one in found if adult or not one.nsfw], text)

    @delete.autocomplete("name")
    async def suggest_deleted(
        self, interaction: discord.Interaction[Any], text: str
    ) -> list[app_commands.Choice[str]]:
        """The presets that may be deleted here."""
        return _matching(await presets_here(self.jobs, interaction), text)


def _matching(presets: Sequence[Preset], text: str) -> list[app_commands.Choice[str]]:
    typed = key_of(text)
    found = [one for one in presets if typed in one.key]
    found.sort(key=lambda one: not one.key.startswith(typed))
    return [choice_of(one) for one in found[:MAX_CHOICES]]


def _listed(title: str, presets: Sequence[Preset]) -> str:
    lines = (
        f"- **{escape(one.name)}** · {escape(clip(_what(one), MAX_LINE - len(one.name)))}"
        for one in presets
    )
    return "\n".join([title, *lines])


def _what(preset: Preset) -> str:
    return f"{preset.command} {values_line(preset.arguments)}"
