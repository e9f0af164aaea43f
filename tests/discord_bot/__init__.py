"""Tests of `discord_bot`."""
