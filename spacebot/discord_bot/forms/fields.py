"""One field of a form: which of Discord's components asks for it, and reading its value."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from spacebot.discord_bot.forms.file_types import TypedUpload
from spacebot.models import Endpoint, File, Option, OptionType, Parameter
from spacebot.spaces.inputs.components.base import one_line, plain_number
from spacebot.spaces.inputs.components.menu import menu_of
from spacebot.spaces.inputs.form import fields
from spacebot.wording import clip

# Discord's limits: of a label, of its description, of a text, of a radio group or a group of boxes,
# of a select, of the files in one field.
MAX_LABEL, MAX_DESCRIPTION, MAX_TEXT = 45, 100, 4000
MAX_GROUP, MAX_SELECT, MAX_FILES = 10, 25, 10
# From this many choices on, a select is used: it takes one line.
MAX_RADIO = 4
CURRENT_VALUE = "Now: {}. Leave this empty to keep it."
SECRET_VALUE = "It is never stored or shown: type it again."
LONG_VALUE = "Too long to be shown here. Leave this empty to keep it."


@dataclass(frozen=True, slots=True)
class FormField:
    """One field. `slots` are the options it fills: several if it takes several files."""

    option: Option
    parameter: Parameter
    slots: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its (first) option."""
        return self.option.name

    def current_value(self, arguments: Mapping[str, Any]) -> Any:
        """The current value: what was entered, otherwise the default, otherwise None."""
        if self.option.type is OptionType.ATTACHMENT:
            return [arguments[slot] for slot in self.slots if arguments.get(slot) is not None]
        value = arguments.get(self.name)
        return self.option.default if value is None else value

    def label(self, arguments: Mapping[str, Any]) -> ui.Label[Any]:
        """The field for Discord, with its current value."""
        now = self.current_value(arguments)
        text, said = (
            clip(one_line(self.option.label) or self.name, MAX_LABEL),
            self._description(now),
        )
        return ui.Label(
            text=text,
            description=said if said != text else None,
            component=self._component(now),
        )

    def take(self, item: ui.Item[Any], arguments: dict[str, Any]) -> None:
        """Put the submitted value into `arguments`, unless it is unchanged."""
        now = self.current_value(arguments)
        match item:
            case ui.FileUpload():
                self._take_files(item.values, arguments)
            case ui.Checkbox():
                if item.value != bool(now):
                    arguments[self.name] = item.value
            case ui.TextInput():
                text = item.value
                if text != self._text(now):
                    arguments[self.name] = text if now is not None or text else None
            case ui.RadioGroup():
                if item.value is not None:
                    self._take_picks([item.value], now, arguments)
            case ui.Select() | ui.CheckboxGroup():
                self._take_picks(item.values, now, arguments)

    def _description(self, now: Any) -> str:
        said = self.option.description
        if self.option.type is OptionType.ATTACHMENT and now:
            said = CURRENT_VALUE.format(", ".join(file_name_of(one) for one in now))
        elif self.option.secret:
            said = SECRET_VALUE
        elif isinstance(now, str) and len(now) > MAX_TEXT:
            said = LONG_VALUE
        return clip(said, MAX_DESCRIPTION)

    def _component(self, now: Any) -> ui.Item[Any]:
        option = self.option
        if option.type is OptionType.ATTACHMENT:
            return TypedUpload(
                option.file_types,
                custom_id=self.name,
                required=option.required and not now,
                min_values=1 if option.required and not now else 0,
                max_values=min(len(self.slots), MAX_FILES),
            )
        if option.type is OptionType.BOOLEAN:
            return ui.Checkbox(custom_id=self.name, default=bool(now))
        labels = list(menu_of(self.parameter).known)
        if self.parameter.live:
            # By then others may be offered, so they are typed.
            return self._text_input(labels, now)
        if self._is_list and 0 < len(labels) <= MAX_SELECT:
            return self._boxes(labels, self._picked(now))
        if 1 < len(labels) <= MAX_SELECT and not self.parameter.custom and self._is_choice:
            return self._choices(labels, self._picked(now))
        return self._text_input(labels, now)

    @property
    def _is_list(self) -> bool:
        return self.parameter.component == "checkboxgroup" or (
            self.parameter.component == "dropdown" and self.parameter.multiple
        )

    @property
    def _is_choice(self) -> bool:
        return self.parameter.component in ("radio", "dropdown") and not self.parameter.multiple

    def _picked(self, now: Any) -> list[str]:
        """The labels of the current choices."""
        if now is None:
            return []
        menu = menu_of(self.parameter)
        items = menu.items(now) if self._is_list else [now]
        found = filter(None, map(menu.choice, items))
        return [menu.label(choice.value) for choice in found]

    def _boxes(self, labels: Sequence[str], picked: Collection[str]) -> ui.Item[Any]:
        most = self.parameter.max_items or len(labels)
        if len(labels) <= MAX_GROUP:
            boxes = [
                discord.CheckboxGroupOption(label=label, value=label, default=label in picked)
                for label in labels
            ]
            return ui.CheckboxGroup(
                custom_id=self.name,
                options=boxes,
                required=self.option.required,
                min_values=1 if self.option.required else 0,
                max_values=min(most, len(labels)),
            )
        return self._select(labels, picked, most=min(most, len(labels)))

    def _choices(self, labels: Sequence[str], picked: Collection[str]) -> ui.Item[Any]:
        # A radio group cannot be cleared, so an optional field is a select.
        if len(labels) > MAX_RADIO or not (self.option.required or picked):
            return self._select(labels, picked)
        radios = [
            discord.RadioGroupOption(label=label, value=label, default=label in picked)
            for label in labels
        ]
        return ui.RadioGroup(custom_id=self.name, options=radios, required=self.option.required)

    def _select(
        self, labels: Sequence[str], picked: Collection[str], most: int = 1
    ) -> ui.Item[Any]:
        entries = [
            discord.SelectOption(label=label, value=label, default=label in picked)
            for label in labels
        ]
        required = self.option.required
        return ui.Select(
            custom_id=self.name,
            options=entries,
            required=required,
            min_values=1 if required else 0,
            max_values=most,
        )

    def _text_input(self, labels: Sequence[str], now: Any) -> ui.Item[Any]:
        option, text = self.option, self._text(now)
        known = ", ".join(label for label in labels[:MAX_SELECT] if label)
        return ui.TextInput(
            custom_id=self.name,
            style=discord.TextStyle.long if option.long else discord.TextStyle.short,
            default=text or None,
            placeholder=clip(known, MAX_DESCRIPTION) or None,
            required=option.required and not (isinstance(now, str) and len(now) > MAX_TEXT),
            max_length=max(min(option.max_length or MAX_TEXT, MAX_TEXT), len(text)),
        )

    def _text(self, now: Any) -> str:
        """The text in the field; empty for a secret, and for a text that is too long."""
        if now is None or self.option.secret:
            return ""
        if isinstance(now, int | float) and not isinstance(now, bool):
            return plain_number(now)
        return str(now) if len(str(now)) <= MAX_TEXT else ""

    def _take_picks(self, picked: Sequence[str], now: Any, arguments: dict[str, Any]) -> None:
        if list(picked) != self._picked(now):
            line = ", ".join(picked)
            arguments[self.name] = line if line or now is not None else None

    def _take_files(self, files: Sequence[Any], arguments: dict[str, Any]) -> None:
        if not files:
            return
        for slot in self.slots:
            arguments.pop(slot, None)
        arguments.update(zip(self.slots, files, strict=False))


def fields_of(endpoint: Endpoint, only: Collection[str] | None = None) -> tuple[FormField, ...]:
    """The fields of an endpoint's form, required ones first; `only` limits the options."""
    by_name = {parameter.name: parameter for parameter in endpoint.parameters}
    main, further = fields(endpoint)
    found: list[FormField] = []
    for option in main + [each for each in further if not _is_slot(each, main)]:
        slots = [each.name for each in further if _is_slot(each, [option])]
        if only is None or option.name in only:
            field = FormField(option, by_name[option.parameter], (option.name, *slots))
            found.append(field)
    order = {name: place for place, name in enumerate(by_name)}
    found.sort(key=lambda field: (not field.option.required, order[field.option.parameter]))
    return tuple(found)


def _is_slot(each: Option, main: Collection[Option]) -> bool:
    """Whether an option only takes another file of one of these."""
    if each.type is not OptionType.ATTACHMENT or not re.search(r"_\d+$", each.name):
        return False
    return any(
        each.parameter == other.parameter and other.type is each.type and other is not each
        for other in main
    )


def file_name_of(value: Any) -> str:
    """The name of a file, here or in Discord."""
    if isinstance(value, File):
        return value.name
    return value.filename if isinstance(value, discord.Attachment) else str(value)
