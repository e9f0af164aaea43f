"""Picking from choices: radios, dropdowns, checkbox groups."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacebot.models import Choice, Option, OptionType, Parameter
from spacebot.spaces.inputs.components.base import (
    MAX_CHOICE_LENGTH,
    MAX_CHOICES,
    Input,
    make_option,
    name_of,
    one_line,
    refuse,
)
from spacebot.spaces.inputs.components.menu import ChoiceMenu, is_same_value, menu_of


class ChoiceInput(Input):
    """One of the choices: a Radio or a Dropdown.

    For more than 25, or custom ones, it autocompletes.
    """

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        menu = menu_of(parameter)
        hint = self._hint(parameter, menu)
        if menu.open or parameter.live or len(menu.known) > MAX_CHOICES:
            complete = bool(menu.known) or parameter.live
            return (make_option(self, parameter, OptionType.STRING, hint, autocomplete=complete),)
        choices = tuple(Choice(label, label) for label in menu.known)
        return (make_option(self, parameter, OptionType.STRING, hint, choices=choices),)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> Any:
        name = name_of(parameter)
        menu = menu_of(parameter)
        found = menu.choice(arguments[name])
        if found is None:
            raise refuse(name, menu.unknown(arguments[name]))
        return found.value

    def usable(self, parameter: Parameter, value: Any) -> bool:
        return menu_of(parameter).holds(value)

    def default(self, parameter: Parameter) -> str:
        return menu_of(parameter).label(parameter.default)

    def suggest(self, parameter: Parameter, text: str) -> list[Choice]:
        labels = menu_of(parameter).ranked(text)
        wanted = one_line(text)[:MAX_CHOICE_LENGTH]
        if parameter.custom and wanted and wanted not in labels:
            labels = [*labels[: MAX_CHOICES - 1], wanted]
        return [Choice(label, label) for label in labels[:MAX_CHOICES]]

    def shown(self, parameter: Parameter, value: Any) -> str:
        return menu_of(parameter).shown(value)

    def _hint(self, parameter: Parameter, menu: ChoiceMenu) -> str:
        unknown = parameter.loaded or parameter.default in (None, "")
        if unknown or not self.usable(parameter, parameter.default):
            return ""
        return f"default {menu.label(parameter.default)}"


class MultipleChoiceInput(Input):
    """Any number of the choices, in a list: a CheckboxGroup or a multi-select Dropdown."""

    clearable = True

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        most = parameter.max_items
        hint = f"up to {most}, separated by commas" if most else "several, separated by commas"
        complete = bool(parameter.choices) or parameter.live
        return (make_option(self, parameter, OptionType.STRING, hint, autocomplete=complete),)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> list[Any]:
        name = name_of(parameter)
        menu = menu_of(parameter)
        picked: list[Any] = []
        for item in menu.items(arguments[name]):
            found = menu.choice(item)
            if found is None:
                raise refuse(name, menu.unknown(item))
            if not any(is_same_value(found.value, other) for other in picked):
                picked.append(found.value)
        if parameter.required and not picked:
            raise refuse(name, "is empty: pick at least one.")
        if parameter.max_items and len(picked) > parameter.max_items:
            raise refuse(
                name, f"takes at most {parameter.max_items} of its choices: you gave {len(picked)}."
            )
        return picked

    def blank(self, parameter: Parameter) -> list[Any]:
        return []

    def usable(self, parameter: Parameter, value: Any) -> bool:
        values = value if isinstance(value, list) else [value]
        return all(map(menu_of(parameter).holds, values))

    def default(self, parameter: Parameter) -> str:
        values = parameter.default if isinstance(parameter.default, list) else [parameter.default]
        return ", ".join(map(menu_of(parameter).label, values))

    def suggest(self, parameter: Parameter, text: str) -> list[Choice]:
        menu = menu_of(parameter)
        done, last = menu.being_typed(text)
        if parameter.max_items and len(done) >= parameter.max_items:
            done, last = done[: parameter.max_items - 1], done[parameter.max_items - 1]
        labels = menu.ranked(last, without=done)
        if parameter.custom and last and not menu.is_label(last, without=done):
            labels = [*labels[: MAX_CHOICES - 1], last]
        lines = [menu.line([*done, label]) for label in labels[:MAX_CHOICES]]
        return [Choice(line, line) for line in lines if line]

    def shown(self, parameter: Parameter, value: Any) -> str:
        menu = menu_of(parameter)
        return ", ".join(map(menu.shown, menu.items(value)))
