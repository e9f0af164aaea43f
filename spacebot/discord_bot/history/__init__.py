"""/history: a member's past jobs, visible only to them, with Again and a star."""

from __future__ import annotations

from spacebot.discord_bot.history.command import history_command
from spacebot.discord_bot.history.pages import HISTORY_BUTTONS

__all__ = ["HISTORY_BUTTONS", "history_command"]
