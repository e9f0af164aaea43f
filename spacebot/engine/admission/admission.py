"""Whether a job may start in a server: its moderators' limits, and how much is used."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from spacebot.engine.admission import rules
from spacebot.engine.admission.rules import Ask
from spacebot.engine.store import ServerLimits, Store
from spacebot.errors import LimitReached
from spacebot.models import Requester

DAY_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a member has used in a server, and may use; None is no limit.

    `resets` is when the day ends, in epoch seconds.
    """

    used: int
    jobs: int | None
    running: int
    most_running: int | None
    waiting: int
    most_waiting: int | None
    resets: int


@dataclass(frozen=True, slots=True)
class _Admitted:
    """An unfinished job: whose it is, and how many jobs it counts as, on which day."""

    key: tuple[str, str]
    day: int
    jobs: int


class Admission:
    """Decides about every job of every server. All calls belong to one event loop.

    The limits and today's counts are in memory, so that a decision waits for nothing; each count is
    stored as well. `running` returns how many jobs of each member are on Spaces, by server and
    member. Direct messages have no limits.
    """

    def __init__(
        self,
        store: Store,
        running: Callable[[tuple[str, str]], int],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._running = running
        self._clock = clock
        self._limits: dict[str, ServerLimits] = {}
        self._changing = asyncio.Lock()
        self._day = self._today
        self._used: Counter[tuple[str, str]] = Counter()
        self._admitted: dict[str, _Admitted] = {}
        self._unsent: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    async def load(self) -> None:
        """Load the servers' limits, and what was used today before this start."""
        self._limits = {one.guild: one for one in await self._store.limits.all()}
        self._day = self._today
        self._used = Counter(await self._store.limits.used(self._day))

    async def trim(self) -> None:
        """Forget what was used before today."""
        await self._store.limits.forget(self._today)

    @property
    def _today(self) -> int:
        return int(self._clock() // DAY_SECONDS)

    def of(self, guild: object) -> ServerLimits:
        """A server's limits."""
        return self._limits.get(str(guild or "")) or ServerLimits(str(guild or ""))

    async def change(
        self, guild: object, change: Callable[[ServerLimits], ServerLimits]
    ) -> ServerLimits:
        """Change a server's limits, from now on and after a restart; raises `StoreError`.

        Two moderators at once take turns, so that neither undoes the other's change.
        """
        async with self._changing:
            limits = change(self.of(guild))
            await self._store.limits.save(limits)
            self._limits[limits.guild] = limits
            return limits

    def check(self, ask: Ask) -> None:
        """Raise `LimitReached` or `NotAllowed` if a server does not allow it."""
        limits = self._limits.get(ask.guild)
        if limits is None or not ask.guild:
            return
        rules.check(limits, ask)
        now = self.allowance(ask.guild, ask.requester)
        if now.jobs is not None and now.used + ask.jobs > now.jobs:
            raise LimitReached(_day_text(now, ask.jobs))
        if now.most_waiting is not None and now.waiting >= now.most_waiting:
            raise LimitReached(
                f"{now.waiting} of your jobs are waiting in this server, and the limit per "
                f"member is {now.most_waiting}. Try again when one of them has started."
            )

    def admit(self, job: str, ask: Ask) -> None:
        """Count a job that is about to be stored, unless `check` raises."""
        self.check(ask)
        counts = ask.jobs if self.of(ask.guild).counts_jobs else 0
        self.note(job, ask, counts)
        if counts:
            self._used[ask.guild, ask.requester.user] += counts

    def note(self, job: str, ask: Ask, counts: int = 0) -> None:
        """Track a job until `ended`; a job of an earlier process is counted already."""
        if ask.guild and job not in self._admitted:
            key = (ask.guild, ask.requester.user)
            self._admitted[job] = _Admitted(key, self._today, counts)
            self._unsent[key].add(job)

    def sent(self, job: str, is_sent: bool = True) -> None:
        """Note that a job goes to its Space, so it waits no longer; or that it is back."""
        if found := self._admitted.get(job):
            if is_sent:
                self._discard(found.key, job)
            else:
                self._unsent[found.key].add(job)

    def _discard(self, key: tuple[str, str], job: str) -> None:
        self._unsent[key].discard(job)
        if not self._unsent[key]:
            del self._unsent[key]

    async def write(self, job: str) -> None:
        """Store how many jobs this one counts as."""
        if (found := self._admitted.get(job)) and found.jobs:
            await self._count(job, found, found.jobs)

    async def ended(self, job: str, *, counts: bool = True) -> None:
        """Note the end of a job; a job that was never sent is not counted after all."""
        found = self._admitted.pop(job, None)
        if found is None:
            return
        self._discard(found.key, job)
        if found.jobs and not counts:
            if found.day == self._day:
                self._used[found.key] -= found.jobs
            await self._count(job, found, 0)

    async def _count(self, job: str, found: _Admitted, jobs: int) -> None:
        await self._store.saved(self._store.limits.count(job, *found.key, found.day, jobs))

    def allowance(self, guild: str, requester: Requester) -> Allowance:
        """What a member has used here so far, and may use."""
        if self._day != self._today:
            self._day = self._today
            self._used.clear()
        limits, key = self.of(guild), (guild, requester.user)
        return Allowance(
            used=self._used[key],
            jobs=limits.jobs_a_day(requester.roles),
            running=self._running(key),
            most_running=limits.running,
            waiting=len(self._unsent.get(key, ())),
            most_waiting=limits.waiting,
            resets=(self._day + 1) * DAY_SECONDS,
        )


def _day_text(now: Allowance, jobs: int) -> str:
    left = max(0, (now.jobs or 0) - now.used)
    if not now.jobs:
        return "Your roles do not let you start jobs in this server."
    day = f"<t:{now.resets}:t> (<t:{now.resets}:R>)"
    if left:
        return (
            f"This takes {jobs} jobs, and you have {left} of your {now.jobs} jobs a day left in "
            f"this server. You get more at {day}."
        )
    return (
        f"You have used your {now.jobs} job{'s' * (now.jobs != 1)} for today in this server. "
        f"You get more at {day}."
    )
