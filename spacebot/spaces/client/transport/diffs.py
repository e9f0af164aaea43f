"""Applying changes to a streamed output, without copying what stays the same.

Source: gradio_client's `utils.apply_diff`, which copies the whole output at each step.
"""

from __future__ import annotations

from typing import Any


def apply_edits(value: Any, diff: list[Any]) -> Any:
    """A value after a diff's edits; raises `LookupError`, `TypeError` or `ValueError`."""
    patch = _Patch()
    for action, path, new in diff:
        value = patch.edit(value, path, action, new)
    return value


class _Patch:
    """One diff. `_made` holds the containers that it copied, which it may change."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}

    def edit(self, value: Any, path: list[Any], action: str, new: Any) -> Any:
        """The value after one edit."""
        if not path:
            return _combine(value, action, new)
        whole = target = self._own(value)
        for key in path[:-1]:
            target[key] = self._own(target[key])
            target = target[key]
        _set(target, path[-1], action, new)
        return whole

    def _own(self, container: Any) -> Any:
        if not isinstance(container, dict | list):
            raise TypeError("no list or object")
        if id(container) in self._made:
            return container
        made = container.copy()
        self._made[id(made)] = made
        return made


def _combine(value: Any, action: str, new: Any) -> Any:
    match action:
        case "replace":
            return new
        case "append":
            return value + new
        case _:
            raise ValueError(f"no action {action}")


def _set(target: Any, key: Any, action: str, new: Any) -> None:
    is_list = isinstance(target, list)
    match action:
        case "add" if is_list:
            target.insert(int(key), new)
        case "add":
            target[key] = new
        case "delete":
            del target[int(key) if is_list else key]
        case _:
            target[key] = _combine(None if action == "replace" else target[key], action, new)
