"""Parses long JSON in pieces, so that other threads run in between.

The standard library's parser holds the interpreter's lock until it is done: half a second for 20
MB.
"""

from __future__ import annotations

import json
import re
from typing import Any

# How many characters are parsed at once: about a millisecond's work.
WINDOW_LENGTH = 64 * 1024
# A number that is cut short still parses, so one this close to the window's end may be cut.
CUT_MARGIN = 8
_SPACE = re.compile(r"[ \t\n\r]*")


def loads(text: str) -> Any:
    """JSON → its value, like `json.loads`; raises `ValueError` or `RecursionError`."""
    pieces = _ChunkParser(text)
    value, end = pieces.value(pieces.after_space(0))
    if pieces.after_space(end) < len(text):
        raise ValueError("more than one value")
    return value


class _ChunkParser:
    """One text, parsed through a window that moves over it.

    What fits into the window is parsed at once; anything larger is parsed part by part.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._start, self._window = 0, text[:WINDOW_LENGTH]
        self._keys: dict[str, str] = {}
        self._decode = json.JSONDecoder(object_pairs_hook=self._object).raw_decode

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # The rows of a table share their keys.
        return {self._keys.setdefault(key, key): value for key, value in pairs}

    def after_space(self, at: int) -> int:
        """Where the next value or punctuation mark is, from `at` on."""
        found = _SPACE.match(self._text, at)
        assert found is not None
        return found.end()

    def value(self, at: int) -> tuple[Any, int]:
        """The value that begins at `at`, and where it ends."""
        found = self._within(at)
        if found is None and self._start != at:
            self._start, self._window = at, self._text[at : at + WINDOW_LENGTH]
            found = self._within(at)
        if found is not None:
            return found
        match self._text[at : at + 1]:
            case "[":
                return self._items(at + 1)
            case "{":
                return self._members(at + 1)
            case _:
                return self._decode(self._text, at)

    def _within(self, at: int) -> tuple[Any, int] | None:
        """The value at `at`, if all of it is in the window."""
        offset, size = at - self._start, len(self._window)
        if offset >= size:
            return None
        is_last = self._start + size == len(self._text)
        try:
            value, end = self._decode(self._window, offset)
        except ValueError:
            if is_last:
                # Nothing follows that could complete it: its parts need no second look.
                raise
            return None
        is_whole = end + CUT_MARGIN <= size or is_last
        return (value, self._start + end) if is_whole else None

    def _items(self, at: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        at = self.after_space(at)
        if self._text.startswith("]", at):
            return items, at + 1
        while True:
            value, at = self.value(at)
            items.append(value)
            at, is_last = self._mark(at, "]")
            if is_last:
                return items, at

    def _members(self, at: int) -> tuple[dict[str, Any], int]:
        pairs: list[tuple[str, Any]] = []
        at = self.after_space(at)
        if self._text.startswith("}", at):
            return {}, at + 1
        while True:
            key, at = self.value(at)
            at = self.after_space(at)
            if not isinstance(key, str) or not self._text.startswith(":", at):
                raise ValueError("a key and a colon")
            value, at = self.value(self.after_space(at + 1))
            pairs.append((key, value))
            at, is_last = self._mark(at, "}")
            if is_last:
                return self._object(pairs), at

    def _mark(self, at: int, end: str) -> tuple[int, bool]:
        """Step over a comma, or over the `end` of a list or an object."""
        at = self.after_space(at)
        if self._text.startswith(end, at):
            return at + 1, True
        if not self._text.startswith(",", at):
            raise ValueError("a comma between values")
        return self.after_space(at + 1), False
