"""Inspecting Gradio's outputs: files and texts in nested values, plain values as words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from spacebot.models import File
from spacebot.spaces.outputs.files import is_uri


def is_update(value: Any) -> bool:
    """Whether an output is an update of its component (`gr.update`), not a value."""
    return isinstance(value, Mapping) and value.get("__type__") == "update"


def updated_value(value: Any, otherwise: Any = None) -> Any:
    """What an output sets: itself, or what an update sets; `otherwise` if that sets nothing."""
    return value.get("value", otherwise) if is_update(value) else value


def files_in(value: Any) -> Iterator[File]:
    """Yield the files of a nested value, in order, however deep it is."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, File):
            yield one
        elif isinstance(one, Mapping):
            waiting += reversed(list(one.values()))
        elif isinstance(one, list | tuple):
            waiting += reversed(one)


def fits(value: Any, most: int) -> bool:
    """Whether a value has at most this many characters and items in all; stops counting there."""
    left, waiting = most, [value]
    while waiting and left >= 0:
        one = waiting.pop()
        left -= len(one) + 1 if isinstance(one, str | list | tuple | Mapping) else 1
        if isinstance(one, Mapping):
            waiting += islice(one.keys(), max(left, 0))
            waiting += islice(one.values(), max(left, 0))
        elif isinstance(one, list | tuple):
            waiting += islice(one, max(left, 0))
    return left >= 0


def texts_in(value: Any) -> Iterator[str]:
    """Yield the texts of a nested value, without those of files."""
    if isinstance(value, str):
        yield from [value] if value.strip() and not is_uri(value) else []
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from () if key in ("type", "alt_text", "mime_type") else texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)


def last_answer(history: Sequence[Any]) -> list[Any]:
    """The messages of a chat after the person's last one."""
    if history and isinstance(history[-1], list | tuple):
        # Older chats are lists of pairs of question and answer.
        return [{"content": history[-1][-1]}]
    roles = [entry.get("role") if isinstance(entry, Mapping) else None for entry in history]
    asked_at = max((at for at, role in enumerate(roles) if role == "user"), default=-1)
    return list(history[asked_at + 1 :])


def words_in(value: Any) -> str:
    """The text of messages, or of other outputs."""
    return "\n\n".join(_words_in(value))


def _words_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from [value] if value.strip() else []
    elif isinstance(value, Mapping):
        for key in ("value", "content", "text"):
            if key in value:
                yield from _words_in(value[key])
                return
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _words_in(one)


def holds_files(value: Any) -> bool:
    """Say whether there is a file anywhere in a value."""
    return next(files_in(value), None) is not None


def as_list(value: Any) -> Sequence[Any]:
    """Return a value as a list: itself, or with itself as the only item."""
    return value if isinstance(value, list | tuple) else [value]


def label_of(value: Any, choices: Any) -> str:
    """Return the label under which a value is offered."""
    for choice in choices or ():
        if isinstance(choice, list | tuple) and len(choice) == 2 and choice[1] == value:
            return str(choice[0])
    return plain_value(value)


def parse_json_text(value: str) -> Any:
    """Return the JSON object or array in a string, otherwise the string."""
    if not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def plain_value(value: Any) -> str:
    """Return a plain value as a person reads it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(plain_value, value))
    return "" if value is None else str(value)
