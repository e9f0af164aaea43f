"""What a running job reports, from its first sign of life to its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from spacebot.errors import SpaceRaised
from spacebot.models import Progress


@dataclass(frozen=True, slots=True)
class Toast:
    """A message that the Space shows beside the job (gr.Info, gr.Warning); may contain HTML."""

    text: str
    level: str


@dataclass(frozen=True, slots=True)
class PageEventsRan:
    """The labels of the page's events that ran before the endpoint."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Partial:
    """What a job has made so far: raw outputs, including states, and what other steps `shown`."""

    outputs: list[Any]
    shown: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Result:
    """The job's result: its raw outputs, including states, and what steps before it `shown`."""

    outputs: list[Any]
    shown: list[Any] = field(default_factory=list)


class CancelledOnSpace(SpaceRaised):
    """The job was cancelled on the Space."""


Update = Progress | Toast | PageEventsRan | Partial | Result
