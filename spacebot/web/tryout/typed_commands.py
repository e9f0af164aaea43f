"""A command typed as one line: "/demo paint sunset", or a Recipe, "/demo paint prompt:sunset"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from spacebot.engine import recipes
from spacebot.models import Option, OptionType
from spacebot.spaces.inputs.components.numbers import NO_WORDS, YES_WORDS
from spacebot.web.tryout.forms import PageCommand


def read_line(
    line: str, commands: Mapping[str, PageCommand]
) -> tuple[PageCommand, dict[str, str]] | None:
    """The command that a line begins with, the longest of several, and its fields."""
    text = line.strip().removeprefix("/")
    found = [name for name in commands if f"{text} ".casefold().startswith(f"{name} ".casefold())]
    if not found:
        return None
    name = max(found, key=len)
    return commands[name], dict(_fields(commands[name], text[len(name) :].strip()))


def _fields(command: PageCommand, text: str) -> Iterator[tuple[str, str]]:
    options = {option.name: option for option in command.form.all}
    names = "|".join(map(re.escape, sorted(options, key=len, reverse=True)))
    first, *pairs = re.split(rf"(?:^|\s)({names}):", text) if options else [text]
    main = recipes.text_option(command.endpoint)
    if first.strip() and main:
        yield main, first.strip()
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        yield name, _field_value(options[name], value.strip())


def _field_value(option: Option, text: str) -> str:
    """A value as the option's field stores it; a choice may be written as it is shown."""
    word = text.casefold()
    if option.type is OptionType.BOOLEAN and word in YES_WORDS | NO_WORDS:
        return "true" if word in YES_WORDS else "false"
    shown = (str(one.value) for one in option.choices if one.label.casefold() == word)
    return next(shown, text)
