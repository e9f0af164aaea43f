"""What a command is given of an event: `prompt:{text} seconds:8`, checked and filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord

from spacebot import inputs, recipes
from spacebot.automations.events import Event
from spacebot.automations.kinds import When
from spacebot.errors import InputError
from spacebot.inputs.form import by_owner, fields, is_late, value_of
from spacebot.intents import CONTENT
from spacebot.models import Answer, Endpoint, Option, OptionType

PLACEHOLDER = re.compile(r"\{(\w+)\}")
FILE = "{file}"
BRACED = "`{{{}}}`"
NAMES = ("text", "link", "user", "mention", "title", "emoji", "channel", "server", "date")
# These are a message's own words and files, which Discord withholds without the intent.
OF_MESSAGES = {"text", "link", "file"}


def options(endpoint: Endpoint) -> dict[str, Option]:
    """What can be given to an endpoint, by option name; passwords cannot, since all is shown."""
    main, further = fields(endpoint)
    return {option.name: option for option in main + further if not option.secret}


def parse(endpoint: Endpoint, line: str) -> dict[str, str]:
    """The values that a person wrote as `name:value name:value`; raises InputError."""
    known = options(endpoint)
    if not line.strip():
        return {}
    names = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    parts = re.split(rf"(?:^|(?<=\s))({names}):", line.strip()) if names else [line]
    if parts[0].strip():
        raise InputError(
            f"`values` are written as `name:value`. Here the names are {listed(known)}."
        )
    return {name: value.strip() for name, value in zip(parts[1::2], parts[2::2], strict=True)}


def usual(endpoint: Endpoint, kind: When) -> dict[str, str]:
    """What an endpoint is given of such an event where nobody says it: a file, or a text."""
    if kind.takes_files:
        attached = [one for one in options(endpoint).values() if one.type is OptionType.ATTACHMENT]
        attached.sort(key=lambda one: not one.required)
        if attached:
            return {attached[0].name: FILE}
    name = recipes.takes_text(endpoint)
    return {name: kind.gives} if name and kind.gives else {}


def check(endpoint: Endpoint, given: Mapping[str, str]) -> None:
    """Raise InputError for the first value that could never be taken, or that is missing."""
    known = options(endpoint)
    for name, value in given.items():
        for used in PLACEHOLDER.findall(value):
            if used not in NAMES and value != FILE:
                raise InputError(f"There is no {{{used}}}. There are {listed(NAMES, BRACED)}.")
        if (known[name].type is OptionType.ATTACHMENT) != (value == FILE):
            takes = "takes `{file}`" if value != FILE else "takes no file"
            raise InputError(f"`{name}` {takes}.", option=name)
    lacking = [one.name for one in known.values() if one.required and one.name not in given]
    if lacking:
        raise InputError(
            f"`{lacking[0]}` is needed: add `{lacking[0]}:…` to `values`. What is known of the "
            f"event: {listed(NAMES, BRACED)}.",
            option=lacking[0],
        )
    fixed = {name: value for name, value in given.items() if not PLACEHOLDER.search(value)}
    for parameter, own in by_owner(endpoint, fixed):
        if own and not is_late(endpoint, parameter):
            value_of(parameter, own)


def fill(
    endpoint: Endpoint, given: Mapping[str, str], event: Event, file: discord.Attachment | None
) -> dict[str, Any] | None:
    """The values for one run, files as Discord's; None where the event lacks what is needed."""
    known, filled = options(endpoint), dict[str, Any]()
    for name, value in given.items():
        if value == FILE:
            one: Any = file
        else:
            one = PLACEHOLDER.sub(lambda found: event.values.get(found[1], ""), value).strip()
            one = fitted(known.get(name), one)
        if one:
            filled[name] = one
        elif name in known and (known[name].required or len(given) == 1):
            return None
    return filled


def fitted(option: Option | None, text: str) -> str:
    """A text within what an option takes: a message may be longer than a prompt."""
    most = option.max_length if option and option.type is OptionType.STRING else None
    return text[:most] if most and not option.choices else text  # type: ignore[union-attr]


def uses(given: Mapping[str, str]) -> set[str]:
    """The names of all placeholders."""
    return {used for value in given.values() for used in PLACEHOLDER.findall(value)}


def needs(kind: When, given: Mapping[str, str]) -> frozenset[str]:
    """The privileged intents that an automation needs."""
    return kind.needs | ({CONTENT} if uses(given) & OF_MESSAGES else set())


def line(given: Mapping[str, str]) -> str:
    """The values as a person writes them."""
    return " ".join(f"{name}:{value}" for name, value in given.items())


def takes(endpoint: Endpoint, given: Mapping[str, str], file: discord.Attachment) -> bool:
    """Whether the option that is given the file takes one of its kind."""
    known = options(endpoint)
    kinds = [known[name].file_types for name, value in given.items() if value == FILE]
    return all(inputs.is_kind(file.filename, file.content_type, one) for one in kinds)


def listed(names: Any, form: str = "`{}`") -> str:
    """Names within a sentence."""
    return ", ".join(form.format(name) for name in names)


def private(endpoint: Endpoint) -> Endpoint:
    """The same endpoint, answering only whoever asks."""
    return replace(endpoint, answer=Answer.PRIVATE)
