"""The buttons under a message of the try-out: those that members get in Discord."""

from __future__ import annotations

from dataclasses import dataclass

from spacebot.discord_bot.button_base import (
    SAVE,
    SEND_ME,
    PlacedButton,
    failed_rows,
    result_rows,
)
from spacebot.discord_bot.conversations.button_specs import REGENERATE
from spacebot.models import AnswerPlace, Job, Outcome

# The page sends no direct messages, and its visitors have no account that could own a preset.
DISCORD_ONLY = (SEND_ME, SAVE)


@dataclass(frozen=True, slots=True)
class ResultButton:
    """One button for the browser: its name in `button_base.BUTTONS`, its label and emoji.

    `press` holds its ids; a follow-up sends them back.
    """

    name: str
    label: str
    emoji: str
    press: str = ""


def result_buttons(job: Job, outcome: Outcome, key: str) -> list[ResultButton]:
    """The buttons under the result with this key, as a member gets them."""
    if job.conversation:
        return [_button(REGENERATE.on())]
    private = job.endpoint.answer is AnswerPlace.PRIVATE
    rows = result_rows(key, job.endpoint, outcome.outputs, private=private)
    return [_button(one) for row in rows for one in row if one.spec not in DISCORD_ONLY]


def failure_buttons() -> list[ResultButton]:
    """The buttons under a failure or a cancelled turn."""
    return [_button(one) for row in failed_rows("") for one in row]


def _button(one: PlacedButton) -> ResultButton:
    return ResultButton(one.spec.name, one.label, one.spec.emoji or "", ":".join(one.ids))
