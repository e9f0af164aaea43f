"""Tests of `discord_bot/conversations`."""
