"""The automations that a clock starts, each when it is due and in one process."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import replace

from spacebot.concurrency import TaskSet
from spacebot.discord_bot.automations import events
from spacebot.discord_bot.automations.events import Event
from spacebot.discord_bot.automations.triggers import HOUR_SECONDS, TRIGGERS, Trigger
from spacebot.discord_bot.discord_internals import ShardedClient
from spacebot.engine.jobs import JobManager
from spacebot.engine.store import Automation
from spacebot.errors import StoreError

log = logging.getLogger(__name__)

# Runs missed while the bot was off are made up for if they were due within this time.
MAX_LATENESS = HOUR_SECONDS
# How often to try to record a run that the database has not accepted, in seconds.
RECORD_PAUSE = 5.0


class AutomationClock:
    """Runs automations by time. What runs and changes them is its subclass's."""

    client: ShardedClient
    jobs: JobManager
    _all: dict[str, Automation]
    _wake: asyncio.Event
    _tasks: TaskSet
    # The runs that the database has not accepted: when each was due, and is due next.
    _unrecorded: dict[str, tuple[float, float | None]]

    async def load(self) -> None:
        """Learn which automations there are, and when each has run."""
        raise NotImplementedError

    async def _run_all(self, automation: Automation, event: Event) -> None:
        raise NotImplementedError

    def wake(self) -> None:
        """Look at the clock again: there are other automations, or servers of other shards."""
        self._wake.set()

    def _is_here(self, automation: Automation) -> bool:
        """Whether this process is connected for its server. Another one runs it otherwise."""
        return self.client.knows_shard_of(int(automation.guild))

    async def _keep_time(self) -> None:
        """Run timed automations when they are due."""
        await self.client.wait_until_ready()
        while True:
            self._wake.clear()
            await self.record_runs()
            mine = filter(self._is_here, self._all.values())
            due = [one.due for one in mine if one.due and not one.paused]
            longest = RECORD_PAUSE if self._unrecorded else HOUR_SECONDS
            pause = max(0.0, min(due, default=time.time() + HOUR_SECONDS) - time.time())
            try:
                await asyncio.wait_for(self._wake.wait(), min(pause, longest))
            except TimeoutError:
                await self._run_due(time.time())

    async def _run_due(self, now: float) -> None:
        for automation in map(self._all.get, [*self._all]):
            if automation is None:
                continue
            kind, due = TRIGGERS.get(automation.kind), automation.due
            if automation.paused or due is None or due > now or kind is None:
                continue
            # Its server may have moved to another process while the ones before it were recorded.
            if not self._is_here(automation):
                continue
            known, event = self.client.get_guild(int(automation.guild)), self.tick(automation)
            # Recorded first, then run: a bot that dies in between does not run it twice.
            mine = await self._move_on(automation, due, _own_time(kind, automation.setting, now))
            if mine and known and now - due < MAX_LATENESS:
                work = self._run_all(automation, event)
                self._tasks.start(work, f"automation {automation.id}")

    async def _move_on(self, automation: Automation, due: float, then: float | None) -> bool:
        """Record when it is due next; whether this process is the one to run it now."""
        mine = True
        try:
            mine = await self.jobs.store.automations.move_on(automation.id, due, then)
        except StoreError:
            log.warning("automation %s: its run is not recorded yet", automation.id)
            self._unrecorded[automation.id] = due, then
        else:
            self._unrecorded.pop(automation.id, None)
        if automation.id in self._all:
            self._all[automation.id] = replace(self._all[automation.id], due=then)
        if not mine:
            await self._learn_due(automation)
        return mine

    async def _learn_due(self, automation: Automation) -> None:
        """Learn when it is due, which another process has changed."""
        try:
            await self.load()
        except StoreError:
            log.warning("automation %s: when it is due next could not be read", automation.id)

    async def record_runs(self) -> None:
        """Record the runs that the database has not accepted yet."""
        for automation, (due, then) in [*self._unrecorded.items()]:
            if self.jobs.store.trouble:
                return
            try:
                await self.jobs.store.automations.move_on(automation, due, then)
            except StoreError:
                return
            if self._unrecorded.get(automation) == (due, then):
                del self._unrecorded[automation]

    def with_own_runs(self, automation: Automation) -> Automation:
        """An automation as stored, with its last run here if that is not recorded yet."""
        _, then = self._unrecorded.get(automation.id, (None, None))
        later = then is not None and automation.due is not None and then > automation.due
        return replace(automation, due=then) if later else automation

    def tick(self, automation: Automation) -> Event:
        """The event of a timed automation."""
        return events.timed_event(automation, self.client.get_guild(int(automation.guild)))


def _own_time(kind: Trigger, setting: str, after: float) -> float | None:
    """When an automation is due next, up to a second late: no other process picks the same time."""
    due = kind.next(setting, after)
    return None if due is None else due + random.random()
