"""All endpoints of an app side by side: what triggers each, and how likely it is to be wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from spacebot.spaces.schema.app_config import MAX_CHAIN, AppConfig, Dependency
from spacebot.spaces.schema.component_types import (
    CONTENT_COMPONENTS,
    MEDIA_COMPONENTS,
    RESULT_COMPONENTS,
    name_set,
)
from spacebot.spaces.schema.required import is_empty
from spacebot.spaces.schema.selection.candidates import Candidate
from spacebot.spaces.schema.text import spaced_words

# The events of deliberate actions, and those that the page fires by itself.
BUTTON_EVENTS = frozenset({"click", "submit", "double_click"})
PASSIVE_EVENTS = name_set(
    "load unload tick select play pause stop end like focus blur expand collapse edit"
    " undo retry clear delete key_up key_down scroll example_select option_select"
    " start_recording pause_recording copy flag suggest"
)

_HIDES = re.compile(r"\W*(hide|disable|enable|collapse|close|(un)?lock)\b", re.I)


@dataclass(frozen=True)
class EndpointSet:
    """All endpoints of an app side by side.

    `best` holds the likeliest to be wanted, by the id of its chain's first event; `steps` are
    those that only a chain runs.
    """

    app: AppConfig
    candidates: Sequence[Candidate]
    best: dict[int, Candidate] = field(default_factory=dict)
    steps: Sequence[Candidate] = ()

    @cached_property
    def taken_in(self) -> frozenset[Any]:
        """Ids of components that some event takes: the page's form."""
        return frozenset(i for c in self.candidates if c.event for i in c.event.inputs) | frozenset(
            i for e in self.app.events if e.after is not None for i in e.inputs
        )

    def fills_own_field(self, candidate: Candidate) -> bool:
        """Whether a button fills a visible, empty field with a result.

        No event takes its content, and no other event fills it along with further outputs, as
        happens to a status line.
        """
        event = candidate.event
        if event is None or not self.events(candidate) & BUTTON_EVENTS:
            return False
        if _HIDES.match(self.said(candidate)):
            return False
        others = [one for one in self.app.events if one is not event]
        used = {i for one in (*others, event) for i in one.inputs}
        own = set(event.outputs)
        used |= {i for one in others if not set(one.outputs) <= own for i in one.outputs}
        fields = [part for part in map(self.app.component, own - used) if part]
        return any(
            part.type in RESULT_COMPONENTS
            and is_empty(part.props.get("value"))
            and not self.app.hidden(part)
            for part in fields
        )

    def of(self, event: Dependency) -> Candidate | None:
        """The endpoint of an event, if any."""
        return self._by_event.get(id(event))

    @cached_property
    def _by_event(self) -> dict[int, Candidate]:
        # The first of several, in the order of the description.
        every = [*self.candidates, *self.steps]
        return {id(one.event): one for one in reversed(every) if one.event}

    def chain(self, candidate: Candidate) -> list[Candidate]:
        """The endpoints of its `.then` chain, without those that only a failure triggers."""
        if candidate.event is None:
            return [candidate]
        return self._chains.get(self.app.root(candidate.event).id, [])[:MAX_CHAIN]

    @cached_property
    def _chains(self) -> dict[Any, list[Candidate]]:
        """The endpoints of each chain, by the id of the event that triggers it."""
        found: dict[Any, list[Candidate]] = {}
        for one in self.candidates:
            if one.event and not self.app.on_failure(one.event):
                found.setdefault(self.app.root(one.event).id, []).append(one)
        return found

    def events(self, candidate: Candidate) -> set[str]:
        """The names of the events that trigger it."""
        return {name for _, name in self.app.triggers(candidate.event)}

    def said(self, candidate: Candidate) -> str:
        """Its author's name for it: the function's, otherwise its button's."""
        return self.button(candidate) if is_lambda(candidate) else spaced_words(candidate.stem)

    def others(self, candidate: Candidate) -> Iterator[Candidate]:
        """The other endpoints that somebody triggers, with a button or the Enter key."""
        for other in self.candidates:
            if other is not candidate and self.events(other) & BUTTON_EVENTS:
                yield other

    def shares_input(self, candidate: Candidate) -> bool:
        """Whether another endpoint that somebody triggers takes a field that it takes."""
        own = set(candidate.event.inputs) if candidate.event else set()
        others = (one.event for one in self.others(candidate) if not one.undocumented)
        return any(own & set(event.inputs) for event in others if event)

    def button(self, candidate: Candidate) -> str:
        """The text on the button that triggers it, or nothing."""
        for component, _ in self.app.triggers(candidate.event):
            said = self.app.text(component.props.get("value")) if component else ""
            if said and component and component.type.endswith("button"):
                # ChatInterface starts its /chat by a button that no page shows.
                return "" if self.app.hidden(component) else said
        return ""

    def tab(self, candidate: Candidate) -> str:
        """The label of the innermost tab that it lies in, or nothing."""
        event = candidate.event
        return self.app.tab((*event.outputs, *event.inputs)) if event else ""

    def chats(self, candidate: Candidate) -> bool:
        """Whether it answers a message: from a gr.ChatInterface, or by filling a chatbot."""
        triggers = self.app.triggers(candidate.event)
        # ChatInterface starts its API's function by a button that no page shows.
        unseen = any(part and self.app.hidden(part) for part, _ in triggers)
        first = candidate.inputs.parameters[:1]
        said = any(p.component in ("textbox", "multimodaltextbox") for p in first)
        gives = map(self.app.component, candidate.event.outputs if candidate.event else ())
        hidden = any(part and part.type == "json" and self.app.hidden(part) for part in gives)
        takes = said and (hidden or first[0].name == "message")
        fills = any(output.component == "chatbot" for output in candidate.results)
        return fills or self.app.is_chat or (unseen and takes)

    def score(self, candidate: Candidate) -> float:
        """How much it looks like what people want from the app."""
        events = self.events(candidate)
        inputs = candidate.inputs.parameters
        results = [o for o in candidate.outputs if o.component in RESULT_COMPONENTS]
        event = candidate.event
        own = set(event.outputs) - set(event.inputs) if event else set()
        passive = bool(events) and events <= PASSIVE_EVENTS
        points = 3.0 if events & BUTTON_EVENTS else float(not passive)
        points += 2 if any(p.component in CONTENT_COMPONENTS for p in inputs) else 0
        media = any(o.component in MEDIA_COMPONENTS for o in results)
        points += 3 if media else 1.5 * bool(results)
        points += 1.5 if own else 0
        points += 1 if candidate.description else 0
        points += 1 if event and event.streams else 0
        starts = (part for part, _ in self.app.triggers(event) if part)
        points += 1 if any(part.props.get("variant") == "primary" for part in starts) else 0
        return points + min(len(inputs), 8) * 0.3


def is_lambda(candidate: Candidate) -> bool:
    """Whether its function has no meaningful name."""
    return candidate.stem in ("lambda", "fn", "f", "")
