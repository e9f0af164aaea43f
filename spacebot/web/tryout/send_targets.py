"""Where a result of the try-out can go: the commands that take its files or its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from spacebot.engine import recipes
from spacebot.web.tryout.file_cache import CachedFile
from spacebot.web.tryout.forms import PageCommand

# Discord's limit for the entries of a menu.
MAX_TARGETS = 25


@dataclass(frozen=True, slots=True)
class SendTarget:
    """An option of a command that takes part of a result: a file by its `url`, or a `text`."""

    command: str
    option: str
    what: str
    url: str = ""
    text: str = ""
    picture: bool = False


def send_targets(
    commands: Iterable[PageCommand], files: Sequence[CachedFile], text: str
) -> list[SendTarget]:
    """The commands that take these files or this text."""
    known = list(commands)
    found = [one for kept in files for one in _of_file(known, kept)] + list(_of_text(known, text))
    return found[:MAX_TARGETS]


def _of_file(commands: Sequence[PageCommand], kept: CachedFile) -> Iterator[SendTarget]:
    for command in commands:
        option = recipes.file_option(command.endpoint, kept.name, kept.media_type)
        if option:
            url = f"spacebot/tryout/files/{kept.key}"
            yield SendTarget(
                command.name, option, kept.name, url=url, picture=kept.kind == "picture"
            )


def _of_text(commands: Sequence[PageCommand], text: str) -> Iterator[SendTarget]:
    for command in commands:
        option = recipes.text_option(command.endpoint) if text else None
        if option:
            yield SendTarget(command.name, option, "the text", text=text)
