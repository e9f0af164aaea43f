"""What the buttons under a result do, and "Recipe" in a message's own menu.

A press is told by the custom_id of its button: nothing else has to be remembered.
`PRESSES` has a handler for each button in `buttons.BUTTONS` but Send to, which is a
feature of its own.
"""

from __future__ import annotations

from spacebot.presses import follow, results
from spacebot.presses.base import JobButton
from spacebot.presses.menus import job_of, recipe_menu
from spacebot.presses.outputs import outputs_of

__all__ = ["PRESSES", "JobButton", "job_of", "outputs_of", "recipe_menu"]

PRESSES: tuple[type[JobButton], ...] = (
    results.Cancel,
    results.Again,
    results.Vary,
    results.Edit,
    results.ShowRecipe,
    results.Delete,
    results.SendMe,
    follow.Follow,
)
