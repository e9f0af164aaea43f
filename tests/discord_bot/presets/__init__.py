"""Tests of spacebot/discord_bot/presets."""
