"""What the page runs besides an endpoint: earlier steps of its chain, and later ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Literal

from spacebot.models import EndpointStep, Output, Parameter
from spacebot.spaces.schema.app_config import AppConfig, Dependency
from spacebot.spaces.schema.component_types import (
    CONTENT_COMPONENTS,
    MEDIA_COMPONENTS,
    RESULT_COMPONENTS,
)
from spacebot.spaces.schema.selection.candidates import Candidate
from spacebot.spaces.schema.selection.endpoint_set import EndpointSet, is_lambda
from spacebot.spaces.schema.text import UniqueNames


def steps_before(endpoints: EndpointSet, candidate: Candidate) -> list[Candidate]:
    """The endpoints to call first, in order, so that it gets the same inputs as on the page."""
    event = candidate.event
    if event is None or not _can_be_linked(candidate) or _goes_without(endpoints, event):
        return []
    steps: list[Candidate] = []
    wanted, later = set(event.inputs), event
    for earlier in endpoints.app.earlier(event):
        step = endpoints.of(earlier)
        needed = wanted & set(earlier.outputs) or _only_checks(earlier, later)
        if step and needed and _can_come_first(step):
            steps.insert(0, step)
            wanted |= set(earlier.inputs)
        later = earlier
    return steps


# What somebody does to an upload field.
_UPLOAD_EVENTS = frozenset({"upload", "change", "input"})


def steps_of_uploads(
    endpoints: EndpointSet, steps: Sequence[Candidate], offered: Collection[str]
) -> list[tuple[Candidate, Any]]:
    """What the page runs once somebody fills a field that only sets what these steps take
    unasked, each with that field's id. Commands (`offered`) are left to
    themselves."""
    asked = {one.inputs.ids[p.name] for one in steps for p in one.inputs.parameters
             if p.name in one.inputs.ids}  # fmt: skip
    taken = {part for one in steps for part in _ids(one, "inputs")}
    found: list[tuple[Candidate, Any]] = []
    for event in endpoints.app.events:
        if not (taken - asked) & set(event.outputs) or event.after is not None:
            continue
        run = endpoints.of(event)
        field = next(_upload_fields(endpoints.app, event), None)
        if run and field not in taken | {None} and run.api_name not in offered and _can_set(run):
            found.append((run, field))
    return found


def _upload_fields(app: AppConfig, event: Dependency) -> Iterator[Any]:
    """The fields that a file fills whose filling starts an event which takes that file."""
    for target, name in event.targets:
        part = app.component(target)
        fills = name in _UPLOAD_EVENTS and target in event.inputs
        if fills and part and part.type in MEDIA_COMPONENTS and not app.hidden(part):
            yield target


def _can_set(step: Candidate) -> bool:
    """Whether it can be called for an upload, and shows nothing that a chat is for."""
    event = step.event
    odd = event is None or event.pointed or event.live or event.cancels or event.raw.get("js")
    return not (odd or step.inputs.problem) and _can_be_linked(step)


def _only_checks(event: Dependency, later: Dependency) -> bool:
    """Whether an event only rejects invalid input for a later one."""
    return later.when == "success" and bool(event.inputs) and not event.outputs


def steps_failing(endpoints: EndpointSet, candidate: Candidate) -> list[Candidate]:
    """The endpoints to call if this one fails, in order."""
    if candidate.event is None or not _can_be_linked(candidate):
        return []
    found = map(endpoints.of, endpoints.app.after_failure(candidate.event))
    return [one for one in found if one and _answers_failure(endpoints, one)]


def _answers_failure(endpoints: EndpointSet, step: Candidate) -> bool:
    """Whether it shows or stores something, beyond resetting the page's form."""
    kept = map(endpoints.app.component, step.event.outputs if step.event else ())
    remembers = any(part and part.type == "state" for part in kept)
    called = not step.inputs.problem and _can_be_linked(step)
    return called and (remembers or bool(_shown(step)))


# An endpoint to call at the end, with those that must have succeeded for that.
Ending = tuple[Candidate, frozenset[str]]


def steps_after(endpoints: EndpointSet, main: Sequence[Candidate]) -> list[Ending]:
    """The endpoints to call once all of `main` have ended, in order: those that show something
    new or change what `main` shows, and what these take from."""
    event = main[-1].event
    if event is None or not _can_be_linked(main[-1]):
        return []
    before = {one.id for one in (event, *endpoints.app.earlier(event))}
    found: list[Ending] = []
    unknown: set[Any] = set()
    for later, needs in endpoints.app.following(endpoints.app.root(event)):
        step = endpoints.of(later)
        if later.id in before:
            continue
        if step and _can_come_after(step) and not unknown & set(later.inputs):
            found.append((step, needs))
        else:
            unknown |= set(later.outputs)
    wanted: set[Any] = set()
    needed: list[Ending] = []
    made = _made([*main, *(one for one, _ in found)])
    for step, needs in reversed(found):
        shows = _shown_after(endpoints, main, step, made) or _overwritten(main, step)
        if shows or wanted & _ids(step, "outputs"):
            needed.insert(0, (step, needs))
            wanted |= _ids(step, "inputs")
    return needed


def _can_come_after(step: Candidate) -> bool:
    event = step.event
    odd = event is None or event.pointed or event.live or event.cancels
    return not (odd or step.inputs.problem) and _can_be_linked(step)


def _shown_after(
    endpoints: EndpointSet, main: Sequence[Candidate], step: Candidate, made: Collection[Any]
) -> tuple[int, ...]:
    """Which outputs of a later step are new to the reader: neither a field of the page's form nor
    an output of `main`."""
    own = {i for one in main for i in _ids(one, "inputs") | _ids(one, "outputs")}
    shown = _shown(step, made)
    return tuple(n for n in shown if not _is_field(endpoints, step.output_ids[n], own))


def _overwritten(main: Sequence[Candidate], step: Candidate) -> dict[int, int]:
    """Which outputs of a later step replace what `main` shows, each with its place in the answer.

    A field that somebody filled in stays as used, unless the step works on it.
    """
    *before, own = main
    shown = [
        *own.output_ids,
        *(one.output_ids[n] for at, one in enumerate(before) for n in _still_shown(main, at)),
    ]
    worked_on = _ids(step, "inputs") & {
        part
        for part, output in zip(own.output_ids, own.outputs, strict=True)
        if output.component in CONTENT_COMPONENTS
    }
    stays = {part for one in main for part in _ids(one, "inputs")} - worked_on | {None}
    places = {part: place for place, part in enumerate(shown) if part not in stays}
    return {n: places[part] for n, part in enumerate(step.output_ids) if part in places}


def _is_field(endpoints: EndpointSet, component_id: Any, own: set[Any]) -> bool:
    part = endpoints.app.component(component_id)
    if part is None or component_id in own:
        return True
    # Gradio lets people edit what an event takes, unless its author says otherwise.
    return component_id in endpoints.taken_in and part.props.get("interactive") is not False


def _ids(candidate: Candidate, side: Literal["inputs", "outputs"]) -> set[Any]:
    return set(getattr(candidate.event, side)) if candidate.event else set()


def _goes_without(endpoints: EndpointSet, event: Dependency) -> bool:
    """Whether the page runs the same without earlier steps too, or with them only for examples."""
    started = [part for part, _ in endpoints.app.triggers(event)]
    if started and all(part and part.type == "dataset" for part in started):
        return True
    form = (event.inputs, event.outputs)
    alike = (other for other in endpoints.app.events if (other.inputs, other.outputs) == form)
    return any(
        not any(set(other.inputs) & set(step.outputs) for step in endpoints.app.earlier(other))
        for other in alike
    )


def _can_come_first(step: Candidate) -> bool:
    named = not (is_lambda(step) or step.inputs.problem)
    # An event that needs to know where somebody clicked cannot be called.
    pointed = step.event is not None and step.event.pointed
    return named and not pointed and bool(step.inputs.ids) and _can_be_linked(step)


def _can_be_linked(candidate: Candidate) -> bool:
    """Whether the field of each of its inputs is known; a chat adds its history itself."""
    fields, event = set(candidate.inputs.ids.values()), candidate.event
    # A field may be taken twice.
    taken = [one for one in (event.inputs if event else ()) if one in fields]
    known = len(taken) == len(candidate.entry.get("parameters") or [])
    return known and not candidate.shows_chat and candidate.inputs.history is None


def with_steps(
    endpoints: EndpointSet, candidate: Candidate, offered: Collection[str] = ()
) -> Candidate:
    """The endpoint with the steps before it, whose inputs are asked for as its own. `offered`
    are the API names of the commands."""
    steps = steps_before(endpoints, candidate)
    linked = _can_be_linked(candidate)
    uploads = steps_of_uploads(endpoints, [*steps, candidate], offered) if linked else []
    steps = [*(one for one, _ in uploads), *steps]
    main = [*steps, candidate]
    failing = [steps_failing(endpoints, one) for one in main]
    instead = list(chain.from_iterable(failing))
    ending = steps_after(endpoints, main)
    if not (steps or instead or ending):
        return candidate
    keys = _keys([*steps, *instead, *(one for one, _ in ending)], candidate)
    own, after = _after(endpoints, main, ending, keys)
    fallbacks = [tuple(_steps(ones, keys)) for ones in failing]
    given = {one.api_name: keys[field] for one, field in uploads}
    before = tuple(
        replace(
            step,
            failing=fallback,
            goes_on=_goes_on(endpoints, one, candidate),
            given=given.get(one.api_name, ""),
        )
        for one, step, fallback in zip(main, _steps(main, keys), fallbacks, strict=True)
        if one is not candidate
    )
    asked, sent = _asked(main, before, keys)
    for one in [*instead, *(one for one, _ in ending)]:
        held = {parameter.name: parameter.default for parameter in one.inputs.parameters}
        for name, component_id in one.inputs.ids.items():
            if keys[component_id] not in asked:
                sent.setdefault(keys[component_id], {**one.inputs.constants, **held}[name])
    ids = {key: component_id for component_id, key in keys.items()}
    inputs = replace(candidate.inputs, parameters=tuple(asked.values()), constants=sent, ids=ids)
    return replace(
        candidate,
        inputs=inputs,
        outputs=(*candidate.outputs, *_outputs(steps, before)),
        before=before,
        failing=fallbacks[-1],
        after=after,
        gives_after=own.gives,
        later_outputs=(
            *_outputs(instead, list(chain.from_iterable(fallbacks))),
            *_outputs([one for one, _ in ending], after),
        ),
    )


def _asked(
    main: Sequence[Candidate], before: Sequence[EndpointStep], keys: Mapping[Any, str]
) -> tuple[dict[str, Parameter], dict[str, Any]]:
    """What is asked for these calls, and what they are sent unasked, by key."""
    asked: dict[str, Parameter] = {}
    sent: dict[str, Any] = {}
    options = UniqueNames()
    made: set[str] = set()
    uploads = {step.given for step in before}
    brings = any(p.component in CONTENT_COMPONENTS for p in main[-1].inputs.parameters)
    for one, step in zip(main, (*before, None), strict=True):
        parameters = {parameter.name: parameter for parameter in one.inputs.parameters}
        for name, component_id in one.inputs.ids.items():
            key, parameter = keys[component_id], parameters.get(name)
            if key in asked or key in sent:
                continue
            if parameter and key not in made:
                option = options.add(parameter.option)
                found = replace(parameter, name=key, option=option)
                asked[key] = _optional(found) if key in uploads and brings else found
            else:
                # If the step sets nothing, the page would send what it had.
                sent[key] = parameter.default if parameter else one.inputs.constants[name]
        made |= set(step.gives.values()) if step and not step.given else set()
    return asked, sent


def _optional(parameter: Parameter) -> Parameter:
    return replace(parameter, required=False, bare=parameter.bare or parameter.required)


def _after(
    endpoints: EndpointSet,
    main: Sequence[Candidate],
    ending: Sequence[Ending],
    keys: Mapping[Any, str],
) -> tuple[EndpointStep, tuple[EndpointStep, ...]]:
    """The endpoint's own call as the steps after it see it, and the calls for these."""
    made = _made([*main, *(one for one, _ in ending)])
    own, *steps = _steps([main[-1], *(one for one, _ in ending)], keys)
    return own, tuple(
        replace(
            step,
            needs=needs,
            shows=tuple(n for n in step.shows if n in _shown_after(endpoints, main, one, made)),
            overwrites=_overwritten(main, one),
        )
        for step, (one, needs) in zip(steps, ending, strict=True)
    )


def _goes_on(endpoints: EndpointSet, step: Candidate, candidate: Candidate) -> bool:
    """Whether the page runs what follows a step even if the step fails."""
    if candidate.event is None or step.event is None:
        return False
    later = (candidate.event, *endpoints.app.earlier(candidate.event))
    return any(event.after == step.event.id and not event.when for event in later)


def _keys(steps: Sequence[Candidate], candidate: Candidate) -> dict[Any, str]:
    """A name for the value of each component; the endpoint's own inputs keep theirs."""
    keys = {component_id: name for name, component_id in candidate.inputs.ids.items()}
    taken = UniqueNames(keys.values())
    for step in steps:
        for name, component_id in step.inputs.ids.items():
            if component_id not in keys:
                keys[component_id] = taken.add(name)
    return keys


def _steps(run: Sequence[Candidate], keys: Mapping[Any, str]) -> Iterator[EndpointStep]:
    """The calls for what the page runs one after the other."""
    for number, step in enumerate(run):
        yield EndpointStep(
            api_name=step.api_name,
            takes={name: keys[component_id] for name, component_id in step.inputs.ids.items()},
            gives={n: keys[place] for n, place in enumerate(step.output_ids) if place in keys},
            shows=_still_shown(run, number),
        )


def _still_shown(run: Sequence[Candidate], number: int) -> tuple[int, ...]:
    """Which outputs of a step belong to the result: the page shows the last value of each."""
    step = run[number]
    later = {i for one in run[number + 1 :] for i in one.output_ids} - {None}
    made = _made(run[:number])
    return tuple(n for n in _shown(step, made) if step.output_ids[n] not in later)


def _outputs(run: Sequence[Candidate], steps: Sequence[EndpointStep]) -> Iterator[Output]:
    for one, step in zip(run, steps, strict=True):
        yield from (one.outputs[number] for number in step.shows)


def _made(run: Iterable[Candidate]) -> set[Any]:
    """The components that these set without taking them in."""
    return {i for one in run for i in _ids(one, "outputs") - _ids(one, "inputs")}


def _shown(step: Candidate, made: Collection[Any] = ()) -> tuple[int, ...]:
    """Which outputs of a step belong to the result: not what somebody filled in and it gives back,
    unless an earlier step has `made` that."""
    return tuple(
        number
        for number, output in enumerate(step.outputs)
        if output.component in RESULT_COMPONENTS | {"slider"}
        and output.props.get("visible") is not False
        and not (
            output.props.get("returned")
            and output.component in CONTENT_COMPONENTS
            and step.output_ids[number] not in made
        )
    )
