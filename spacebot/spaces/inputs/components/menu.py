"""The choices of a parameter, as people read and type them.

A person reads labels; a Space takes values, which may be numbers, None, or very long. Discord only
sees the label, made unique and at most 100 characters long, so that it always leads back to the
right value.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from spacebot.models import Choice, Parameter
from spacebot.spaces.inputs.components.base import (
    MAX_CHOICE_LENGTH,
    MAX_TEXT_LENGTH,
    fold,
    one_line,
    quote,
)
from spacebot.wording import clip

# Labels may contain commas; at most nine are looked for, so that a long list stays fast.
MAX_COMMAS = 9

# What a person types to choose nothing although the default chooses something.
NOTHING_WORDS = frozenset({"none", "-", "nothing"})


class ChoiceMenu:
    """The choices of one parameter, found by label, number, value, or text in another case.

    `open` says that other texts may be sent too: the Space allows them, or knows its choices only
    while it runs.
    """

    def __init__(self, parameter: Parameter) -> None:
        self.choices = parameter.choices
        self.open = parameter.custom or not parameter.choices
        self.custom = parameter.custom
        self.known = unique_labels(parameter.choices)
        self._by_text: dict[str, Choice] = {}
        self._by_value: dict[Hashable, str] = {}
        self._folded: dict[str, list[str]] = {}
        self._own_labels = {id(choice): label for label, choice in self.known.items()}
        for label, choice in self.known.items():
            if choice.value is not None:
                self._by_text.setdefault(str(choice.value), choice)
            self._by_value.setdefault(value_key(choice.value), label)
            self._folded.setdefault(fold(label), []).append(label)

    def choice(self, value: Any) -> Choice | None:
        """The choice that a text means, or a new one if other texts may be sent; otherwise None."""
        found = self.exactly(value)
        if found is None and self.open and (text := str(value).strip()):
            return Choice(text, text)
        return found

    def exactly(self, value: Any) -> Choice | None:
        """The choice by its label, "#" and its number, its value, or its label in another case."""
        if not isinstance(value, str):
            label = self._by_value.get(value_key(value))
            return None if label is None else self.known[label]
        text = one_line(value)
        if text in self.known:
            return self.known[text]
        if re.fullmatch(r"#[0-9]{1,6}", text) and 0 < int(text[1:]) <= len(self.choices):
            return self.choices[int(text[1:]) - 1]
        alike = self._folded.get(fold(text), [])
        return self._by_text.get(value) or (self.known[alike[0]] if len(alike) == 1 else None)

    def shown(self, value: Any) -> str:
        """What a text or value means, by its unique label; the text itself if it is no choice."""
        found = self.choice(value)
        if found is None:
            return str(value)
        return self._own_labels.get(id(found), found.label)

    def label(self, value: Any) -> str:
        """The unique label of a value, or the value's own text if it is not a choice."""
        label = self._by_value.get(value_key(value))
        return clip(one_line(str(value)), MAX_CHOICE_LENGTH) if label is None else label

    def holds(self, value: Any) -> bool:
        """Whether the Space takes this value, as one of the choices or because it
        accepts others."""
        return self.open or value_key(value) in self._by_value

    def ranked(self, text: str, without: Iterable[str] = ()) -> list[str]:
        """The labels that contain the text, those that begin with it first.

        Labels equal to one of `without`, ignoring case, are left out.
        """
        wanted, left_out = fold(text), set(map(fold, without))
        first: list[str] = []
        later: list[str] = []
        for folded, labels in self._folded.items():
            if wanted in folded and folded not in left_out:
                (first if folded.startswith(wanted) else later).extend(labels)
        return first + later

    def is_label(self, text: str, without: Iterable[str] = ()) -> bool:
        """Whether the text is a label in whatever case, and not one of `without`."""
        folded = fold(text)
        return folded in self._folded and folded not in map(fold, without)

    def _offers(self, text: str) -> bool:
        wanted = fold(text)
        return any(wanted in folded for folded in self._folded)

    def items(self, value: Any) -> list[str]:
        """The items of a list that a person typed; labels that contain commas stay whole."""
        text = one_line(str(value))
        if not text or (fold(text) in NOTHING_WORDS and self.exactly(text) is None):
            return []
        parts = split_list(text)
        found, start = [], 0
        while start < len(parts):
            end = self._end(parts, start, len(parts)) or start + 1
            found.append("".join(parts[start:end]).strip())
            start = end + 1
        return [item for item in found if item]

    def being_typed(self, text: str) -> tuple[list[str], str]:
        """The finished items of a list that is being typed, and the unfinished last one."""
        parts = split_list(one_line(text))
        done, start = [], 0
        while start < len(parts) - 1:
            end = self._end(parts, start, len(parts) - 1)
            rest = "".join(parts[start:]).strip()
            if end is None and (not self.custom or self._offers(rest)):
                return done, rest
            end = end or start + 1
            done.append("".join(parts[start:end]).strip())
            start = end + 1
        return [item for item in done if item], parts[-1].strip()

    def line(self, items: Sequence[str]) -> str | None:
        """The list as one line of at most 100 characters, its first items as "#3" if need be."""
        order = list(self.known)
        short = list(items)
        for place, item in enumerate(items[:-1]):
            if len(", ".join(short)) <= MAX_CHOICE_LENGTH:
                break
            if (choice := self.exactly(item)) is not None:
                short[place] = f"#{order.index(self.label(choice.value)) + 1}"
        line = ", ".join(short)
        return line if len(line) <= MAX_CHOICE_LENGTH else None

    def unknown(self, value: Any) -> str:
        """The message about a text that is no choice, with the available ones, the
        likeliest first."""
        labels = list(self.known)
        near = (self.ranked(str(value)) or labels)[:5]
        shown = ", ".join(quote(label) for label in near)
        more = f" and {len(labels) - len(near)} more" if len(labels) > len(near) else ""
        return f"has no choice {quote(value)}. Pick from {shown}{more}."

    def _end(self, parts: list[str], start: int, stop: int) -> int | None:
        """Where the longest choice ends that begins at `start`."""
        ends = range(start + 1, min(stop, start + 2 * MAX_COMMAS + 1) + 1, 2)
        items = ((end, "".join(parts[start:end]).strip()) for end in reversed(ends))
        return next((end for end, item in items if self.exactly(item)), None)


def menu_of(parameter: Parameter) -> ChoiceMenu:
    """The menu of a parameter, built once: 50,000 choices take a second."""
    return parameter.memo(ChoiceMenu)


def prepare_menus(parameters: Iterable[Parameter]) -> None:
    """Build the menus of parameters, so that nothing has to wait for them later."""
    for parameter in parameters:
        if parameter.choices:
            menu_of(parameter)


def split_list(text: str) -> list[str]:
    """The parts of a list: items at the even places, the separators between them."""
    return re.split(r"([,;])", text[:MAX_TEXT_LENGTH])


def unique_labels(choices: Sequence[Choice]) -> dict[str, Choice]:
    """The choices by a label that is unique, not blank, and short enough for Discord."""
    known: dict[str, Choice] = {}
    numbers: dict[str, int] = {}
    for choice in choices:
        label = clip(one_line(choice.label), MAX_CHOICE_LENGTH) or "(empty)"
        # Counted, since thousands of choices may have the same label.
        unique, number = label, numbers.get(label, 2)
        while unique in known:
            suffix = f" ({number})"
            unique = clip(label, MAX_CHOICE_LENGTH - len(suffix)) + suffix
            number += 1
        numbers[label] = number
        known[unique] = choice
    return known


def is_same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: True is not 1, and 1 is 1.0."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def value_key(value: Any) -> Hashable:
    """A JSON value as a key: values that are the same have equal ones."""
    if isinstance(value, list | tuple):
        return ("list", *map(value_key, value))
    if isinstance(value, dict):
        return ("dict", frozenset((name, value_key(one)) for name, one in value.items()))
    return (isinstance(value, bool), value)
