"""The try-out's results, for their follow-ups: in memory, the oldest dropped."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from spacebot.engine import follow_ups
from spacebot.errors import InputError
from spacebot.models import Endpoint, FollowUp, Job, Outcome
from spacebot.web.program import Program
from spacebot.web.tryout.forms import PageCommand

MAX_RESULTS = 200
FILE_NOT_KEPT = (
    "This needs the file that was attached before, which the try-out does not store. In Discord "
    "it is used again."
)


@dataclass(frozen=True, slots=True)
class TryOutResult:
    """A result: the job, what its Space returned, and the values behind all of it."""

    job: Job
    outputs: Sequence[Any]
    before: follow_ups.PriorValues


class TryOutResults:
    """The results by their keys, which nobody can guess."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._made = LRUCache[str, TryOutResult](MAX_RESULTS)

    def keep(self, job: Job, outcome: Outcome, after: str) -> str:
        """Store a result; `after` is the button press that led to it. Returns its key."""
        before = follow_ups.PriorValues()
        before.add(job)
        earlier = self._made.get(after.partition(":")[0])
        if earlier is not None:
            before.behind(earlier.before)
        key = secrets.token_hex(12)
        self._made[key] = TryOutResult(job, outcome.outputs, before)
        return key

    def pressed(self, press: str) -> PageCommand:
        """What a button (“result:follow-up:place”) calls; raises `SpacebotError`."""
        key, _, which = press.partition(":")
        name, _, place = which.partition(":")
        made = self._made.get(key)
        if made is None or not re.fullmatch(r"[0-9]{1,3}", place):
            raise InputError(follow_ups.RESULT_NOT_KEPT)
        wanted = follow_ups.find_follow_up(made.job.endpoint.then, name, int(place))
        endpoint = self._endpoint(made, wanted, int(place))
        label = follow_ups.label_of(wanted, int(place))
        command = made.job.command.removeprefix("/")
        return PageCommand(
            f"{command}{follow_ups.PATH_SEPARATOR}{label}", endpoint.description, endpoint
        )

    def _endpoint(self, made: TryOutResult, wanted: FollowUp, place: int) -> Endpoint:
        before = made.before
        if any(source in before.files for source in wanted.take.values()):
            raise InputError(FILE_NOT_KEPT)
        taken = follow_ups.taken_values(wanted, place, made.outputs, before.values, before.held)
        endpoint = self._program.follow_up(made.job.endpoint.space, wanted)
        return follow_ups.with_constants(endpoint, taken)
