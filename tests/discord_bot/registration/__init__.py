"""Tests of `discord_bot/registration`."""
