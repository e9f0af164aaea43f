"""Repeats what a Space's page does before an endpoint runs, in a job's session.

The page is held as a browser holds it: a value and the changed properties of each component.
Opening it runs its load events; filling in a field runs that field's events; what they set runs the
change events of what changed, and so on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spacebot.errors import InputError
from spacebot.models import Choice, DeferredValue, Endpoint, PageEvent, PageLogic, Parameter
from spacebot.spaces.inputs.components.menu import is_same_value, value_key
from spacebot.spaces.inputs.form import value_of
from spacebot.spaces.outputs.values import is_update

# How many events a job may run: two that set each other would never end.
MAX_EVENTS = 40
# How many choices an event may give a component: they are handled on the event loop.
MAX_OFFERED = 10_000
# The events of filling in a field, besides `change`.
_BEFORE, _AFTER = ("focus",), ("input", "select", "release", "upload", "blur")
# What an empty field sends, in one version of Gradio or another.
_BLANK: tuple[Any, ...] = (None, "", [])
_LIMITS = ("minimum", "maximum", "step")

# Runs an event with these arguments and returns its raw outputs; None if it does not run.
EventCaller = Callable[[PageEvent, list[Any], Any], Awaitable[list[Any] | None]]


@dataclass(slots=True)
class PageState:
    """The state of a page: values and changed properties by component.

    It also holds the events that ran when the page opened: by number, and in `opened` by label,
    with those that followed them. `own` are the values that the page itself set last.
    """

    values: dict[Any, Any] = field(default_factory=dict)
    props: dict[Any, dict[str, Any]] = field(default_factory=dict)
    loaded: set[int] = field(default_factory=set)
    own: dict[Any, Any] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def changes(self, part: Any, start: Mapping[Any, Any]) -> dict[str, Any]:
        """What events changed in a component: its properties, and its value if they set it."""
        value = self.own.get(part)
        fresh = {} if is_same_value(value, start.get(part)) else {"value": value}
        return {**self.props.get(part, {}), **fresh}


class PageReplay:
    """One endpoint's page, in one session of the Space."""

    def __init__(self, endpoint: Endpoint, state: PageState, call: EventCaller) -> None:
        assert endpoint.page is not None
        self.page: PageLogic = endpoint.page
        self.state = state
        self._call = call
        self._parameters = {one.name: one for one in endpoint.parameters}
        self._names = {part: name for name, part in self.page.fields.items()}
        self._left = MAX_EVENTS
        self._ran: list[str] = []

    @property
    def ran_events(self) -> list[str]:
        """The labels of the events that ran, in order: on opening, and since."""
        return list(dict.fromkeys([*self.state.opened, *self._ran]))

    async def open(self) -> None:
        """Open the page: its load events run, once per session."""
        fresh = {k: v for k, v in self.page.start.items() if k not in self.state.values}
        self.state.values |= fresh
        self.state.own |= fresh
        for event in self.page.events:
            if event.on_load and event.index not in self.state.loaded:
                self.state.loaded.add(event.index)
                await self._run(event)
        self.state.opened += self._ran
        for part in self.page.opens:
            await self._happens(part, ("select",))

    async def fill(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in the page's fields; returns the values for the endpoint, raises `InputError`."""
        for name in self.page.fields:
            await self._fill_in(name, values.get(name))
        for event in self.page.events:
            if event.index in self.page.presses:
                await self._run(event)
        filled = {name: self.state.values[part] for name, part in self.page.fields.items()}
        return {**values, **filled, **self._possible(filled, values)}

    async def offered(self, name: str, values: Mapping[str, Any]) -> Parameter:
        """A parameter as the page offers it by then; half-typed values are left alone."""
        for other in self.page.fields:
            if other in self.page.depends.get(name, ()) and other in values:
                with contextlib.suppress(InputError):
                    await self._fill_in(other, values[other])
        return self.parameter(name)

    async def _fill_in(self, name: str, value: Any) -> None:
        part = self.page.fields[name]
        if isinstance(value, DeferredValue):
            await self._fill(part, value_of(self.parameter(name), value.own))
        elif name not in self.page.late or not self._is_left(name, value):
            await self._fill(part, value)
        else:
            await self._fill(part, self.state.own[part])

    def _is_left(self, name: str, value: Any) -> bool:
        """Whether nobody entered a value for a field that an event can set."""
        parameter = self._parameters.get(name)
        default = parameter.default if parameter else value
        return is_same_value(value, default) or is_same_value(
            value, self.page.start[self.page.fields[name]]
        )

    def _possible(self, filled: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """A value dropped or moved because the page no longer offers it."""
        moved: dict[str, Any] = {}
        for name in self.page.late:
            parameter, value = self.parameter(name), filled[name]
            if isinstance(values.get(name), DeferredValue):
                # It was possible when it was filled in: a later field changed that.
                moved[name] = value_of(parameter, values[name].own)
            elif parameter.component in ("number", "slider") and isinstance(value, int | float):
                low, high = parameter.minimum, parameter.maximum
                low, high = value if low is None else low, value if high is None else high
                moved[name] = max(low, min(value, high))
        return moved

    def parameter(self, name: str) -> Parameter:
        """A parameter with the choices and bounds that the page has set by now."""
        found = self._parameters.get(name) or Parameter(name, name, "json")
        part = self.page.fields[name]
        return apply_changes(found, self.state.props.get(part, {}), self.state.values.get(part))

    async def _fill(self, part: Any, value: Any) -> None:
        before = self.state.values.get(part)
        if is_same_value(before, value) or (before in _BLANK and value in _BLANK):
            self.state.values[part] = value
            return
        await self._happens(part, _BEFORE)
        self.state.values[part] = value
        await self._happens(part, ("change",))
        await self._happens(part, _AFTER)

    async def _happens(self, part: Any, names: tuple[str, ...]) -> None:
        """Run everything that listens to one of these events of a component, each once."""
        wanted = {(part, name) for name in names}
        for event in self.page.events:
            if wanted & set(event.on):
                await self._run(event, picked=part if event.pointed else None)

    async def _run(self, event: PageEvent, picked: Any = None) -> None:
        if self._left <= 0:
            return
        self._left -= 1
        took = [self.state.values.get(part) for part in event.takes]
        gave = event.constant
        if gave is None:
            gave = await self._call(event, took, self._pointed(picked))
        if gave is not None:
            self._ran.append(event.label)
        touched: list[Any] = []
        for part, value in zip(event.gives, gave or (), strict=False):
            if self._take(part, value):
                touched.append(part)
            # Each may bring thousands of choices.
            await asyncio.sleep(0)
        for part in touched:
            await self._happens(part, ("change",))
        ended = "failure" if gave is None else "success"
        for then in self.page.events:
            if then.after == event.index and then.when in ("", ended):
                await self._run(then)

    def _take(self, part: Any, value: Any) -> bool:
        """Take one output of an event; returns whether the component's value changed."""
        before = self.state.values.get(part)
        if is_update(value):
            props = {key: one for key, one in value.items() if key not in ("value", "__type__")}
            self.state.props.setdefault(part, {}).update(props)
            if "value" not in value:
                offered = self._offered(part, props)
                for held in (self.state.own, self.state.values):
                    value = held.get(part)
                    held[part] = value if offered is None else _still(value, offered)
                return not is_same_value(self.state.values[part], before)
            value = value["value"]
        self.state.values[part] = self.state.own[part] = value
        return not is_same_value(value, before)

    def _offered(self, part: Any, props: Mapping[str, Any]) -> set[Hashable] | None:
        """The keys of a component's new choices; None if any value may stay."""
        name = self._names.get(part)
        if "choices" not in props or name not in self._parameters:
            return None
        now = self.parameter(name)
        return None if now.custom else {value_key(choice.value) for choice in now.choices}

    def _pointed(self, part: Any) -> Any:
        """What Gradio's page reports about a selection: its index and its value."""
        name = self._names.get(part)
        if name is None or name not in self._parameters:
            return None
        value = self.state.values.get(part)
        offered = [choice.value for choice in self.parameter(name).choices]
        index = offered.index(value) if value in offered else 0
        return {"index": index, "value": value, "selected": True}


def _still(value: Any, offered: set[Hashable]) -> Any:
    """A value after its choices changed: removed choices are deselected."""
    if isinstance(value, list):
        return [one for one in value if value_key(one) in offered]
    return value if value_key(value) in offered else None


def apply_changes(parameter: Parameter, props: Mapping[str, Any], value: Any) -> Parameter:
    """A parameter with what an event changed in its component."""
    fields: dict[str, Any] = {"default": value}
    if isinstance(choices := props.get("choices"), list):
        fields["choices"] = tuple(map(_choice, choices[:MAX_OFFERED]))
        fields["custom"] = bool(
            props.get("allow_custom_value", parameter.props.get("allow_custom_value"))
        )
    for key in _LIMITS:
        limit = props.get(key)
        if isinstance(limit, int | float) and not isinstance(limit, bool):
            fields[key] = limit
    found = replace(parameter, live=False, **fields)
    return replace(found, default=None) if _is_no_choice(found) else found


def _is_no_choice(parameter: Parameter) -> bool:
    offered = [choice.value for choice in parameter.choices]
    single = bool(offered) and not parameter.multiple and not parameter.custom
    return single and parameter.default not in offered


def _choice(pair: Any) -> Choice:
    if isinstance(pair, list | tuple) and len(pair) > 1:
        return Choice(str(pair[0]), pair[1])
    return Choice(str(pair), pair)
