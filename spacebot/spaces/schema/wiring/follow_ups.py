"""Endpoints that need another one's output: buttons under its result.

The page's wiring shows them: an input that nobody can fill in, since the page hides it or only
displays something there, and that is an output of the other endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacebot.models import FollowUp, Source
from spacebot.spaces.schema.component_types import CONTENT_COMPONENTS, DISPLAY_COMPONENTS
from spacebot.spaces.schema.required import is_empty
from spacebot.spaces.schema.selection.candidates import Candidate
from spacebot.spaces.schema.selection.endpoint_set import BUTTON_EVENTS, EndpointSet
from spacebot.spaces.schema.text import spaced_words

# How many buttons may number the items of a result, at most.
_MAX_NUMBERED_BUTTONS = 4
# Discord allows five rows of five buttons; the last row is for every result's own.
_MAX_BUTTONS = 20
_MAX_LABEL_LENGTH = 60
_INDEX = re.compile(r"\b(index|idx|selected|selection)\b", re.I)
# Events by which a page fills in a hidden field without another endpoint.
_FILLS = frozenset({"load", "upload", "change", "input", "select", "release", "blur", "tick"})


@dataclass(frozen=True, slots=True)
class FollowUpLink:
    """One endpoint under the result of another; `alone` says that there is no
    other way to call it."""

    first: Candidate
    then: Candidate
    follow_up: FollowUp
    alone: bool


def follow_up_links(
    endpoints: EndpointSet, kept: Sequence[Candidate], offered: Sequence[Candidate], source: Source
) -> list[FollowUpLink]:
    """Which of the endpoints on offer continue from the results of the remaining ones."""
    found: list[FollowUpLink] = []
    for then in offered:
        if then.inputs.problem or not then.event or not endpoints.events(then) & BUTTON_EVENTS:
            continue
        carried = _carried_inputs(endpoints, then)
        for first in kept if carried else ():
            if carried <= first.gives and _can_go_first(endpoints, first, then):
                alone = _needs_no_more(first, then)
                found.append(
                    FollowUpLink(first, then, _follow_up(endpoints, first, then, source), alone)
                )
    return found


def button_only(found: Sequence[FollowUpLink], kept: Sequence[Candidate]) -> dict[str, str]:
    """The endpoints that are only buttons, by API name: why they are not commands."""
    only = {link.then.api_name for link in found if link.alone}
    reached = {one.api_name for one in kept if one.api_name not in only}
    reasons: dict[str, str] = {}
    while more := [
        link
        for link in found
        if link.first.api_name in reached and link.then.api_name not in reached
    ]:
        for link in more:
            reached.add(link.then.api_name)
            said = f"it is a button under the result of {link.first.api_name}"
            reasons.setdefault(link.then.api_name, said)
    return {name: why for name, why in reasons.items() if name in only}


def follow_ups_of(
    found: Sequence[FollowUpLink], candidate: Candidate, source: Source
) -> tuple[FollowUp, ...]:
    """The buttons under the result of an endpoint: the owner's own, then the page's."""
    chosen, declared = list(source.then), set(_endpoints(source.then))
    for link in found:
        one = link.follow_up
        labels = {other.label for other in chosen}
        room = sum(other.each for other in chosen) + one.each <= _MAX_BUTTONS
        own = link.first.api_name == candidate.api_name
        if own and room and one.endpoint not in declared and one.label not in labels:
            chosen.append(one)
    return tuple(chosen)


def _endpoints(then: Sequence[FollowUp]) -> Iterator[str]:
    """The endpoints that the owner put under a result, or under a follow-up of it."""
    for one in then:
        yield one.endpoint
        yield from _endpoints(one.then)


def _carried_inputs(endpoints: EndpointSet, candidate: Candidate) -> set[Any]:
    """The component ids of its inputs that are empty until another endpoint fills them."""
    app = endpoints.app
    chain = {one.event.id for one in endpoints.chain(candidate) if one.event}
    found: set[Any] = set()
    for part in map(app.component, candidate.inputs.ids.values()):
        if part is None or not is_empty(part.props.get("value")):
            continue
        unfillable = app.hidden(part) and not app.switched(part)
        makers = [event for event in app.events if part.id in event.outputs]
        by_page = any(e.id in chain or {n for _, n in app.root(e).targets} & _FILLS for e in makers)
        if makers and not by_page and (unfillable or part.type in DISPLAY_COMPONENTS):
            found.add(part.id)
    return found


def _can_go_first(endpoints: EndpointSet, first: Candidate, then: Candidate) -> bool:
    other = first.api_name != then.api_name and not first.shows_chat
    return other and bool(endpoints.events(first) & BUTTON_EVENTS)


def _needs_no_more(first: Candidate, then: Candidate) -> bool:
    """Whether all its inputs come from the other endpoint's inputs or outputs."""
    known = first.gives | set(first.inputs.ids.values())
    asked = [
        one
        for one in then.inputs.parameters
        if one.required and one.component in CONTENT_COMPONENTS
    ]
    return all(then.inputs.ids.get(one.name) in known for one in asked)


def _follow_up(
    endpoints: EndpointSet, first: Candidate, then: Candidate, source: Source
) -> FollowUp:
    names = {place: name for name, place in first.inputs.ids.items()}
    outputs = {place: n for n, place in enumerate(first.output_ids) if place is not None}
    take: dict[str, int | str] = {}
    for name, place in then.inputs.ids.items():
        if place in outputs:
            take[name] = outputs[place]
        elif place in names:
            take[name] = names[place]
    index, several = next(_indices(endpoints, first, then, take), (None, None))
    fixed = {n: v for n, v in source.fixed.items() if n in then.inputs.ids and n not in take}
    return FollowUp(
        label=_label(endpoints, then),
        endpoint=then.api_name,
        fixed=fixed,
        take=take,
        index=index,
        each=1 if index is None else _MAX_NUMBERED_BUTTONS,
        of=several,
    )


def _indices(
    endpoints: EndpointSet, first: Candidate, then: Candidate, take: dict[str, int | str]
) -> Iterator[tuple[str, int]]:
    """A hidden number that identifies an item of a result, and its output."""
    app = endpoints.app
    for number, place in enumerate(first.output_ids):
        shown = app.component(place)
        if shown is None or shown.type != "gallery":
            continue
        picks = [e for e in app.events if e.pointed and place in [part for part, _ in e.targets]]
        for name, part_id in then.inputs.ids.items():
            part = app.component(part_id)
            if part is None or part.type not in ("number", "slider") or not app.hidden(part):
                continue
            said = f"{spaced_words(name)} {app.text(part.props.get('label'))}"
            picked = any(part_id in event.outputs for event in picks)
            if name not in take and (picked or _INDEX.search(said)):
                yield name, number


def _label(endpoints: EndpointSet, candidate: Candidate) -> str:
    said = endpoints.button(candidate) or spaced_words(candidate.stem).capitalize()
    return said[:_MAX_LABEL_LENGTH].strip() or candidate.api_name.strip("/")[:_MAX_LABEL_LENGTH]
