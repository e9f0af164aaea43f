"""Which endpoints are for the page itself rather than for a person, and why.

Each rule looks at one endpoint and returns a reason in words, or nothing. RULES at the end of the
file lists them, the surest first. If they would leave an app without commands, the endpoint that
the least sure rule caught stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacebot.spaces.schema.component_types import (
    INVISIBLE_COMPONENTS,
    MEDIA_COMPONENTS,
    SETTING_COMPONENTS,
    name_set,
)
from spacebot.spaces.schema.selection.candidates import Candidate, has_content, has_media
from spacebot.spaces.schema.selection.endpoint_set import (
    BUTTON_EVENTS,
    PASSIVE_EVENTS,
    EndpointSet,
    is_lambda,
)
from spacebot.spaces.schema.selection.families import is_row, sets_the_session
from spacebot.spaces.schema.text import spaced_words
from spacebot.spaces.schema.wiring.steps import steps_before

_FORM = name_set("change input select release blur focus")
_CLEARS = re.compile(r"\b(clear|reset|restart|delete|remove|undo|retry|empty)\b", re.I)
_STARTS_OVER = re.compile(r"\bnew (chat|session|conversation)\b(?P<thing> \w)?", re.I)
_STOPS = re.compile(r"\b(stop|cancel|interrupt|abort|skip|pause|resume|unload)\b", re.I)
_EXAMPLE = re.compile(r"\b((load|set|use|process|fill|get) (\w+ )?examples?|examples?)\b", re.I)
_SWITCH = re.compile(
    r"\b(toggle|show|hide|switch|update|change|refresh|enable|disable|lock|unlock|swap|select"
    r"|set|on|handle|init|setup|get (random|value|seed)|randomi[sz]e|random|flag|vote|upvote"
    r"|downvote|like|dislike|duplicate|save|log|print|noop|pass|dummy|state|session)\b",
    re.I,
)
_CARRIES = re.compile(r"\W*(re-?use|use|send|copy|move|transfer|push|take)\b", re.I)
_LOADS = re.compile(r"\W*((pre)?load|preview|show|display|update|read|open|get|on|handle)\b", re.I)
_TAKES_BACK = re.compile(r"\b(undo|retry|re-?generate|regen|re-?run|redo|rewind|repeat)\b", re.I)
_COUNTS = re.compile(r"\b(count\w*|len|length|tokens?|validate|check|estimate|info)\b", re.I)
_SHOWS = re.compile(
    r"\W*(show|hide|toggle|enable|disable|expand|collapse|open|close|(un)?lock"
    r"|make (in)?visible)\b",
    re.I,
)
# What a page does as soon as somebody enters something.
_PUT_IN = _FORM | {"upload"}


def _private(candidate: Candidate, _endpoints: EndpointSet) -> str:
    return "its author keeps it out of the app's API page" if candidate.undocumented else ""


def _without_event(candidate: Candidate, endpoints: EndpointSet) -> str:
    told = candidate.event or not endpoints.app.events
    return "" if told else "the page makes it only while somebody uses it"


def _live(candidate: Candidate, _endpoints: EndpointSet) -> str:
    live = candidate.event and candidate.event.live
    return "it takes a live stream from a webcam or microphone" if live else ""


def _nothing(candidate: Candidate, _endpoints: EndpointSet) -> str:
    if candidate.outputs or candidate.inputs.parameters:
        return ""
    return "it takes nothing and returns nothing"


def _example(candidate: Candidate, endpoints: EndpointSet) -> str:
    targets = endpoints.app.triggers(candidate.event)
    dataset = any(part and part.type == "dataset" for part, _ in targets)
    named = _EXAMPLE.fullmatch(candidate.stem.replace("_", " "))
    return "it only loads an example into the page" if dataset or named else ""


def _stop(candidate: Candidate, endpoints: EndpointSet) -> str:
    stops = _STOPS.search(endpoints.said(candidate)) and not has_content(candidate)
    cancels = candidate.event and candidate.event.cancels and not candidate.outputs
    return "it only stops something that runs" if stops or cancels else ""


def _clear(candidate: Candidate, endpoints: EndpointSet) -> str:
    if candidate.inputs.parameters and has_content(candidate):
        return ""
    said = f"{candidate.stem.replace('_', ' ')}\n{endpoints.button(candidate)}"
    over = _STARTS_OVER.search(said)
    if over and over["thing"] and endpoints.fills_own_field(candidate):
        # "New conversation topic" gives one.
        over = None
    return "it only clears the page" if over or _CLEARS.search(said) else ""


def _pointed(candidate: Candidate, endpoints: EndpointSet) -> str:
    pointed = (
        candidate.event
        and candidate.event.pointed
        and not endpoints.events(candidate) & BUTTON_EVENTS
    )
    return "it needs to know where somebody clicked" if pointed else ""


def _passive(candidate: Candidate, endpoints: EndpointSet) -> str:
    events = endpoints.events(candidate)
    if not events or not events <= PASSIVE_EVENTS:
        return ""
    return f"the page runs it by itself ({', '.join(sorted(events))}), nobody asks for it"


def _no_result(candidate: Candidate, endpoints: EndpointSet) -> str:
    told = candidate.outputs or _keeps_what_is_put_in(candidate, endpoints)
    return "" if told else "it returns nothing to show"


def _keeps_what_is_put_in(candidate: Candidate, endpoints: EndpointSet) -> bool:
    """Whether it stores a person's input in a state that another endpoint uses."""
    event = candidate.event
    if (
        event is None
        or not candidate.inputs.parameters
        or not endpoints.events(candidate) & BUTTON_EVENTS
    ):
        return False
    used = {i for other in endpoints.app.events if other is not event for i in other.inputs}
    kept = (part for part in map(endpoints.app.component, event.outputs) if part)
    return any(part.type == "state" and part.id in used for part in kept)


def _unseen(candidate: Candidate, _endpoints: EndpointSet) -> str:
    gives = {output.component for output in candidate.outputs}
    return "it only changes the page itself" if gives and gives <= INVISIBLE_COMPONENTS else ""


def _shows(candidate: Candidate, endpoints: EndpointSet) -> str:
    """Whether a button shows or hides a part of the page, or an event empties a field."""
    event = candidate.event
    if event is None or not is_lambda(candidate) or event.inputs or has_media(candidate):
        return ""
    if endpoints.fills_own_field(candidate):
        return ""
    button = endpoints.button(candidate)
    empties = not button and bool(event.outputs) and set(event.outputs) <= endpoints.taken_in
    return "it only changes the page itself" if empties or _SHOWS.match(button) else ""


def _form(candidate: Candidate, endpoints: EndpointSet) -> str:
    event = candidate.event
    if event is None or not candidate.outputs:
        return ""
    takes = [part.type for part in endpoints.app.asked(event.inputs)]
    into_form = set(event.outputs) <= endpoints.taken_in
    reacts = endpoints.events(candidate) <= _FORM and all(
        kind in SETTING_COMPONENTS for kind in takes
    )
    switches = _switches(candidate) and not has_media(candidate)
    return "it only changes the page's form" if reacts and (into_form or switches) else ""


def _switch(candidate: Candidate, endpoints: EndpointSet) -> str:
    event = candidate.event
    if event is None or not _switches(candidate) or has_media(candidate):
        return ""
    if endpoints.fills_own_field(candidate):
        return ""
    into_form = set(event.outputs) <= endpoints.taken_in
    return "it only changes the page's form" if into_form or not has_content(candidate) else ""


def _row(candidate: Candidate, endpoints: EndpointSet) -> str:
    return "it only edits one row of the page's form" if is_row(candidate, endpoints) else ""


def _sets(candidate: Candidate, endpoints: EndpointSet) -> str:
    others = (one for one in endpoints.others(candidate) if not sets_the_session(one, endpoints))
    sets = sets_the_session(candidate, endpoints) and any(one.results for one in others)
    return "it only sets what the session goes on with" if sets else ""


def _fills(candidate: Candidate, endpoints: EndpointSet) -> str:
    """Whether it puts a file's text into a field, or a picture's size into two."""
    event = candidate.event
    if event is None or not event.outputs or not endpoints.events(candidate) <= _PUT_IN:
        return ""
    if has_media(candidate) and not _LOADS.match(endpoints.said(candidate)):
        return ""
    wanted = {i for other in endpoints.others(candidate) if other.event for i in other.event.inputs}
    return "it only fills in the page's form" if set(event.outputs) <= wanted else ""


def _carries(candidate: Candidate, endpoints: EndpointSet) -> str:
    event = candidate.event
    if event is None or not event.inputs or not _CARRIES.match(endpoints.said(candidate)):
        return ""
    made = {
        i for c in endpoints.candidates if c.event and c is not candidate for i in c.event.outputs
    }
    back = set(event.inputs) <= made and set(event.outputs) <= endpoints.taken_in
    return "it only puts a result back into the page's form" if back else ""


def _reacts(candidate: Candidate, endpoints: EndpointSet) -> str:
    typed = bool(candidate.inputs.parameters) and endpoints.events(candidate) <= _FORM
    if not typed or has_media(candidate):
        return ""
    told = is_lambda(candidate) or _COUNTS.search(spaced_words(candidate.stem))
    asked = told and endpoints.shares_input(candidate)
    return "the page runs it by itself while somebody types" if asked else ""


def _takes_back(candidate: Candidate, endpoints: EndpointSet) -> str:
    said = f"{spaced_words(candidate.stem)} {endpoints.button(candidate)}"
    talks = candidate.inputs.history and not _brings(candidate)
    found = talks and _TAKES_BACK.search(said)
    return "a conversation here has its own button for that" if found else ""


def _of_a_talk(candidate: Candidate, _endpoints: EndpointSet) -> str:
    if candidate.shows_chat or not candidate.inputs.history or _brings(candidate):
        return ""
    return "it needs a conversation that only the page holds"


def _brings(candidate: Candidate) -> bool:
    """Whether it requires anything but a chat's history."""
    return any(p.required and p.component != "chatbot" for p in candidate.inputs.parameters)


def _after_failure(candidate: Candidate, endpoints: EndpointSet) -> str:
    failing = candidate.event and endpoints.app.on_failure(candidate.event)
    return "the page runs it only where another event fails" if failing else ""


def _step(candidate: Candidate, endpoints: EndpointSet) -> str:
    chain = endpoints.chain(candidate)
    if len(chain) < 2:
        return ""
    # Every endpoint of the chain asks; finding it looks at all of them.
    best = endpoints.best.get(id(chain[0])) or endpoints.best.setdefault(
        id(chain[0]), _best(chain, endpoints)
    )
    return "" if best is candidate else f"it is one step of {best.api_name}"


def _best(chain: Sequence[Candidate], endpoints: EndpointSet) -> Candidate:
    """The endpoint of a chain that people want."""
    best = max(chain, key=lambda c: (_chain_score(c, endpoints), c.order))
    for later in chain:
        if best in steps_before(endpoints, later) and _goes_on(later, best):
            best = later
    return best


def _goes_on(later: Candidate, best: Candidate) -> bool:
    """Whether a step that takes another's output gives something for people again."""
    event = later.event
    if event is None or is_lambda(later) or _switches(later) or not later.results:
        return False
    if set(event.outputs) <= set(event.inputs):
        return False
    # Turning a picture into a picture may be only a step towards text; making one from text is not.
    taken = {p.component for p in best.inputs.parameters}
    prepares = any(o.component in MEDIA_COMPONENTS and o.component in taken for o in best.outputs)
    return prepares or has_media(later) >= has_media(best)


def _chain_score(candidate: Candidate, endpoints: EndpointSet) -> float:
    # A step that creates something takes precedence over a step that prepares its form.
    points = endpoints.score(candidate)
    event = candidate.event
    if event and candidate.shows_chat:
        return points + (4 if event.streams or len(event.outputs) == 1 else 0)
    return points - (
        4 if event and set(event.outputs) <= _wanted_after(candidate, endpoints) else 0
    )


def _wanted_after(candidate: Candidate, endpoints: EndpointSet) -> set[Any]:
    """The component ids that it takes itself, or that a later step takes to make more of them."""
    later = [c.event for c in endpoints.chain(candidate) if c.event and _goes_on(c, candidate)]
    after = [event for event in later if candidate.event in list(endpoints.app.earlier(event))]
    return {i for event in (candidate.event, *after) if event for i in event.inputs}


def _twin(candidate: Candidate, endpoints: EndpointSet) -> str:
    for other in endpoints.candidates:
        if other.order >= candidate.order:
            break
        if _same(candidate, other, endpoints) or _same_but_source(candidate, other):
            return f"it does the same as {other.api_name}"
    return ""


def _same(one: Candidate, other: Candidate, endpoints: EndpointSet) -> bool:
    a, b = one.event, other.event
    if a is None or b is None or (a.inputs, a.outputs) != (b.inputs, b.outputs):
        return False
    if one.stem != other.stem:
        return False
    labels = {endpoints.button(one), endpoints.button(other)} - {""}
    return not is_lambda(one) or len(labels) < 2


def _same_but_source(one: Candidate, other: Candidate) -> bool:
    """Whether only a microphone or a webcam distinguishes them: here both attach a file."""
    pairs = list(zip(one.inputs.parameters, other.inputs.parameters, strict=False))
    alike = len(one.inputs.parameters) == len(other.inputs.parameters) and all(
        (p.name, p.component, p.choices, p.default) == (q.name, q.component, q.choices, q.default)
        for p, q in pairs
    )
    gives = [[output.component for output in c.outputs] for c in (one, other)]
    sources = [[set(each.props.get("sources") or ()) for each in pair] for pair in pairs]
    by_file = any(a != b and {"upload"} in (a, b) for a, b in sources)
    return one.stem == other.stem and alike and gives[0] == gives[1] and by_file


def _in_place(candidate: Candidate, endpoints: EndpointSet) -> str:
    event = candidate.event
    if event is None or not candidate.outputs or not set(event.outputs) <= set(event.inputs):
        return ""
    active = bool(endpoints.events(candidate) & BUTTON_EVENTS)
    if candidate.shows_chat:
        return ""
    named = not (is_lambda(candidate) or _switches(candidate))
    if active and (has_media(candidate) or (named and has_content(candidate))):
        return ""
    return "it only changes what somebody has put in"


def _switches(candidate: Candidate) -> bool:
    words = candidate.stem.replace("_", " ").strip()
    return bool(_SWITCH.match(words))


Rule = Callable[[Candidate, EndpointSet], str]

RULES: tuple[Rule, ...] = (
    _private,
    _without_event,
    _nothing,
    _live,
    _example,
    _stop,
    _after_failure,
    _twin,
    _step,
    _pointed,
    _clear,
    _no_result,
    _unseen,
    _shows,
    _passive,
    _carries,
    _takes_back,
    _of_a_talk,
    _form,
    _fills,
    _switch,
    _row,
    _sets,
    _reacts,
    _in_place,
)


def sort_candidates(endpoints: EndpointSet) -> tuple[list[Candidate], dict[str, str]]:
    """The endpoints worth a command, and the reason for each of the others, by API name."""
    found = [(_first_reason(candidate, endpoints), candidate) for candidate in endpoints.candidates]
    kept = [c for (_, why), c in found if not why]
    if not any(not c.inputs.problem for c in kept):
        kept += _rescued(found, endpoints)
    reasons = {c.api_name: why for (_, why), c in found if why and c not in kept}
    return sorted(kept, key=lambda c: c.order), reasons


def _first_reason(candidate: Candidate, endpoints: EndpointSet) -> tuple[int, str]:
    for place, rule in enumerate(RULES):
        if why := rule(candidate, endpoints):
            return place, why
    return len(RULES), ""


def _rescued(
    found: Iterable[tuple[tuple[int, str], Candidate]], endpoints: EndpointSet
) -> list[Candidate]:
    """The best of those left out, if nothing else of the app could be called."""
    sure = RULES.index(_live)
    able = [
        (place, candidate)
        for (place, why), candidate in found
        if why and place >= sure and not candidate.inputs.problem
    ]
    if not able:
        return []
    return [max(able, key=lambda pair: (endpoints.score(pair[1]), pair[0], -pair[1].order))[1]]
