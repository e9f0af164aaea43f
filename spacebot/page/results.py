"""The try-out's results, as their follow-ups need them: in memory, the oldest forgotten."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacebot import followups
from spacebot.errors import InputError
from spacebot.models import Endpoint, FollowUp, Job, Outcome
from spacebot.page.forms import Command
from spacebot.page.house import House

MOST = 200
ATTACHED = (
    "This takes a file that was attached before, which the try-out does not keep; in Discord it "
    "is taken again."
)


@dataclass(frozen=True, slots=True)
class Made:
    """A result: the job, what its Space returned, and what all of it was made with."""

    job: Job
    values: Sequence[Any]
    before: followups.Before


class Results:
    """The results by their keys, which nobody can guess."""

    def __init__(self, house: House, most: int = MOST) -> None:
        self._house = house
        self._most = most
        self._made: OrderedDict[str, Made] = OrderedDict()

    def keep(self, job: Job, outcome: Outcome, after: str) -> str:
        """Keep a result; `after` is the press that it came of. Returns its key."""
        before = followups.Before()
        before.add(job)
        earlier = self._made.get(after.partition(":")[0])
        if earlier is not None:
            before.behind(earlier.before)
        key = secrets.token_hex(12)
        self._made[key] = Made(job, outcome.values, before)
        while len(self._made) > self._most:
            self._made.popitem(last=False)
        return key

    def pressed(self, press: str) -> Command:
        """What a button calls, "key of the result:key of the follow-up:its place".

        Raises `SpacebotError` where that is gone.
        """
        key, _, which = press.partition(":")
        name, _, place = which.partition(":")
        made = self._made.get(key)
        if made is None or not re.fullmatch(r"[0-9]{1,3}", place):
            raise InputError(followups.LOST)
        wanted = followups.find(made.job.endpoint.then, name, int(place))
        endpoint = self._endpoint(made, wanted, int(place))
        label = followups.label_of(wanted, int(place))
        command = made.job.command.removeprefix("/")
        return Command(f"{command}{followups.ARROW}{label}", endpoint.description, endpoint)

    def _endpoint(self, made: Made, wanted: FollowUp, place: int) -> Endpoint:
        before = made.before
        if any(source in before.files for source in wanted.take.values()):
            raise InputError(ATTACHED)
        taken = followups.taken(wanted, place, made.values, before.values, before.held)
        endpoint = self._house.follow_up(made.job.endpoint.space, wanted)
        return followups.with_taken(endpoint, taken)
