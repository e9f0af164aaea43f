"""The choices of a parameter, as people read and type them.

A person reads labels; a Space takes values, which may be numbers, None, or very
long. What travels through Discord is the label, made unique and at most 100
characters long, so that it always leads back to the one value.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from spacebot.inputs.base import CHOICE_LENGTH, TEXT_LENGTH, clip, fold, one_line, quoted
from spacebot.models import Choice, Parameter

# Labels may hold commas; nine are looked for, so that a long list stays quick.
COMMAS = 9

# What a person types to pick nothing where the default picks something.
NOTHING = frozenset({"none", "-", "nothing"})


class Menu:
    """The choices of one parameter, found by label, number, value, or text in another case.

    `open` says that other texts may be sent too: the Space allows them, or gets
    its choices only while it runs.
    """

    def __init__(self, parameter: Parameter) -> None:
        self.choices = parameter.choices
        self.open = parameter.custom or not parameter.choices
        self.custom = parameter.custom
        self.known = labelled(parameter.choices)
        self._by_value: dict[str, Choice] = {}
        self._folded: dict[str, list[str]] = {}
        for choice in parameter.choices:
            if choice.value is not None:
                self._by_value.setdefault(str(choice.value), choice)
        for label in self.known:
            self._folded.setdefault(fold(label), []).append(label)

    def choice(self, given: Any) -> Choice | None:
        """The choice that is meant, or a new one where other texts may be sent, else None."""
        found = self.exactly(given)
        if found is None and self.open and (text := str(given).strip()):
            return Choice(text, text)
        return found

    def exactly(self, given: Any) -> Choice | None:
        """The choice by its label, "#" and its number, its value, or its label in another case."""
        if not isinstance(given, str):
            return next((one for one in self.choices if same(one.value, given)), None)
        text = one_line(given)
        if text in self.known:
            return self.known[text]
        if re.fullmatch(r"#[0-9]{1,6}", text) and 0 < int(text[1:]) <= len(self.choices):
            return self.choices[int(text[1:]) - 1]
        alike = self._folded.get(fold(text), [])
        return self._by_value.get(given) or (self.known[alike[0]] if len(alike) == 1 else None)

    def label(self, value: Any) -> str:
        """The unique label of a value, or the value's own text where it is not a choice."""
        for label, choice in self.known.items():
            if same(choice.value, value):
                return label
        return clip(one_line(str(value)), CHOICE_LENGTH)

    def ranked(self, text: str) -> list[str]:
        """The labels that hold the text, those that begin with it first."""
        wanted = fold(text)
        groups = [(folded, labels) for folded, labels in self._folded.items() if wanted in folded]
        groups.sort(key=lambda group: not group[0].startswith(wanted))
        return [label for _, labels in groups for label in labels]

    def items(self, given: Any) -> list[str]:
        """The items of a list that a person typed; labels that hold commas stay whole."""
        text = one_line(str(given))
        if not text or (fold(text) in NOTHING and self.exactly(text) is None):
            return []
        parts = split(text)
        found, start = [], 0
        while start < len(parts):
            end = self._end(parts, start, len(parts)) or start + 1
            found.append("".join(parts[start:end]).strip())
            start = end + 1
        return [item for item in found if item]

    def being_typed(self, text: str) -> tuple[list[str], str]:
        """The finished items of a list that is being typed, and the unfinished last one."""
        parts = split(one_line(text))
        done, start = [], 0
        while start < len(parts) - 1:
            end = self._end(parts, start, len(parts) - 1)
            rest = "".join(parts[start:]).strip()
            if end is None and (not self.custom or self.ranked(rest)):
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
            if len(", ".join(short)) <= CHOICE_LENGTH:
                break
            if (choice := self.exactly(item)) is not None:
                short[place] = f"#{order.index(self.label(choice.value)) + 1}"
        line = ", ".join(short)
        return line if len(line) <= CHOICE_LENGTH else None

    def unknown(self, given: Any) -> str:
        """What to say of something that is no choice: which ones there are, the likely first."""
        labels = list(self.known)
        near = (self.ranked(str(given)) or labels)[:5]
        shown = ", ".join(quoted(label) for label in near)
        more = f" and {len(labels) - len(near)} more" if len(labels) > len(near) else ""
        return f"has no choice {quoted(given)}. Pick from {shown}{more}."

    def _end(self, parts: list[str], start: int, stop: int) -> int | None:
        """Where the longest choice ends that begins at `start`."""
        ends = range(start + 1, min(stop, start + 2 * COMMAS + 1) + 1, 2)
        items = ((end, "".join(parts[start:end]).strip()) for end in reversed(ends))
        return next((end for end, item in items if self.exactly(item)), None)


_MENUS: OrderedDict[int, tuple[Parameter, Menu]] = OrderedDict()
_KEPT = 64


def menu_of(parameter: Parameter) -> Menu:
    """The menu of a parameter, kept for the next keystroke: thousands of choices take a while."""
    # What is kept keeps its parameter, so that no other has the same id.
    kept = _MENUS.pop(id(parameter), None) or (parameter, Menu(parameter))
    _MENUS[id(parameter)] = kept
    if len(_MENUS) > _KEPT:
        _MENUS.popitem(last=False)
    return kept[1]


def split(text: str) -> list[str]:
    """The parts of a list: items at the even places, the separators between them."""
    return re.split(r"([,;])", text[:TEXT_LENGTH])


def labelled(choices: Sequence[Choice]) -> dict[str, Choice]:
    """The choices by a label that is unique, not blank, and short enough for Discord."""
    known: dict[str, Choice] = {}
    numbers: dict[str, int] = {}
    for choice in choices:
        label = clip(one_line(choice.label), CHOICE_LENGTH) or "(empty)"
        # Counted on, since thousands of choices may have the same label.
        unique, number = label, numbers.get(label, 2)
        while unique in known:
            suffix = f" ({number})"
            unique = clip(label, CHOICE_LENGTH - len(suffix)) + suffix
            number += 1
        numbers[label] = number
        known[unique] = choice
    return known


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: True is not 1, and 1 is 1.0."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other
