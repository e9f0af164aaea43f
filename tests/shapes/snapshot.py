"""The commands of the recorded apps as text that a person can review."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from spacebot.errors import EndpointGone, SettingsError
from spacebot.models import Endpoint, FollowUp, Parameter, Source, Space
from spacebot.spaces.schema import command_name, read_space

HEAD = """\
The commands that the recorded apps give; made by `python -m tests.shapes.record`.

    /command endpoint  [API name]  what it does
      * required option: component = default, choices or bounds | description
        optional option
      = sent unasked
      < what is called first
      ^ what its page does before, or does not, and why
      > outputs
      ▸ a button under the result, and what it takes from where
      - left out: why
"""


def commands(recorded: Mapping[str, Any]) -> str:
    """One paragraph per app."""
    return "\n".join([HEAD, *(_shape(name, raw) for name, raw in recorded.items())])


def _shape(name: str, raw: Mapping[str, Any]) -> str:
    source = Source(**raw["source"])
    told = ", ".join(f"{key} {value}" for key, value in raw["source"].items())
    try:
        lines = list(_space(read_space(source, raw["config"], raw["info"])))
    except (EndpointGone, SettingsError) as error:
        lines = [f"! {error}"]
    return "\n".join([f"## {name}: {told}", *lines, ""])


def _space(space: Space) -> Iterator[str]:
    yield f"/{space.name}  “{space.title}”"
    for endpoint in space.endpoints:
        yield from _endpoint(command_name(space, endpoint), endpoint)
    for left in _gathered(space):
        yield f"    - {left}"


def _gathered(space: Space) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for left in space.excluded:
        reasons.setdefault(left.reason, []).append(left.api_name)
    for reason, names in reasons.items():
        more = f" and {len(names) - 4} more" if len(names) > 5 else ""
        yield f"{', '.join(names[:4] if more else names)}{more}: {reason}"


def _endpoint(command: str, endpoint: Endpoint) -> Iterator[str]:
    traits = [word for word in ("streams", "stateful") if getattr(endpoint, word)]
    told = f" ({', '.join(traits)})" if traits else ""
    yield f"  {command}  [{endpoint.api_name}]{told}  {endpoint.description}"
    shown = endpoint.parameters if len(endpoint.parameters) < 40 else endpoint.parameters[:4]
    for parameter in shown:
        yield f"      {_parameter(parameter)}"
    if len(shown) < len(endpoint.parameters):
        yield f"        … and {len(endpoint.parameters) - len(shown)} more"
    for name, value in endpoint.constants.items():
        yield f"      = {name}: {_value(value)}"
    for step in endpoint.before:
        gives = ", ".join(sorted(step.gives.values()))
        yield f"      < {step.api_name}: {gives}"
    yield from _page(endpoint)
    outputs = [
        f"{o.label} ({o.component}{', hidden' if o.props.get('visible') is False else ''})".strip()
        for o in endpoint.outputs
    ]
    yield f"      > {', '.join(outputs) or 'nothing'}"
    yield from map(_follow_up, endpoint.then)


def _follow_up(one: FollowUp) -> str:
    take = [f"{name} from {source}" for name, source in one.take.items()]
    index = [f"{one.index} by the button, at most {one.each} for output {one.of}"]
    return f"      ▸ {one.label} [{one.endpoint}] {', '.join(take + index * bool(one.index))}"


def _page(endpoint: Endpoint) -> Iterator[str]:
    """The page events that run before it, and those that do not."""
    page = endpoint.page
    if page is not None:
        labels = list(dict.fromkeys(event.label for event in page.events))
        yield from (f"      ^ {label}" for label in labels[:6])
        if len(labels) > 6:
            yield f"      ^ and {len(labels) - 6} more"
        yield from (f"      ^ not: {one.api_name}: {one.reason}" for one in page.excluded)


def _parameter(parameter: Parameter) -> str:
    default = "" if parameter.required else f" = {_value(parameter.default)}"
    facts = ", ".join(filter(None, (_bounds(parameter), *_traits(parameter))))
    text = f"{'*' if parameter.required else ' '} {parameter.option}: {parameter.component}"
    text += default + (f", {facts}" if facts else "")
    return text + (f" | {parameter.description}" if parameter.description else "")


def _bounds(parameter: Parameter) -> str:
    low, high = parameter.minimum, parameter.maximum
    if low is None and high is None:
        return ""
    step = f" by {parameter.step:g}" if parameter.step else ""
    return f"{'' if low is None else low}…{'' if high is None else high}{step}"


def _traits(parameter: Parameter) -> Iterator[str]:
    if parameter.choices:
        first = " ".join(f"{choice.label!r}" for choice in parameter.choices[:3])
        yield f"{len(parameter.choices)} choices {first}"
    for word in ("custom", "multiple", "secret", "live"):
        if getattr(parameter, word):
            yield word
    if parameter.max_length:
        yield f"at most {parameter.max_length} characters"
    if parameter.file_types:
        yield " ".join(parameter.file_types)


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"
