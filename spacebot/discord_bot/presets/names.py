"""The names of presets, and their owners: a member, or the server for everyone in it."""

from __future__ import annotations

import unicodedata

import discord

from spacebot.discord_bot.delivery import check_manages
from spacebot.engine.jobs import JobManager, values_line
from spacebot.engine.store import Preset
from spacebot.errors import InputError
from spacebot.models import guild_key, guild_of, user_key
from spacebot.wording import clip

MAX_NAME = 40
# Discord's limit for a suggestion's label.
MAX_SUGGESTION = 100
YOURS, SERVER = "yours", "server"
NO_NAME = "Give the preset a name with letters, numbers or symbols."
NOT_FOUND = (
    "There is no such preset. Choose one from the list, or save one with **Save as…** under a "
    "result."
)


def tidy(name: str) -> str:
    """A name as typed, on one line; raises `InputError` if nothing is left of it."""
    text = " ".join(part for part in name.split() if part.isprintable())
    if not text:
        raise InputError(NO_NAME)
    return text


def key_of(name: str) -> str:
    """A name in the form used for comparison: case, width and runs of spaces make no difference."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def owner_of(interaction: discord.Interaction, whose: str) -> str:
    """The owner of presets; raises `NotAllowed` for members who may not change the server's."""
    if whose == SERVER:
        return guild_key(check_manages(interaction))
    return user_key(interaction.user.id)


async def presets_here(jobs: JobManager, interaction: discord.Interaction) -> list[Preset]:
    """A member's own presets, then the server's."""
    store = jobs.store.presets
    own = await store.of(user_key(interaction.user.id))
    if interaction.guild_id is None:
        return own
    return own + await store.of(guild_key(interaction.guild_id))


def is_servers(preset: Preset) -> bool:
    """Whether a preset is a server's."""
    return guild_of(preset.owner) is not None


def choice_of(preset: Preset) -> discord.app_commands.Choice[str]:
    """A preset as a suggestion; its value identifies the owner."""
    server = " (server)" if is_servers(preset) else ""
    label = f"{preset.name}{server} · {preset.command} {values_line(preset.arguments)}"
    whose = SERVER if server else YOURS
    return discord.app_commands.Choice(
        name=clip(label, MAX_SUGGESTION), value=f"{whose}:{preset.name}"
    )


def find_preset(presets: list[Preset], written: str) -> Preset:
    """The preset that a suggestion's value or a typed name means; a member's own come first.

    Raises `InputError`.
    """
    whose, _, name = written.partition(":")
    for one in presets:
        if whose == (SERVER if is_servers(one) else YOURS) and one.key == key_of(name):
            return one
    for one in presets:
        if one.key == key_of(written):
            return one
    raise InputError(NOT_FOUND)
