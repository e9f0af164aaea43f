"""The calls of one job, one after the other, as the Space's page makes them."""

from __future__ import annotations

import contextlib
from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any

from spacebot.errors import EndpointGone, SpaceError, SpaceRaised, ValuesRejected
from spacebot.models import Endpoint, EndpointStep
from spacebot.spaces.client.transport.updates import Partial, Result, Toast, Update
from spacebot.spaces.client.validation_messages import with_options
from spacebot.spaces.outputs.text import code
from spacebot.spaces.outputs.values import is_update, updated_value

# What Gradio sends for an output that stays unchanged.
UNCHANGED: Mapping[str, Any] = {"__type__": "update"}


def check_unchanged(
    endpoint: Endpoint | None, takes: Collection[str], steps: Sequence[EndpointStep]
) -> None:
    """Raise `EndpointGone` if the Space no longer takes the endpoint's described parameters.

    `takes` names the current parameters of all steps. Unknown values would be left out, and the job
    would run without what somebody filled in.
    """
    known = {*takes, *(name for step in steps for name in step.takes.values())}
    described = endpoint.parameters if endpoint else ()
    gone = [one.name for one in described if one.name not in known]
    if gone:
        names = ", ".join(map(code, gone[:3]))
        raise EndpointGone(
            f"The Space has changed since you filled this in: it no longer accepts {names}. "
            "Nothing was sent. Use the command again."
        )


@dataclass
class CallSequence:
    """A job's calls: the steps before, the endpoint itself as the last of `steps`, and those
    `after`.

    `call` makes one with its values; `visible` drops the outputs that an API description leaves
    out; `width` counts the endpoint's raw outputs; `page` describes the endpoint.
    """

    steps: Sequence[EndpointStep]
    call: Callable[[EndpointStep, Mapping[str, Any]], AsyncGenerator[Update, None]]
    visible: Callable[[str, list[Any]], list[Any]]
    width: int
    after: Sequence[EndpointStep] = ()
    page: Endpoint | None = None
    _answered: bool = field(default=False, init=False)
    _values: Mapping[str, Any] = field(default_factory=dict, init=False)
    _arguments: list[Any] = field(default_factory=list, init=False)
    _failed: set[str] = field(default_factory=set, init=False)
    _overwritten: list[tuple[int, Any]] = field(default_factory=list, init=False)

    async def updates(self, values: Mapping[str, Any]) -> AsyncGenerator[Update, None]:
        """Make the calls; ends with the `Result`, raises `SpaceError`.

        A failing event ends the chain, except for what the page runs even then. The failure is
        raised if no step answered; otherwise it is reported beside the answer. A `Partial` after
        each step that answers holds what there is if a later one never ends.
        """
        self._values = values
        shown: list[Any] = []
        instead: list[Any] = []
        raw: list[Any] = [UNCHANGED] * self.width
        streamed: list[Any] = raw
        failed: SpaceRaised | None = None
        stopped = False
        for place, step in enumerate(self.steps):
            if stopped or (step.given and not values.get(step.given)):
                shown += _unchanged(step)
                instead += _unchanged(*step.failing)
                continue
            is_last = place == len(self.steps) - 1
            try:
                async for update in self._make(step):
                    if not isinstance(update, Partial):
                        yield update
                    # Only the endpoint's own answer is previewed.
                    elif is_last:
                        streamed = update.outputs
                        yield self._so_far(streamed, shown + instead)
            except SpaceError as error:
                error.safe_to_retry = error.safe_to_retry and not any(
                    map(_does_something, self.steps[:place])
                )
                # Quotas, silence and cancels do not concern the page's chain.
                if type(error) is not SpaceRaised:
                    raise
                self._failed.add(step.api_name)
                failed, stopped = failed or error, not step.goes_on
                shown += _unchanged(step)
                async for update in self._make_instead(step, instead):
                    yield update
            else:
                if is_last:
                    raw = self._arguments
                shown += self._take(step)
                instead += _unchanged(*step.failing)
                if (self.after or not is_last) and (self._answered or _any_set(raw)):
                    yield self._so_far(raw, shown + instead)
        ended: list[Any] = []
        async for update in self._end(ended, raw, shown + instead):
            yield update
        self._overwrite(raw, shown)
        if failed is not None:
            if not (self._answered or _any_set(raw) or any(one != UNCHANGED for one in instead)):
                raise failed
            # As on the page, the endpoint's outputs keep what it streamed.
            raw = [_written_over(*both) for both in zip(streamed, raw, strict=False)]
            yield Toast(str(failed), "error")
        yield Result(raw, shown + instead + ended)

    async def _end(
        self, shown: list[Any], raw: Sequence[Any], before: Sequence[Any]
    ) -> AsyncGenerator[Update, None]:
        """Make the calls after the endpoint's own; a failure here is reported beside the result.

        What they show is added to `shown`, after what the endpoint (`raw`) and the steps `before`
        it gave.
        """
        for step in self.after:
            if step.needs & self._failed:
                shown += _unchanged(step)
                continue
            try:
                async for update in self._make(step):
                    if not isinstance(update, Partial):
                        yield update
            except SpaceError as error:
                if not self._failed:
                    yield Toast(str(error), "error")
                self._failed.add(step.api_name)
                shown += _unchanged(step)
            else:
                shown += self._take(step)
                if step.shows or step.overwrites:
                    yield self._so_far(raw, [*before, *shown])

    async def _make(self, step: EndpointStep) -> AsyncGenerator[Update, None]:
        """Make one call, storing its raw outputs."""
        sent = step_arguments(step, self._values) if step.takes else self._values
        # Closed here, so that the session is held until the Space has accepted a cancel.
        async with contextlib.aclosing(self.call(step, sent)) as running:
            try:
                async for update in running:
                    if isinstance(update, Result):
                        self._arguments = update.outputs
                    else:
                        yield update
            except ValuesRejected as error:
                raise ValuesRejected(with_options(str(error), self._options(step))) from error

    def _options(self, step: EndpointStep) -> dict[str, str]:
        """The options that users see, by the names of a step's parameters."""
        found = self.page.parameters if self.page else ()
        options = {one.name: one.option for one in found if one.option}
        taken = step.takes or {name: name for name in options}
        return {name: options[key] for name, key in taken.items() if key in options}

    async def _make_instead(
        self, step: EndpointStep, shown: list[Any]
    ) -> AsyncGenerator[Update, None]:
        """Make the calls that follow a failure, adding what they show to `shown`."""
        broken = False
        for one in step.failing:
            try:
                if not broken:
                    async for update in self._make(one):
                        if not isinstance(update, Partial):
                            yield update
            except SpaceError:
                # The user sees the first failure, whatever happens to its handler.
                broken = True
            shown += _unchanged(one) if broken else self._take(one)

    def _take(self, step: EndpointStep) -> list[Any]:
        """Hand on a step's outputs; returns what it shows."""
        if not (step.gives or step.shows or step.overwrites):
            return []
        outputs = self.visible(step.api_name, self._arguments)
        # A Space that was changed since may return fewer.
        outputs = [*outputs, *[UNCHANGED] * (_width(step) - len(outputs))]
        self._values = {**self._values, **output_values(step, outputs)}
        self._overwritten += [(place, outputs[n]) for n, place in step.overwrites.items()]
        # What a step puts into a parameter, such as a seed, answers nothing.
        asked = {one.name for one in self.page.parameters} if self.page else set[str]()
        answers = [outputs[n] for n in step.shows if step.gives.get(n) not in asked]
        self._answered |= _any_set(answers)
        return [outputs[number] for number in step.shows]

    def _so_far(self, raw: Sequence[Any], shown: Sequence[Any]) -> Partial:
        so_far = Partial([*raw], [*shown])
        self._overwrite(so_far.outputs, so_far.shown)
        return so_far

    def _overwrite(self, raw: list[Any], shown: list[Any]) -> None:
        """Update the endpoint's outputs, and what earlier steps show, with what later steps set."""
        own = self.visible(self.steps[-1].api_name, [*range(self.width)])
        for place, value in self._overwritten:
            values, at = (raw, own[place]) if place < len(own) else (shown, place - len(own))
            if at < len(values):
                values[at] = _written_over(values[at], value)


def _width(step: EndpointStep) -> int:
    """The least number of outputs it must return."""
    return max((*step.gives, *step.shows, *step.overwrites), default=-1) + 1


def _does_something(step: EndpointStep) -> bool:
    """Whether a step does more than check values."""
    return bool(step.gives or step.shows)


def _any_set(values: Sequence[Any]) -> bool:
    """Whether one of these outputs is more than unchanged or empty."""
    return any(updated_value(value) not in (None, "", [], {}) for value in values)


def _written_over(value: Any, later: Any) -> Any:
    """An output after a later step has set it, or changed its looks."""
    if later == UNCHANGED or not (is_update(value) or is_update(later)):
        return value if later == UNCHANGED else later
    held = value if is_update(value) else {**UNCHANGED, "value": value}
    return {**held, **(later if is_update(later) else {"value": later})}


def _unchanged(*steps: EndpointStep) -> Iterator[Any]:
    return (UNCHANGED for step in steps for _ in step.shows)


def step_arguments(step: EndpointStep, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a step, from all values of its job."""
    return {name: values.get(key) for name, key in step.takes.items()}


def output_values(step: EndpointStep, outputs: Sequence[Any]) -> dict[str, Any]:
    """The values that a step's visible outputs become; outputs that only change looks set none."""
    return {
        key: value
        for number, key in step.gives.items()
        if (value := updated_value(outputs[number], _UNSET)) is not _UNSET
    }


_UNSET = object()


def every_step(steps: Iterable[EndpointStep]) -> Iterator[EndpointStep]:
    """The steps, each followed by those that run if it fails."""
    for step in steps:
        yield step
        yield from every_step(step.failing)
