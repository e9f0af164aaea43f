"""What the owner sees and does, beyond what everyone sees: all of it on the bot's event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from spacebot.concurrency import TaskSet
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs import JobManager
from spacebot.errors import InputError, SpacebotError
from spacebot.models import JobStatus, OwnerStatus
from spacebot.spaces.schema import commands_of

log = logging.getLogger(__name__)

# A Space that wakes takes minutes; whoever pressed is told, and it goes on behind.
WAKE_WAIT = 40.0


class Admin:
    """The owner's view of the jobs and Spaces, and the owner's actions on them."""

    def __init__(self, jobs: JobManager, catalogue: Catalogue) -> None:
        self.jobs = jobs
        self.catalogue = catalogue
        self._tasks = TaskSet()
        self._actions: Mapping[str, Callable[[str], Awaitable[str]]] = {
            "reread": self._reread,
            "pause": self._pause,
            "resume": self._resume,
            "cancel": self._cancel,
        }

    def status(self) -> OwnerStatus:
        """Every job under way, and the failures with their own texts."""
        jobs = [
            JobStatus(
                id=running.job.id,
                command=running.job.command or running.job.endpoint.name,
                space=running.job.endpoint.space,
                stage=running.progress.stage,
                since=running.started,
            )
            for running in self.jobs.running
        ]
        return OwnerStatus(tuple(jobs), self.jobs.history.texts)

    @property
    def paused(self) -> tuple[str, ...]:
        """The commands that take no jobs for now."""
        return tuple(
            name
            for name, endpoint in commands_of(self.catalogue.spaces).items()
            if endpoint in self.jobs.pauses
        )

    async def act(self, action: str, target: str) -> str:
        """Do what the owner asked, and say what that did; raises `SpacebotError`."""
        if action not in self._actions:
            raise InputError(f"There is no action called {action}.")
        said = await self._actions[action](target)
        log.info("the owner asked to %s %s", action, target)
        return said

    async def _reread(self, target: str) -> str:
        connection = self.catalogue.connections.get(target)
        if connection is None:
            raise InputError("This Space is no longer offered. Reload the page.")
        reading = self._tasks.start(connection.connect(), f"read {target}")
        reading.add_done_callback(self._read)
        try:
            await asyncio.wait_for(asyncio.shield(reading), WAKE_WAIT)
        except TimeoutError:
            return f"{target} is still being reached. Its state here says when it answers."
        return f"{target} was read again."

    def _read(self, task: asyncio.Task[object]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.info("a Space could not be read again: %s", type(error).__name__)

    async def _pause(self, target: str) -> str:
        self._set(target, paused=True)
        return f"{target} is paused: who uses it is told so. Jobs under way go on."

    async def _resume(self, target: str) -> str:
        self._set(target, paused=False)
        return f"{target} takes jobs again."

    def _set(self, command: str, *, paused: bool) -> None:
        endpoint = commands_of(self.catalogue.spaces).get(command)
        if endpoint is None:
            raise InputError(f"{command} is no longer offered. Reload the page.")
        try:
            self.jobs.pauses.set(endpoint, paused=paused)
        except OSError as error:
            raise SpacebotError(
                "This could not be kept in DATA_DIR: look whether it can be written to."
            ) from error

    async def _cancel(self, target: str) -> str:
        running = self.jobs.find(target)
        if running is None:
            return "This job has already ended."
        return running.cancel("The owner of the bot stopped this.")
