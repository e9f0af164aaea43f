"""What a page's JavaScript sets, if it only returns constants: no JavaScript runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# Longer scripts do more than return constants.
MAX_SCRIPT_LENGTH = 5000
_HEAD = re.compile(r"(?:async\s+)?(?:\([\w\s,.$]*\)|[\w$]*)")
_FUNCTION = re.compile(r"(?:async\s+)?function\b[\s\w$]*\([\w\s,.$]*\)\s*(?={)")
_QUOTED = re.compile(r"'([^'\"\\]*)'")


def constant_results(script: Any, count: int) -> tuple[Any, ...] | None:
    """The constants that a function returns for its outputs; None if it does more."""
    told = _returned_source(script)
    found = _constant(told)
    if found is None and told != "null":
        return None
    values = found if isinstance(found, list) and (count > 1 or len(found) == 1) else [found]
    return tuple(values) if len(values) == count else None


def constant_arguments(script: Any, count: int) -> dict[int, Any]:
    """The constants among the arguments that a function passes on, by position.

    `(prompt, mode) => [prompt, 'text to video']` and `(...all) => ['a', ...all.slice(1)]` do.
    """
    told = _returned_source(script)
    inner = told[1:-1] if told.startswith("[") and told.endswith("]") else told
    items = list(_items(inner)) if inner is not told else [told] * (count == 1)
    places = range(len(items))
    spread = [place for place in places if items[place].startswith("...")]
    if len(items) > count or len(spread) > 1:
        return {}
    found: dict[int, Any] = {}
    for place in places:
        behind = spread and place > spread[0]
        value = _constant(items[place])
        if value is not None:
            found[place + count - len(items) if behind else place] = value
    return found


def _returned_source(script: Any) -> str:
    """The source of a function's return value; nothing if the function does more."""
    text = script.strip().rstrip("; \t\n") if isinstance(script, str) else ""
    if not text or len(text) > MAX_SCRIPT_LENGTH:
        return ""
    if head := _FUNCTION.match(text):
        body = text[head.end() :]
    else:
        before, _, body = text.partition("=>")
        if not _HEAD.fullmatch(before.strip()):
            return ""
    body = body.strip()
    if body.startswith("{"):
        inner = body[1:-1].strip()
        body = inner[6:].strip().rstrip("; \t\n") if inner.startswith("return") else ""
    return body[1:-1].strip() if body.startswith("(") and body.endswith(")") else body


def _items(text: str) -> Iterator[str]:
    """The items of a list as they are written."""
    depth, quote, start = 0, "", 0
    for place, mark in enumerate(text):
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "'\"`":
            quote = mark
        elif mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif mark == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    if last := text[start:].strip():
        yield last


def _constant(written: str) -> Any:
    """The value of a constant; None if it is not constant, or null."""
    try:
        return json.loads(_QUOTED.sub(r'"\1"', written))
    except (ValueError, RecursionError):
        return None
