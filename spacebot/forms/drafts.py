"""Forms that are being filled in: who by, how far, and what was typed so far."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import discord

from spacebot.errors import InputError
from spacebot.forms.fields import Field, fields_of
from spacebot.inputs.form import by_owner, is_late, value_of
from spacebot.models import Endpoint, File

# Discord: a form has at most five fields.
PAGE = 5
MOST = 5000
LIFE = 3600.0

Finish = Callable[[discord.Interaction[Any], dict[str, Any]], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Draft:
    """One form. `finish` is called with what was given, once that can be taken.

    `menu` is the interaction whose private message stands between two pages.
    """

    title: str
    endpoint: Endpoint
    given: dict[str, Any]
    fields: tuple[Field, ...]
    finish: Finish
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    opened: float = field(default_factory=time.monotonic)
    menu: discord.Interaction[Any] | None = None
    menu_id: int | None = None

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-len(self.fields) // PAGE))

    def page(self, number: int) -> tuple[Field, ...]:
        """The fields of a page, counted from 0."""
        return self.fields[number * PAGE : (number + 1) * PAGE]

    def page_of(self, option: str) -> int:
        """The page on which an option is asked for; the first where none is."""
        for place, one in enumerate(self.fields):
            if option in one.slots:
                return place // PAGE
        return 0

    def missing(self) -> list[Field]:
        """The fields that have to be filled in and are not."""
        empty = (None, "", [])
        return [one for one in self.fields if one.option.required and one.now(self.given) in empty]

    def problems(self) -> Iterator[InputError]:
        """What the Space could not take of what was given.

        What is attached is looked at once it was brought here.
        """
        given = {name: value for name, value in self.given.items() if value is not None}
        for parameter, own in by_owner(self.endpoint, given):
            attached = any(isinstance(one, File | discord.Attachment) for one in own.values())
            if not attached and not (own and is_late(self.endpoint, parameter)):
                try:
                    value_of(parameter, own)
                except InputError as error:
                    self._include(error.option)
                    yield error

    def _include(self, option: str) -> None:
        """Ask for an option that was given with the command, and wrongly."""
        if not any(option in one.slots for one in self.fields):
            self.fields += fields_of(self.endpoint, {option})


class Drafts:
    """The open forms: at most `MOST`, each for `LIFE` seconds."""

    def __init__(self) -> None:
        self._drafts: OrderedDict[str, Draft] = OrderedDict()

    def add(self, draft: Draft) -> None:
        """Keep a form, and forget those that are too old or too many."""
        self._drafts[draft.id] = draft
        while self._drafts:
            oldest = next(iter(self._drafts.values()))
            if len(self._drafts) <= MOST and time.monotonic() - oldest.opened < LIFE:
                return
            del self._drafts[oldest.id]

    def get(self, draft: str) -> Draft | None:
        """The form of this id, or None where it is too old."""
        found = self._drafts.get(draft)
        if found is not None and time.monotonic() - found.opened >= LIFE:
            found = self._drafts.pop(draft, None) and None
        return found

    def drop(self, draft: Draft) -> None:
        """Forget a form that was run."""
        self._drafts.pop(draft.id, None)
