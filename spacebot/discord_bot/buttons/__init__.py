"""What the buttons under a result do, and "Recipe" in a message's own menu.

A press is told by the custom_id of its button: nothing else has to be remembered.
`JOB_BUTTONS` has a handler for each button in `button_base.BUTTONS` but Send to, which is a
feature of its own.
"""

from __future__ import annotations

from spacebot.discord_bot.buttons import follow, results
from spacebot.discord_bot.buttons.base import JobButton
from spacebot.discord_bot.buttons.menus import job_id_of, recipe_menu
from spacebot.discord_bot.buttons.outputs import outputs_of

JOB_BUTTONS: tuple[type[JobButton], ...] = (
    results.CancelButton,
    results.AgainButton,
    results.VaryButton,
    results.EditButton,
    results.RecipeButton,
    results.DeleteButton,
    results.SendMeButton,
    follow.FollowButton,
)
