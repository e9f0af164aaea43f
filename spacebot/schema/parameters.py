"""What an endpoint takes: its API parameters joined with the page's components."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spacebot.inputs import ASKABLE
from spacebot.models import Choice, Parameter
from spacebot.schema.app import App, Component
from spacebot.schema.kinds import CONTENT, SHOWN, names
from spacebot.schema.needs import EMPTY, Draft, required
from spacebot.schema.words import legal_name, spaced, unique_name

_BY_SCHEMA = {"string": "textbox", "integer": "number", "number": "number", "boolean": "checkbox"}
# What of a component's props `inputs` may want beyond the named fields.
_KEPT = names(
    "file_count sources type image_mode include_time timezone datatype headers col_count"
    " row_count column_count language placeholder format streaming filterable"
)
# Names that say nothing; the label is asked first.
_EMPTY_NAME = re.compile(
    r"(\w|[a-z]\d+|(param|parameter|args?|kwargs|value|inputs?|inp|in|data|component|textbox|number"
    r"|dict|list|str|obj|slider|dropdown|checkbox|radio|fn|var|variable|tmp|foo|bar|comp)(_?\d+)*"
    r"|(text|image|img|audio|video|file|txt)_?\d+)_?",
    re.I,
)
_EMPTY_LABEL = re.compile(r"((parameter|value|textbox|component)_?\d*|\d+(st|nd|rd|th))", re.I)
_COUNTED = re.compile(r"[a-z]{3,} \d+", re.I)
_LEAD = re.compile(
    r"^((please|enter|type|write|upload|provide|select|choose|pick|input|insert|paste"
    r"|your|an?|the|here)\b\s*)+(?=\S)",
    re.I,
)
_NOUNS = {
    "textbox": "text", "checkbox": "option", "checkboxgroup": "options", "radio": "choice",
    "dropdown": "choice", "slider": "amount", "uploadbutton": "file", "imageeditor": "image",
    "gallery": "images", "multimodaltextbox": "message", "dataframe": "table", "datetime": "time",
    "colorpicker": "color", "model3d": "model", "chatbot": "message",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inputs:
    """What to ask for, what to send unasked, and why it cannot be called, if so.

    `history` names the parameter that takes what a chatbot shows.
    """

    parameters: tuple[Parameter, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    history: str | None = None
    problem: str = ""


def read_inputs(app: App, entry: Mapping[str, Any], component_ids: Iterable[Any]) -> Inputs:
    """The inputs of one endpoint of the API description."""
    described = list(entry.get("parameters") or [])
    components = app.joined(tuple(component_ids), described)
    drafts = [_draft(app, raw, part) for raw, part in zip(described, components, strict=True)]
    constants: dict[str, Any] = {}
    asked: list[Draft] = []
    for draft in _worth_asking(drafts):
        if draft.unaskable and draft.empty and not draft.sendable:
            return Inputs(problem=_why_not(draft.parameter))
        if draft.unaskable or (draft.hidden and not draft.empty):
            constants[draft.parameter.name] = draft.parameter.default
        else:
            asked.append(draft)
    histories = [d.parameter.name for d in drafts if d.parameter.component == "chatbot"]
    return Inputs(
        tuple(_named(asked, required(asked))),
        constants,
        history=histories[0] if histories else None,
    )


def _worth_asking(drafts: list[Draft]) -> Iterable[Draft]:
    """The drafts; a chat's history, or what only shows something, is sent unasked unless it is
    all that is taken in."""
    brings = [d for d in drafts if d.parameter.component in CONTENT - {"chatbot"}]
    for draft in drafts:
        kind = draft.parameter.component
        is_history = kind == "chatbot" and (brings or not draft.empty)
        is_shown = kind in SHOWN and (len(drafts) > 1 or not draft.empty)
        unasked = is_history or is_shown
        yield replace(draft, unaskable=True, sendable=True) if unasked else draft


def _why_not(parameter: Parameter) -> str:
    what = f"“{parameter.label}”" if parameter.label else parameter.name
    return f"it needs {what}, a “{parameter.component}” that nobody can be asked for in Discord"


def _named(drafts: list[Draft], needed: list[bool]) -> Iterable[Parameter]:
    taken: set[str] = set()
    options: list[tuple[bool, Parameter]] = []
    for draft, need in zip(drafts, needed, strict=True):
        found = draft.parameter
        option = unique_name(option_name(found.name, found.label, found.component), taken)
        taken.add(option)
        options.append((draft.hidden, replace(found, option=option, required=need)))
    return [parameter for _, parameter in sorted(options, key=lambda pair: pair[0])]


def option_name(name: str, label: str, component: str) -> str:
    """What a person would call a parameter: its name, else its label, else its kind."""
    if component == "chatbot":
        # One who is asked for a whole history gives its next message.
        return "message"
    if name and not _EMPTY_NAME.fullmatch(name):
        return legal_name(spaced(name), component)
    if _COUNTED.fullmatch(label.strip()) and not _EMPTY_LABEL.fullmatch(label.strip()):
        # "Number 5" beside "Slider 6": what its author calls it tells them apart.
        return legal_name(label, "value")
    if not is_empty_label(label):
        words = re.split(r"\s*[(\[{:;?!。，、]|\s[-–—|/]\s|\.\s", label.strip())
        told = next((word for word in words if any(map(str.isalnum, word))), label)
        if legal := legal_name(_LEAD.sub("", told), " "):
            return legal
    return legal_name(_NOUNS.get(component, component), "value")


def is_empty_label(label: str) -> bool:
    """Whether a label is missing or one that Gradio made up ("parameter_12", "1st")."""
    said = any(map(str.isalpha, label)) and not _EMPTY_LABEL.fullmatch(label)
    return not said or bool(_EMPTY_NAME.fullmatch(label.replace(" ", "_")) and label.isascii())


def _draft(app: App, raw: Mapping[str, Any], component: Component | None) -> Draft:
    kind = component.type if component else str(raw.get("component") or "").lower()
    props = component.props if component else {}
    schema = raw.get("type") if isinstance(raw.get("type"), Mapping) else {}
    kind = _askable_kind(kind, schema or {})
    default = raw.get("parameter_default", props.get("value"))
    choices = _choices(app, props, schema or {}) if kind not in ("api", "json") else ()
    parameter = Parameter(
        name=str(raw.get("parameter_name") or raw.get("label") or "value"),
        label=app.text(raw.get("label") or props.get("label")),
        component=kind,
        description=_description(app, props),
        choices=choices,
        default=default,
        **_limits(kind, props),
    )
    whole = kind == "number" and (schema or {}).get("type") == "integer"
    precision = 0 if whole else parameter.precision
    parameter = replace(parameter, precision=precision, default=_possible_default(parameter))
    return Draft(
        parameter=parameter,
        value=default,
        own_default=bool(raw.get("parameter_has_default")),
        hidden=bool(component and app.hidden(component)),
        aside=bool(component and app.aside(component)),
        unaskable=kind not in ASKABLE,
        sendable=kind in SHOWN,
    )


def _askable_kind(kind: str, schema: Mapping[str, Any]) -> str:
    """The component to ask for in place of gr.api's typed values and an app's own components."""
    if kind in SHOWN or (kind in ASKABLE and kind != "api"):
        return kind
    properties = schema.get("properties") or {}
    if {"path", "url", "meta"} <= set(properties):
        return "file"
    if schema.get("enum"):
        return "dropdown"
    plain = _BY_SCHEMA.get(str(schema.get("type")))
    return plain or ("json" if kind == "api" else kind)


def _description(app: App, props: Mapping[str, Any]) -> str:
    return app.text(props.get("info")) or app.text(props.get("placeholder"))


def _limits(kind: str, props: Mapping[str, Any]) -> dict[str, Any]:
    file_count = props.get("file_count")
    limits = {
        # Choices that arrive while the app runs can only be typed.
        "custom": bool(props.get("allow_custom_value") or props.get("choices") == []),
        "multiple": kind in ("checkboxgroup", "gallery")
        or props.get("multiselect") is True
        or file_count in ("multiple", "directory"),
        "most": props.get("max_choices"),
        "file_types": tuple(props.get("file_types") or ()),
        "props": {key: props[key] for key in _KEPT if props.get(key) is not None},
    }
    if kind in ("number", "slider"):
        limits |= {key: _number(props.get(key)) for key in ("minimum", "maximum")}
        limits["precision"] = props.get("precision")
        # A Number's step is only what its arrows do; a Slider's is a promise.
        limits["step"] = _number(props.get("step")) if kind == "slider" else None
    if kind == "textbox":
        limits["max_length"] = props.get("max_length")
        limits["lines"] = max(int(props.get("lines") or 1), 1)
        limits["secret"] = props.get("type") == "password"
    return limits


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def _choices(app: App, props: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[Choice, ...]:
    given = props.get("choices")
    if given is None:
        given = schema.get("enum") or (schema.get("items") or {}).get("enum") or ()
    pairs = [
        pair if isinstance(pair, (list, tuple)) and len(pair) > 1 else (pair, pair)
        for pair in given
    ]
    return tuple(Choice(app.text(label) or str(value), value) for label, value, *_ in pairs)


def _possible_default(parameter: Parameter) -> Any:
    """The default as the Space takes it: an app's own can break its bounds or its choices."""
    default = parameter.default
    if parameter.component in ("number", "slider") and _number(default) is not None:
        low, high = parameter.minimum, parameter.maximum
        if low is not None and default < low:
            return low
        return high if high is not None and default > high else default
    values = [choice.value for choice in parameter.choices]
    if values and not parameter.multiple and not parameter.custom and default not in values:
        return None
    return EMPTY.get(parameter.component) if default is None else default
