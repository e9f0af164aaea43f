"""The endpoints of an API description, each with what the page says about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from spacebot.models import CHAIN_STEP, EndpointStep, Output
from spacebot.spaces.schema.app_config import AppConfig, Dependency, PageComponent, stem
from spacebot.spaces.schema.component_types import CONTENT_COMPONENTS, MEDIA_COMPONENTS, name_set
from spacebot.spaces.schema.option_text import is_empty_label
from spacebot.spaces.schema.parameters import EndpointInputs, read_inputs

# A component's props that say how its value is shown.
_SHOWN_BY = name_set(
    "format language type columns headers datatype col_count color_map latex_delimiters"
    " show_legend combine_adjacent display_mode streaming choices"
    # A native plot's rows do not include its axes.
    " x y color title x_title y_title color_title x_bin y_aggregate x_lim y_lim sort"
)

# More than any real app has; each one is compared with every other.
MAX_ENDPOINTS = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """One endpoint that could become a command. `order` is its place in the description,
    `output_ids` are its outputs on the page, `before` the steps to call first, `failing` those
    to call if it fails, `after` those at the end, with the values it gives them (`gives_after`).
    `later_outputs` are the outputs of the steps after a failure, and of those at the end.
    """

    api_name: str
    order: int
    entry: Mapping[str, Any]
    event: Dependency | None
    inputs: EndpointInputs
    outputs: tuple[Output, ...]
    output_ids: tuple[Any, ...] = ()
    before: tuple[EndpointStep, ...] = ()
    failing: tuple[EndpointStep, ...] = ()
    after: tuple[EndpointStep, ...] = ()
    gives_after: Mapping[int, str] = field(default_factory=dict)
    later_outputs: tuple[Output, ...] = ()

    @property
    def stem(self) -> str:
        """The function's name."""
        return stem(self.api_name)

    @property
    def description(self) -> str:
        """What the function's docstring says."""
        return str(self.entry.get("description") or "")

    @property
    def gives(self) -> set[Any]:
        """Ids of the components on the page that it sets."""
        return {place for place in self.output_ids if place is not None}

    @property
    def results(self) -> list[Output]:
        """The outputs that are shown and new, not put back into an input as a used seed is."""
        shown = [o for o in self.outputs if o.props.get("visible") is not False]
        return [o for o in shown if not o.props.get("returned")] or shown

    @property
    def shows_chat(self) -> bool:
        """Whether a chatbot shows its outputs."""
        return any(output.component == "chatbot" for output in self.outputs)

    @property
    def undocumented(self) -> bool:
        """Whether its author hides it from the app's API page."""
        return self.entry.get("api_visibility", "public") != "public"


def read_candidates(app: AppConfig, info: Mapping[str, Any], wanted: str = "") -> list[Candidate]:
    """The callable endpoints: the first `MAX_ENDPOINTS`, and the `wanted` one."""
    named = _listed(info)
    read = [*islice(named, MAX_ENDPOINTS)]
    # An endpoint that the settings name counts, even among thousands.
    read += [name for name in islice(named, MAX_ENDPOINTS, None) if name == wanted]
    return [_candidate(app, order, name, named[name]) for order, name in enumerate(read)]


def count_unread(info: Mapping[str, Any]) -> int:
    """How many endpoints were not read."""
    return max(0, len(_listed(info)) - MAX_ENDPOINTS)


def read_steps(app: AppConfig, info: Mapping[str, Any]) -> list[Candidate]:
    """The steps of chains that the API leaves out: no commands, but parts of some."""
    named = info.get("named_endpoints") or {}
    steps = [name for name, entry in named.items() if entry.get("api_visibility") == CHAIN_STEP]
    return [_candidate(app, order, name, named[name]) for order, name in enumerate(steps)]


def _listed(info: Mapping[str, Any]) -> dict[str, Any]:
    named = info.get("named_endpoints") or {}
    return {name: one for name, one in named.items() if one.get("api_visibility") != CHAIN_STEP}


def _candidate(app: AppConfig, order: int, api_name: str, entry: Mapping[str, Any]) -> Candidate:
    event = app.event(api_name)
    return Candidate(
        api_name=api_name,
        order=order,
        entry=entry,
        event=event,
        inputs=read_inputs(app, entry, event),
        outputs=tuple(_outputs(app, entry, event)),
        output_ids=tuple(part and part.id for part in _output_components(app, entry, event)),
    )


def _output_components(
    app: AppConfig, entry: Mapping[str, Any], event: Dependency | None
) -> list[PageComponent | None]:
    return app.joined(event.outputs if event else (), list(entry.get("returns") or []))


def _stays_hidden(app: AppConfig, event: Dependency, part: PageComponent) -> bool:
    """Whether the page never shows an output, as far as can be told beforehand."""
    # ChatInterface's function is triggered by a button that no page shows, for the API alone.
    for_api = part.type == "json" and any(one and app.hidden(one) for one, _ in app.triggers(event))
    return app.hidden(part) and not for_api and not app.switched(part)


def _outputs(
    app: AppConfig, entry: Mapping[str, Any], event: Dependency | None
) -> Iterator[Output]:
    described = list(entry.get("returns") or [])
    components = _output_components(app, entry, event)
    # ChatInterface's /chat answers through a component that no page shows.
    all_hidden = all(part is not None and app.hidden(part) for part in components)
    for raw, part in zip(described, components, strict=True):
        kind = part.type if part else str(raw.get("component") or "").lower()
        props = {key: part.props[key] for key in _SHOWN_BY if key in part.props} if part else {}
        if part and event and part.id in event.inputs:
            props["returned"] = True
        if part and event and not all_hidden and _stays_hidden(app, event, part):
            props["visible"] = False
        label = app.text(raw.get("label") or (part.props.get("label") if part else ""))
        named = not is_empty_label(label)
        yield Output(label=label if named else "", component=kind, props=props)


def has_content(candidate: Candidate) -> bool:
    """Whether it takes a text, a file or the like."""
    return any(p.component in CONTENT_COMPONENTS for p in candidate.inputs.parameters)


def has_media(candidate: Candidate) -> bool:
    """Whether it returns a picture, a sound or the like."""
    return any(o.component in MEDIA_COMPONENTS for o in candidate.outputs)
