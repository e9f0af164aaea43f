"""The buttons under a result, and "Recipe" in a message's menu.

The custom_id of a button says everything about it: nothing else has to be stored. `JOB_BUTTONS` has
a handler for each button in `button_base.BUTTONS` except Send to, which is its own feature.
"""

from __future__ import annotations

from spacebot.discord_bot.buttons import follow, results
from spacebot.discord_bot.buttons.base import JobButton
from spacebot.discord_bot.buttons.menus import job_id_of, recipe_menu
from spacebot.discord_bot.buttons.outputs import outputs_of
from spacebot.discord_bot.buttons.rerun import rerun

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
