"""Dates and times: what people type, turned into what Gradio's DateTime takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dateparser

from spacebot.models import Choice, Option, OptionType, Parameter
from spacebot.spaces.inputs.components.base import (
    Input,
    make_option,
    name_of,
    one_line,
    quote,
    refuse,
)
from spacebot.wording import clip

# Nothing longer is a date, and a guessing parser is slow on long texts.
MAX_DATE_LENGTH = 60


class DateTimeInput(Input):
    """A DateTime: ISO, seconds since 1970, or plain English like "tomorrow 15:00"."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        hint = (
            "like 2026-05-04 15:00 or tomorrow 15:00" if has_time(parameter) else "like 2026-05-04"
        )
        fields = {"autocomplete": True, "max_length": MAX_DATE_LENGTH}
        return (make_option(self, parameter, OptionType.STRING, hint, **fields),)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> str:
        name = name_of(parameter)
        moment = parse_moment(str(arguments[name]).strip(), time_zone(parameter))
        if moment is None:
            raise refuse(
                name,
                f"is not a date that I understand: {quote(arguments[name])}. "
                "Write it like `2026-05-04 15:00` or `tomorrow 15:00`.",
            )
        return format_moment(parameter, moment)

    def default(self, parameter: Parameter) -> str:
        return str(parameter.default)

    def suggest(self, parameter: Parameter, text: str) -> list[Choice]:
        typed = [text] if text.strip() else ["now", "tomorrow 9:00"]
        found = [(one, parse_moment(one.strip(), time_zone(parameter))) for one in typed]
        lines = [(one, format_moment(parameter, moment)) for one, moment in found if moment]
        return [Choice(clip(f"{line} · {one_line(one)}", 100), line) for one, line in lines]


def has_time(parameter: Parameter) -> bool:
    """Whether the Space wants a time of day too."""
    return bool(parameter.props.get("include_time", True))


def time_zone(parameter: Parameter) -> tzinfo:
    """The Space's time zone. Without one, it uses its machine's clock, nearly always UTC."""
    try:
        return ZoneInfo(parameter.props.get("timezone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def format_moment(parameter: Parameter, moment: datetime) -> str:
    """A moment as Gradio's DateTime writes it, in the Space's time zone."""
    local = moment.astimezone(time_zone(parameter))
    return local.strftime("%Y-%m-%d %H:%M:%S" if has_time(parameter) else "%Y-%m-%d")


def parse_moment(text: str, home: tzinfo) -> datetime | None:
    """The moment that a text means, in time zone `home` unless it names one; None if none."""
    if not text or len(text) > MAX_DATE_LENGTH:
        return None
    if re.fullmatch(r"-?\d{9,11}(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), home)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = guess_moment(text, home)
    if moment is None or not 1000 < moment.year < 9999:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=home)


def guess_moment(text: str, home: tzinfo) -> datetime | None:
    """The moment that plain English means: a weekday or a time alone is the next one.

    Only English: with all its languages, the parser finds a meaning in nearly any text,
    and often the wrong one ("demain 15h").
    """
    settings = {
        "RELATIVE_BASE": datetime.now(home).replace(tzinfo=None, microsecond=0),
        "PREFER_DATES_FROM": "future",
    }
    try:
        return dateparser.parse(text, languages=["en"], settings=settings)
    except (OverflowError, ValueError):
        return None
