"""Numbers, sliders and checkboxes: bounds are checked before the Space sees them."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from spacebot.inputs.base import Input, name_of, option, plain, quoted, refuse
from spacebot.models import Option, OptionType, Parameter

# A Discord integer or number lies between -2^53 and 2^53; seeds can be longer.
FARTHEST = 2**53


class Number(Input):
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
        if any(bound is not None and abs(bound) > FARTHEST for bound in (low, high)):
            return (option(self, parameter, OptionType.STRING, hint, max_length=100),)
        whole = self._whole(parameter)
        cast = int if whole else float
        if parameter.live:
            # Discord would refuse what becomes possible with another model.
            low = high = None
        return (
            option(
                self,
                parameter,
                OptionType.INTEGER if whole else OptionType.NUMBER,
                hint,
                minimum=None if low is None else cast(low),
                maximum=None if high is None else cast(high),
            ),
        )

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> int | float:
        name = name_of(parameter)
        number = parsed(name, given[name])
        if problem := self._problem(parameter, number):
            raise refuse(name, f"{problem}: you gave {plain(number)}.")
        # As the page of a Space writes it: 3, never 3.0, which many an app would print.
        return int(number) if number == number.to_integral_value() else float(number)

    def blank(self, parameter: Parameter) -> float | int | None:
        # An untouched slider stands at its minimum; an untouched number is empty.
        return parameter.minimum if self.stepped else None

    def usable(self, parameter: Parameter, value: Any) -> bool:
        # A default is the app's own: only what the Space itself would refuse is dropped.
        try:
            number = decimal(value)
        except InvalidOperation:
            return False
        low, high = exact(parameter.minimum), exact(parameter.maximum)
        return not ((low is not None and number < low) or (high is not None and number > high))

    def default(self, parameter: Parameter) -> int | float | str:
        number = decimal(parameter.default)
        if abs(number) > FARTHEST:
            return plain(number)
        return int(number) if self._whole(parameter) else float(number)

    def shown(self, parameter: Parameter, given: Any) -> str:
        number = exact(given) if isinstance(given, (int, float)) else None
        return str(given) if number is None else plain(number)

    def _whole(self, parameter: Parameter) -> bool:
        if parameter.precision is not None:
            return parameter.precision == 0
        if not self.stepped or parameter.step is None:
            return False
        parts = (parameter.step, parameter.minimum, parameter.default)
        return all(not isinstance(part, str) and is_whole(part) for part in parts)

    def _bounds(self, parameter: Parameter) -> tuple[Decimal | None, Decimal | None]:
        low, high = exact(parameter.minimum), exact(parameter.maximum)
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
            return f"must be {span(exact(parameter.minimum), exact(parameter.maximum))}"
        if number == exact(parameter.default) or parameter.precision != 0:
            return ""
        return "" if number == number.to_integral_value() else "must be a whole number"

    def _hint(self, parameter: Parameter, low: Decimal | None, high: Decimal | None) -> str:
        parts = []
        if low is not None and high is not None:
            parts.append(f"{plain(low)} to {plain(high)}")
        elif low is not None or high is not None:
            parts.append(span(low, high))
        known = parameter.default is not None and not parameter.loaded
        if known and self.usable(parameter, parameter.default):
            parts.append(f"default {plain(decimal(parameter.default))}")
        return ", ".join(parts)


class Checkbox(Input):
    """A Checkbox."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        unknown = parameter.default is None or parameter.loaded
        hint = "" if unknown else f"default {yes_no(bool(parameter.default))}"
        return (option(self, parameter, OptionType.BOOLEAN, hint),)

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> bool:
        name = name_of(parameter)
        if isinstance(given[name], bool):
            return given[name]
        word = str(given[name]).strip().casefold()
        if word in YES or word in NO:
            return word in YES
        raise refuse(name, f"is yes or no: you gave {quoted(given[name])}.")

    def blank(self, parameter: Parameter) -> bool:
        return False

    def default(self, parameter: Parameter) -> bool:
        return bool(parameter.default)

    def shown(self, parameter: Parameter, given: Any) -> str:
        return yes_no(given) if isinstance(given, bool) else str(given)


YES = frozenset({"yes", "y", "true", "on", "1"})
NO = frozenset({"no", "n", "false", "off", "0"})


def yes_no(value: bool) -> str:
    """ "yes" or "no"."""
    return "yes" if value else "no"


def span(low: Decimal | None, high: Decimal | None) -> str:
    """ "between 1 and 5", "at least 1" or "at most 5"."""
    if low is None:
        return f"at most {plain(high or 0)}"
    if high is None:
        return f"at least {plain(low)}"
    return f"between {plain(low)} and {plain(high)}"


def parsed(name: str, given: Any) -> Decimal:
    """The number a person gave, exactly; raises InputError where it is none."""
    try:
        number = decimal(given)
    except InvalidOperation:
        raise refuse(name, f"must be a number like 7 or 0.5: you gave {quoted(given)}.") from None
    # A whole number of a million digits would keep the process busy for minutes.
    if abs(number.adjusted()) > 300:
        raise refuse(name, f"is too far from zero to be used: you gave {quoted(given)}.")
    return number


def decimal(value: Any) -> Decimal:
    """The exact decimal of a number or its text; raises InvalidOperation where it is none."""
    if isinstance(value, bool):
        raise InvalidOperation
    number = Decimal(str(value).strip().replace("\u2212", "-"))
    if not number.is_finite():
        raise InvalidOperation
    return number


def exact(value: float | None) -> Decimal | None:
    """The decimal of a bound, or None where there is none (infinite counts as none)."""
    try:
        return None if value is None else decimal(value)
    except InvalidOperation:
        return None


def is_whole(value: float | None) -> bool:
    """Whether this is a whole number, or none at all."""
    return value is None or (not isinstance(value, bool) and float(value).is_integer())
