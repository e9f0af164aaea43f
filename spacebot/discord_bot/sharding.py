"""The client's part in a cluster: its shards come and go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from spacebot.concurrency import TaskSet
from spacebot.discord_bot.client_status import StatusClient
from spacebot.discord_bot.discord_internals import interaction_tasks, ready_tasks
from spacebot.discord_bot.gateway.handover import GatewayHandover
from spacebot.discord_bot.gateway.shards import ShardSet
from spacebot.discord_bot.recovery import Recoverer
from spacebot.engine.cluster import Cluster
from spacebot.engine.jobs import JobManager
from spacebot.errors import StoreError

NOT_REACHED = "Another process of the bot runs this, and does not answer. Try again in a moment."

log = logging.getLogger(__name__)


class ShardingClient(StatusClient):
    """A client that holds what its cluster gives it."""

    handover: GatewayHandover
    recoverer: Recoverer
    jobs: JobManager
    tasks: TaskSet

    def _hold_shards(self, cluster: Cluster) -> None:
        self.shards = ShardSet(
            self,
            cluster,
            take_up=self._take_up,
            lead=self.lead,
            cancel=self.cancel_here,
            refresh_accounts=self.refresh_accounts,
        )
        self.handover = GatewayHandover(self, self.shards)
        self.tasks = TaskSet()
        self._connected_before = set[int]()

    def lead(self) -> None:
        """Register the commands, which another process did until now."""
        raise NotImplementedError

    def cancel_here(self, target: str) -> str:
        """Cancel a job, or the answer of a conversation, that runs in this process; returns what
        that does, empty if nothing runs."""
        raise NotImplementedError

    @property
    def has_peers(self) -> bool:
        """Whether other processes may share the work."""
        return self.shards.cluster.process is not None

    def is_living(self, process: int | None) -> bool:
        """Whether another process has not ended."""
        return self.shards.cluster.is_living(process)

    async def runs_elsewhere(self, target: str) -> int | None:
        """The other process that runs a job, or answers in a conversation, if there is one."""
        if not self.has_peers:
            return None
        process = await self.jobs.store.process_of(target)
        return process if self.is_living(process) else None

    async def cancel_elsewhere(self, target: str) -> str:
        """Cancel what another process runs; returns what that does, empty if none runs it."""
        process = await self.runs_elsewhere(target)
        if process is None:
            return ""
        try:
            return await self.shards.cluster.cancel(process, target)
        except (StoreError, TimeoutError) as error:
            log.warning("process %d is not known to cancel %s: %r", process, target, error)
            return NOT_REACHED

    def refresh_accounts(self) -> None:
        """Look members' accounts up again, which another process may have changed."""
        raise NotImplementedError

    def servers_known(self) -> None:
        """Look at what depends on the servers of a shard."""
        raise NotImplementedError

    async def refresh(self) -> None:
        """Read again what other processes may have changed."""
        raise NotImplementedError

    async def connect(self, *, reconnect: bool = True) -> None:
        """Hold this process's shards until the client is closed."""
        del reconnect
        await self.shards.run()

    async def answered(self, seconds: float) -> None:
        """Wait until every interaction that has arrived is handled, for `seconds` at most."""
        if tasks := interaction_tasks():
            await asyncio.wait(tasks, timeout=seconds)

    async def leave_gateway(self) -> None:
        """Disconnect every shard."""
        self.tasks.cancel()
        for task in ready_tasks(self):
            task.cancel()
        await self.shards.close()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait for nothing: a shard connects when it is its turn."""

    async def on_shard_ready(self, shard: int) -> None:
        """The gateway has told everything about a shard's servers."""
        self.handover.release_events(shard)
        self._shard_connected(shard, knows_guilds=True)
        self.servers_known()

    async def on_shard_resumed(self, shard: int) -> None:
        """A shard's connection was lost and is back, or another process's session goes on here."""
        self._shard_connected(shard, knows_guilds=False)
        self.tasks.start(self.handover.learn_guilds(shard), f"learn the servers of shard {shard}")

    def _shard_connected(self, shard: int, *, knows_guilds: bool) -> None:
        """Take up what was left of a shard when it is first connected."""
        if self.shards.connected(shard, knows_guilds=knows_guilds) and not self.is_ready():
            self.announce_ready()
        if self.shards.cluster.process is None and shard not in self._connected_before:
            self._connected_before.add(shard)
            self.tasks.start(self.recoverer.recover(shard), f"recovery of shard {shard}")

    def _take_up(self, shards: Collection[int]) -> None:
        """Go on with what other processes had."""
        self.tasks.start(self._take_up_each(tuple(shards)), "take up shards")

    async def _take_up_each(self, shards: Collection[int]) -> None:
        try:
            await self.refresh()
        except StoreError as error:
            log.warning("what other processes changed could not be read: %s", error)
        for shard in shards:
            await self.recoverer.recover(shard)
