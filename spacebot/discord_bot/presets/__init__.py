"""Presets: commands with their values, saved under a result and used again by name."""

from spacebot.discord_bot.presets.commands import PresetCommands
from spacebot.discord_bot.presets.saving import PRESET_BUTTONS

__all__ = ["PRESET_BUTTONS", "PresetCommands"]
