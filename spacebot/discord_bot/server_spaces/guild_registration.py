"""Registering servers' own commands with Discord: a server's whole list, when it changed."""

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

from spacebot.concurrency import growing_pauses
from spacebot.discord_bot.delivery import DISCORD_ERRORS, Refusal, refusal_of
from spacebot.engine.server_spaces import recent
from spacebot.engine.store import ServerSpaceStore
from spacebot.errors import StoreError

log = logging.getLogger(__name__)

FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE = 5.0, 300.0
# What Discord takes of global commands alone.
GLOBAL_ONLY = ("contexts", "integration_types", "dm_permission")


def pack(payload: Mapping[str, Any]) -> bytes:
    """A command as its row holds it."""
    kept = {key: value for key, value in payload.items() if key not in GLOBAL_ONLY}
    return zlib.compress(json.dumps(kept, sort_keys=True).encode())


def unpack(payload: bytes) -> dict[str, Any]:
    """A command as Discord is sent it."""
    return json.loads(zlib.decompress(payload))


class GuildRegistration:
    """Keeps what Discord has of servers' own commands as the database has it.

    Nothing is asked of Discord for a server whose list did not change.
    """

    def __init__(self, client: discord.Client, store: ServerSpaceStore) -> None:
        self._client = client
        self._store = store
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._due: dict[str, bool] = {}
        self._wake = asyncio.Event()

    def want(self, guild: str, *, anew: bool = False) -> None:
        """Have a server's list registered soon; `anew` although Discord may have it."""
        self._due[guild] = anew or self._due.get(guild, False)
        self._wake.set()

    async def keep(self) -> None:
        """Register what is wanted, again with growing pauses where Discord fails."""
        pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
        while True:
            await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, {}
            failed = [
                guild for guild, anew in due.items() if not await self._registered(guild, anew)
            ]
            if not failed:
                pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
                continue
            await asyncio.sleep(next(pauses))
            for guild in failed:
                self.want(guild, anew=due[guild])

    async def _registered(self, guild: str, anew: bool) -> bool:
        """Register a server's list; False where that is to be tried again."""
        try:
            await self.sync(guild, anew=anew)
        except (*DISCORD_ERRORS, StoreError) as error:
            log.warning("the commands of a server are not registered: %s", type(error).__name__)
            return refusal_of(error) is not Refusal.PASSING and not isinstance(error, StoreError)
        except Exception:
            log.exception("the commands of a server could not be registered")
        return True

    async def sync(self, guild: str, *, anew: bool = False) -> Mapping[str, str]:
        """Register a server's list where it changed; the commands' ids by name.

        Raises `DISCORD_ERRORS`. Callers at the same time take turns, and the later ones find
        that there is nothing left to do.
        """
        async with self._locks.setdefault(guild, asyncio.Lock()):
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
        """Find the servers whose list changed before the last stop, or that added the bot anew.

        Whoever adds a bot again finds none of the commands that it had there.
        """
        for guild, registered, pending in await self._store.registered():
            there = self._client.get_guild(int(guild))
            since = there.me.joined_at if there is not None and there.me is not None else None
            anew = since is not None and since.timestamp() > registered > 0
            if there is not None and (pending or anew):
                self.want(guild, anew=anew)
