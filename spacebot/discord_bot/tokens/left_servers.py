"""Deletes the tokens and presets of servers that removed the bot, whenever that was."""

from __future__ import annotations

import asyncio
import logging

from spacebot.concurrency import growing_pauses, retried
from spacebot.discord_bot.discord_internals import ShardedClient
from spacebot.engine.accounts import Accounts
from spacebot.engine.store import PresetStore
from spacebot.errors import StoreError
from spacebot.models import guild_key

log = logging.getLogger(__name__)

FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE = 5.0, 300.0


class LeftServers:
    """Deletes the tokens and presets of servers that the bot is no longer in.

    Discord reports a removal only to connected clients, so the stored servers are compared
    with the list of servers after each READY.
    """

    def __init__(
        self, client: ShardedClient, accounts: Accounts | None, presets: PresetStore
    ) -> None:
        self._client = client
        self._accounts = accounts
        self._presets = presets
        self._wanted = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Check whenever that is wanted."""
        self._looking = asyncio.create_task(self._keep_looking(), name="look for left servers")

    async def close(self) -> None:
        """Stop checking."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def look(self) -> None:
        """Compare the stored servers with the actual ones. Call it once those are known."""
        self._wanted.set()

    async def removed(self, guild: int) -> None:
        """Delete the data of a server that has just removed the bot."""
        try:
            if self._accounts is not None:
                await self._accounts.delete(guild_key(guild))
            await self._presets.delete_all(guild_key(guild))
        except StoreError:
            self.look()

    async def _keep_looking(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            # The store logs its own failures.
            pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
            deleted = await retried(self._delete, StoreError, pauses)
            if deleted:
                log.info("deleted the tokens of %d servers that removed the bot", deleted)

    async def _delete(self) -> int:
        """Delete the data of servers that have left; returns how many had a token."""
        for guild in filter(self._has_left, await self._presets.servers()):
            await self._presets.delete_all(guild_key(guild))
        return await self._accounts.delete_servers(self._has_left) if self._accounts else 0

    def _has_left(self, guild: int) -> bool:
        """Whether the bot is no longer in a server; a server with an outage is still listed.

        Nothing is known about shards that another process holds, or that are not connected yet.
        """
        return self._client.knows_shard_of(guild) and self._client.get_guild(guild) is None
