"""Save as…: a result's command, with its values, becomes a preset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import discord
from discord import ui

from spacebot.discord_bot.button_base import SAVE, BotModal, ComponentHandler, bot_of
from spacebot.discord_bot.buttons import JobButton
from spacebot.discord_bot.delivery import NO_PINGS, answer_privately, manages
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.presets.names import (
    MAX_NAME,
    SERVER,
    YOURS,
    is_servers,
    key_of,
    owner_of,
    tidy,
)
from spacebot.engine.jobs import SECRET_PLACEHOLDER, JobManager, secrets_of, to_record
from spacebot.engine.store import MAX_PRESETS, JobRecord, Preset
from spacebot.errors import InputError, LimitReached
from spacebot.models import Job
from spacebot.spaces.outputs.text import escape

FORM_TTL = 3600.0
NOT_ALONE = (
    "This result came from a button under another result, so it cannot be saved alone. Save the "
    "first result instead."
)
SECRETS_LEFT_OUT = "-# Secret values are not saved: you are asked for them each time."
FILES_END = (
    "-# Attached files are stored only as long as this result's job. After that you are asked for "
    "them."
)


class SaveButton(JobButton, spec=SAVE):
    """Asks for a name for this result's command and values."""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        record, _ = await dispatcher.jobs.archive.recall(self.job)
        if record.chain:
            raise InputError(NOT_ALONE)
        # A server's presets are deleted when the bot leaves, so it must be a member.
        server = interaction.is_guild_integration() and manages(interaction)
        await interaction.response.send_modal(SaveForm(self.job, server=server))


class SaveForm(BotModal):
    """Asks for the name and, if a moderator saves it, for whom the preset is."""

    def __init__(self, job: str, *, server: bool) -> None:
        super().__init__("preset", title="Save as a preset", timeout=FORM_TTL)
        self._job = job
        self._name: ui.TextInput[Any] = ui.TextInput(custom_id="name", max_length=MAX_NAME)
        about = "Run it again with /preset use"
        self.add_item(ui.Label(text="Name", description=about, component=self._name))
        self._whose: ui.RadioGroup[Any] | None = None
        if server:
            options = [
                discord.RadioGroupOption(label="Only you", value=YOURS, default=True),
                discord.RadioGroupOption(label="Everyone in this server", value=SERVER),
            ]
            self._whose = ui.RadioGroup(custom_id="whose", options=options)
            self.add_item(ui.Label(text="Who can use it", component=self._whose))

    async def submitted(self, interaction: discord.Interaction) -> None:
        """Save the preset, or ask before replacing another with the same name."""
        jobs: JobManager = bot_of(interaction).dispatcher.jobs
        whose = (self._whose and self._whose.value) or YOURS
        preset = await new_preset(jobs, interaction, self._job, whose, tidy(self._name.value))
        if await jobs.store.presets.get(preset.owner, preset.key) is None:
            await answer_privately(interaction, await keep(jobs, preset))
            return
        view = ui.View(timeout=None)
        custom_id = f"replace:{self._job}:{whose}:{preset.name}"
        view.add_item(ui.Button(label="Replace it", custom_id=custom_id))
        view.stop()
        who = "This server has" if is_servers(preset) else "You have"
        said = f"{who} a preset named **{escape(preset.name)}** already."
        await interaction.response.send_message(
            said, view=view, ephemeral=True, allowed_mentions=NO_PINGS
        )


class ReplacePreset(
    ComponentHandler,
    template=rf"(?s)replace:(?P<job>[0-9a-f]{{12}}):(?P<whose>{YOURS}|{SERVER}):(?P<name>.+)",
):
    """Saves a preset, replacing the one with the same name."""

    async def press(self, interaction: discord.Interaction) -> None:
        """Save it, and confirm in the message that asked."""
        jobs: JobManager = bot_of(interaction).dispatcher.jobs
        job, whose, name = self.ids
        said = await keep(jobs, await new_preset(jobs, interaction, job, whose, tidy(name)))
        await interaction.response.edit_message(content=said, view=None, allowed_mentions=NO_PINGS)


async def new_preset(
    jobs: JobManager, interaction: discord.Interaction, job: str, whose: str, name: str
) -> Preset:
    """A job's command and values as a preset; raises `SpacebotError`."""
    owner = owner_of(interaction, whose)
    record, kept = await jobs.archive.recall(job)
    return Preset(
        owner=owner,
        key=key_of(name),
        name=name,
        space=record.space,
        api_name=record.api_name,
        command=record.command,
        arguments=_without_secrets(record, kept),
        nsfw=kept.endpoint.nsfw,
        maker=str(interaction.user.id),
    )


def _without_secrets(record: JobRecord, kept: Job) -> Mapping[str, Any]:
    """Stored values without secrets, also without values of options that became secret since."""
    return {**record.arguments, **to_record(kept, record.state).arguments}


async def keep(jobs: JobManager, preset: Preset) -> str:
    """Store a preset and return the confirmation; raises `LimitReached` if there is no room."""
    there = await jobs.store.presets.of(preset.owner)
    if len(there) >= MAX_PRESETS and preset.key not in {one.key for one in there}:
        who = "This server has" if is_servers(preset) else "You have"
        raise LimitReached(
            f"{who} {MAX_PRESETS} presets, the maximum. Delete one with `/preset delete` first."
        )
    await jobs.store.presets.put(preset)
    who = "this server" if is_servers(preset) else "you"
    said = f"💾 **{escape(preset.name)}** is saved for {who}. Run it with `/preset use`."
    return "\n".join([said, *_notes(preset)])


def _notes(preset: Preset) -> Iterator[str]:
    if secrets_of(preset):
        yield SECRETS_LEFT_OUT
    values = preset.arguments.values()
    if any(isinstance(one, Mapping) and one != SECRET_PLACEHOLDER for one in values):
        yield FILES_END


PRESET_BUTTONS: tuple[type[ComponentHandler], ...] = (SaveButton, ReplacePreset)
