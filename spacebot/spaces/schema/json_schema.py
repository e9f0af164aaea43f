"""Typed values without a Gradio component of their own, read from their JSON schema.

They are parameters of gr.api functions (`int | None`, `list[float]`), and of an app's custom
components.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from spacebot.spaces.inputs import ASKABLE
from spacebot.spaces.schema.component_types import DISPLAY_COMPONENTS

_BY_SCHEMA = {"string": "textbox", "integer": "number", "number": "number", "boolean": "checkbox"}
# Lists of these can be written with commas between.
_LISTED = ("string", "integer", "number")


@dataclass(frozen=True, slots=True)
class TypedComponent:
    """What to ask for: a component, the value's schema without None, and props for `inputs`.

    The props are `nullable` if an empty value is sent as None, `items` with the type of a list's
    items, otherwise `types` with those that a value may have.
    """

    component: str
    schema: Mapping[str, Any]
    props: Mapping[str, Any] = field(default_factory=dict)


def read_typed(kind: str, schema: Mapping[str, Any]) -> TypedComponent:
    """The component to ask for, for gr.api's typed values and an app's custom components."""
    if kind in DISPLAY_COMPONENTS or (kind in ASKABLE and kind != "api"):
        return TypedComponent(kind, schema)
    kinds = list(_alternatives(schema))
    some = [one for one in kinds if one.get("type") != "null"]
    nullable = {"nullable": True} if len(some) < len(kinds) else {}
    only = some[0] if len(some) == 1 else {}
    if component := _plain(only):
        return TypedComponent(component, only, nullable)
    if kind != "api":
        return TypedComponent(kind, schema, nullable)
    items = only.get("items") if only.get("type") == "array" else None
    if isinstance(items, Mapping) and items.get("type") in _LISTED:
        return TypedComponent(kind, only, {**nullable, "items": items["type"]})
    types = [one["type"] for one in some if isinstance(one.get("type"), str)]
    return TypedComponent(
        kind, only, {**nullable, "types": types if len(types) == len(some) else []}
    )


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The alternatives of a schema: `int | None` has two."""
    types = schema.get("type")
    united = schema.get("oneOf") or schema.get("anyOf")
    if isinstance(united, list):
        yield from (one for one in united if isinstance(one, Mapping))
    elif isinstance(types, list):
        yield from ({**schema, "type": one} for one in types)
    else:
        yield schema


def _plain(schema: Mapping[str, Any]) -> str:
    """The Gradio component for a value of this schema, or nothing."""
    if {"path", "url", "meta"} <= set(schema.get("properties") or {}):
        return "file"
    if schema.get("enum"):
        return "dropdown"
    items = schema.get("items")
    if isinstance(items, Mapping) and items.get("enum"):
        return "checkboxgroup"
    return _BY_SCHEMA.get(str(schema.get("type")), "")
