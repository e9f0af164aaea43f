"""A command's values from an event: `prompt:{text} seconds:8`, checked and filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord

from spacebot.discord_bot.automations.events import Event
from spacebot.discord_bot.automations.triggers import Trigger
from spacebot.discord_bot.gateway.intents import CONTENT
from spacebot.engine import recipes
from spacebot.errors import InputError
from spacebot.models import AnswerPlace, Endpoint, Option, OptionType
from spacebot.spaces import inputs
from spacebot.spaces.inputs.form import fields, group_by_parameter, is_late, value_of

PLACEHOLDER = re.compile(r"\{(\w+)\}")
FILE_PLACEHOLDER = "{file}"
BRACED = "`{{{}}}`"
NO_SECRETS = (
    "`{}` is a password. Everyone can see an automation's values, so it cannot use one. Leave it "
    "out."
)
NEEDS_SECRET = "This command needs `{}`, a password, which an automation cannot use."
PLACEHOLDERS = ("text", "link", "user", "mention", "title", "emoji", "channel", "server", "date")
# These come from a message's own text and files, which Discord withholds without the intent.
CONTENT_PLACEHOLDERS = {"text", "link", "file"}


def options(endpoint: Endpoint) -> dict[str, Option]:
    """The options to fill in, by name, without passwords, since everything is shown."""
    return {option.name: option for option in _every_option(endpoint) if not option.secret}


def _every_option(endpoint: Endpoint) -> list[Option]:
    main, further = fields(endpoint)
    return [*main, *further]


def _check_secrets(endpoint: Endpoint, line: str) -> None:
    """Raise InputError for a value that is written for a password."""
    for option in _every_option(endpoint):
        if option.secret and re.search(rf"(?<!\S){re.escape(option.name)}:", line):
            raise InputError(NO_SECRETS.format(option.name), option=option.name)


def parse(endpoint: Endpoint, line: str) -> dict[str, str]:
    """The values written as `name:value name:value`; raises InputError."""
    known = options(endpoint)
    _check_secrets(endpoint, line)
    if not line.strip():
        return {}
    names = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    parts = re.split(rf"(?:^|(?<=\s))({names}):", line.strip()) if names else [line]
    if parts[0].strip():
        raise InputError(
            f"`values` are written as `name:value`. Here the names are {join_names(known)}."
        )
    return {name: value.strip() for name, value in zip(parts[1::2], parts[2::2], strict=True)}


def defaults(endpoint: Endpoint, kind: Trigger) -> dict[str, str]:
    """An endpoint's default value for such an event: a file, or a text."""
    if kind.takes_files:
        attached = [one for one in options(endpoint).values() if one.type is OptionType.ATTACHMENT]
        attached.sort(key=lambda one: not one.required)
        if attached:
            return {attached[0].name: FILE_PLACEHOLDER}
    name = recipes.text_option(endpoint)
    return {name: kind.gives} if name and kind.gives else {}


def check(endpoint: Endpoint, arguments: Mapping[str, str]) -> None:
    """Raise InputError for the first value that could never be accepted, or that is missing."""
    known = options(endpoint)
    for option in _every_option(endpoint):
        if option.secret and option.required:
            raise InputError(NEEDS_SECRET.format(option.name))
    for name, value in arguments.items():
        for used in PLACEHOLDER.findall(value):
            if used not in PLACEHOLDERS and value != FILE_PLACEHOLDER:
                raise InputError(
                    f"There is no {{{used}}}. Available: {join_names(PLACEHOLDERS, BRACED)}."
                )
        if (known[name].type is OptionType.ATTACHMENT) != (value == FILE_PLACEHOLDER):
            takes = "takes `{file}`" if value != FILE_PLACEHOLDER else "takes no file"
            raise InputError(f"`{name}` {takes}.", option=name)
    lacking = [one.name for one in known.values() if one.required and one.name not in arguments]
    if lacking:
        raise InputError(
            f"`{lacking[0]}` is needed: add `{lacking[0]}:…` to `values`. Placeholders for the "
            f"event: {join_names(PLACEHOLDERS, BRACED)}.",
            option=lacking[0],
        )
    fixed = {name: value for name, value in arguments.items() if not PLACEHOLDER.search(value)}
    for parameter, own in group_by_parameter(endpoint, fixed):
        if own and not is_late(endpoint, parameter):
            value_of(parameter, own)


def fill(
    endpoint: Endpoint, arguments: Mapping[str, str], event: Event, file: discord.Attachment | None
) -> dict[str, Any] | None:
    """The values for one run, with Discord's files; None if the event lacks a needed value."""
    known, filled = options(endpoint), dict[str, Any]()
    for name, value in arguments.items():
        if value == FILE_PLACEHOLDER:
            one: Any = file
        else:
            one = PLACEHOLDER.sub(lambda found: event.values.get(found[1], ""), value).strip()
            one = fit(known.get(name), one)
        if one:
            filled[name] = one
        elif name in known and (known[name].required or len(arguments) == 1):
            return None
    return filled


def fit(option: Option | None, text: str) -> str:
    """A text cut to what an option takes: a message may be longer than a prompt."""
    most = option.max_length if option and option.type is OptionType.STRING else None
    return text[:most] if most and not option.choices else text  # type: ignore[union-attr]


def placeholders_in(arguments: Mapping[str, str]) -> set[str]:
    """The names of all placeholders."""
    return {used for value in arguments.values() for used in PLACEHOLDER.findall(value)}


def intents_for(kind: Trigger, arguments: Mapping[str, str]) -> frozenset[str]:
    """The privileged intents that an automation needs."""
    return kind.needs | ({CONTENT} if placeholders_in(arguments) & CONTENT_PLACEHOLDERS else set())


def format_line(arguments: Mapping[str, str]) -> str:
    """The values as a person writes them."""
    return " ".join(f"{name}:{value}" for name, value in arguments.items())


def accepts_file(
    endpoint: Endpoint, arguments: Mapping[str, str], file: discord.Attachment
) -> bool:
    """Whether the file option accepts this kind."""
    known = options(endpoint)
    kinds = [
        known[name].file_types for name, value in arguments.items() if value == FILE_PLACEHOLDER
    ]
    return all(inputs.is_kind(file.filename, file.content_type, one) for one in kinds)


def join_names(names: Any, form: str = "`{}`") -> str:
    """Names joined within a sentence."""
    return ", ".join(form.format(name) for name in names)


def private_copy(endpoint: Endpoint) -> Endpoint:
    """The same endpoint, answering privately."""
    return replace(endpoint, answer=AnswerPlace.PRIVATE)
