"""What the owner sees and does beyond everyone else, all on the bot's event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from spacebot.concurrency import TaskSet
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs import JobManager
from spacebot.engine.server_spaces import AddedSpaces
from spacebot.errors import InputError, SpacebotError
from spacebot.models import AddedSpaceStatus, JobStatus, OwnerStatus, ServerStatus
from spacebot.spaces.schema import commands_of

log = logging.getLogger(__name__)

# Waking a Space takes minutes: tell the owner, and continue in the background.
WAKE_WAIT = 40.0
# How many of the Spaces that servers added are listed: the newest.
MAX_ADDED_SHOWN = 500


class Admin:
    """The owner's view of the jobs and Spaces, and the owner's actions on them."""

    def __init__(
        self, jobs: JobManager, catalogue: Catalogue, server_name: Callable[[str], str] = str
    ) -> None:
        self.jobs = jobs
        self.catalogue = catalogue
        self._server_name = server_name
        self._tasks = TaskSet()
        self._actions: Mapping[str, Callable[[str], Awaitable[str]]] = {
            "reread": self._reread,
            "pause": self._pause,
            "resume": self._resume,
            "cancel": self._cancel,
            "remove-space": self._remove_space,
            "block": self._block,
            "unblock": self._unblock,
        }

    async def status(self) -> OwnerStatus:
        """Every unfinished job, the failures with their own texts, and what servers added."""
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
        added = self.catalogue.added
        return OwnerStatus(
            tuple(jobs),
            self.jobs.history.texts,
            await self._servers(added) if added else (),
            tuple(sorted(added.policy.blocked)) if added else (),
        )

    async def _servers(self, added: AddedSpaces) -> tuple[ServerStatus, ...]:
        """The newest added Spaces, by server."""
        found: dict[str, list[AddedSpaceStatus]] = {}
        for row in await added.store.all(limit=MAX_ADDED_SHOWN):
            one = AddedSpaceStatus(f"/{row.name}", row.space, row.paused, row.problem)
            found.setdefault(row.guild, []).append(one)
        return tuple(
            ServerStatus(self._server_name(guild), tuple(spaces)) for guild, spaces in found.items()
        )

    @property
    def paused(self) -> tuple[str, ...]:
        """The commands that accept no jobs for now."""
        return tuple(
            name
            for name, endpoint in commands_of(self.catalogue.spaces).items()
            if endpoint in self.jobs.pauses
        )

    async def act(self, action: str, target: str) -> str:
        """Do what the owner asked and return a confirmation; raises `SpacebotError`."""
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
            return f"Still connecting to {target}. Its state here shows when it answers."
        return f"{target} was read again."

    def _read(self, task: asyncio.Task[object]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.info("a Space could not be read again: %s", type(error).__name__)

    async def _pause(self, target: str) -> str:
        self._set(target, paused=True)
        return f"{target} is paused, and its users are told so. Running jobs continue."

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
                "This could not be saved in DATA_DIR. Check that the folder is writable."
            ) from error

    @property
    def _added(self) -> AddedSpaces:
        if self.catalogue.added is None:
            raise InputError("Servers cannot add Spaces here.")
        return self.catalogue.added

    async def _remove_space(self, target: str) -> str:
        servers = await self._added.remove_everywhere(target)
        if not servers:
            raise InputError("No server has this Space any more. Reload the page.")
        many = f"{servers} servers" if servers != 1 else "one server"
        return f"{target} is removed from {many}. Moderators can add it again unless you block it."

    async def _block(self, target: str) -> str:
        if not target.strip("/"):
            raise InputError("Name a Space (owner/name), or an author.")
        await self._added.block(target)
        return f"{target} is blocked: nobody can add or use it."

    async def _unblock(self, target: str) -> str:
        await self._added.policy.unblock(target)
        return f"{target} can be added and used again."

    async def _cancel(self, target: str) -> str:
        running = self.jobs.find(target)
        if running is None:
            return "This job has already ended."
        return running.cancel("The owner of the bot stopped this.")
