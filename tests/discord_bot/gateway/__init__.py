"""Tests of `discord_bot/gateway`."""
