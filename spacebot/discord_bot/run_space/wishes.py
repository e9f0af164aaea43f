"""What a member wants from a Space, and the endpoint and options that take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import discord
from cachetools import TTLCache

from spacebot.concurrency import TaskSet
from spacebot.engine import recipes
from spacebot.models import Endpoint, File, Space
from spacebot.spaces import inputs

MAX_REMEMBERED, REMEMBERED_SECONDS = 5000, 86_400.0


@dataclass(frozen=True, slots=True)
class Wish:
    """A text for the prompt, a file, and values by option name; each may be missing."""

    text: str = field(default="", repr=False)
    file: discord.Attachment | File | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def arguments_for(self, endpoint: Endpoint) -> dict[str, Any]:
        """The values for an endpoint, by option name."""
        options = {one.name for part in endpoint.parameters for one in inputs.own_options(part)}
        filled = {name: value for name, value in self.arguments.items() if name in options}
        if self.text and (option := recipes.text_option(endpoint)):
            filled.setdefault(option, self.text)
        if self.file is not None and (option := self.file_option(endpoint)):
            filled.setdefault(option, self.file)
        return filled

    def file_option(self, endpoint: Endpoint) -> str | None:
        """The option of an endpoint that takes the file."""
        match self.file:
            case None:
                return None
            case File():
                return recipes.file_option(endpoint, self.file.name, self.file.mime)
            case _:
                return recipes.file_option(endpoint, self.file.filename, self.file.content_type)

    def is_taken_by(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint takes all of it."""
        text = not self.text or recipes.text_option(endpoint) is not None
        return text and (self.file is None or self.file_option(endpoint) is not None)


def ranked(space: Space, wish: Wish) -> list[Endpoint]:
    """The endpoints of a Space: those that take the wish first, then the main ones."""
    order = {name: place for place, name in enumerate(space.ranking)}
    last = len(order)
    return sorted(
        space.endpoints,
        key=lambda one: (not wish.is_taken_by(one), order.get(one.api_name, last)),
    )


class Wishes:
    """The wishes of open offers, by the id of the message that offers a Space.

    An offer's buttons survive a restart by their ids. Its wish does not, and the member who
    continues is told so. `readings` are the offers whose Space is still being read.
    """

    def __init__(self) -> None:
        self.readings = TaskSet()
        self._wishes = TTLCache[int, Wish](MAX_REMEMBERED, REMEMBERED_SECONDS)

    def remember(self, message: int, wish: Wish) -> None:
        """Remember the wish of the offer in a message."""
        self._wishes[message] = wish

    def of(self, message: int) -> Wish | None:
        """The wish of the offer in a message; None if it is no longer known."""
        return self._wishes.get(message)

    async def close(self) -> None:
        """Have the offers still being read say that the bot is stopping."""
        await self.readings.close()
