"""Which endpoints are for the page itself rather than for a person, and why.

Each rule looks at one endpoint and gives a reason in words, or nothing. RULES
ends the file, the surest first. When they would leave an app with no command,
the endpoint caught by the least sure rule is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spacebot.schema.app import App
from spacebot.schema.candidates import Candidate
from spacebot.schema.kinds import CONTENT, MEDIA, RESULTS, SETTINGS, names

_ACTIVE = frozenset({"click", "submit", "double_click"})
_PASSIVE = names(
    "load unload tick select play pause stop end like focus blur expand collapse edit"
    " undo retry clear delete key_up key_down scroll example_select option_select"
    " start_recording pause_recording copy flag suggest"
)
_FORM = names("change input select release blur focus")
_CLEARS = re.compile(
    r"\b(clear|reset|restart|new (chat|session|conversation)|delete|remove|undo|retry|empty)\b",
    re.I,
)
_STOPS = re.compile(r"\b(stop|cancel|interrupt|abort|skip|pause|resume|unload)\b", re.I)
_EXAMPLE = re.compile(r"\b((load|set|use|process|fill|get) (\w+ )?examples?|examples?)\b", re.I)
_SWITCH = re.compile(
    r"\b(toggle|show|hide|switch|update|change|refresh|enable|disable|lock|unlock|swap|select"
    r"|set|on|handle|init|setup|get (random|value|seed)|randomi[sz]e|random|flag|vote|upvote"
    r"|downvote|like|dislike|duplicate|save|log|print|noop|pass|dummy|state|session)\b",
    re.I,
)


@dataclass(frozen=True)
class Yard:
    """All endpoints of an app side by side."""

    app: App
    candidates: Sequence[Candidate]

    @cached_property
    def taken_in(self) -> frozenset[Any]:
        """Ids of components that some event takes: the page's form."""
        return frozenset(i for c in self.candidates if c.event for i in c.event.inputs) | frozenset(
            i for e in self.app.events if e.after is not None for i in e.inputs
        )

    def chain(self, candidate: Candidate) -> list[Candidate]:
        """The endpoints of the `.then` chain it belongs to, itself included."""
        if candidate.event is None:
            return [candidate]
        root = self.app.root(candidate.event).id
        return [c for c in self.candidates if c.event and self.app.root(c.event).id == root]

    def events(self, candidate: Candidate) -> set[str]:
        """The names of the events that start it."""
        return (
            {name for _, name in self.app.triggers(candidate.event)} if candidate.event else set()
        )

    def button(self, candidate: Candidate) -> str:
        """The text on the button that starts it, or nothing."""
        for component, _ in self.app.triggers(candidate.event) if candidate.event else ():
            said = self.app.text(component.props.get("value")) if component else ""
            if said and component and component.type.endswith("button"):
                # ChatInterface starts its /chat by a button that no page shows.
                return "" if self.app.hidden(component) else said
        return ""

    def chats(self, candidate: Candidate) -> bool:
        """Whether it answers a message: a gr.ChatInterface's, or one that fills a chatbot."""
        triggers = self.app.triggers(candidate.event) if candidate.event else ()
        # ChatInterface starts its API's function by a button that no page shows.
        unseen = any(part and self.app.hidden(part) for part, _ in triggers)
        takes = [parameter.name for parameter in candidate.inputs.parameters]
        fills = any(output.component == "chatbot" for output in candidate.results)
        return fills or self.app.is_chat or (unseen and takes[:1] == ["message"])

    def score(self, candidate: Candidate) -> float:
        """How much it looks like what people come to the app for."""
        events = self.events(candidate)
        inputs = candidate.inputs.parameters
        results = [o for o in candidate.outputs if o.component in RESULTS]
        event = candidate.event
        own = set(event.outputs) - set(event.inputs) if event else set()
        points = 3.0 if events & _ACTIVE else (0.0 if events and events <= _PASSIVE else 1.0)
        points += 2 if any(p.component in CONTENT for p in inputs) else 0
        points += 3 if any(o.component in MEDIA for o in results) else 1.5 * bool(results)
        points += 1.5 if own else 0
        points += 1 if candidate.description else 0
        points += 1 if event and event.streams else 0
        points += 1 if self._is_primary(candidate) else 0
        return points + min(len(inputs), 8) * 0.3

    def _is_primary(self, candidate: Candidate) -> bool:
        event = candidate.event
        return any(
            part and part.props.get("variant") == "primary"
            for part, _ in (self.app.triggers(event) if event else ())
        )


def _private(candidate: Candidate, _yard: Yard) -> str:
    return "its author keeps it out of the app's API page" if candidate.undocumented else ""


def _without_event(candidate: Candidate, yard: Yard) -> str:
    told = candidate.event or not yard.app.events
    return "" if told else "the page makes it only while somebody uses it"


def _live(candidate: Candidate, _yard: Yard) -> str:
    live = candidate.event and candidate.event.live
    return "it takes a live stream from a webcam or microphone" if live else ""


def _nothing(candidate: Candidate, _yard: Yard) -> str:
    if candidate.outputs or candidate.inputs.parameters:
        return ""
    return "it takes nothing and returns nothing"


def _example(candidate: Candidate, yard: Yard) -> str:
    targets = yard.app.triggers(candidate.event) if candidate.event else ()
    dataset = any(part and part.type == "dataset" for part, _ in targets)
    named = _EXAMPLE.fullmatch(candidate.stem.replace("_", " "))
    return "it only loads an example into the page" if dataset or named else ""


def _stop(candidate: Candidate, yard: Yard) -> str:
    said = yard.button(candidate) if _is_lambda(candidate) else candidate.stem.replace("_", " ")
    stops = _STOPS.search(said) and not _has_content(candidate)
    cancels = candidate.event and candidate.event.cancels and not candidate.outputs
    return "it only stops something that runs" if stops or cancels else ""


def _clear(candidate: Candidate, yard: Yard) -> str:
    if candidate.inputs.parameters and _has_content(candidate):
        return ""
    said = f"{candidate.stem.replace('_', ' ')} {yard.button(candidate)}"
    return "it only clears the page" if _CLEARS.search(said) else ""


def _pointed(candidate: Candidate, yard: Yard) -> str:
    pointed = candidate.event and candidate.event.pointed and not yard.events(candidate) & _ACTIVE
    return "it needs to know where somebody clicked" if pointed else ""


def _passive(candidate: Candidate, yard: Yard) -> str:
    events = yard.events(candidate)
    if not events or not events <= _PASSIVE:
        return ""
    return f"the page runs it by itself ({', '.join(sorted(events))}), nobody asks for it"


def _no_result(candidate: Candidate, _yard: Yard) -> str:
    return "" if candidate.outputs else "it returns nothing to show"


def _form(candidate: Candidate, yard: Yard) -> str:
    event = candidate.event
    if event is None or not candidate.outputs:
        return ""
    takes = [part.type for part in yard.app.asked(event.inputs)]
    into_form = set(event.outputs) <= yard.taken_in
    reacts = yard.events(candidate) <= _FORM and all(kind in SETTINGS for kind in takes)
    switches = _switches(candidate) and not _has_media(candidate)
    return "it only changes the page's form" if reacts and (into_form or switches) else ""


def _switch(candidate: Candidate, yard: Yard) -> str:
    event = candidate.event
    if event is None or not _switches(candidate) or _has_media(candidate):
        return ""
    into_form = set(event.outputs) <= yard.taken_in
    return "it only changes the page's form" if into_form or not _has_content(candidate) else ""


def _step(candidate: Candidate, yard: Yard) -> str:
    chain = yard.chain(candidate)
    if len(chain) < 2:
        return ""
    best = max(chain, key=lambda c: (_chain_score(c, yard), c.order))
    return "" if best is candidate else f"it is one step of {best.api_name}"


def _chain_score(candidate: Candidate, yard: Yard) -> float:
    # A step that makes something new outdoes one that prepares the form for it.
    points = yard.score(candidate)
    event = candidate.event
    if event and any(o.component == "chatbot" for o in candidate.outputs):
        return points + (4 if event.streams or len(event.outputs) == 1 else 0)
    return points - (4 if event and set(event.outputs) <= set(event.inputs) else 0)


def _twin(candidate: Candidate, yard: Yard) -> str:
    for other in yard.candidates:
        if other.order >= candidate.order:
            break
        if _same(candidate, other, yard):
            return f"it does the same as {other.api_name}"
    return ""


def _same(one: Candidate, other: Candidate, yard: Yard) -> bool:
    a, b = one.event, other.event
    if a is None or b is None or (a.inputs, a.outputs) != (b.inputs, b.outputs):
        return False
    if one.stem != other.stem:
        return False
    labels = {yard.button(one), yard.button(other)} - {""}
    return not _is_lambda(one) or len(labels) < 2


def _in_place(candidate: Candidate, yard: Yard) -> str:
    event = candidate.event
    if event is None or not event.outputs or not set(event.outputs) <= set(event.inputs):
        return ""
    active = bool(yard.events(candidate) & _ACTIVE)
    if any(o.component == "chatbot" for o in candidate.outputs):
        return ""
    named = not (_is_lambda(candidate) or _switches(candidate))
    if active and (_has_media(candidate) or (named and _has_content(candidate))):
        return ""
    return "it only changes what somebody has put in"


def _is_lambda(candidate: Candidate) -> bool:
    return candidate.stem in ("lambda", "fn", "f", "")


def _switches(candidate: Candidate) -> bool:
    words = candidate.stem.replace("_", " ").strip()
    return bool(_SWITCH.match(words))


def _has_content(candidate: Candidate) -> bool:
    return any(p.component in CONTENT for p in candidate.inputs.parameters)


def _has_media(candidate: Candidate) -> bool:
    return any(o.component in MEDIA for o in candidate.outputs)


Rule = Callable[[Candidate, Yard], str]

RULES: tuple[Rule, ...] = (
    _private,
    _without_event,
    _nothing,
    _live,
    _example,
    _stop,
    _twin,
    _step,
    _pointed,
    _clear,
    _no_result,
    _passive,
    _form,
    _switch,
    _in_place,
)


def sort_out(yard: Yard) -> tuple[list[Candidate], dict[str, str]]:
    """The endpoints worth a command, and the reason for each of the others, by API name."""
    found = [(_first_reason(candidate, yard), candidate) for candidate in yard.candidates]
    kept = [c for (_, why), c in found if not why]
    if not any(not c.inputs.problem for c in kept):
        kept += _rescued(found, yard)
    reasons = {c.api_name: why for (_, why), c in found if why and c not in kept}
    return sorted(kept, key=lambda c: c.order), reasons


def _first_reason(candidate: Candidate, yard: Yard) -> tuple[int, str]:
    for place, rule in enumerate(RULES):
        if why := rule(candidate, yard):
            return place, why
    return len(RULES), ""


def _rescued(found: Iterable[tuple[tuple[int, str], Candidate]], yard: Yard) -> list[Candidate]:
    """The best of those left out, when nothing else of the app could be called."""
    sure = RULES.index(_live)
    able = [
        (place, candidate)
        for (place, why), candidate in found
        if why and place >= sure and not candidate.inputs.problem
    ]
    if not able:
        return []
    return [max(able, key=lambda pair: (yard.score(pair[1]), pair[0], -pair[1].order))[1]]
