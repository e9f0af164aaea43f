"""Registering servers' own commands with Discord: a server's whole list, whenever it changes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
import weakref
import zlib
from collections.abc import Mapping
from typing import Any

import discord

from spacebot.concurrency import TaskSet, growing_pauses, retried
from spacebot.discord_bot.delivery import DISCORD_ERRORS, Refusal, refusal_of
from spacebot.engine.server_spaces import recent
from spacebot.engine.store import ServerSpaceStore
from spacebot.errors import StoreError

log = logging.getLogger(__name__)

FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE = 5.0, 300.0
# How long a moderator waits for Discord to accept a server's list, in seconds.
SYNC_WAIT = 15.0
# How many servers are registered at once: Discord allows a bot 50 requests a second.
MAX_AT_ONCE = 8
# What Discord accepts for global commands only.
GLOBAL_ONLY = ("contexts", "integration_types", "dm_permission")


def pack(payload: Mapping[str, Any]) -> bytes:
    """A command as its row stores it."""
    kept = {key: value for key, value in payload.items() if key not in GLOBAL_ONLY}
    return zlib.compress(json.dumps(kept, sort_keys=True).encode())


def unpack(payload: bytes) -> dict[str, Any]:
    """A command in Discord's format, from its row."""
    return json.loads(zlib.decompress(payload))


class GuildRegistration:
    """Keeps Discord's lists of servers' own commands equal to the database's.

    It sends nothing for a server whose list did not change.
    """

    def __init__(self, client: discord.Client, store: ServerSpaceStore) -> None:
        self._client = client
        self._store = store
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._due: dict[str, bool] = {}
        self._wake = asyncio.Event()
        # A task for each server that is due, and the limit on how many send to Discord at once.
        self._keeping: set[str] = set()
        self._room = asyncio.Semaphore(MAX_AT_ONCE)
        self._tasks = TaskSet()

    def want(self, guild: str, *, anew: bool = False) -> None:
        """Have a server's list registered soon; with `anew`, even if Discord may have it."""
        self._due[guild] = anew or self._due.get(guild, False)
        self._wake.set()

    async def keep(self) -> None:
        """Register what is wanted, until cancelled. No server waits because of
        another's trouble."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                for guild in self._due.keys() - self._keeping:
                    self._keeping.add(guild)
                    self._tasks.start(self._keep(guild), f"register commands of {guild}")
        finally:
            await self._tasks.close()

    async def _keep(self, guild: str) -> None:
        """Register a server's list, retrying with growing pauses while Discord fails."""
        pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
        try:
            while (anew := self._due.pop(guild, None)) is not None:
                # If its last request still hangs, it takes no other server's slot.
                async with self._lock(guild):
                    pass
                async with self._room:
                    done = await self._registered(guild, anew)
                if not done:
                    self._due[guild] = anew or self._due.get(guild, False)
                    await asyncio.sleep(next(pauses))
        finally:
            self._keeping.discard(guild)

    def _lock(self, guild: str) -> asyncio.Lock:
        return self._locks.setdefault(guild, asyncio.Lock())

    async def _registered(self, guild: str, anew: bool) -> bool:
        """Register a server's list; False if it should be retried."""
        try:
            await self.sync(guild, anew=anew)
        except (*DISCORD_ERRORS, StoreError) as error:
            log.warning("the commands of a server are not registered: %s", type(error).__name__)
            return refusal_of(error) is not Refusal.PASSING and not isinstance(error, StoreError)
        except Exception:
            log.exception("the commands of a server could not be registered")
        return True

    async def sync(self, guild: str, *, anew: bool = False) -> Mapping[str, str]:
        """Register a server's list if it changed; returns the commands' ids by name.

        Raises `DISCORD_ERRORS`, also if Discord takes long: discord.py waits out any rate limit.
        The request then continues, and `want` handles its outcome. Simultaneous callers take turns,
        and the later ones find nothing left to do.
        """
        syncing = self._tasks.start(self._sync(guild, anew), f"sync commands of {guild}")
        await asyncio.wait({syncing}, timeout=SYNC_WAIT)
        if not syncing.done():
            syncing.add_done_callback(_retrieve)
            raise TimeoutError("Discord has not answered yet")
        return syncing.result()

    async def _sync(self, guild: str, anew: bool) -> Mapping[str, str]:
        async with self._lock(guild):
            wanted = [unpack(one) for one in await self._store.payloads(guild)]
            digest = hashlib.sha256(json.dumps(wanted).encode()).hexdigest() if wanted else ""
            known = await self._store.registration(guild)
            if known.digest == digest and not anew:
                if known.pending:
                    await self._store.note(guild, pending=False)
                return known.commands
            ids = await self._send(guild, wanted)
            new = [time.time()] * len(ids.keys() - known.commands.keys())
            await self._store.note(
                guild,
                digest=digest,
                commands=ids,
                created=[*recent(known), *new],
                pending=False,
                registered=time.time(),
            )
            return ids

    async def _send(self, guild: str, wanted: list[Any]) -> dict[str, str]:
        application = self._client.application_id
        assert application is not None
        http = self._client.http
        taken = await http.bulk_upsert_guild_commands(application, int(guild), payload=wanted)
        log.info("registered %d commands of a server's own", len(taken))
        return {command["name"]: str(command["id"]) for command in taken}

    async def look(self) -> None:
        """Find the servers whose list changed before the last stop, or that added the bot again.

        In a server that adds the bot again, its old commands are gone. If the database fails, the
        query is repeated with growing pauses.
        """
        # The store logs its own failures.
        pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
        await retried(self._look, StoreError, pauses)

    async def _look(self) -> None:
        for guild, registered, pending in await self._store.registered():
            there = self._client.get_guild(int(guild))
            since = there.me.joined_at if there is not None and there.me is not None else None
            anew = since is not None and since.timestamp() > registered > 0
            if there is not None and (pending or anew):
                self.want(guild, anew=anew)


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Log how a registration ended that nobody waits for any more."""
    if not task.cancelled() and (error := task.exception()):
        log.info("a registration that took long failed: %s", type(error).__name__)
