"""What the buttons under a result do, and the commands of a message's own menu.

A press is told by the custom_id of its button: nothing else has to be remembered.
`PRESSES` has a handler for each button in `buttons.BUTTONS`.
"""

from __future__ import annotations

from spacebot.presses import follow, results, sending
from spacebot.presses.base import JobButton
from spacebot.presses.menus import context_menus
from spacebot.presses.sending import SENDING

__all__ = ["PRESSES", "SENDING", "context_menus"]

PRESSES: tuple[type[JobButton], ...] = (
    results.Cancel,
    results.Again,
    results.Vary,
    results.Edit,
    results.ShowRecipe,
    results.Delete,
    results.SendMe,
    sending.Send,
    follow.Follow,
)
