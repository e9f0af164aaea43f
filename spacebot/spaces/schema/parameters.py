"""An endpoint's inputs: its API parameters joined with the page's components."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spacebot.models import Choice, Parameter
from spacebot.spaces.inputs import ASKABLE
from spacebot.spaces.schema.app_config import AppConfig, Dependency, PageComponent
from spacebot.spaces.schema.component_types import (
    CONTENT_COMPONENTS,
    DISPLAY_COMPONENTS,
    TEXT_COMPONENTS,
    name_set,
)
from spacebot.spaces.schema.json_schema import read_typed
from spacebot.spaces.schema.option_text import is_empty_name, option_name, read_hint, read_label
from spacebot.spaces.schema.required import EMPTY_VALUES, ParameterDraft, required
from spacebot.spaces.schema.text import UniqueNames, legal_name, spaced_words
from spacebot.spaces.schema.wiring.javascript import constant_arguments

# Components that show or hide fields of the page, and their events that do.
_SWITCHES = name_set("checkbox checkboxgroup radio dropdown tab tabitem tabs accordion")
_SWITCHED = name_set("change input select")
# A component's props that `inputs` may need beyond the named fields.
_KEPT = name_set(
    "file_count sources type image_mode include_time timezone datatype headers col_count"
    " row_count column_count language placeholder format streaming filterable allow_custom_value"
)

# Since 6.21, Gradio says so of functions that take a gr.OAuthToken.
_SIGN_IN = (
    "it needs a member's own sign-in to Hugging Face, which Discord cannot give: "
    "it works on the Space's page alone"
)


@dataclass(frozen=True, slots=True)
class EndpointInputs:
    """What to ask for, what to send as a constant, and why it cannot be called, if so.

    `history` names the parameter that takes a chatbot's content; `ids` are the ids of the page's
    components, by parameter. `pressed` names the constants that the button's JavaScript passes on.
    """

    parameters: tuple[Parameter, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    history: str | None = None
    ids: Mapping[str, Any] = field(default_factory=dict)
    pressed: frozenset[str] = frozenset()
    problem: str = ""


def read_inputs(
    app: AppConfig, entry: Mapping[str, Any], event: Dependency | None
) -> EndpointInputs:
    """The inputs of an endpoint in the API description."""
    inputs = _read_inputs(app, entry, event)
    needs_sign_in = entry.get("oauth_token") == "required" and not inputs.problem
    return replace(inputs, problem=_SIGN_IN) if needs_sign_in else inputs


def _read_inputs(
    app: AppConfig, entry: Mapping[str, Any], event: Dependency | None
) -> EndpointInputs:
    described, components = _described_once(app, entry, event)
    drafts = [_draft(app, raw, part) for raw, part in zip(described, components, strict=True)]
    in_turn = _shown_in_turn(app, components)
    drafts = [
        replace(draft, in_turn=bool(part and part.id in in_turn))
        for draft, part in zip(drafts, components, strict=True)
    ]
    said = {d.parameter.name for d, part in zip(drafts, components, strict=True)
            if event and part and _is_said(app, event, part, drafts)}  # fmt: skip
    by_name = {d.parameter.name: part for d, part in zip(drafts, components, strict=True)}
    constants = _handed_constants(event, by_name)
    pressed = frozenset(constants)
    asked: list[ParameterDraft] = []
    for draft in _askable_drafts(drafts, said):
        if draft.parameter.name in pressed:
            continue
        if draft.unaskable and draft.empty and not draft.sendable:
            return EndpointInputs(problem=_why_not(draft.parameter))
        part = by_name.get(draft.parameter.name)
        if draft.unaskable or (draft.hidden and part and _is_the_page_s(app, event, draft, part)):
            constants[draft.parameter.name] = draft.parameter.default
        else:
            asked.append(draft)
    gives = [part.type for part in map(app.component, event.outputs if event else ()) if part]
    histories = [d.parameter.name for d in drafts if d.parameter.component == "chatbot"]
    return EndpointInputs(
        tuple(_named(asked, required(asked, gives))),
        constants,
        history=histories[0] if histories else None,
        pressed=pressed,
        ids={d.parameter.name: part.id for d, part in zip(drafts, components, strict=True) if part},
    )


def _described_once(
    app: AppConfig, entry: Mapping[str, Any], event: Dependency | None
) -> tuple[list[Mapping[str, Any]], list[PageComponent | None]]:
    """The described parameters and their components.

    A component that is taken twice has one value, as on the page: `SpaceClient` sends it twice.
    """
    ids = event.inputs if event else ()
    described = list(entry.get("parameters") or [])
    parts = app.asked(ids)
    if len(parts) != len(described):
        return described, app.joined(ids, described)
    first = {part.id: place for place, part in reversed([*enumerate(parts)])}
    places = sorted(first.values())
    return [described[place] for place in places], [parts[place] for place in places]


def _handed_constants(
    event: Dependency | None, by_name: Mapping[str, PageComponent | None]
) -> dict[str, Any]:
    """The constants that the button's own JavaScript passes on, by parameter."""
    if event is None or event.raw.get("backend_fn") is False:
        return {}
    handed = constant_arguments(event.raw.get("js"), len(event.inputs))
    values = {event.inputs[place]: value for place, value in handed.items()}
    return {name: values[part.id] for name, part in by_name.items() if part and part.id in values}


def _is_the_page_s(
    app: AppConfig, event: Dependency | None, draft: ParameterDraft, part: PageComponent
) -> bool:
    """Whether only the page sets a hidden input: it has a value, or an event fills it.

    One with choices that nothing sets is offered to people, since it matters.
    """
    setting = [one for one in app.events if one is not event and part.id in one.outputs]
    if draft.empty:
        return (
            part.type in TEXT_COMPONENTS
            and bool(setting)
            and not any(_toggles(app, e) for e in setting)
        )
    picks = part.type in ("dropdown", "radio") and len(draft.parameter.choices) > 1
    return not picks or bool(setting)


def _shown_in_turn(app: AppConfig, parts: Sequence[PageComponent | None]) -> set[Any]:
    """The ids within containers of which the page shows one at a time, depending on a switch."""
    contents = {part.id: part for part in parts if part and part.type in CONTENT_COMPONENTS}
    found: set[Any] = set()
    for event in app.events:
        together = contents.keys() & set(event.outputs)
        switched = [app.component(target) for target, name in event.targets if name in _SWITCHED]
        if len(together) > 1 and any(part and part.type in _SWITCHES for part in switched):
            hidden = [app.hidden(contents[one]) for one in together]
            found |= together if any(hidden) and not all(hidden) else set()
    return found


def _toggles(app: AppConfig, event: Dependency) -> bool:
    """Whether an event seems to show or hide a field, as those of a checkbox or a tab do."""
    parts = [app.component(target) for target, _ in app.root(event).targets]
    by_button = not event.inputs
    return all(part and (by_button or part.type in _SWITCHES) for part in parts)


def _is_said(
    app: AppConfig, event: Dependency, part: PageComponent, drafts: Sequence[ParameterDraft]
) -> bool:
    """Whether a person's message is in a chat's history: nothing else carries it, or the step
    before (`user`, then `bot`) has put it there."""
    if part.type != "chatbot" or part.id not in event.outputs:
        return False
    brings = [d for d in drafts if d.is_content and d.parameter.component != "chatbot"]
    brings = [d for d in brings if not d.optional]
    if any(part.id in step.outputs for step in app.earlier(event)):
        brings = [d for d in brings if d.parameter.component in TEXT_COMPONENTS and d.empty]
    return not brings


def _askable_drafts(
    drafts: Sequence[ParameterDraft], said: Collection[str]
) -> Iterable[ParameterDraft]:
    """The drafts to ask for; a chat's history and display-only inputs are constants.

    They are asked for if they are the only inputs, or contain the message (`said`).
    """
    brings = [d for d in drafts if d.parameter.component in CONTENT_COMPONENTS - {"chatbot"}]
    for draft in drafts:
        kind, name = draft.parameter.component, draft.parameter.name
        is_history = kind == "chatbot" and name not in said and (brings or not draft.empty)
        is_shown = kind in DISPLAY_COMPONENTS and (len(drafts) > 1 or not draft.empty)
        unasked = is_history or is_shown
        yield replace(draft, unaskable=True, sendable=True) if unasked else draft


def _why_not(parameter: Parameter) -> str:
    what = f"“{parameter.label}”" if parameter.label else parameter.name
    return f"it needs {what}, a “{parameter.component}” that nobody can be asked for in Discord"


def _named(drafts: list[ParameterDraft], needed: list[bool]) -> Iterable[Parameter]:
    taken = UniqueNames()
    options: list[tuple[bool, Parameter]] = []
    names = {legal_name(spaced_words(draft.parameter.name), " ") for draft in drafts}
    for draft, need in zip(drafts, needed, strict=True):
        found = draft.parameter
        option = option_name(found.name, found.label, found.component)
        own = legal_name(spaced_words(found.name), " ")
        if option != own and option in names and not is_empty_name(found.name):
            # "seed" is another parameter's name.
            option = own
        option = taken.add(option)
        bare = draft.can_be_missed and not (need or draft.own_default)
        found = replace(found, option=option, required=need, bare=bare)
        found = replace(found, label=read_label(found))
        found = replace(found, description=read_hint(found, placeholder=draft.placeholder))
        options.append((draft.hidden, found))
    return [parameter for _, parameter in sorted(options, key=lambda pair: pair[0])]


def _draft(
    app: AppConfig, raw: Mapping[str, Any], component: PageComponent | None
) -> ParameterDraft:
    kind = component.type if component else str(raw.get("component") or "").lower()
    props = component.props if component else {}
    schema = raw.get("type") if isinstance(raw.get("type"), Mapping) else {}
    typed = read_typed(kind, schema or {})
    kind = typed.component
    default = raw.get("parameter_default", props.get("value"))
    if component and "value" in app.opened.get(component.id, {}):
        default = props.get("value")
    if isinstance(default, str) and default.startswith("__i18n__"):
        default = app.text(default)
    choices = _choices(app, props, typed.schema) if kind not in ("api", "json") else ()
    parameter = Parameter(
        name=str(raw.get("parameter_name") or raw.get("label") or "value"),
        label=app.text(raw.get("label") or props.get("label")),
        component=kind,
        description=_description(app, kind, props),
        choices=choices,
        default=default,
        **_limits(kind, props),
    )
    parameter = replace(parameter, props={**parameter.props, **typed.props})
    whole = kind == "number" and typed.schema.get("type") == "integer"
    precision = 0 if whole else parameter.precision
    parameter = replace(parameter, precision=precision, default=_possible_default(parameter))
    return ParameterDraft(
        parameter=parameter,
        value=default,
        own_default=bool(raw.get("parameter_has_default")),
        hidden=bool(component and app.hidden(component)),
        aside=bool(component and app.aside(component)),
        placeholder=not app.text(props.get("info")),
        unaskable=kind not in ASKABLE,
        sendable=kind in DISPLAY_COMPONENTS,
        coded=component is None,
        typed=component is not None and component.type == "api",
    )


def _description(app: AppConfig, kind: str, props: Mapping[str, Any]) -> str:
    # An empty chatbot's placeholder does not say what to write.
    shown = "" if kind == "chatbot" else app.text(props.get("placeholder"))
    return app.text(props.get("info")) or shown


def _limits(kind: str, props: Mapping[str, Any]) -> dict[str, Any]:
    file_count = props.get("file_count")
    limits = {
        # Choices that arrive while the app runs can only be typed.
        "custom": bool(props.get("allow_custom_value") or props.get("choices") == []),
        "multiple": kind in ("checkboxgroup", "gallery")
        or props.get("multiselect") is True
        or file_count in ("multiple", "directory"),
        "max_items": props.get("max_choices"),
        "file_types": tuple(props.get("file_types") or ()),
        "props": {key: props[key] for key in _KEPT if props.get(key) is not None},
    }
    if kind in ("number", "slider"):
        limits |= _bounds(props)
        limits["precision"] = props.get("precision")
        # A Number's step only concerns its arrows; a Slider's is binding.
        limits["step"] = _number(props.get("step")) if kind == "slider" else None
    if kind == "textbox":
        limits["max_length"] = _length(props.get("max_length"))
        limits["lines"] = max(int(props.get("lines") or 1), 1)
        limits["secret"] = props.get("type") == "password"
    return limits


def _bounds(props: Mapping[str, Any]) -> dict[str, float | None]:
    """The minimum and maximum; neither if they contradict each other."""
    low, high = _number(props.get("minimum")), _number(props.get("maximum"))
    if low is not None and high is not None and low > high:
        low = high = None
    return {"minimum": low, "maximum": high}


def _length(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number >= 1 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def _choices(
    app: AppConfig, props: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[Choice, ...]:
    listed = props.get("choices")
    if listed is None:
        listed = schema.get("enum") or (schema.get("items") or {}).get("enum") or ()
    pairs = [
        pair if isinstance(pair, (list, tuple)) and len(pair) > 1 else (pair, pair)
        for pair in listed
    ]
    return tuple(Choice(app.text(label) or str(value), value) for label, value, *_ in pairs)


def _possible_default(parameter: Parameter) -> Any:
    """The default if the Space accepts it: an app's own can break its bounds or its choices."""
    default = parameter.default
    if parameter.component in ("number", "slider") and _number(default) is not None:
        low, high = parameter.minimum, parameter.maximum
        if low is not None and default < low:
            return low
        return high if high is not None and default > high else default
    values = [choice.value for choice in parameter.choices]
    if values and not parameter.multiple and not parameter.custom and default not in values:
        return None
    if default is None and not parameter.props.get("nullable"):
        return EMPTY_VALUES.get(parameter.component)
    return default
