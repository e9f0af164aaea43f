"""Automations: when something happens in a server, run a command and answer.

A server's moderators set them. Each kind of event is one small class and one line
in `triggers.TRIGGERS`.
"""

from spacebot.discord_bot.automations.commands import AutomationCommands
from spacebot.discord_bot.automations.triggers import TRIGGERS
from spacebot.discord_bot.automations.watcher import AutomationWatcher
