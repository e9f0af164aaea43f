"""Tokens: members and servers lend the bot their Hugging Face account, by `/token`."""

from __future__ import annotations

from spacebot.discord_bot.tokens.commands import TokenCommands
from spacebot.discord_bot.tokens.left_servers import LeftServers

__all__ = ["LeftServers", "TokenCommands"]
