"""Compare: one prompt to several commands, with the answers side by side in one message."""

from __future__ import annotations

from spacebot.discord_bot.compare.command import COMPARE
