"""Tests of `discord_bot/forms`."""
