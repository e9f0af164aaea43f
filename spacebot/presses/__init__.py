"""What the buttons under a result do, and the commands of a message's own menu.

A press is told by its button's name and the ids in the button: nothing else has
to be remembered. A new button is a class in `buttons`, a function here and a line
in `PRESSES`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from spacebot.presses import follow, results, sending
from spacebot.presses.menus import context_menus
from spacebot.presses.sending import SENDING

__all__ = ["PRESSES", "SENDING", "context_menus"]

# Each takes the desk, the interaction, and the ids in the button.
PRESSES: dict[str, Callable[..., Awaitable[None]]] = {
    "cancel": results.cancel,
    "again": results.again,
    "vary": results.vary,
    "edit": results.edit,
    "send": sending.send,
    "recipe": results.recipe,
    "delete": results.delete,
    "mail": results.send_me,
    "then": follow.follow,
}
