"""Tests of `discord_bot/limits` and the log of a server."""
