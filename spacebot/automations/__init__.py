"""Automations: when something happens in a server, run a command and answer.

A server's moderators set them. Each kind of event is one small class and one line
in `kinds.AUTOMATIONS`.
"""

from spacebot.automations.commands import AUTOMATION, AutomationCommands
from spacebot.automations.kinds import AUTOMATIONS
from spacebot.automations.watch import Automations

__all__ = ["AUTOMATION", "AUTOMATIONS", "AutomationCommands", "Automations"]
