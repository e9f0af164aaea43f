"""The open menus of Send to: the items to send, and the commands that take them."""

from __future__ import annotations

import mimetypes
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import discord

from spacebot.engine import recipes
from spacebot.models import Endpoint, File
from spacebot.spaces.inputs.components.base import one_line
from spacebot.wording import clip

KINDS = {"image": "Picture", "video": "Video", "audio": "Sound"}


@dataclass(frozen=True, slots=True)
class SendItem:
    """One item to send: an attachment, a picture that Discord shows, or a text.

    `place` tells it from others of its kind: "Picture 2 of 4".
    """

    value: discord.Attachment | File | str
    place: str = ""

    @property
    def label(self) -> str:
        """The item's label in a menu."""
        if isinstance(self.value, str):
            return clip(f"The text: {one_line(self.value)}", 100)
        return self.place or clip(self._named[0], 100)

    @property
    def details(self) -> str:
        """The description beside the label: the file's name, and its alt text."""
        if not self.place:
            return ""
        alt = self.value.description if isinstance(self.value, discord.Attachment) else ""
        return clip(" · ".join(filter(None, [self._named[0], one_line(alt or "")])), 100)

    @property
    def kind(self) -> str:
        """The kind of item, in everyday words."""
        if isinstance(self.value, str):
            return "Text"
        name, mime = self._named
        category = (mime or mimetypes.guess_type(name)[0] or "").partition("/")[0]
        return KINDS.get(category, "File")

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


def placed(items: Iterable[SendItem]) -> list[SendItem]:
    """The same items in order; of several of a kind, each says which it is."""
    found = list(items)
    counts, seen = Counter(item.kind for item in found), Counter[str]()
    for number, item in enumerate(found):
        seen[item.kind] += 1
        if counts[item.kind] > 1:
            place = f"{item.kind} {seen[item.kind]} of {counts[item.kind]}"
            found[number] = replace(item, place=place)
    return found


@dataclass(frozen=True, slots=True)
class TargetCommand:
    """A command that takes an item, and by which option."""

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
    """Those of these commands that take an item; age-restricted ones if `nsfw`."""
    return [
        TargetCommand(command, endpoint, option)
        for command, endpoint in commands.items()
        if (nsfw or not endpoint.nsfw) and (option := item.option_of(endpoint)) is not None
    ]
