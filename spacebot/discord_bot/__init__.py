"""Slash commands, buttons and messages: everything that speaks to Discord."""
