"""The open menus of Send to: what there is to send, and which commands take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import discord

from spacebot.engine import recipes
from spacebot.models import Endpoint, File
from spacebot.spaces.inputs.components.base import one_line
from spacebot.wording import clip


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
        """A file's name and its content type."""
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
    """One open menu: the items to send, and the choices so far."""

    items: Sequence[SendItem]
    shown: discord.Interaction
    chosen: SendItem | None = None
    id: str = ""


def targets_for(
    commands: Mapping[str, Endpoint], item: SendItem, *, nsfw: bool
) -> list[TargetCommand]:
    """Those of these commands that take a thing; age-restricted ones where `nsfw`."""
    return [
        TargetCommand(command, endpoint, option)
        for command, endpoint in commands.items()
        if (nsfw or not endpoint.nsfw) and (option := item.option_of(endpoint)) is not None
    ]
