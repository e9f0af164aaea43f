"""Families of plumbing: a form's rows with their buttons, and setters of a session."""

from __future__ import annotations

import re

from spacebot.spaces.schema.component_types import MEDIA_COMPONENTS
from spacebot.spaces.schema.selection.candidates import Candidate, has_media
from spacebot.spaces.schema.selection.endpoint_set import BUTTON_EVENTS, EndpointSet, is_lambda
from spacebot.spaces.schema.text import spaced_words

# This many endpoints with the same form are a family: fewer are tools side by side.
_MIN_FAMILY_SIZE = 3
_EDITS = re.compile(
    r"\W*(insert|add|append|put|del(ete)?|remove|move|fill|choose|pick|use|clear|copy|duplicate"
    r"|set|update|toggle|change|edit|reorder)\b",
    re.I,
)
_SETS = re.compile(
    r"\W*(re)?(set|update|change|select|switch|apply|save|load|choose|modify|store)\b"
    r".*\b(system|prompt|instructions?|persona|character|model|checkpoint|lora|settings?|config\w*"
    r"|param\w*|temperature|api key|key|token|language|voice|mode)\b",
    re.I,
)


def is_row(candidate: Candidate, endpoints: EndpointSet) -> bool:
    """Whether it is one of many that each edit a part of the page's form: a row, a tag."""
    if not _edits_the_form(candidate, endpoints):
        return False
    if not candidate.inputs.parameters and not is_lambda(candidate):
        # "Add a row" exists once, and needs no input.
        return bool(_EDITS.match(spaced_words(candidate.stem)))
    family = [
        one
        for one in endpoints.candidates
        if _kin(one, candidate) and _edits_the_form(one, endpoints)
    ]
    return len(family) >= _MIN_FAMILY_SIZE


def _edits_the_form(candidate: Candidate, endpoints: EndpointSet) -> bool:
    """Whether a button's function returns only values for the form."""
    gives = candidate.gives
    event = candidate.event
    if event is None or has_media(candidate) or not gives or not gives <= endpoints.taken_in:
        return False
    if is_lambda(candidate):
        return not event.inputs or _is_out_of_sight(candidate, endpoints)
    edits = _EDITS.match(spaced_words(candidate.stem))
    return bool(endpoints.events(candidate) & BUTTON_EVENTS) and bool(
        edits or gives <= set(event.inputs)
    )


def _is_out_of_sight(candidate: Candidate, endpoints: EndpointSet) -> bool:
    """Whether the page hides each button that triggers it, as it does with rows not yet in use."""
    started = [part for part, _ in endpoints.app.triggers(candidate.event)]
    return bool(started) and all(
        part and (endpoints.app.hidden(part) or endpoints.app.aside(part)) for part in started
    )


def _kin(one: Candidate, other: Candidate) -> bool:
    """Whether two have the same function, or the same form and begin with the same word."""
    if one.stem == other.stem:
        return True
    a, b = one.event, other.event
    if a is None or b is None or (a.inputs, a.outputs) != (b.inputs, b.outputs):
        return False
    first = [spaced_words(each.stem).partition(" ")[0].lower() for each in (one, other)]
    return first[0] == first[1]


def sets_the_session(candidate: Candidate, endpoints: EndpointSet) -> bool:
    """Whether it sets a prompt, a model or the like for the session's next steps."""
    brings = any(one.component in MEDIA_COMPONENTS for one in candidate.inputs.parameters)
    return not has_media(candidate) and not brings and bool(_SETS.match(endpoints.said(candidate)))
