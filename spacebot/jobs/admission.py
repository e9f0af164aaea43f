"""Fair admission: whose job goes to a Space next.

Jobs wait per Space, round robin between users, then first come, first served
within a user. A user's first job on a Space always goes at once; further ones go
as long as the Space has shown that it runs as many side by side, so that they
wait here, where others can pass them, and not in the Space's own queue. How many
that is, it does not say: one job more is sent and watched. Where that one does not
begin at once, and another user comes, it is recalled from the Space's queue.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from spacebot.errors import Refused
from spacebot.settings import Settings

# How long a job may stay unstarted on a Space before that counts as its queue being
# full: a job that starts at once still says "queued" first.
PROMPT = 0.25
# Others come and go on a public Space, so what it could run side by side grows old.
FRESH = 120.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How many jobs at most: running per Space, running and waiting per user, and in all.

    `files_per_user` and `files_in_all` are bytes attached to jobs that have not ended.
    """

    per_space: int = 1000
    running_per_user: int = 50
    waiting_per_user: int = 100
    in_all: int = 5000
    files_per_user: int = 512_000_000
    files_in_all: int = 4_000_000_000

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits that the owner set."""
        return cls(
            per_space=settings.jobs_per_space,
            running_per_user=settings.jobs_running_per_user,
            waiting_per_user=settings.jobs_waiting_per_user,
            in_all=settings.jobs_in_all,
        )


@dataclass(slots=True, eq=False)
class Turn:
    """One job's place: in line until `granted`, on the Space until it is left.

    `recalled` asks whoever runs the job to take it out of the Space's queue again.
    """

    space: str
    endpoint: str
    user: str
    granted: asyncio.Event = field(default_factory=asyncio.Event)
    entered: float = field(default_factory=time.monotonic)
    recalled: asyncio.Event = field(default_factory=asyncio.Event)
    sent: float = 0.0
    ended: int = 0
    running: bool = False


@dataclass(slots=True)
class _Width:
    """How many jobs an endpoint was seen to run side by side, and when; how many ended."""

    known: int = 0
    ended: int = 0
    at: float = float("-inf")

    def allows(self, in_flight: int, now: float) -> bool:
        return in_flight < self.known or now - self.at > FRESH


class Admission:
    """Who may send a job now. All calls belong to one event loop."""

    def __init__(
        self,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self.limits = limits
        self._clock = clock
        self._later = later or _call_later
        self._waiting: dict[str, OrderedDict[str, deque[Turn]]] = {}
        self._on_space: defaultdict[str, set[Turn]] = defaultdict(set)
        self._widths: defaultdict[tuple[str, str], _Width] = defaultdict(_Width)
        self._running_of: Counter[str] = Counter()
        self._waiting_of: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """How many jobs are on Spaces."""
        return self._running_of.total()

    @property
    def waiting(self) -> int:
        """How many jobs wait here."""
        return self._waiting_of.total()

    def counts(self, space: str) -> tuple[int, int]:
        """How many jobs are on a Space, and how many wait for it here."""
        lines = self._waiting.get(space, {})
        return len(self._on_space.get(space, ())), sum(map(len, lines.values()))

    def enter(self, space: str, endpoint: str, user: str) -> Turn:
        """Get in line; raises `Refused`, naming the limit and when to try again."""
        if self.running + self.waiting >= self.limits.in_all:
            raise Refused(
                f"The bot has {self.limits.in_all} jobs already, the most it takes. "
                "Try again in a few minutes."
            )
        turn = Turn(space, endpoint, user)
        line = self._waiting.setdefault(space, OrderedDict()).setdefault(user, deque())
        line.append(turn)
        self._waiting_of[user] += 1
        self._grant(space)
        most = self.limits.waiting_per_user
        if not turn.granted.is_set() and self._waiting_of[user] > most:
            self._remove(turn)
            raise Refused(
                f"You have {most} job{'s' * (most != 1)} waiting, as many as one person may. "
                "Try again when one of them is done."
            )
        if turn.granted.is_set() and self._stuck(turn):
            self._later(PROMPT, partial(self._recall, turn))
        return turn

    def _stuck(self, turn: Turn) -> list[Turn]:
        """What others sent beyond their first job and the Space has not begun."""
        there = self._same(turn)
        served = {one.user for one in there if one.running}
        return [
            other
            for other in there
            if not other.running and other.user != turn.user and other.user in served
        ]

    def _recall(self, turn: Turn) -> None:
        if turn.running or not turn.granted.is_set():
            return
        for other in self._stuck(turn):
            width = self._widths[other.space, other.endpoint]
            width.known = max(1, sum(one.running for one in self._same(other)))
            width.at = self._clock()
            other.recalled.set()

    def back(self, turn: Turn) -> None:
        """A recalled job was taken out of the Space's queue: it is its user's next."""
        turn.granted.clear()
        turn.recalled.clear()
        self._on_space[turn.space].discard(turn)
        self._count(self._running_of, turn.user, -1)
        line = self._waiting.setdefault(turn.space, OrderedDict()).setdefault(turn.user, deque())
        line.appendleft(turn)
        self._waiting_of[turn.user] += 1
        self._grant(turn.space)

    def rank(self, turn: Turn) -> tuple[int, int]:
        """A waiting turn's place in line and the line's length, both from 1."""
        lines = self._waiting[turn.space]
        own = lines[turn.user]
        ahead = own.index(turn)
        users = list(lines)
        before = users.index(turn.user)
        rank = 1 + sum(
            min(len(lines[user]), ahead + (position < before))
            for position, user in enumerate(users)
            if user != turn.user
        )
        return rank + ahead, sum(map(len, lines.values()))

    def started(self, turn: Turn) -> None:
        """The Space began this job: learn how many it runs side by side."""
        if turn.running or turn not in self._on_space[turn.space]:
            return
        now = self._clock()
        turn.running = True
        width = self._widths[turn.space, turn.endpoint]
        count = sum(other.running for other in self._same(turn))
        if now - turn.sent > PROMPT and width.ended > turn.ended:
            # It began when another one made room: so many are all there is room for.
            width.known, width.at = count, now
        else:
            width.known = max(count, width.known)
        self._grant(turn.space)

    def leave(self, turn: Turn) -> None:
        """A job ended, or gave up its place in line."""
        if turn.granted.is_set():
            self._widths[turn.space, turn.endpoint].ended += 1
            self._on_space[turn.space].discard(turn)
            self._count(self._running_of, turn.user, -1)
        else:
            self._remove(turn)
        self._grant(turn.space)
        # The bound on a user's running jobs spans the Spaces.
        for space in [space for space, lines in self._waiting.items() if turn.user in lines]:
            self._grant(space)

    def _same(self, turn: Turn) -> list[Turn]:
        return [other for other in self._on_space[turn.space] if other.endpoint == turn.endpoint]

    def _grant(self, space: str) -> None:
        """Send whoever may go now, one user after the other."""
        lines = self._waiting.get(space)
        while lines and len(self._on_space[space]) < self.limits.per_space:
            user = next((user for user, line in lines.items() if self._may_go(line[0])), None)
            if user is None:
                return
            turn = lines[user][0]
            self._remove(turn)
            if user in lines:
                lines.move_to_end(user)
            turn.sent = self._clock()
            turn.ended = self._widths[turn.space, turn.endpoint].ended
            self._on_space[space].add(turn)
            self._running_of[user] += 1
            turn.granted.set()

    def _may_go(self, turn: Turn) -> bool:
        if self._running_of[turn.user] >= self.limits.running_per_user:
            return False
        there = self._same(turn)
        if not any(other.user == turn.user for other in there):
            return True
        if not all(other.running for other in there):
            return False
        return self._widths[turn.space, turn.endpoint].allows(len(there), self._clock())

    def _remove(self, turn: Turn) -> None:
        lines = self._waiting[turn.space]
        lines[turn.user].remove(turn)
        self._count(self._waiting_of, turn.user, -1)
        if not lines[turn.user]:
            del lines[turn.user]
        if not lines:
            del self._waiting[turn.space]

    @staticmethod
    def _count(counter: Counter[str], user: str, by: int) -> None:
        counter[user] += by
        if not counter[user]:
            del counter[user]


def _call_later(seconds: float, function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, function)
