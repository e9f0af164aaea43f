"""What every kind of input has in common: its option, its hint, its messages."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from spacebot.errors import InputError
from spacebot.models import Choice, Option, OptionType, Parameter
from spacebot.wording import clip

# Discord's limits for the options of a slash command.
MAX_NAME_LENGTH = 32
MAX_DESCRIPTION_LENGTH = 100
MAX_CHOICES = 25
MAX_CHOICE_LENGTH = 100
MAX_TEXT_LENGTH = 6000


class Input:
    """One kind of input. Subclasses say which options it needs and what Gradio takes.

    `clearable` kinds can be emptied in a form although they have a default.
    """

    clearable = False

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        """The options a person fills in for this parameter, the main one first."""
        raise NotImplementedError

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> Any:
        """The value in Gradio's format, as JSON, for the entered options; raises InputError."""
        raise NotImplementedError

    def blank(self, parameter: Parameter) -> Any:
        """What the Space's own page sends for this input when nobody touches it."""
        return None

    def usable(self, parameter: Parameter, value: Any) -> bool:
        """Whether the Space accepts this default; some break the Space's own rules."""
        return True

    def default(self, parameter: Parameter) -> Any:
        """The default as a value of the option's own type, or None, to prefill a form."""
        return None

    def suggest(self, parameter: Parameter, text: str) -> list[Choice]:
        """Suggestions while a person types; the values are this option's own strings."""
        return []

    def shown(self, parameter: Parameter, value: Any) -> str:
        """One entered value in plain words, not yet escaped."""
        return str(value)


def name_of(parameter: Parameter, suffix: str = "") -> str:
    """The option's name, with a suffix for the second and further ones."""
    return (parameter.option or parameter.name)[: MAX_NAME_LENGTH - len(suffix)] + suffix


def has_default(kind: Input, parameter: Parameter) -> bool:
    """Whether the parameter has a default that the Space itself would accept."""
    return parameter.default is not None and kind.usable(parameter, parameter.default)


def is_needed(kind: Input, parameter: Parameter) -> bool:
    """Whether a person has to enter it, since nothing else could be sent."""
    broken = parameter.default is not None and not kind.usable(parameter, parameter.default)
    return parameter.required or broken


def make_option(
    kind: Input, parameter: Parameter, type: OptionType, hint: str = "", **fields: Any
) -> Option:
    """A parameter's option, with everything that is the same for every kind."""
    unknown = parameter.secret or parameter.loaded or not has_default(kind, parameter)
    default = None if unknown else parameter.default
    usual: dict[str, Any] = {
        "name": name_of(parameter),
        "description": describe_option(parameter, hint),
        "type": type,
        "parameter": parameter.name,
        "label": parameter.label,
        "required": is_needed(kind, parameter),
        "default": None if default is None else kind.default(parameter),
        "secret": parameter.secret,
    }
    return Option(**(usual | fields))


def describe_option(parameter: Parameter, hint: str = "") -> str:
    """The description of an option: the Space's words, then the hint in brackets."""
    words = one_line(parameter.description or parameter.label or parameter.name)
    if not hint:
        return clip(words, MAX_DESCRIPTION_LENGTH)
    tail = f" ({clip(hint, MAX_DESCRIPTION_LENGTH // 2)})"
    return clip(words, MAX_DESCRIPTION_LENGTH - len(tail)) + tail


def refuse(name: str, text: str) -> InputError:
    """The error for the option of this name: "`name` <text>"."""
    return InputError(f"`{name}` {text}", option=name)


def quote(value: Any) -> str:
    """The entered value, short and as code, so that mentions and markdown have no effect."""
    text = clip(one_line(str(value)), 60).replace("`", "'")
    return f"`{text}`" if text else "nothing"


def one_line(text: str) -> str:
    """The text on one line, without control characters and changes of direction."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    spaced = "".join(" " if ch.isspace() else ch for ch in text)
    kept = "".join(
        ch for ch in spaced if unicodedata.category(ch) != "Cc" and ch not in BIDI_CONTROLS
    )
    return " ".join(kept.split())


# They can make the rest of a line read backwards, and so hide what was requested.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain_number(number: float | Decimal) -> str:
    """A number as a person writes it: no exponent, no needless zeros."""
    text = format(Decimal(str(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def fold(text: str) -> str:
    """A text in comparable form: without case, accents and needless spaces."""
    line = one_line(text).casefold()
    if line.isascii():
        return line
    apart = unicodedata.normalize("NFKD", line)
    return "".join(ch for ch in apart if not unicodedata.combining(ch))


# No real app's JSON is nested this deeply, and recursive code walks through it.
MAX_JSON_DEPTH = 200


def is_deep(value: Any) -> bool:
    """Whether JSON is nested too deeply to handle."""
    level = [[value]]
    for _ in range(MAX_JSON_DEPTH):
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for each in inner for one in each if isinstance(one, dict | list)]
        if not level:
            return False
    return True
