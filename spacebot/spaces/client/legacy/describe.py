"""Turns the description of an older Gradio into that of a current one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spacebot.errors import SpaceUnavailable
from spacebot.spaces.client.legacy.values import from_legacy

# Gradio 3's protocol, which its config does not name.
LEGACY_PROTOCOL = "ws"
OLDEST_VERSION = (3, 2)
# Components that the API leaves out, by their names in any version of Gradio 3.
_SKIPPED = frozenset(
    {"state", "variable", "row", "column", "tabs", "tab", "tabitem", "box", "form", "accordion"}
    | {"group", "interpretation", "dataset", "statustracker"}
)
_PRESSED = frozenset({"button", "duplicatebutton", "clearbutton"})
# What gradio_client would misread: Gradio 3 writes it differently from current versions.
_UNREADABLE = ("api_info", "serializer", "example_inputs")


def embedded_config(page: str) -> str:
    """The JSON of the config in a page of Gradio 3; raises `ValueError` if there is none."""
    _, _, rest = page.partition("window.gradio_config = ")
    script, ending, _ = rest.partition("</script>")
    if not ending:
        raise ValueError("no Gradio config there")
    return script.rstrip().removesuffix(";")


def present_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A `/config` as a current Gradio writes it; raises `SpaceUnavailable` for one too old."""
    if not config.keys() & {"version", "dependencies", "input_components"}:
        raise ValueError("not the config of a Gradio app")
    version = _version(config)
    if config.get("protocol", LEGACY_PROTOCOL) != LEGACY_PROTOCOL:
        return _with_unrendered(_with_pairs(config) if version[0] == 4 else config)
    if "dependencies" not in config or version < OLDEST_VERSION:
        # The author may have written anything after the numbers.
        found = re.match(r"\d[\d.]{0,19}", str(config.get("version") or "").strip())
        named = found[0] if found else "2"
        raise SpaceUnavailable(
            f"This Space runs Gradio {named}, which is too old for this bot: it needs 3.2 or "
            "newer. Ask the Space's author to update it."
        ).for_good()
    present = {
        **config,
        "components": [_legacy_component(part) for part in config["components"]],
        "dependencies": list(_dependencies(config)),
    }
    return _with_unrendered(present)


def _with_unrendered(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config with every component that an event names.

    A component that its author never rendered is missing, and gradio_client would fail on it.
    """
    known = {part["id"] for part in config["components"]}
    named = (i for e in config["dependencies"] for i in (*e["inputs"], *e["outputs"]))
    missing = [part for part in dict.fromkeys(named) if part not in known]
    stubs = [{"id": i, "type": "unrendered", "props": {}, "skip_api": True} for i in missing]
    return {**config, "components": [*config["components"], *stubs]}


def present_info(config: Mapping[str, Any], info: Mapping[str, Any] | None) -> dict[str, Any]:
    """The API description of a `present_config`: its own (`info`), completed.

    Gradio 3 derives its own from the config, and so does this.
    """
    parts = {part["id"]: part for part in config["components"]}
    if info is None:
        return {"named_endpoints": dict(_endpoints(config, parts)), "unnamed_endpoints": {}}
    events = {f"/{one.get('api_name')}": one for one in config["dependencies"]}
    for name, endpoint in info["named_endpoints"].items():
        lacking = [one for one in endpoint["parameters"] if "parameter_name" not in one]
        if lacking:
            inputs = [parts[each] for each in events.get(name, {}).get("inputs", ())]
            complete(endpoint["parameters"], [part for part in inputs if not is_skipped(part)])
    return dict(info)


def complete(parameters: Sequence[dict[str, Any]], parts: Sequence[Mapping[str, Any]]) -> None:
    """Name parameters after their labels, and give them the defaults of their components."""
    taken: list[str] = []
    for number, parameter in enumerate(parameters):
        name = parameter.get("parameter_name") or _unique(_named(parameter["label"]), taken)
        taken.append(name)
        part = parts[number] if len(parts) == len(parameters) else {"props": {}}
        default = part["props"].get("value")
        parameter["parameter_name"] = name
        parameter.setdefault("parameter_has_default", default is not None)
        parameter.setdefault("parameter_default", default)


def _with_pairs(config: Mapping[str, Any]) -> dict[str, Any]:
    """A Gradio 4 config whose chatbots are marked as holding pairs, which is
    implicit before 4.44."""
    components = [
        {**part, "props": {"type": "tuples", **part["props"]}}
        if part["type"] == "chatbot"
        else part
        for part in config["components"]
    ]
    return {**config, "components": components}


def _legacy_component(part: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(part["type"]).lower()
    props = {**part["props"], "value": from_legacy(part["props"].get("value"), kind)}
    if kind == "chatbot":
        props["type"] = "tuples"
    kept = {key: value for key, value in part.items() if key not in _UNREADABLE}
    shown = "state" if kind == "variable" else part["type"]
    return {**kept, "type": shown, "props": props, "skip_api": kind in _SKIPPED | _PRESSED}


def is_skipped(part: Mapping[str, Any]) -> bool:
    """Whether the API leaves a component out."""
    return bool(part.get("skip_api", part["type"] in _SKIPPED))


def _dependencies(config: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The events; those without an API name, the rule in Gradio 3, are named after their button."""
    events: Sequence[Mapping[str, Any]] = config["dependencies"]
    taken = [str(event["api_name"]) for event in events if event.get("api_name")]
    for index, event in enumerate(events):
        name = event.get("api_name")
        if not event.get("backend_fn", True):
            name = False
        elif name is None or name == "":
            name = _unique(_on_the_page(config, index) or f"fn_{index}", taken)
            taken.append(name)
        yield {**event, "id": index, "api_name": name, "targets": _targets(event)}


def _targets(event: Mapping[str, Any]) -> list[list[Any]]:
    """What triggers an event, as (component id, event name).

    Up to Gradio 3.40, an event has one trigger for all its components, and none of them if the
    page's load triggers it.
    """
    trigger, targets = event.get("trigger"), event.get("targets") or ()
    if trigger == "load" and not targets:
        return [[None, trigger]]
    return [[*each] if isinstance(each, list) else [each, trigger] for each in targets]


def _on_the_page(config: Mapping[str, Any], index: int) -> str:
    """The text on the button that triggers an event, or the chain that it belongs to."""
    events = config["dependencies"]
    for _ in events:
        after = events[index].get("trigger_after")
        if not isinstance(after, int) or not 0 <= after < len(events):
            break
        index = after
    parts = {part["id"]: part for part in config["components"]}
    for part in (parts[target] for target, _ in _targets(events[index]) if target in parts):
        if (
            part["type"] in _PRESSED | {"uploadbutton"}
            and (name := _named(part["props"].get("value"))) != "value"
        ):
            return name
    return ""


def _endpoints(
    config: Mapping[str, Any], parts: Mapping[Any, Mapping[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for event in config["dependencies"]:
        ids = (*event["inputs"], *event["outputs"])
        if event["api_name"] is False or any(each not in parts for each in ids):
            continue
        inputs, outputs = (
            [parts[each] for each in event[side] if not is_skipped(parts[each])]
            for side in ("inputs", "outputs")
        )
        parameters = [described_part(part, "parameter") for part in inputs]
        complete(parameters, inputs)
        entry = {"parameters": parameters, "returns": [described_part(p, "value") for p in outputs]}
        shown = "public" if event.get("show_api", True) else "undocumented"
        yield f"/{event['api_name']}", {**entry, "api_visibility": shown}


def described_part(part: Mapping[str, Any], what: str) -> dict[str, Any]:
    """A component as an API description has it, without its schema."""
    label = part["props"].get("label") or f"{what}_{part['id']}"
    return {"label": str(label), "type": {}, "component": str(part["type"]).capitalize()}


def _named(label: Any) -> str:
    """A label as a parameter's name, as gradio_client itself wrote it for Gradio 3."""
    words = re.sub(r"[^\w ]", "", str(label or "").replace("-", " ")).lower().split()
    return "_".join(words) or "value"


def _unique(name: str, taken: Sequence[str]) -> str:
    number, found = 0, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def _version(config: Mapping[str, Any]) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", str(config.get("version", "")).strip())
    return tuple(map(int, found.groups())) if found else (0, 0)
