"""Discord's published rules for commands, checked before any is sent.

Discord registers all commands at once or none: a single command that breaks a rule would take all
others down with it.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spacebot.spaces.inputs.components.base import MAX_CHOICES
from spacebot.spaces.inputs.form import MAX_COMMAND_CHARACTERS, MAX_OPTIONS

SUBCOMMAND, GROUP, STRING, INTEGER, NUMBER = 1, 2, 3, 4, 10
OPTION_TYPES = range(1, 12)
CHAT_INPUT = 1
MAX_NAME, MAX_DESCRIPTION, MAX_CHOICE, MAX_TEXT = 32, 100, 100, 6000
MAX_MAGNITUDE = 2**53

Payload = Mapping[str, Any]


def fit_command(command: Payload) -> tuple[dict[str, Any] | None, list[str]]:
    """The command in a form that Discord accepts, or None, and why anything was removed."""
    options = command.get("options") or ()
    unfit = _unfit_parts(options)
    whys = [f"{display_name(command)} {one.get('name')}: {why}" for one, why in unfit]
    if unfit:
        bad = [one for one, _ in unfit]
        command = {**command, "options": [one for one in options if one not in bad]}
        if not command["options"]:
            return None, whys
    if why := find_problem(command):
        return None, [*whys, f"{display_name(command)}: {why}"]
    return dict(command), whys


def _unfit_parts(options: Sequence[Payload]) -> list[tuple[Payload, str]]:
    subcommands = (one for one in options if one.get("type") in (SUBCOMMAND, GROUP))
    return [(one, why) for one in subcommands if (why := next(_option_problems(one, 0), ""))]


def display_name(command: Payload) -> str:
    """A command as a person types it."""
    slash = "/" if (command.get("type") or CHAT_INPUT) == CHAT_INPUT else ""
    return f"{slash}{command.get('name')}"


def find_problem(command: Payload) -> str:
    """Why Discord would reject this command; empty if it would not."""
    if (command.get("type") or CHAT_INPUT) != CHAT_INPUT:
        return next(_length_problems("its name", command.get("name"), 1, MAX_NAME), "")
    options = command.get("options") or ()
    found = [*_name_problems(command), *_option_list_problems(options, 0)]
    if not found and (size := count_characters(command)) > MAX_COMMAND_CHARACTERS:
        found = [f"it has {size} characters, and Discord takes {MAX_COMMAND_CHARACTERS}"]
    return next(iter(found), "")


def count_characters(command: Payload) -> int:
    """The characters that count against Discord's 8,000."""
    own = sum(len(str(command.get(key) or "")) for key in ("name", "description"))
    choices = command.get("choices") or ()
    own += sum(len(str(one.get("name"))) + len(str(one.get("value"))) for one in choices)
    return own + sum(map(count_characters, command.get("options") or ()))


def _length_problems(what: str, value: Any, least: int, most: int) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{what} is missing"
    elif not least <= len(value) <= most:
        yield f"{what} has {len(value)} characters, and Discord takes {least} to {most}"


def is_name(name: str) -> bool:
    r"""Whether Discord accepts it as the name of a slash command or an option.

    Its rule: ^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$, in lower case where that exists.
    """
    return name == name.lower() and all(
        ch in "-_'" or unicodedata.category(ch)[0] in "LN" or _is_deva_or_thai(ch) for ch in name
    )


def _is_deva_or_thai(character: str) -> bool:
    return "\u0900" <= character <= "\u097f" or "\u0e00" <= character <= "\u0e7f"


def _name_problems(thing: Payload) -> Iterator[str]:
    name = thing.get("name")
    yield from _length_problems("its name", name, 1, MAX_NAME)
    yield from _length_problems("its description", thing.get("description"), 1, MAX_DESCRIPTION)
    if isinstance(name, str) and not is_name(name):
        yield "its name has characters that Discord does not take"


def _option_list_problems(options: Sequence[Payload], depth: int) -> Iterator[str]:
    if len(options) > MAX_OPTIONS:
        yield f"it has {len(options)} options, and Discord takes {MAX_OPTIONS}"
    names = [one.get("name") for one in options]
    if len(set(names)) < len(names):
        yield "two of its options have the same name"
    if len({one.get("type") in (SUBCOMMAND, GROUP) for one in options}) > 1:
        yield "it mixes subcommands with other options"
    required = [bool(one.get("required")) for one in options]
    if required != sorted(required, reverse=True):
        yield "a required option follows an optional one"
    for one in options:
        yield from (f"option {one.get('name')}: {why}" for why in _option_problems(one, depth))


def _option_problems(option: Payload, depth: int) -> Iterator[str]:
    yield from _name_problems(option)
    kind: Any = option.get("type")
    if kind not in OPTION_TYPES:
        yield "its type is unknown"
    elif kind in (SUBCOMMAND, GROUP):
        # Groups are allowed only at the top, subcommands at the top or in a group.
        if depth > 1 or (kind == GROUP and depth):
            yield "a subcommand cannot be nested this deep"
        elif kind == GROUP and not option.get("options"):
            yield "a group needs subcommands"
        else:
            yield from _option_list_problems(
                option.get("options") or (), depth + 1 if kind == GROUP else 2
            )
    else:
        yield from _bound_problems(option, kind)
        yield from _text_length_problems(option, kind)
        yield from _choice_problems(option, kind)


def _bound_problems(option: Payload, kind: int) -> Iterator[str]:
    low, high = option.get("min_value"), option.get("max_value")
    options = [bound for bound in (low, high) if bound is not None]
    if options and kind not in (INTEGER, NUMBER):
        yield "only numbers have a minimum and a maximum"
    elif not all(_is_number(bound, kind) for bound in options):
        yield "its minimum or maximum is not a number that Discord takes"
    elif len(options) == 2 and options[0] > options[1]:
        yield "its minimum is above its maximum"


def _is_number(value: Any, kind: int) -> bool:
    types = int if kind == INTEGER else (int, float)
    if isinstance(value, bool) or not isinstance(value, types):
        return False
    return math.isfinite(value) and abs(value) <= MAX_MAGNITUDE


def _text_length_problems(option: Payload, kind: int) -> Iterator[str]:
    least, most = option.get("min_length"), option.get("max_length")
    options = [length for length in (least, most) if length is not None]
    if options and kind != STRING:
        yield "only text has a shortest and a longest length"
    elif not all(isinstance(length, int) and 0 <= length <= MAX_TEXT for length in options):
        yield f"its length limits are not between 0 and {MAX_TEXT}"
    elif most is not None and most < max(1, least or 0):
        yield "its longest length is below its shortest"


def _choice_problems(option: Payload, kind: int) -> Iterator[str]:
    choices = option.get("choices") or ()
    if option.get("autocomplete") and (choices or kind not in (STRING, INTEGER, NUMBER)):
        yield "it cannot have suggestions"
    if choices and kind not in (STRING, INTEGER, NUMBER):
        yield "it cannot have choices"
        return
    if len(choices) > MAX_CHOICES:
        yield f"it has {len(choices)} choices, and Discord takes {MAX_CHOICES}"
    names = [choice.get("name") for choice in choices]
    if len(set(names)) < len(names):
        yield "two of its choices have the same name"
    for choice in choices:
        yield from _length_problems("the name of a choice", choice.get("name"), 1, MAX_CHOICE)
        if kind == STRING:
            yield from _length_problems("the value of a choice", choice.get("value"), 1, MAX_CHOICE)
        elif not _is_number(choice.get("value"), kind):
            yield "the value of a choice is not a number that Discord takes"
