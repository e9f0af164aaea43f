"""Send to: passes a result or a message to another command that takes it.

`SendTo` is the feature, with the command in a message's own menu; `SEND_TO` handles its button and
its menus.
"""

from __future__ import annotations

from spacebot.discord_bot.send_to.send_to import SEND_TO, SendTo
