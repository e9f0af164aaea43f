"""What stands under a message of the try-out: the buttons that members get in Discord."""

from __future__ import annotations

from dataclasses import dataclass

from spacebot.discord_bot.button_base import (
    AGAIN,
    SAVE,
    SEND,
    PlacedButton,
    failed_rows,
    result_rows,
)
from spacebot.models import Job, Outcome

# What an answer of a chat can be: asked again, or sent on.
CHAT_BUTTONS = (AGAIN, SEND)
# A visitor has no account that a preset could belong to.
DISCORD_BUTTONS = (SAVE,)


@dataclass(frozen=True, slots=True)
class ResultButton:
    """One button as the browser gets it: the name in `button_base.BUTTONS`, and what is on it.

    `press` holds its ids: a follow-up's are sent back.
    """

    name: str
    label: str
    emoji: str
    press: str = ""


def result_buttons(job: Job, outcome: Outcome, key: str) -> list[ResultButton]:
    """The buttons under the result of this key; an answer of a chat is asked again, or sent on."""
    rows = result_rows(key, job.endpoint, outcome.outputs)
    return [
        _button(one)
        for row in rows
        for one in row
        if one.spec not in DISCORD_BUTTONS and (not job.conversation or one.spec in CHAT_BUTTONS)
    ]


def failure_buttons() -> list[ResultButton]:
    """The buttons under what failed or was cancelled."""
    return [_button(one) for row in failed_rows("") for one in row]


def _button(one: PlacedButton) -> ResultButton:
    return ResultButton(one.spec.name, one.label, one.spec.emoji or "", ":".join(one.ids))
