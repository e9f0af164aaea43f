"""The open menus of Send to: what there is to send, and which commands take it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import discord

from spacebot.engine import recipes
from spacebot.engine.catalogue import Catalogue
from spacebot.models import Endpoint, File
from spacebot.spaces.inputs.components.base import clip, one_line
from spacebot.spaces.schema import commands_of

MAX_OPEN_MENUS, MENU_TTL = 5000, 3600.0


@dataclass(frozen=True, slots=True)
class SendItem:
    """One thing to send: an attachment, a picture that Discord shows, or a text."""

    value: discord.Attachment | File | str

    @property
    def label(self) -> str:
        """What to call it in a menu."""
        if isinstance(self.value, str):
            return clip(f"The text: {one_line(self.value)}", 100)
        return clip(self._named[0], 100)

    @property
    def _named(self) -> tuple[str, str | None]:
        """A file's name, and what it is said to be."""
        assert not isinstance(self.value, str)
        if isinstance(self.value, File):
            return self.value.name, self.value.mime
        return self.value.filename, self.value.content_type

    def option_of(self, endpoint: Endpoint) -> str | None:
        """The option of an endpoint that takes it."""
        if isinstance(self.value, str):
            return recipes.text_option(endpoint)
        return recipes.file_option(endpoint, *self._named)


@dataclass(frozen=True, slots=True)
class TargetCommand:
    """A command that takes a thing, and by which option."""

    command: str
    endpoint: Endpoint
    option: str


@dataclass(slots=True, eq=False)
class SendMenu:
    """One open menu: what there is to send, and what is chosen so far."""

    items: Sequence[SendItem]
    shown: discord.Interaction[Any]
    chosen: SendItem | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    opened: float = field(default_factory=time.monotonic)


class OpenSendMenus:
    """The open menus by id: at most `MAX_OPEN_MENUS`, each for `MENU_TTL` seconds."""

    def __init__(self) -> None:
        self._menus: dict[str, SendMenu] = {}

    def add(self, menu: SendMenu) -> None:
        """Keep a menu; the oldest goes where there are too many."""
        self._menus[menu.id] = menu
        while len(self._menus) > MAX_OPEN_MENUS:
            del self._menus[next(iter(self._menus))]

    def get(self, menu: str) -> SendMenu | None:
        """The menu of this id, or None where it has expired."""
        found = self._menus.get(menu)
        return found if found and time.monotonic() - found.opened < MENU_TTL else None


def targets_for(catalogue: Catalogue, item: SendItem, *, nsfw: bool) -> list[TargetCommand]:
    """The commands that take a thing, in the owner's order; age-restricted ones where `nsfw`."""
    return [
        TargetCommand(command, endpoint, option)
        for command, endpoint in commands_of(catalogue.spaces).items()
        if (nsfw or not endpoint.nsfw) and (option := item.option_of(endpoint)) is not None
    ]
