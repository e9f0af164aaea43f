"""What a page runs and its API leaves out: steps of chains, and what an upload sets off.

Their `api_name` is False. The page runs them by their number, as it runs every event, and so
can a job. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from spacebot.models import CHAIN_STEP
from spacebot.spaces.client.legacy.describe import complete, described_part, is_skipped

MAX_STEPS = 200


def with_step_names(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config whose steps all have a name that gradio_client calls."""
    events = config["dependencies"]
    chained = {event.get("trigger_after") for event in events} - {None}
    return {
        **config,
        "dependencies": [
            _named(number, event)
            if event.get("id", number) in chained or _is_step(event)
            else event
            for number, event in enumerate(events)
        ],
    }


def _is_step(event: Mapping[str, Any]) -> bool:
    started = {name for _, name in event.get("targets") or ()}
    return event.get("trigger_after") is not None or "upload" in started or "change" in started


def _named(number: int, event: Mapping[str, Any]) -> Mapping[str, Any]:
    runs = event.get("backend_fn") is not False
    hidden = event.get("api_visibility") == "private" or event.get("api_name") is False
    if not (runs and hidden):
        return event
    # No function's name can begin with a digit.
    name = f"{event.get('id', number)}_step"
    return {**event, "api_name": name, "api_visibility": "undocumented"}


def with_steps(config: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
    """An API description with the steps that it leaves out: of its endpoints' chains, and those
    that give its endpoints what they take."""
    described = info["named_endpoints"]
    events = {event.get("id", n): event for n, event in enumerate(config["dependencies"])}
    roots = _roots(events)
    known = [n for n, event in events.items() if f"/{event.get('api_name')}" in described]
    chains = {roots[number] for number in known}
    taken = {part for number in known for part in events[number]["inputs"]}
    parts = {part["id"]: part for part in config["components"]}
    missing = {
        f"/{event['api_name']}": event
        for number, event in events.items()
        if event.get("backend_fn") is not False and event.get("api_name")
        if roots[number] in chains or taken & set(event["outputs"])
    }
    steps = {name: _entry(one, parts) for name, one in _first(missing, described)}
    return {**info, "named_endpoints": {**described, **steps}}


def _first(
    events: Mapping[str, Mapping[str, Any]], known: Iterable[str]
) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, one) for name, one in events.items() if name not in known][:MAX_STEPS]


def _roots(events: Mapping[Any, Mapping[str, Any]]) -> dict[Any, Any]:
    """The first event of each event's chain; a hostile app's chain may be a circle."""
    roots: dict[Any, Any] = {}
    for number in events:
        path: dict[Any, None] = {}
        while number not in roots and number not in path:
            path[number] = None
            before = events[number].get("trigger_after")
            if before not in events:
                break
            number = before
        roots |= dict.fromkeys(path, roots.get(number, number))
    return roots


def _entry(event: Mapping[str, Any], parts: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    inputs, outputs = (
        [part for part in map(parts.get, event[side]) if part and not is_skipped(part)]
        for side in ("inputs", "outputs")
    )
    parameters = [_described(part) for part in inputs]
    complete(parameters, inputs)
    returns = [_described(part) for part in outputs]
    return {"parameters": parameters, "returns": returns, "api_visibility": CHAIN_STEP}


def _described(part: Mapping[str, Any]) -> dict[str, Any]:
    schema = part.get("api_info_as_input", part.get("api_info")) or {}
    return {**described_part(part, "value"), "type": schema}
