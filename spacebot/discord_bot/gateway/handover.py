"""Moving to another gateway session without missing an event.

A session's intents are fixed when it identifies. The new session is ready before the old
one closes, so for a moment both deliver the same events; each is handled once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp
import discord
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from spacebot.concurrency import growing_pauses
from spacebot.discord_bot.discord_internals import (
    ShardedClient,
    awaits_answer,
    event_parsers,
    forget_guilds,
    send_heartbeat,
)
from spacebot.discord_bot.gateway.shards import Shard, ShardSet

log = logging.getLogger(__name__)

# How long each part of a handover may take, in seconds.
STEP_TIMEOUT = 15.0
# How long a shard's servers may take to arrive, in seconds.
READY_TIMEOUT = 30.0
FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE = 1.0, 60.0
MAX_REMEMBERED_EVENTS = 2000

# An event that starts work → its identity. Interactions and messages have unique ids; the others
# may legitimately recur once only one session is left.
EVENT_KEYS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "INTERACTION_CREATE": lambda data: data["id"],
    "MESSAGE_CREATE": lambda data: data["id"],
    "THREAD_CREATE": lambda data: data["id"],
    "GUILD_MEMBER_ADD": lambda data: (data["guild_id"], data["user"]["id"]),
    "MESSAGE_REACTION_ADD": lambda data: (
        data["message_id"],
        data["user_id"],
        data["emoji"].get("id"),
        data["emoji"].get("name"),
    ),
}


class GatewayHandover:
    """A client's way from one gateway session of a shard to the next.

    When resumed, a session that another process began reports none of its servers. Until a session
    of this process has, events that need them are held back; interactions are not.
    """

    def __init__(self, client: ShardedClient, shards: ShardSet) -> None:
        self._client = client
        self._shards = shards
        self._overlap = False
        self._seen: deque[tuple[str, Any]] = deque(maxlen=MAX_REMEMBERED_EVENTS)
        self._held = defaultdict[int, list[Callable[[], None]]](list)
        self._turn = asyncio.Lock()
        parsers = event_parsers(client)
        for event in EVENT_KEYS:
            parsers[event] = partial(self._once, event, parsers[event])

    def _once(self, event: str, parse: Callable[[Any], None], data: Any) -> None:
        """Handle an event, unless the other session has delivered it."""
        if self._overlap:
            key = event, EVENT_KEYS[event](data)
            if key in self._seen:
                return
            self._seen.append(key)
        guild = int(data.get("guild_id") or 0)
        shard = self._shards.held.get(self._client.shard_of(guild))
        if guild and shard and shard.is_blind and event != "INTERACTION_CREATE":
            self._held[shard.id].append(partial(parse, data))
        else:
            parse(data)

    def release_events(self, number: int) -> None:
        """Handle the events that were held back, now that the servers of a shard are known."""
        if shard := self._shards.held.get(number):
            shard.is_blind = False
        for parse in self._held.pop(number, ()):
            parse()

    async def learn_guilds(self, number: int) -> None:
        """Identify a resumed shard, if its servers are not known, and leave the old session."""
        pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
        while (shard := self._shards.held.get(number)) and shard.is_blind:
            try:
                await self._renew(shard)
            except (discord.ConnectionClosed, OSError, TimeoutError) as error:
                log.warning("shard %d: no new session: %s", number, type(error).__name__)
                await asyncio.sleep(next(pauses))

    async def _let_lost_shards_identify(self) -> None:
        """Wait while shards are disconnected, since all share Discord's turns to identify."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_TIMEOUT):
                while self._shards.lost:  # noqa: ASYNC110 - the shards have no such event
                    await asyncio.sleep(FIRST_RETRY_PAUSE)

    async def run(self) -> None:
        """Identify every shard again, with the client's intents, and leave the old sessions.

        Raises whatever prevents a new session; the old one then continues.
        """
        for shard in self._shards:
            await self._renew(shard)

    async def _renew(self, shard: Shard) -> None:
        told = asyncio.ensure_future(
            self._client.wait_for("shard_ready", check=lambda number: number == shard.id)
        )
        try:
            async with self._turn:
                await self._let_lost_shards_identify()
                await self._replace(shard)
            await asyncio.wait_for(told, READY_TIMEOUT)
        finally:
            told.cancel()

    async def _replace(self, shard: Shard) -> None:
        self._overlap = True
        try:
            fresh = await self._opened(shard)
            if shard.id not in self._shards.held:
                # The shard was stopped meanwhile, and the new session has listed its servers again.
                forget_guilds(self._client, lambda guild: guild.shard_id == shard.id)
                await fresh.close()
                return
            await self._switch(shard, fresh)
        finally:
            self._overlap = False
            self._seen.clear()

    async def _opened(self, shard: Shard) -> DiscordWebSocket:
        """A second session that has reported ready."""
        fresh = None
        try:
            fresh = await shard.opened_anew()
            async with asyncio.timeout(STEP_TIMEOUT):
                while fresh.session_id is None:
                    await fresh.poll_event()
        except BaseException as error:
            if fresh is not None:
                await fresh.close()
            if isinstance(error, aiohttp.ClientError | ReconnectWebSocket):
                raise ConnectionResetError("Discord did not give a new session") from error
            raise
        return fresh

    async def _switch(self, shard: Shard, fresh: DiscordWebSocket) -> None:
        """Have the shard listen to the new session, then drain the old one."""
        old, shard.ws = shard.ws, fresh
        if old is None:
            return
        polled, poll = asyncio.Event(), fresh.poll_event

        async def poll_event() -> None:
            polled.set()
            await poll()

        # `Shard.run` reads the shard's socket before each event: it switches to the new socket as
        # soon as the old one delivers something, at the latest the answer to this.
        fresh.poll_event = poll_event
        asked = time.perf_counter()
        try:
            async with asyncio.timeout(STEP_TIMEOUT):
                await send_heartbeat(old)
                await polled.wait()
                # Events that Discord sent before its answer may not have reached the new session.
                while awaits_answer(old, asked):
                    await old.poll_event()
        except (TimeoutError, discord.ConnectionClosed, ReconnectWebSocket) as error:
            log.info("the old session ended by itself: %s", type(error).__name__)
        finally:
            fresh.poll_event = poll
        # A clean end: nothing will resume this session.
        await old.close(1000)
