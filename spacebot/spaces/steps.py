"""The steps before an endpoint's own call: what each takes, and what it hands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spacebot.models import Step


def taken(step: Step, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a step is called with, of all values of its job."""
    return {name: values.get(key) for name, key in step.takes.items()}


def handed(step: Step, given: Sequence[Any]) -> dict[str, Any]:
    """The values that a step's visible outputs become; those that only change looks set none."""
    return {
        key: value
        for number, key in step.gives.items()
        if (value := _set(given[number])) is not _UNSET
    }


_UNSET = object()


def _set(value: Any) -> Any:
    """What an output sets: itself, or what an update (`gr.update`) does."""
    if isinstance(value, Mapping) and value.get("__type__") == "update":
        return value.get("value", _UNSET)
    return value
