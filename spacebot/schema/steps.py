"""What comes before an endpoint on the page: earlier steps of its chain whose results it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from spacebot.models import Parameter, Step
from spacebot.schema.app import Event
from spacebot.schema.candidates import Candidate
from spacebot.schema.kinds import CONTENT, RESULTS
from spacebot.schema.words import unique_name
from spacebot.schema.yard import Yard, is_lambda


def steps_before(yard: Yard, candidate: Candidate) -> list[Candidate]:
    """The endpoints to call first, in order, so that it gets what it gets on the page."""
    event = candidate.event
    if event is None or not _can_be_linked(candidate) or _goes_without(yard, event):
        return []
    steps: list[Candidate] = []
    wanted = set(event.inputs)
    for earlier in yard.app.earlier(event):
        step = next((one for one in yard.candidates if one.event is earlier), None)
        if step and wanted & set(earlier.outputs) and _can_come_first(step):
            steps.insert(0, step)
            wanted |= set(earlier.inputs)
    return steps


def _goes_without(yard: Yard, event: Event) -> bool:
    """Whether the page runs the same without earlier steps too, or with them for examples alone."""
    started = [part for part, _ in yard.app.triggers(event)]
    if started and all(part and part.type == "dataset" for part in started):
        return True
    form = (event.inputs, event.outputs)
    alike = (other for other in yard.app.events if (other.inputs, other.outputs) == form)
    return any(
        not any(set(other.inputs) & set(step.outputs) for step in yard.app.earlier(other))
        for other in alike
    )


def _can_come_first(step: Candidate) -> bool:
    named = not (is_lambda(step) or step.undocumented or step.inputs.problem)
    # One that has to know where somebody clicked cannot be called.
    pointed = step.event is not None and step.event.pointed
    return named and not pointed and bool(step.inputs.ids) and _can_be_linked(step)


def _can_be_linked(candidate: Candidate) -> bool:
    """Whether each of its inputs is a field of its own; a chat brings its history itself."""
    fields = set(candidate.inputs.ids.values())
    known = len(fields) == len(candidate.entry.get("parameters") or [])
    shows = any(output.component == "chatbot" for output in candidate.outputs)
    return known and not shows and candidate.inputs.history is None


def with_steps(yard: Yard, candidate: Candidate) -> Candidate:
    """The endpoint with the steps before it, whose inputs are asked for as its own."""
    steps = steps_before(yard, candidate)
    if not steps:
        return candidate
    keys = _keys(steps, candidate)
    before = tuple(_step(step, keys) for step in steps)
    asked: dict[str, Parameter] = {}
    sent: dict[str, Any] = {}
    made: set[str] = set()
    for one, step in zip((*steps, candidate), (*before, None), strict=True):
        parameters = {parameter.name: parameter for parameter in one.inputs.parameters}
        for name, component_id in one.inputs.ids.items():
            key, parameter = keys[component_id], parameters.get(name)
            if key in asked or key in sent:
                continue
            if parameter and key not in made:
                asked[key] = _renamed(parameter, key, asked)
            else:
                # Where the step sets nothing, the page would send what it held.
                sent[key] = parameter.default if parameter else one.inputs.constants[name]
        made |= set(step.gives.values()) if step else set()
    inputs = replace(candidate.inputs, parameters=tuple(asked.values()), constants=sent)
    shown = [one.outputs[n] for one, step in zip(steps, before, strict=True) for n in step.shows]
    return replace(candidate, inputs=inputs, outputs=(*candidate.outputs, *shown), before=before)


def _keys(steps: Sequence[Candidate], candidate: Candidate) -> dict[Any, str]:
    """A name for the value of each component; the endpoint's own inputs keep theirs."""
    keys = {component_id: name for name, component_id in candidate.inputs.ids.items()}
    for step in steps:
        for name, component_id in step.inputs.ids.items():
            if component_id not in keys:
                keys[component_id] = unique_name(name, keys.values())
    return keys


def _step(step: Candidate, keys: Mapping[Any, str]) -> Step:
    outputs = list(enumerate(zip(step.outputs, step.output_ids, strict=True)))
    return Step(
        api_name=step.api_name,
        takes={name: keys[component_id] for name, component_id in step.inputs.ids.items()},
        gives={number: keys[place] for number, (_, place) in outputs if place in keys},
        shows=tuple(
            number
            for number, (output, _) in outputs
            if output.component in RESULTS | {"slider"}
            and output.props.get("visible") is not False
            and not (output.props.get("returned") and output.component in CONTENT)
        ),
    )


def _renamed(parameter: Parameter, key: str, others: Mapping[str, Parameter]) -> Parameter:
    taken = [other.option for other in others.values()]
    return replace(parameter, name=key, option=unique_name(parameter.option, taken))
