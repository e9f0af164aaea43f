"""/limits: what a server's moderators allow, and /quota: what a member has left."""

from __future__ import annotations

from spacebot.discord_bot.limits.commands import LimitsCommands
from spacebot.discord_bot.limits.panels import LIMITS_PANELS
from spacebot.discord_bot.limits.quota import QuotaLine, gpu_line, quota_command

__all__ = ["LIMITS_PANELS", "LimitsCommands", "QuotaLine", "gpu_line", "quota_command"]
