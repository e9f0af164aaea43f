"""Tests of `discord_bot/history`."""
