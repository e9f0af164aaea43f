"""How often a message is edited while its job runs, and how a crowd is acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from spacebot.engine.jobs import JobHandle, JobManager

# An instant job needs no progress: its result is the first edit.
FIRST_EDIT_DELAY = 1.0
# The pauses between two edits, in seconds: the longer a job runs, the less a moment matters.
MIN_EDIT_INTERVAL, MAX_EDIT_INTERVAL = 1.5, 5.0
# For all messages together: progress must never use up the requests that results need.
EDITS_PER_SECOND = 25.0
# How many acknowledgements are sent at once; more would only open more connections.
MAX_CONCURRENT_ACKNOWLEDGEMENTS = 100
# With more unacknowledged interactions than this, the jobs of acknowledged ones wait, for this many
# seconds at most.
CROWD_SIZE, CROWD_WAIT = 20, 2.0


class Pacer(Protocol):
    """Decides when a surface shows its job's progress."""

    async def due(self, result: asyncio.Future[Any]) -> bool:
        """Wait until the next update is due; False as soon as the job has ended."""
        ...


class EditPacer:
    """Decides when one job's message is edited; an `eager` one also at a stream's first words."""

    def __init__(self, jobs: JobManager, running: JobHandle, *, eager: bool = True) -> None:
        self.jobs = jobs
        self._running = running
        self._began = time.monotonic()
        self.edits = 0
        self._spoken = not (eager and running.job.endpoint.streams)

    async def due(self, result: asyncio.Future[Any]) -> bool:
        """Wait until the next edit is due; False as soon as the job has ended."""
        first = None if self._spoken else asyncio.ensure_future(self._running.spoke.wait())
        waiting = {result} if first is None else {result, first}
        try:
            await asyncio.wait(waiting, timeout=self.pause(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if first is not None:
                first.cancel()
        self._spoken = self._spoken or self._running.spoke.is_set()
        self.edits += 1
        return not result.done()

    def pause(self) -> float:
        """Seconds until the next edit."""
        passed = time.monotonic() - self._began
        own = (
            min(max(MIN_EDIT_INTERVAL, passed / 2), MAX_EDIT_INTERVAL)
            if self.edits
            else FIRST_EDIT_DELAY
        )
        return max(own, len(self.jobs.running) / EDITS_PER_SECOND)


class SteadyPacer(EditPacer):
    """For a message that several jobs share: its progress is shown as often as edits allow."""

    def pause(self) -> float:
        return MIN_EDIT_INTERVAL if self.edits else FIRST_EDIT_DELAY


class InteractionThrottle:
    """Interactions that arrive in a crowd: Discord gives each 3 s, so all are
    acknowledged first."""

    def __init__(self) -> None:
        self._waiting = self._held = 0
        # Held while one interaction is answered.
        self.slots = asyncio.Semaphore(MAX_CONCURRENT_ACKNOWLEDGEMENTS)
        self._over = asyncio.Event()
        self._over.set()

    @contextmanager
    def acknowledging(self) -> Iterator[None]:
        """Count an interaction that waits for its acknowledgement."""
        self._waiting += 1
        if self._waiting > CROWD_SIZE:
            self._over.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            if self._waiting <= CROWD_SIZE:
                self._over.set()

    async def wait_for_crowd(self) -> None:
        """Wait until few are unacknowledged, 2 seconds at most, in FIFO order."""
        if self._over.is_set():
            if self._held:
                # The jobs that waited are awake by now, and go first.
                await asyncio.sleep(0)
            return
        self._held += 1
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CROWD_WAIT):
                    await self._over.wait()
        finally:
            self._held -= 1
