"""Forms being filled in: by whom, how far, and what was typed so far."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import discord

from spacebot.discord_bot.forms.fields import FormField, fields_of
from spacebot.errors import InputError
from spacebot.models import Endpoint
from spacebot.spaces.inputs import group_by_parameter, problem_of

# Discord: a form has at most five fields.
FIELDS_PER_PAGE = 5

FormFinish = Callable[[discord.Interaction, dict[str, Any]], Awaitable[None]]


@dataclass(slots=True, eq=False)
class FormDraft:
    """One form. `finish` is called with the values once they are valid.

    `menu` is the interaction whose private message leads from page to page.
    """

    title: str
    endpoint: Endpoint
    arguments: dict[str, Any]
    fields: tuple[FormField, ...]
    finish: FormFinish
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    menu: discord.Interaction | None = None
    menu_id: int | None = None

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-len(self.fields) // FIELDS_PER_PAGE))

    def page(self, number: int) -> tuple[FormField, ...]:
        """The fields of a page, counted from 0."""
        return self.fields[number * FIELDS_PER_PAGE : (number + 1) * FIELDS_PER_PAGE]

    def page_of(self, option: str) -> int:
        """The page on which an option is asked for; the first if none is."""
        for place, one in enumerate(self.fields):
            if option in one.slots:
                return place // FIELDS_PER_PAGE
        return 0

    def missing(self) -> list[FormField]:
        """The required fields that are still empty."""
        empty = (None, "", [])
        return [
            one
            for one in self.fields
            if one.option.required and one.current_value(self.arguments) in empty
        ]

    def problems(self) -> Iterator[InputError]:
        """The errors in the values, if the Space could not accept them.

        Attachments are checked once they are downloaded.
        """
        arguments = {name: value for name, value in self.arguments.items() if value is not None}
        for parameter, own in group_by_parameter(self.endpoint, arguments):
            if problem := problem_of(self.endpoint, parameter, own):
                self._include(problem.option)
                yield problem

    def _include(self, option: str) -> None:
        """Ask again for an option that was wrong in the command."""
        if not any(option in one.slots for one in self.fields):
            self.fields += fields_of(self.endpoint, {option})
