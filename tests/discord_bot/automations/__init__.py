"""Tests of `discord_bot/automations`."""
