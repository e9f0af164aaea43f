"""Moving to another gateway session without missing an event.

A session's intents are fixed when it identifies. The new session is ready before the old
one closes, so for a moment both deliver the same events; each is handled once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import aiohttp
import discord
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from spacebot.discord_bot.discord_internals import awaits_answer, event_parsers, send_heartbeat

log = logging.getLogger(__name__)

# How long each part of a handover may take, in seconds.
STEP_TIMEOUT = 15.0
MAX_REMEMBERED_EVENTS = 2000

# An event that starts work → what tells it from others. Interactions and messages have ids
# of their own; the others may rightly come again once only one session is left.
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
    """A client's way from one gateway session to the next."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._overlap = False
        self._seen: deque[tuple[str, Any]] = deque(maxlen=MAX_REMEMBERED_EVENTS)
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
        parse(data)

    async def run(self) -> None:
        """Identify anew, with the client's intents, and leave the old session.

        Raises what keeps the new session from standing; the old one goes on then.
        """
        async with self._turn:
            self._overlap = True
            try:
                fresh = await self._opened()
                await self._switch(fresh)
            finally:
                self._overlap = False
                self._seen.clear()

    async def _opened(self) -> DiscordWebSocket:
        """A second session, which has told that it is ready."""
        fresh = None
        try:
            async with asyncio.timeout(STEP_TIMEOUT):
                fresh = await DiscordWebSocket.from_client(
                    self._client, shard_id=self._client.shard_id
                )
                while fresh.session_id is None:
                    await fresh.poll_event()
        except BaseException as error:
            if fresh is not None:
                await fresh.close()
            if isinstance(error, aiohttp.ClientError | ReconnectWebSocket):
                raise ConnectionResetError("Discord did not give a new session") from error
            raise
        return fresh

    async def _switch(self, fresh: DiscordWebSocket) -> None:
        """Have the client listen to the new session, then hear the old one to its end."""
        old, self._client.ws = self._client.ws, fresh
        polled, poll = asyncio.Event(), fresh.poll_event

        async def poll_event() -> None:
            polled.set()
            await poll()

        # `Client.connect` asks for the client's socket before each event: it goes on with the
        # new one as soon as the old one has told something, at the latest the answer to this.
        fresh.poll_event = poll_event
        asked = time.perf_counter()
        try:
            async with asyncio.timeout(STEP_TIMEOUT):
                await send_heartbeat(old)
                await polled.wait()
                # What Discord sent before it answered may not have reached the new session.
                while awaits_answer(old, asked):
                    await old.poll_event()
        except (TimeoutError, discord.ConnectionClosed, ReconnectWebSocket) as error:
            log.info("the old session ended by itself: %s", type(error).__name__)
        finally:
            fresh.poll_event = poll
        # A clean end: nothing will ask for this session again.
        await old.close(1000)
