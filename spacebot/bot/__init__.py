"""The Discord client: its commands, its events, its state for the page, and its restarts."""

from spacebot.bot.client import PERMISSIONS, Bot, reached
from spacebot.bot.running import diagnose, keep_running

__all__ = ["PERMISSIONS", "Bot", "diagnose", "keep_running", "reached"]
