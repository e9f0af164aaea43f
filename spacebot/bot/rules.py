"""Discord's published rules for commands, checked before any is sent.

Discord registers all commands at once or none: a single one that breaks a rule would
take every other one with it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spacebot.inputs.base import CHOICES
from spacebot.inputs.form import CHARACTERS, OPTIONS

SUBCOMMAND, GROUP, STRING, INTEGER, NUMBER = 1, 2, 3, 4, 10
KINDS = range(1, 12)
CHAT_INPUT = 1
NAME, DESCRIPTION, CHOICE, TEXT = 32, 100, 100, 6000
FARTHEST = 2**53

Payload = Mapping[str, Any]


def fitting(command: Payload) -> tuple[dict[str, Any] | None, list[str]]:
    """The command without the subcommands that Discord would refuse, and why those are gone.

    None where nothing of it could be registered.
    """
    options = command.get("options") or ()
    unfit = _unfit(options)
    whys = [f"{shown(command)} {one.get('name')}: {why}" for one, why in unfit]
    if unfit:
        bad = [one for one, _ in unfit]
        command = {**command, "options": [one for one in options if one not in bad]}
        if not command["options"]:
            return None, whys
    if why := problem(command):
        return None, [*whys, f"{shown(command)}: {why}"]
    return dict(command), whys


def _unfit(options: Sequence[Payload]) -> list[tuple[Payload, str]]:
    subcommands = (one for one in options if one.get("type") in (SUBCOMMAND, GROUP))
    return [(one, why) for one in subcommands if (why := next(_option(one, 0), ""))]


def shown(command: Payload) -> str:
    """A command as a person types it."""
    slash = "/" if (command.get("type") or CHAT_INPUT) == CHAT_INPUT else ""
    return f"{slash}{command.get('name')}"


def problem(command: Payload) -> str:
    """Why Discord would refuse this command; empty where it would not."""
    if (command.get("type") or CHAT_INPUT) != CHAT_INPUT:
        return next(_length("its name", command.get("name"), 1, NAME), "")
    options = command.get("options") or ()
    found = [*_named(command), *_problems_of(options, 0)]
    if not found and (size := characters(command)) > CHARACTERS:
        found = [f"it has {size} characters, and Discord takes {CHARACTERS}"]
    return next(iter(found), "")


def characters(command: Payload) -> int:
    """The characters that count against Discord's 8,000."""
    own = sum(len(str(command.get(key) or "")) for key in ("name", "description"))
    choices = command.get("choices") or ()
    own += sum(len(str(one.get("name"))) + len(str(one.get("value"))) for one in choices)
    return own + sum(map(characters, command.get("options") or ()))


def _length(what: str, value: Any, least: int, most: int) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{what} is missing"
    elif not least <= len(value) <= most:
        yield f"{what} has {len(value)} characters, and Discord takes {least} to {most}"


def is_name(name: str) -> bool:
    """Whether Discord takes it as the name of a slash command or an option.

    Its rule: ^[-_'\\p{L}\\p{N}\\p{sc=Deva}\\p{sc=Thai}]{1,32}$, in lower case where there is one.
    """
    return name == name.lower() and all(
        ch in "-_'" or unicodedata.category(ch)[0] in "LN" or _is_deva_or_thai(ch) for ch in name
    )


def _is_deva_or_thai(character: str) -> bool:
    return "\u0900" <= character <= "\u097f" or "\u0e00" <= character <= "\u0e7f"


def _named(thing: Payload) -> Iterator[str]:
    name = thing.get("name")
    yield from _length("its name", name, 1, NAME)
    yield from _length("its description", thing.get("description"), 1, DESCRIPTION)
    if isinstance(name, str) and not is_name(name):
        yield "its name has characters that Discord does not take"


def _problems_of(options: Sequence[Payload], depth: int) -> Iterator[str]:
    if len(options) > OPTIONS:
        yield f"it has {len(options)} options, and Discord takes {OPTIONS}"
    names = [one.get("name") for one in options]
    if len(set(names)) < len(names):
        yield "two of its options have the same name"
    if len({one.get("type") in (SUBCOMMAND, GROUP) for one in options}) > 1:
        yield "it mixes subcommands with other options"
    required = [bool(one.get("required")) for one in options]
    if required != sorted(required, reverse=True):
        yield "a required option follows an optional one"
    for one in options:
        yield from (f"option {one.get('name')}: {why}" for why in _option(one, depth))


def _option(option: Payload, depth: int) -> Iterator[str]:
    yield from _named(option)
    kind: Any = option.get("type")
    if kind not in KINDS:
        yield "its type is unknown"
    elif kind in (SUBCOMMAND, GROUP):
        # Groups stand only at the top, subcommands at the top or in a group.
        if depth > 1 or (kind == GROUP and depth):
            yield "a subcommand cannot be nested this deep"
        elif kind == GROUP and not option.get("options"):
            yield "a group needs subcommands"
        else:
            yield from _problems_of(option.get("options") or (), depth + 1 if kind == GROUP else 2)
    else:
        yield from _bounds(option, kind)
        yield from _lengths(option, kind)
        yield from _choices(option, kind)


def _bounds(option: Payload, kind: int) -> Iterator[str]:
    low, high = option.get("min_value"), option.get("max_value")
    given = [bound for bound in (low, high) if bound is not None]
    if given and kind not in (INTEGER, NUMBER):
        yield "only numbers have a minimum and a maximum"
    elif not all(_is_number(bound, kind) for bound in given):
        yield "its minimum or maximum is not a number that Discord takes"
    elif len(given) == 2 and given[0] > given[1]:
        yield "its minimum is above its maximum"


def _is_number(value: Any, kind: int) -> bool:
    types = int if kind == INTEGER else (int, float)
    if isinstance(value, bool) or not isinstance(value, types):
        return False
    return math.isfinite(value) and abs(value) <= FARTHEST


def _lengths(option: Payload, kind: int) -> Iterator[str]:
    least, most = option.get("min_length"), option.get("max_length")
    given = [length for length in (least, most) if length is not None]
    if given and kind != STRING:
        yield "only text has a shortest and a longest length"
    elif not all(isinstance(length, int) and 0 <= length <= TEXT for length in given):
        yield f"its length limits are not between 0 and {TEXT}"
    elif most is not None and most < max(1, least or 0):
        yield "its longest length is below its shortest"


def _choices(option: Payload, kind: int) -> Iterator[str]:
    choices = option.get("choices") or ()
    if option.get("autocomplete") and (choices or kind not in (STRING, INTEGER, NUMBER)):
        yield "it cannot have suggestions"
    if choices and kind not in (STRING, INTEGER, NUMBER):
        yield "it cannot have choices"
        return
    if len(choices) > CHOICES:
        yield f"it has {len(choices)} choices, and Discord takes {CHOICES}"
    names = [choice.get("name") for choice in choices]
    if len(set(names)) < len(names):
        yield "two of its choices have the same name"
    for choice in choices:
        yield from _length("the name of a choice", choice.get("name"), 1, CHOICE)
        if kind == STRING:
            yield from _length("the value of a choice", choice.get("value"), 1, CHOICE)
        elif not _is_number(choice.get("value"), kind):
            yield "the value of a choice is not a number that Discord takes"
