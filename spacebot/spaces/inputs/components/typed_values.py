"""Values of functions without components (gr.api): lists with commas, JSON, or a text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from spacebot.models import Option, OptionType, Parameter
from spacebot.spaces.inputs.components.base import make_option, plain_number, refuse
from spacebot.spaces.inputs.components.data import JsonInput
from spacebot.spaces.inputs.components.numbers import parse_decimal

_BETWEEN = {"string": r"[,;\n]", "integer": r"[,;\s]+", "number": r"[,;\s]+"}
_LISTS = {"string": "words", "integer": "whole numbers", "number": "numbers"}
_TYPES = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a JSON list", "object": "a JSON object",
}  # fmt: skip


class TypedInput(JsonInput):
    """A typed value: its props name the type of a list's `items`, else the `types` it may have.

    A list is written with commas between its items, or as JSON; other values as JSON, or as plain
    text if the types include text or none is named.
    """

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        if "items" not in parameter.props:
            return super().options(parameter)
        hint = self.hinted(parameter)
        return (make_option(self, parameter, OptionType.STRING, hint, long=True),)

    def hinted(self, parameter: Parameter) -> str:
        if items := parameter.props.get("items"):
            return f"{_LISTS[items]}, separated by commas"
        types = parameter.props.get("types") or ()
        return (
            " or ".join(dict.fromkeys(_TYPES.get(one, "JSON") for one in types)) or "text or JSON"
        )

    def parse(self, parameter: Parameter, name: str, text: Any) -> Any:
        if items := parameter.props.get("items"):
            return parse_list(parameter, name, text, items)
        types = parameter.props.get("types") or ("string",)
        return JsonInput(texts="string" in types).parse(parameter, name, text)

    def default(self, parameter: Parameter) -> str:
        values = parameter.default
        return format_list(values) if "items" in parameter.props else super().default(parameter)

    def shown(self, parameter: Parameter, value: Any) -> str:
        return format_list(value) if isinstance(value, list) else super().shown(parameter, value)


def parse_list(parameter: Parameter, name: str, text: Any, items: str) -> list[Any]:
    """The list that a text holds, each of its items of this type; raises InputError."""
    parts = text if isinstance(text, list) else _json_list(str(text))
    if parts is None:
        parts = [part.strip() for part in re.split(_BETWEEN[items], str(text)) if part.strip()]
    if parameter.required and not parts:
        raise refuse(name, f"is empty: give {_LISTS[items]}, separated by commas.")
    return [one if items == "string" else _number(name, one, items) for one in map(_text, parts)]


def _json_list(text: str) -> list[Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def _text(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _number(name: str, item: str, items: str) -> int | float:
    number = parse_decimal(name, item)
    whole = number == number.to_integral_value()
    if items == "integer" and not whole:
        raise refuse(name, f"takes whole numbers: you gave {plain_number(number)}.")
    return int(number) if whole else float(number)


def format_list(values: Any) -> str:
    """A list as a person writes it: with commas between, or as JSON if an item contains a comma."""
    simple = isinstance(values, list) and all(_is_simple(one) for one in values)
    return ", ".join(map(_text, values)) if simple else json.dumps(values, ensure_ascii=False)


def _is_simple(value: Any) -> bool:
    return not isinstance(value, (list, Mapping)) and not re.search(r"[,;\n]", str(value))
