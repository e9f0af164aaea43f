"""Tests of `discord_bot/delivery`."""
