"""Fair admission: whose job goes to a Space next.

Jobs wait per Space: round robin between users, FIFO within a user. A user's first job on a Space
always goes at once. Further jobs go only as long as the Space has shown that it runs that many side
by side; otherwise they wait here, where others can pass them, and not in the Space's own queue. A
Space does not say how many it runs, so one more job is sent and watched. If it does not begin at
once and another user comes, it is recalled from the Space's queue.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import Any

from spacebot.errors import LimitReached
from spacebot.settings import Settings

# How long a job may stay unstarted before the Space's queue counts as full: even a job that starts
# at once says "queued" first.
MAX_START_DELAY = 0.25
# A public Space has other users too, so what it could run side by side becomes outdated.
CONCURRENCY_TTL = 120.0
# How long the places in a line are shown before they are counted again.
RANK_TTL = 0.5


@dataclass(frozen=True, slots=True)
class JobLimits:
    """The most jobs running per Space, running and waiting per user, and in all.

    `files_per_user` and `files_in_all` limit the bytes attached to unfinished jobs.
    """

    per_space: int = 1000
    running_per_user: int = 50
    waiting_per_user: int = 100
    total: int = 5000
    files_per_user: int = 512_000_000
    files_in_all: int = 4_000_000_000

    @classmethod
    def from_settings(cls, settings: Settings) -> JobLimits:
        """The limits that the owner set."""
        return cls(
            per_space=settings.jobs_per_space,
            running_per_user=settings.jobs_running_per_user,
            waiting_per_user=settings.jobs_waiting_per_user,
            total=settings.jobs_in_all,
        )


@dataclass(slots=True, eq=False)
class QueueTicket:
    """One job's place: in line until `granted`, then on the Space until it leaves.

    `withdrawn` asks the job's runner to take it out of the Space's queue again. `server` is where
    the user asked, empty in direct messages.
    """

    space: str
    endpoint: str
    user: str
    server: str = ""
    granted: asyncio.Event = field(default_factory=asyncio.Event)
    entered: float = field(default_factory=time.monotonic)
    withdrawn: asyncio.Event = field(default_factory=asyncio.Event)
    sent: float = 0.0
    ended: int = 0
    running: bool = False


# How many endpoints' observed concurrency is remembered.
MAX_REMEMBERED = 2000


@dataclass(slots=True)
class _Concurrency:
    """How many jobs an endpoint was seen to run side by side, and when; how many have ended."""

    known: int = 0
    ended: int = 0
    at: float = float("-inf")

    def allows(self, in_flight: int, now: float) -> bool:
        return in_flight < self.known or now - self.at > CONCURRENCY_TTL


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The places of the jobs that wait for a Space, as they were at `at`."""

    places: dict[QueueTicket, int]
    at: float


class JobQueue:
    """Decides who may send a job now. All calls belong to one event loop."""

    def __init__(
        self,
        limits: JobLimits,
        *,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self.limits = limits
        # How many jobs a server lets one member run at once; None is no limit of its own.
        self.server_limit: Callable[[str], int | None] = lambda _: None
        self._clock = clock
        self._later = later or _call_later
        self._waiting: dict[str, OrderedDict[str, deque[QueueTicket]]] = {}
        self._rankings: dict[str, _Ranking] = {}
        self._on_space: defaultdict[str, set[QueueTicket]] = defaultdict(set)
        self._widths: defaultdict[tuple[str, str], _Concurrency] = defaultdict(_Concurrency)
        self._running_of: Counter[str] = Counter()
        self._running_in: Counter[tuple[str, str]] = Counter()
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

    def running_in(self, place: tuple[str, str]) -> int:
        """How many of each member's jobs are on Spaces, by server and user."""
        return self._running_in[place]

    def enter(self, space: str, endpoint: str, user: str, server: str = "") -> QueueTicket:
        """Get in line; raises `LimitReached`, naming the limit and when to try again."""
        if self.running + self.waiting >= self.limits.total:
            raise LimitReached(
                f"The bot has {self.limits.total} jobs already, the maximum. "
                "Try again in a few minutes."
            )
        ticket = QueueTicket(space, endpoint, user, server)
        line = self._waiting.setdefault(space, OrderedDict()).setdefault(user, deque())
        line.append(ticket)
        self._waiting_of[user] += 1
        self._grant(space)
        most = self.limits.waiting_per_user
        if not ticket.granted.is_set() and self._waiting_of[user] > most:
            self._remove(ticket)
            raise LimitReached(
                f"You have {most} job{'s' * (most != 1)} waiting, the maximum for one person. "
                "Try again when one of them is done."
            )
        if ticket.granted.is_set() and self._stuck(ticket):
            self._later(MAX_START_DELAY, partial(self._recall, ticket))
        return ticket

    def _stuck(self, ticket: QueueTicket) -> list[QueueTicket]:
        """The jobs beyond a user's first that others sent and the Space has not begun."""
        there = self._same(ticket)
        served = {one.user for one in there if one.running}
        return [
            other
            for other in there
            if not other.running and other.user != ticket.user and other.user in served
        ]

    def _recall(self, ticket: QueueTicket) -> None:
        if ticket.running or not ticket.granted.is_set():
            return
        for other in self._stuck(ticket):
            width = self._widths[other.space, other.endpoint]
            width.known = max(1, sum(one.running for one in self._same(other)))
            width.at = self._clock()
            other.withdrawn.set()

    def back(self, ticket: QueueTicket) -> None:
        """A recalled job has left the Space's queue: it is its user's next."""
        ticket.granted.clear()
        ticket.withdrawn.clear()
        self._on_space[ticket.space].discard(ticket)
        self._ran(ticket, -1)
        line = self._waiting.setdefault(ticket.space, OrderedDict()).setdefault(
            ticket.user, deque()
        )
        line.appendleft(ticket)
        self._waiting_of[ticket.user] += 1
        self._grant(ticket.space)

    def rank(self, ticket: QueueTicket) -> tuple[int, int]:
        """A waiting job's place in line and the line's length, both from 1.

        Every waiting job asks again and again, so the whole line is ranked at once, at most every
        `RANK_TTL` seconds; until then, only a job that is new to the line is ranked by itself.
        """
        lines, now = self._waiting[ticket.space], self._clock()
        ranking = self._rankings.get(ticket.space)
        if ranking is None or now - ranking.at > RANK_TTL:
            ranking = self._rankings[ticket.space] = _Ranking(self._places(ticket.space), now)
        place = ranking.places.get(ticket) or self._place(ticket)
        return place, max(place, sum(map(len, lines.values())))

    def _place(self, ticket: QueueTicket) -> int:
        """One waiting job's place: behind the earlier rounds, and those before it in its own."""
        lines = self._waiting[ticket.space]
        ahead, before = lines[ticket.user].index(ticket), list(lines).index(ticket.user)
        return 1 + sum(
            min(len(line), ahead + (position < before))
            for position, line in enumerate(lines.values())
        )

    def _places(self, space: str) -> dict[QueueTicket, int]:
        """The places of a Space's waiting jobs: every user's first job, then the second ones, …"""
        rounds = [
            (depth, position, ticket)
            for position, line in enumerate(self._waiting[space].values())
            for depth, ticket in enumerate(line)
        ]
        rounds.sort(key=itemgetter(0, 1))
        return {ticket: place for place, (_, _, ticket) in enumerate(rounds, 1)}

    def started(self, ticket: QueueTicket) -> None:
        """The Space began this job: learn how many it runs side by side."""
        if ticket.running or ticket not in self._on_space[ticket.space]:
            return
        now = self._clock()
        ticket.running = True
        width = self._widths[ticket.space, ticket.endpoint]
        count = sum(other.running for other in self._same(ticket))
        if now - ticket.sent > MAX_START_DELAY and width.ended > ticket.ended:
            # It began when another one made room, so the Space has no more room than that.
            width.known, width.at = count, now
        else:
            width.known = max(count, width.known)
        self._grant(ticket.space)

    def leave(self, ticket: QueueTicket) -> None:
        """A job ended, or left the line."""
        if ticket.granted.is_set():
            self._widths[ticket.space, ticket.endpoint].ended += 1
            self._on_space[ticket.space].discard(ticket)
            self._ran(ticket, -1)
        else:
            self._remove(ticket)
        self._grant(ticket.space)
        # A user's limit on running jobs spans the Spaces.
        for space in [space for space, lines in self._waiting.items() if ticket.user in lines]:
            self._grant(space)
        self._forget_idle()

    def _forget_idle(self) -> None:
        """Forget Spaces without jobs once there are too many: any Space on the Hub may be used."""
        if len(self._widths) <= MAX_REMEMBERED:
            return
        for space in [space for space, jobs in self._on_space.items() if not jobs]:
            del self._on_space[space]
        for key in [key for key in self._widths if key[0] not in self._on_space]:
            del self._widths[key]

    def _same(self, ticket: QueueTicket) -> list[QueueTicket]:
        return [
            other for other in self._on_space[ticket.space] if other.endpoint == ticket.endpoint
        ]

    def _grant(self, space: str) -> None:
        """Send the jobs that may go now, one user after the other."""
        lines = self._waiting.get(space)
        while lines and len(self._on_space[space]) < self.limits.per_space:
            ticket = next(filter(None, map(self._next_of, lines.values())), None)
            if ticket is None:
                return
            user = ticket.user
            self._remove(ticket)
            if user in lines:
                lines.move_to_end(user)
            ticket.sent = self._clock()
            ticket.ended = self._widths[ticket.space, ticket.endpoint].ended
            self._on_space[space].add(ticket)
            self._ran(ticket, 1)
            ticket.granted.set()

    def _next_of(self, line: deque[QueueTicket]) -> QueueTicket | None:
        """A user's next job that may go now; jobs that their server holds back are skipped."""
        ticket = next((one for one in line if not self._is_held(one)), None)
        return ticket if ticket and self._may_go(ticket) else None

    def _is_held(self, ticket: QueueTicket) -> bool:
        """Whether its server lets no more jobs of this user run."""
        most = self.server_limit(ticket.server) if ticket.server else None
        return most is not None and self._running_in[ticket.server, ticket.user] >= most

    def _may_go(self, ticket: QueueTicket) -> bool:
        if self._running_of[ticket.user] >= self.limits.running_per_user:
            return False
        there = self._same(ticket)
        if not any(other.user == ticket.user for other in there):
            return True
        if not all(other.running for other in there):
            return False
        return self._widths[ticket.space, ticket.endpoint].allows(len(there), self._clock())

    def _remove(self, ticket: QueueTicket) -> None:
        lines = self._waiting[ticket.space]
        lines[ticket.user].remove(ticket)
        self._count(self._waiting_of, ticket.user, -1)
        if not lines[ticket.user]:
            del lines[ticket.user]
        if not lines:
            del self._waiting[ticket.space]
            self._rankings.pop(ticket.space, None)

    def _ran(self, ticket: QueueTicket, by: int) -> None:
        self._count(self._running_of, ticket.user, by)
        self._count(self._running_in, (ticket.server, ticket.user), by)

    @staticmethod
    def _count(counter: Counter[Any], key: Any, by: int) -> None:
        counter[key] += by
        if not counter[key]:
            del counter[key]


def _call_later(seconds: float, function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, function)
