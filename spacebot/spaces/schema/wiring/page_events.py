"""The events of a Space's page that set an endpoint's inputs: on load, and on change.

A browser runs them before anybody presses the button, and no API client does: the second of two
dependent lists, voices that are filled in when the page opens, a mode that the open tab determines.
`spaces.replay` runs them for a job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from spacebot.models import ExcludedEndpoint, PageEvent, PageLogic, Parameter
from spacebot.spaces.inputs import LIMITED_COMPONENTS
from spacebot.spaces.schema.app_config import MAX_CHAIN, AppConfig, Dependency, stem
from spacebot.spaces.schema.selection.candidates import Candidate
from spacebot.spaces.schema.selection.endpoint_set import EndpointSet, is_lambda
from spacebot.spaces.schema.wiring import javascript

# What a person does to a field by filling it in; setting a field changes it.
FILL_EVENTS = ("focus", "change", "input", "select", "release", "upload", "blur")
# Components whose events report the selection, which is known here.
_PICKED = frozenset({"dropdown", "radio", "tab", "tabitem"})


class Commands:
    """The endpoints that become commands; an event that does the same as one is in it."""

    def __init__(self, kept: Sequence[Candidate]) -> None:
        events = [(candidate, candidate.event) for candidate in kept if candidate.event]
        self._ids = {event.id for _, event in events}
        self._functions = {
            (candidate.stem, frozenset(event.outputs))
            for candidate, event in events
            if not is_lambda(candidate)
        }

    def __contains__(self, event: Dependency) -> bool:
        function = (stem(event.api_name), frozenset(event.outputs))
        return event.id in self._ids or function in self._functions


def page_of(endpoints: EndpointSet, candidate: Candidate, commands: Commands) -> PageLogic | None:
    """What the page does before an endpoint runs; None if that sets none of its inputs."""
    app, fields = endpoints.app, _fields(endpoints.app, candidate)
    opens = _tabs(app, candidate)
    reachable = _reachable(app, {*fields.values(), *opens})
    uploads = {step.api_name.strip("/") for step in candidate.before if step.given}
    needed = _needed_events(app, _inputs(endpoints, candidate), reachable)
    needed = [event for event in needed if event.api_name not in uploads]
    found, left_out = _split_runnable(app, needed, commands)
    presses = [
        event for event in _button_events(app, candidate) if not _why_not(app, event, commands)
    ]
    found += [event for event in presses if event not in found]
    if not found and not left_out:
        return None
    late = frozenset(name for name, part in fields.items() if any(part in e.outputs for e in found))
    depends = {name: _depends(found, fields, name) for name in late}
    return PageLogic(
        events=tuple(_page_event(app, event) for event in found),
        fields=_in_order(fields, depends),
        start={part: _start(app, part) for e in found for part in (*e.inputs, *e.outputs)}
        | {part: _start(app, part) for part in fields.values()},
        late=late,
        depends=depends,
        opens=tuple(part for part in opens if any(part in dict(e.targets) for e in found)),
        excluded=tuple(left_out),
        presses=tuple(event.id for event in presses),
    )


def _button_events(app: AppConfig, candidate: Candidate) -> list[Dependency]:
    """The earlier steps of the button's chain that only set hidden inputs, such as its mode."""
    event, ids = candidate.event, candidate.inputs.ids
    if event is None:
        return []
    unasked = {ids[name] for name in candidate.inputs.constants if name in ids}
    unasked |= {i for i in event.inputs if (part := app.component(i)) and part.type == "state"}
    steps = {step.api_name.strip("/") for step in candidate.before}
    return [
        one
        for one in reversed(list(app.earlier(event)))
        if not one.inputs and one.outputs and unasked.issuperset(one.outputs)
        if not one.api_name or one.api_name not in steps
    ]


def opening_of(endpoints: EndpointSet, kept: Sequence[Candidate]) -> PageLogic | None:
    """What the page's load events set of endpoints' inputs, and whether these are shown.

    None if that is nothing.
    """
    app = endpoints.app
    inputs = {part for candidate in kept for part in _inputs(endpoints, candidate)}
    inputs = {part for part in inputs if (one := app.component(part)) and one.type != "state"}
    around = {block.id for part in inputs for block in app.above(part)}
    needed = _needed_events(app, inputs | around, _reachable(app, ()))
    found, _ = _split_runnable(app, needed, Commands(kept))
    if not found:
        return None
    return PageLogic(
        events=tuple(_page_event(app, event) for event in found),
        start={part: _start(app, part) for e in found for part in (*e.inputs, *e.outputs)},
    )


def is_loaded(opening: PageLogic | None, page: PageLogic, parameter: Parameter) -> bool:
    """Whether an event that runs when the page opens sets a parameter."""
    part = page.fields.get(parameter.name)
    return opening is not None and any(part in event.gives for event in opening.events)


def is_live(page: PageLogic, parameter: Parameter) -> bool:
    """Whether a parameter's choices or bounds can change with the values of others, or are known
    only once the page is open."""
    picks = parameter.component not in ("slider", "number")
    unknown = picks and not parameter.choices and parameter.name in page.late
    return parameter.component in LIMITED_COMPONENTS and (
        unknown or bool(page.depends.get(parameter.name))
    )


def _fields(app: AppConfig, candidate: Candidate) -> dict[str, Any]:
    """Component ids by parameter, in the page's order; a repeated component is left out."""
    place = {part: number for number, part in enumerate(app.components)}
    ids = candidate.inputs.ids
    # No event can change what the button's own JavaScript passes on.
    ids = {name: part for name, part in ids.items() if name not in candidate.inputs.pressed}
    return dict(sorted(ids.items(), key=lambda item: place.get(item[1], 0)))


def _inputs(endpoints: EndpointSet, candidate: Candidate) -> set[Any]:
    """Ids of all that it takes, states and those of the steps before it included."""
    events = [candidate.event, *(endpoints.app.event(step.api_name) for step in candidate.before)]
    return {part for event in events if event for part in event.inputs}


def _tabs(app: AppConfig, candidate: Candidate) -> tuple[Any, ...]:
    """Ids of the tabs that a person opens to reach the endpoint's button, the outer first."""
    buttons = [target for target, _ in app.root(candidate.event).targets] if candidate.event else []
    for part in buttons:
        found = [block.id for block in app.above(part) if block.type in ("tab", "tabitem")]
        if found:
            return tuple(reversed(found))
    return ()


def _reachable(app: AppConfig, filled: Collection[Any]) -> set[Any]:
    """Ids of the events that run when the page opens and somebody fills in these fields."""
    reached: set[Any] = set()
    fresh = [*app.loads, *(e for part in filled for on in FILL_EVENTS for e in app.on(part, on))]
    for _ in range(MAX_CHAIN):
        fresh = [event for event in fresh if event.id not in reached]
        reached |= {event.id for event in fresh}
        changed = {part for event in fresh for part in event.outputs}
        fresh = [
            *(later for event in fresh for later in app.right_after(event)),
            *(event for part in changed for event in app.on(part, "change")),
        ]
    return reached


def _needed_events(
    app: AppConfig, wanted: set[Any], reachable: Collection[Any]
) -> list[Dependency]:
    """The events that lead to the wanted components, in the page's order."""
    wanted, found = set(wanted), set()
    for _ in range(MAX_CHAIN):
        fresh = [
            event
            for event in app.events
            if event.id in reachable and event.id not in found and wanted & set(event.outputs)
        ]
        if not fresh:
            break
        for event in fresh:
            for one in (event, *app.earlier(event)):
                found.add(one.id)
                wanted |= {*one.inputs, *(part for part, _ in one.targets)}
    return [event for event in app.events if event.id in found]


def _split_runnable(
    app: AppConfig, needed: Sequence[Dependency], commands: Commands
) -> tuple[list[Dependency], list[ExcludedEndpoint]]:
    """The events that can be run, and why the others are not."""
    found: list[Dependency] = []
    left_out: list[ExcludedEndpoint] = []
    for event in needed:
        before = event.after is None or any(one.id == event.after for one in found)
        if not before or event.live or event.cancels:
            continue
        if why := _why_not(app, event, commands):
            left_out.append(ExcludedEndpoint(_label(app, event), why))
        else:
            found.append(event)
    return found, left_out


def _why_not(app: AppConfig, event: Dependency, commands: Commands) -> str:
    if event in commands:
        return "it is a command by itself"
    if event.raw.get("zerogpu"):
        return "it runs on a GPU"
    if event.raw.get("js") and _constant(event) is None:
        return "it needs the page's JavaScript"
    parts = [app.component(part) for part, name in event.targets if name in FILL_EVENTS]
    if event.pointed and not any(part and part.type in _PICKED for part in parts):
        return "it needs to know where somebody clicked"
    return ""


def _depends(events: Sequence[Dependency], fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The other parameters that determine one, in the page's order."""
    wanted, seen = {fields[name]}, set()
    by_id = {event.id: event for event in events}
    for _ in range(MAX_CHAIN):
        fresh = [e for e in events if e.id not in seen and wanted & set(e.outputs)]
        if not fresh:
            break
        for event in fresh:
            seen.add(event.id)
            root = _root(event, by_id)
            wanted |= {*event.inputs, *(part for part, _ in root.targets)}
    return tuple(other for other, part in fields.items() if part in wanted and other != name)


def _root(event: Dependency, by_id: Mapping[Any, Dependency]) -> Dependency:
    """The first event of its chain among these; a hostile app's chain may be a circle."""
    for _ in range(MAX_CHAIN):
        if event.after not in by_id:
            break
        event = by_id[event.after]
    return event


def _in_order(fields: Mapping[str, Any], depends: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The fields in the page's order, but each after those that determine it."""
    ordered: dict[str, Any] = {}

    def add(name: str, above: tuple[str, ...]) -> None:
        if name in ordered or name in above:
            return
        for other in depends.get(name, ()):
            add(other, (*above, name))
        ordered[name] = fields[name]

    for name in fields:
        add(name, ())
    return ordered


def _page_event(app: AppConfig, event: Dependency) -> PageEvent:
    return PageEvent(
        index=event.id,
        label=_label(app, event),
        on=event.targets,
        takes=event.inputs,
        gives=event.outputs,
        after=event.after,
        when=event.when,
        queued=event.raw.get("queue") is not False,
        pointed=event.pointed,
        constant=_constant(event),
    )


def _constant(event: Dependency) -> tuple[Any, ...] | None:
    """The values that an event's JavaScript sets, if that is all it does."""
    if event.raw.get("backend_fn") is not False:
        return None
    return javascript.constant_results(event.raw.get("js"), len(event.outputs))


def _label(app: AppConfig, event: Dependency) -> str:
    """What an event does, in words: "Country sets City"."""
    started = list(dict.fromkeys(_named(app, app.root(event))))
    sets = [app.text(part.props.get("label")) for part in app.asked(event.outputs)]
    what = " and ".join(started[:3]) or "the page"
    return f"{what} sets {', '.join(filter(None, sets[:5])) or 'a hidden value'}"


def _named(app: AppConfig, event: Dependency) -> Iterator[str]:
    for target, name in event.targets:
        part = app.component(target)
        label = app.text(part.props.get("label")) if part else ""
        yield "opening the page" if name == "load" else label or "a field"


def _start(app: AppConfig, component_id: Any) -> Any:
    part = app.built.get(component_id)
    return part.props.get("value") if part and part.type != "state" else None
