"""The client's shards: separate connections to the gateway, each started and stopped on its own.

discord.py's `AutoShardedClient` starts all of them one after the other, retries for ever inside
itself, and stops none; here each shard runs as `discord.Client.connect` runs its only one, and a
permanent error ends the client, for the supervisor to judge.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

import aiohttp
import discord
import yarl
from discord.backoff import ExponentialBackoff
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from spacebot.discord_bot.discord_internals import ShardedClient, event_parsers, forget_guilds
from spacebot.engine.cluster import Cluster
from spacebot.models import GatewaySession

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 60.0
# What Discord gets to confirm that a shard disconnects.
CLOSE_TIMEOUT = 1.0
# Any code other than 1000 or 1001 lets the session be resumed.
RESUMABLE = 4000
CONNECTION_ERRORS = (
    OSError,
    TimeoutError,
    discord.HTTPException,
    discord.GatewayNotFound,
    aiohttp.ClientError,
)


class Shard:
    """One shard.

    `ready` says that it is connected; it `is_blind` while it resumes the session of another
    process, which does not report the servers again.
    """

    def __init__(
        self,
        client: ShardedClient,
        number: int,
        cluster: Cluster,
        *,
        buckets: int,
        began: asyncio.Event,
    ) -> None:
        self.id = number
        self.ws: DiscordWebSocket | None = None
        self.ready = self.is_blind = False
        self._client = client
        self._cluster = cluster
        self._bucket = number % buckets
        # Set by the first shard that reaches the gateway.
        self._began = began
        self._backoff = ExponentialBackoff[bool]()

    @property
    def session(self) -> GatewaySession | None:
        """The session, so that another connection can resume it."""
        ws = self.ws
        if ws is None or ws.session_id is None or ws.sequence is None:
            return None
        return GatewaySession(ws.session_id, ws.sequence, str(ws.gateway))

    async def run(self, session: GatewaySession | None) -> NoReturn:
        """Stay connected. Raises permanent errors, and a failure before any shard was connected."""
        while True:
            try:
                await self._connect(session)
                self._began.set()
                while True:
                    assert self.ws is not None
                    await self.ws.poll_event()
            except ReconnectWebSocket as error:
                self._lost()
                session = self.session if error.resume else None
                continue
            except discord.ConnectionClosed as error:
                self._lost()
                if error.code == 4014:
                    raise discord.PrivilegedIntentsRequired(error.shard_id) from None
                if error.code != 1000:
                    raise
                reason: Exception = error
            except CONNECTION_ERRORS as error:
                self._lost()
                if not self._began.is_set():
                    raise
                reason = error
            # Discord says so if the session can no longer be resumed.
            session = self.session or session
            await self._pause(reason)

    async def _connect(self, session: GatewaySession | None) -> None:
        if session is not None:
            self.ws = await self._opened(session)
            return
        async with self._cluster.identifying(self._bucket, urgent=True):
            self.ws = await self._opened(None)

    async def opened_anew(self) -> DiscordWebSocket:
        """Another session of this shard, beside the current one."""
        async with self._cluster.identifying(self._bucket, urgent=False):
            return await self._opened(None)

    async def _opened(self, session: GatewaySession | None) -> DiscordWebSocket:
        how = (
            {
                "resume": True,
                "session": session.id,
                "sequence": session.sequence,
                "gateway": yarl.URL(session.gateway),
            }
            if session
            else {}
        )
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await DiscordWebSocket.from_client(self._client, shard_id=self.id, **how)

    def _lost(self) -> None:
        if self.ready:
            self.ready = False
            self._client.dispatch("shard_disconnect", self.id)

    async def _pause(self, error: Exception) -> None:
        pause = self._backoff.delay()
        log.warning(
            "Shard %d is disconnected (%s). Attempting a reconnect in %.2fs",
            *(self.id, type(error).__name__, pause),
        )
        await asyncio.sleep(pause)

    async def close(self, code: int = 1000) -> None:
        """Disconnect; code 1000 ends the session too."""
        self.ready = False
        if self.ws is not None and self.ws.open:
            # Discord may never answer; cancelled, this cuts the connection.
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self.ws.close(code)


class ShardSet:
    """The shards that this process holds, by their numbers: the cluster's `ShardHost`."""

    def __init__(
        self,
        client: ShardedClient,
        cluster: Cluster,
        *,
        take_up: Callable[[Collection[int]], None],
        lead: Callable[[], None],
        cancel: Callable[[str], str],
        refresh_accounts: Callable[[], None],
    ) -> None:
        self.cluster = cluster
        self._take_up = take_up
        self.cancel = cancel
        self.refresh_accounts = refresh_accounts
        self._lead = lead
        self._client = client
        self._buckets = 1
        self._held: dict[int, Shard] = {}
        self._tasks: dict[int, asyncio.Task[NoReturn]] = {}
        # Set by the first permanent failure, or when everything is closed.
        self._ended: asyncio.Future[None] | None = None
        # The client's, with its adapter: the cluster starts shards from a task of its own.
        self._context = contextvars.copy_context()
        self._sharing: asyncio.Future[None] | None = None
        self.began = asyncio.Event()
        parsers = event_parsers(client)
        parsers["READY"] = partial(self._forget_left, parsers["READY"])

    def _forget_left(self, parse: Callable[[Any], None], data: Any) -> None:
        """Forget the servers that a shard was in and its new session does not list."""
        number, listed = data["shard"][0], {int(guild["id"]) for guild in data["guilds"]}
        forget_guilds(self._client, lambda one: one.shard_id == number and one.id not in listed)
        parse(data)

    def __iter__(self) -> Iterator[Shard]:
        return iter(tuple(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

    @property
    def held(self) -> Mapping[int, Shard]:
        """The shards by their numbers."""
        return self._held

    @property
    def ready(self) -> bool:
        """Whether every shard is ready, and there is one."""
        return bool(self._held) and all(shard.ready for shard in self)

    @property
    def stands_by(self) -> bool:
        """Whether other processes hold every shard, and this one shares with them."""
        if self._held or self._sharing is None or self._sharing.done():
            return False
        # The count of a single process outlives the client that held its shards.
        return self.cluster.process is not None and self.cluster.shard_count > 0

    @property
    def lost(self) -> list[int]:
        """The numbers of the disconnected shards."""
        return sorted(shard.id for shard in self if not shard.ready)

    async def run(self) -> None:
        """Hold the shards that the cluster assigns to this process, until the client is closed.

        Raises what ends a shard for good.
        """
        self._ended = asyncio.get_running_loop().create_future()
        self._context = contextvars.copy_context()
        advised, _, limits = await self._client.http.get_bot_gateway()
        self._buckets = max(1, limits["max_concurrency"])
        self._sharing = asyncio.ensure_future(self.cluster.share(self, advised))
        try:
            await asyncio.wait({self._sharing, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            if self._sharing.done():
                self._sharing.result()
            await self._ended
        finally:
            await self.close()

    def start(self, shard: int, session: GatewaySession | None = None) -> None:
        """Begin to connect a shard."""
        self._client.set_shard_count(self.cluster.shard_count)
        self._client.sockets = self._held
        held = Shard(self._client, shard, self.cluster, buckets=self._buckets, began=self.began)
        held.is_blind = session is not None
        self._held[shard] = held
        task = asyncio.create_task(
            held.run(session), name=f"shard {shard}", context=self._context.copy()
        )
        self._tasks[shard] = task
        task.add_done_callback(self._shard_ended)

    def _shard_ended(self, task: asyncio.Task[NoReturn]) -> None:
        if task.cancelled() or self._ended is None or self._ended.done():
            return
        error = task.exception()
        assert error is not None
        self._ended.set_exception(error)

    def take_up(self, shards: Collection[int]) -> None:
        """Read the data of these shards' servers again, and recover the jobs left there."""
        self._take_up(shards)

    def lead(self) -> None:
        """Register the bot's commands from now on."""
        self._lead()

    async def stop(self, shard: int) -> GatewaySession | None:
        """Disconnect a shard, and forget its servers; returns its session."""
        held, task = self._held.pop(shard), self._tasks.pop(shard)
        # Events that have arrived but are not handled yet are replayed when the session is resumed.
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._client.known_shards.discard(shard)
        forget_guilds(self._client, lambda guild: guild.shard_id == shard)
        await held.close(RESUMABLE)
        return held.session

    def connected(self, shard: int, *, knows_guilds: bool) -> bool:
        """Note that a shard is connected, and may have reported its servers; returns whether all
        are now."""
        if held := self._held.get(shard):
            held.ready = True
            if knows_guilds:
                self._client.known_shards.add(shard)
        return self.ready

    async def close(self) -> None:
        """Disconnect every shard, once those are handed over that others can take."""
        if self._sharing is not None:
            self._sharing.cancel()
            await asyncio.gather(self._sharing, return_exceptions=True)
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        self._tasks.clear()
        await asyncio.gather(*(shard.close() for shard in self), return_exceptions=True)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
