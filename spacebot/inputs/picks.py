"""Picking from choices: radios, dropdowns, checkbox groups."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacebot.inputs.base import (
    CHOICE_LENGTH,
    CHOICES,
    Input,
    name_of,
    one_line,
    option,
    refuse,
)
from spacebot.inputs.menu import Menu, menu_of, same
from spacebot.models import Choice, Option, OptionType, Parameter


class Pick(Input):
    """One of the choices: a Radio or a Dropdown. More than 25, or custom ones, autocomplete."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        menu = menu_of(parameter)
        hint = self._hint(parameter, menu)
        if menu.open or parameter.live or len(menu.known) > CHOICES:
            complete = bool(menu.known) or parameter.live
            return (option(self, parameter, OptionType.STRING, hint, autocomplete=complete),)
        choices = tuple(Choice(label, label) for label in menu.known)
        return (option(self, parameter, OptionType.STRING, hint, choices=choices),)

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> Any:
        name = name_of(parameter)
        menu = menu_of(parameter)
        found = menu.choice(given[name])
        if found is None:
            raise refuse(name, menu.unknown(given[name]))
        return found.value

    def usable(self, parameter: Parameter, value: Any) -> bool:
        return menu_of(parameter).holds(value)

    def default(self, parameter: Parameter) -> str:
        return menu_of(parameter).label(parameter.default)

    def suggest(self, parameter: Parameter, text: str) -> list[Choice]:
        labels = menu_of(parameter).ranked(text)
        wanted = one_line(text)[:CHOICE_LENGTH]
        if parameter.custom and wanted and wanted not in labels:
            labels = [*labels[: CHOICES - 1], wanted]
        return [Choice(label, label) for label in labels[:CHOICES]]

    def shown(self, parameter: Parameter, given: Any) -> str:
        found = menu_of(parameter).choice(given)
        return str(given) if found is None else found.label

    def _hint(self, parameter: Parameter, menu: Menu) -> str:
        unknown = parameter.loaded or parameter.default in (None, "")
        if unknown or not self.usable(parameter, parameter.default):
            return ""
        return f"default {menu.label(parameter.default)}"


class Picks(Input):
    """Any number of the choices, in a list: a CheckboxGroup or a multi-select Dropdown."""

    clearable = True

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        most = parameter.most
        hint = f"up to {most}, with commas between" if most else "several, with commas between"
        complete = bool(parameter.choices) or parameter.live
        return (option(self, parameter, OptionType.STRING, hint, autocomplete=complete),)

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> list[Any]:
        name = name_of(parameter)
        menu = menu_of(parameter)
        picked: list[Any] = []
        for item in menu.items(given[name]):
            found = menu.choice(item)
            if found is None:
                raise refuse(name, menu.unknown(item))
            if not any(same(found.value, other) for other in picked):
                picked.append(found.value)
        if parameter.required and not picked:
            raise refuse(name, "is empty: pick at least one.")
        if parameter.most and len(picked) > parameter.most:
            raise refuse(
                name, f"takes at most {parameter.most} of its choices: you gave {len(picked)}."
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
        if parameter.most and len(done) >= parameter.most:
            done, last = done[: parameter.most - 1], done[parameter.most - 1]
        labels = menu.ranked(last, without=done)
        if parameter.custom and last and not menu.is_label(last, without=done):
            labels = [*labels[: CHOICES - 1], last]
        lines = [menu.line([*done, label]) for label in labels[:CHOICES]]
        return [Choice(line, line) for line in lines if line]

    def shown(self, parameter: Parameter, given: Any) -> str:
        menu = menu_of(parameter)
        found = [(item, menu.choice(item)) for item in menu.items(given)]
        return ", ".join(item if choice is None else choice.label for item, choice in found)
