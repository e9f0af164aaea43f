"""What stands under a message of the try-out: the buttons that members get in Discord."""

from __future__ import annotations

from dataclasses import dataclass

from spacebot import followups, recipes
from spacebot.buttons import failed_view, read, result_view
from spacebot.models import Job, Outcome

# The ids of buttons hold a job's; here they are pressed by name.
NO_JOB = "0" * 12
CHAT = frozenset({"again", "send"})


@dataclass(frozen=True, slots=True)
class Under:
    """One button: what it does by its name in `buttons.BUTTONS`, and what is on it.

    `press` is what a follow-up's is pressed by.
    """

    name: str
    label: str
    emoji: str
    press: str = ""


def of_result(job: Job, outcome: Outcome, key: str) -> list[Under]:
    """The buttons under the result of this key; an answer of a chat is asked again, or sent on."""
    endpoint = job.endpoint
    view = result_view(
        # A button's id is checked against what Discord's hold.
        NO_JOB,
        edits=bool(endpoint.parameters),
        varies=bool(recipes.seeds(endpoint)),
        sends=any(value is not None for value in outcome.values),
        then=followups.buttons(endpoint.then, outcome.values),
    )
    found = [
        Under(name, label, emoji, press.replace(NO_JOB, key, 1))
        for name, label, emoji, press in read(view)
    ]
    return [one for one in found if one.name in CHAT] if job.conversation else found


def of_failure() -> list[Under]:
    """The buttons under what failed or was cancelled."""
    return [Under(*one) for one in read(failed_view(NO_JOB))]
