"""Spaces that a server's moderators add, as commands of that server alone.

`ServerSpaceFeature` is the feature, `GuildCommandTree` the tree that it needs.
"""

from __future__ import annotations

from spacebot.discord_bot.server_spaces.feature import ServerSpaceFeature
from spacebot.discord_bot.server_spaces.guild_tree import GuildCommandTree

__all__ = ["GuildCommandTree", "ServerSpaceFeature"]
