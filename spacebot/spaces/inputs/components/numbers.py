"""Numbers, sliders and checkboxes: bounds are checked before the Space sees them."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from spacebot.models import Option, OptionType, Parameter
from spacebot.spaces.inputs.components.base import (
    Input,
    make_option,
    name_of,
    plain_number,
    quote,
    refuse,
)

# A Discord integer or number lies between -2^53 and 2^53; seeds can be longer.
MAX_MAGNITUDE = 2**53


class NumberInput(Input):
    """A Number, or a Slider (`stepped`).

    Gradio checks the bounds of both, but never a step: a slider's own page sends values
    between its steps. Discord cannot take whole numbers beyond 2^53, so the bot asks for
    those as text.
    """

    def __init__(self, *, stepped: bool = False) -> None:
        self.stepped = stepped

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        low, high = self._bounds(parameter)
        hint = self._hint(parameter, low, high)
        if any(bound is not None and abs(bound) > MAX_MAGNITUDE for bound in (low, high)):
            return (make_option(self, parameter, OptionType.STRING, hint, max_length=100),)
        whole = self._whole(parameter)
        cast = int if whole else float
        if parameter.live:
            # Discord would refuse what becomes possible with another model.
            low = high = None
        return (
            make_option(
                self,
                parameter,
                OptionType.INTEGER if whole else OptionType.NUMBER,
                hint,
                minimum=None if low is None else cast(low),
                maximum=None if high is None else cast(high),
            ),
        )

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> int | float:
        name = name_of(parameter)
        number = parse_decimal(name, arguments[name])
        if problem := self._problem(parameter, number):
            raise refuse(name, f"{problem}: you gave {plain_number(number)}.")
        # As the page of a Space writes it: 3, never 3.0, which many an app would print.
        return int(number) if number == number.to_integral_value() else float(number)

    def blank(self, parameter: Parameter) -> float | int | None:
        # An untouched slider is at its minimum; an untouched number is empty.
        return parameter.minimum if self.stepped else None

    def usable(self, parameter: Parameter, value: Any) -> bool:
        # A default is the app's own: only what the Space itself would refuse is dropped.
        try:
            number = to_decimal(value)
        except InvalidOperation:
            return False
        low, high = exact_decimal(parameter.minimum), exact_decimal(parameter.maximum)
        return not ((low is not None and number < low) or (high is not None and number > high))

    def default(self, parameter: Parameter) -> int | float | str:
        number = to_decimal(parameter.default)
        if abs(number) > MAX_MAGNITUDE:
            return plain_number(number)
        return int(number) if self._whole(parameter) else float(number)

    def shown(self, parameter: Parameter, value: Any) -> str:
        number = exact_decimal(value) if isinstance(value, (int, float)) else None
        return str(value) if number is None else plain_number(number)

    def _whole(self, parameter: Parameter) -> bool:
        if parameter.precision is not None:
            return parameter.precision == 0
        if not self.stepped or parameter.step is None:
            return False
        parts = (parameter.step, parameter.minimum, parameter.default)
        return all(not isinstance(part, str) and is_whole(part) for part in parts)

    def _bounds(self, parameter: Parameter) -> tuple[Decimal | None, Decimal | None]:
        low, high = exact_decimal(parameter.minimum), exact_decimal(parameter.maximum)
        if self._whole(parameter):
            low = None if low is None else low.to_integral_value("ROUND_CEILING")
            high = None if high is None else high.to_integral_value("ROUND_FLOOR")
        if low is not None and high is not None and low > high:
            # No whole number lies between them: Discord would refuse the command.
            return None, None
        return low, high

    def _problem(self, parameter: Parameter, number: Decimal) -> str:
        """Say what the Space itself would refuse, or round without a word."""
        if not self.usable(parameter, number):
            return (
                "must be "
                f"{range_text(exact_decimal(parameter.minimum), exact_decimal(parameter.maximum))}"
            )
        if number == exact_decimal(parameter.default) or parameter.precision != 0:
            return ""
        return "" if number == number.to_integral_value() else "must be a whole number"

    def _hint(self, parameter: Parameter, low: Decimal | None, high: Decimal | None) -> str:
        parts = []
        if low is not None and high is not None:
            parts.append(f"{plain_number(low)} to {plain_number(high)}")
        elif low is not None or high is not None:
            parts.append(range_text(low, high))
        known = parameter.default is not None and not parameter.loaded
        if known and self.usable(parameter, parameter.default):
            parts.append(f"default {plain_number(to_decimal(parameter.default))}")
        return ", ".join(parts)


class CheckboxInput(Input):
    """A Checkbox."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        unknown = parameter.default is None or parameter.loaded
        hint = "" if unknown else f"default {yes_no(bool(parameter.default))}"
        return (make_option(self, parameter, OptionType.BOOLEAN, hint),)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> bool:
        name = name_of(parameter)
        if isinstance(arguments[name], bool):
            return arguments[name]
        word = str(arguments[name]).strip().casefold()
        if word in YES_WORDS or word in NO_WORDS:
            return word in YES_WORDS
        raise refuse(name, f"is yes or no: you gave {quote(arguments[name])}.")

    def blank(self, parameter: Parameter) -> bool:
        return False

    def default(self, parameter: Parameter) -> bool:
        return bool(parameter.default)

    def shown(self, parameter: Parameter, value: Any) -> str:
        return yes_no(value) if isinstance(value, bool) else str(value)


YES_WORDS = frozenset({"yes", "y", "true", "on", "1"})
NO_WORDS = frozenset({"no", "n", "false", "off", "0"})


def yes_no(value: bool) -> str:
    """ "yes" or "no"."""
    return "yes" if value else "no"


def range_text(low: Decimal | None, high: Decimal | None) -> str:
    """ "between 1 and 5", "at least 1" or "at most 5"."""
    if low is None:
        return f"at most {plain_number(high or 0)}"
    if high is None:
        return f"at least {plain_number(low)}"
    return f"between {plain_number(low)} and {plain_number(high)}"


def parse_decimal(name: str, value: Any) -> Decimal:
    """The exact number that a person entered; raises InputError if it is not a number."""
    try:
        number = to_decimal(value)
    except InvalidOperation:
        raise refuse(name, f"must be a number like 7 or 0.5: you gave {quote(value)}.") from None
    # A whole number of a million digits would keep the process busy for minutes.
    if abs(number.adjusted()) > 300:
        raise refuse(name, f"is too far from zero to be used: you gave {quote(value)}.")
    return number


def to_decimal(value: Any) -> Decimal:
    """The exact decimal of a number or its text; raises InvalidOperation for anything else."""
    if isinstance(value, bool):
        raise InvalidOperation
    number = Decimal(str(value).strip().replace("\u2212", "-"))
    if not number.is_finite():
        raise InvalidOperation
    return number


def exact_decimal(value: float | None) -> Decimal | None:
    """The decimal of a bound, or None if there is none (infinite counts as none)."""
    try:
        return None if value is None else to_decimal(value)
    except InvalidOperation:
        return None


def is_whole(value: float | None) -> bool:
    """Whether this is a whole number, or none at all."""
    return value is None or (not isinstance(value, bool) and float(value).is_integer())
