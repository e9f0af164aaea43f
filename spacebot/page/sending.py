"""Where a result of the try-out can go: the commands that take its files or its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from spacebot import recipes
from spacebot.page.forms import Command
from spacebot.page.media import Kept

# A menu in Discord has so many entries.
MOST = 25


@dataclass(frozen=True, slots=True)
class Target:
    """An option of a command that takes a part of a result: a file by its `url`, or a `text`."""

    command: str
    option: str
    what: str
    url: str = ""
    text: str = ""


def targets(commands: Iterable[Command], files: Sequence[Kept], text: str) -> list[Target]:
    """What can be done with these files and this text."""
    known = list(commands)
    found = [one for kept in files for one in _of_file(known, kept)] + list(_of_text(known, text))
    return found[:MOST]


def _of_file(commands: Sequence[Command], kept: Kept) -> Iterator[Target]:
    for command in commands:
        option = recipes.takes_file(command.endpoint, kept.name, kept.media_type)
        if option:
            url = f"spacebot/tryout/files/{kept.key}"
            yield Target(command.name, option, kept.name, url=url)


def _of_text(commands: Sequence[Command], text: str) -> Iterator[Target]:
    for command in commands:
        option = recipes.takes_text(command.endpoint) if text else None
        if option:
            yield Target(command.name, option, "the text", text=text)
