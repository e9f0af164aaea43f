"""The Spaces that servers added: each is read when it is used, and none is watched."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
import weakref
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from cachetools import LRUCache

from spacebot.concurrency import TaskSet
from spacebot.engine.accounts import Accounts
from spacebot.engine.job_text import exclusion
from spacebot.engine.on_demand import OnDemandSpaces, SpacePolicy
from spacebot.engine.store import (
    DATABASE_UNREACHABLE,
    GuildCommands,
    ServerSpace,
    ServerSpaceStore,
)
from spacebot.errors import EndpointGone, InputError, LimitReached, SpaceNotAllowed, StoreError
from spacebot.models import AnswerPlace, Endpoint, ServerSpaceTotals, Source, Space, guild_key
from spacebot.weighted_cache import WeightedCache

# Discord's limits for one server: slash commands, and how many may be created in a day.
MAX_GUILD_COMMANDS, MAX_CREATIONS = 100, 200
DAY = 86400.0
# From this age in seconds, an added Space is read again when it is used.
DESCRIPTION_TTL = 3600.0
# How long the totals over all servers are cached, in seconds.
TOTALS_TTL = 5.0
# How many Spaces stay in memory as commands see them, and how many parameters and choices they may
# have in all.
MAX_HELD, MAX_HELD_PARTS = 128, 100_000
# How many are parsed at once, in threads that others need too.
MAX_PARSING = 4
# How long the database may delay an answer that Discord wants within 3 seconds.
STORE_WAIT = 1.0
# For how many Spaces of servers it is remembered whether they are age-restricted there.
MAX_MARKS = 10_000


class AddedSpaces:
    """The added Spaces of every server. All calls belong to one event loop.

    A Space is read only once somebody uses it, and a limited number stays in memory.
    """

    def __init__(
        self, on_demand: OnDemandSpaces, store: ServerSpaceStore, accounts: Accounts
    ) -> None:
        self.store = store
        self._accounts = accounts
        self._on_demand = on_demand
        # By server and row: how it is offered, when it was read, and the Space.
        self._held: WeightedCache[tuple[str, str], tuple[Source, float, Space]] = WeightedCache(
            MAX_HELD, MAX_HELD_PARTS
        )
        # What is being parsed, shared by all current callers, and the limit on parsing at once.
        self._parsing: dict[ServerSpace, asyncio.Task[Space | None]] = {}
        self._room = asyncio.Semaphore(MAX_PARSING)
        self._tasks = TaskSet()
        # By server and Space, what its moderators last said about its age restriction.
        self._marks = LRUCache[tuple[str, str], bool](MAX_MARKS)
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._totals, self._counted = ServerSpaceTotals(), -math.inf
        self._listeners: list[Callable[[str], None]] = []

    @property
    def policy(self) -> SpacePolicy:
        """The owner's rules for Spaces that no setting names."""
        return self._on_demand.policy

    def check(self, space: str) -> None:
        """Raise `SpaceNotAllowed` if a server may not add this Space."""
        self._on_demand.check(space)

    def check_row(self, row: ServerSpace) -> None:
        """Raise `SpaceNotAllowed` if a server may not use what it added."""
        self._on_demand.check(row.space, row.hub_id or "")

    async def block(self, name: str) -> None:
        """Refuse a Space or an author everywhere from now on."""
        await self._on_demand.block(name)

    def allows(self, space: str, hub_id: str = "") -> bool:
        """Whether a server may add this Space."""
        return self._on_demand.allows(space, hub_id)

    @property
    def most(self) -> int:
        """How many Spaces one server may add."""
        return min(self.policy.spaces_per_server, MAX_GUILD_COMMANDS)

    def subscribe(self, changed: Callable[[str], None]) -> Callable[[], None]:
        """Call `changed` with a server's id when the owner changes its list; returns a function
        that stops that."""
        self._listeners.append(changed)
        return partial(self._listeners.remove, changed)

    def lock(self, guild: str) -> asyncio.Lock:
        """Held while a server's list is checked and changed, so that two moderators take turns."""
        return self._locks.setdefault(guild, asyncio.Lock())

    def forget_marks(self) -> None:
        """Look every mark up again: another process may have changed it."""
        self._marks.clear()

    async def of(self, guild: str) -> list[ServerSpace]:
        """What a server added, oldest first."""
        return await self.store.of(guild)

    async def named(self, guild: str, name: str) -> ServerSpace:
        """A server's command with this name; raises `InputError`."""
        found = await self.store.find(guild, name.strip().lstrip("/").lower())
        if found is None:
            raise InputError("This server has added no such command. Choose one from the list.")
        return found

    async def used(self, guild: str, name: str) -> ServerSpace | None:
        """The command that somebody uses; raises `StoreError`, also if that takes too long."""
        try:
            async with asyncio.timeout(STORE_WAIT):
                return await self.store.find(guild, name)
        except TimeoutError as error:
            raise StoreError(DATABASE_UNREACHABLE) from error

    async def read(self, guild: str, source: Source) -> Space:
        """Read a Space now; a private one with the server's own account.

        Raises `SpacebotError`, also if there is nothing to offer.
        """
        account = await self._accounts.get(guild_key(guild))
        space = await self._on_demand.load(source.space, account, fresh=True, source=source)
        if not space.endpoints:
            why = next(map(exclusion, space.excluded), "it has no endpoint.")
            raise EndpointGone(
                f"{source.space} has nothing that can be a command: {why} Choose another Space."
            )
        return space

    async def known(self, row: ServerSpace) -> Space | None:
        """An added Space as last read; None if it never was or is forgotten."""
        key = (row.guild, row.id)
        held = self._held.get(key)
        if held is not None and held[:2] == (source_of(row), row.read):
            self._held.use(key)
            return held[2]
        parsing = self._parsing.get(row)
        if parsing is None:
            parsing = self._parsing[row] = self._tasks.start(self._parse(row), f"parse {row.space}")
            parsing.add_done_callback(lambda _: self._parsing.pop(row, None))
        # It continues even if the caller gives up: the next caller finds it in memory.
        return await asyncio.shield(parsing)

    async def _parse(self, row: ServerSpace) -> Space | None:
        async with self._room:
            source = source_of(row)
            account = await self._accounts.get(guild_key(row.guild))
            try:
                space = await self._on_demand.last_known(row.space, account, source=source)
            except SpaceNotAllowed:
                # Blocked by a former name; reading it again says so.
                return None
        if space is not None:
            self._held.put((row.guild, row.id), (source, row.read, space), size_of(space))
        return space

    async def close(self) -> None:
        """End the parsing under way."""
        await self._tasks.close()

    def held(self, guild: str) -> list[Space]:
        """A server's added Spaces that are in memory."""
        mine = filter(None, (self._held.get(key) for key in self._held if key[0] == guild))
        return [one for _, _, one in mine if self.policy.allows(one.source.space, one.hub_id)]

    async def find(self, guild: str, space: str, api_name: str, command: str = "") -> Endpoint:
        """An endpoint that a server added; raises `SpacebotError`.

        If several rows have the Space, `command` ("/demo paint") says which is meant.
        """
        self.check(space)
        name = command.removeprefix("/").partition(" ")[0]
        for found in await self._offers(guild, space, name):
            for endpoint in found.endpoints:
                if endpoint.api_name == api_name:
                    return endpoint
        raise EndpointGone(
            f"This server has no command for {api_name} of {space} now. `/space list` shows what "
            "moderators have added."
        )

    async def _offers(self, guild: str, space: str, name: str) -> list[Space]:
        """A Space as a server's commands offer it, also under a former name.

        While the database fails, the answer comes from memory.
        """
        try:
            rows = [row for row in await self.of(guild) if row.space == space]
        except StoreError:
            held = [one for one in self.held(guild) if one.source.space == space]
            return sorted(held, key=lambda one: one.name != name)
        used = [row for row in rows if row.name == name] or rows
        for row in used:
            self.check_row(row)
        known = [await self.known(row) for row in used if not row.paused]
        return [space for space in known if space is not None]

    async def marks(self, guild: str, space: str, hub_id: str = "") -> bool:
        """Whether a server's moderators marked a Space as age-restricted.

        Its `hub_id` finds a mark under a former name. While the database fails, the last known
        answer counts; raises `StoreError` if there is none.
        """
        key = (guild, space.casefold())
        try:
            rows = await self.of(guild)
        except StoreError:
            if key not in self._marks:
                raise
            return self._marks[key]
        marked = await self._are_of([row for row in rows if row.nsfw], space, hub_id)
        self._marks[key] = marked
        return marked

    async def marked(self, guild: int | None) -> frozenset[str]:
        """The Spaces that a server marked as age-restricted: their names in lower case, and the
        Hub's ids of them, which outlive the names."""
        try:
            async with asyncio.timeout(STORE_WAIT):
                rows = await self.of(str(guild)) if guild is not None else ()
        except (StoreError, TimeoutError):
            known = (
                space for (of, space), marked in self._marks.items() if marked and of == str(guild)
            )
            return frozenset(known)
        marked = [row for row in rows if row.nsfw]
        ids = (row.hub_id for row in marked if row.hub_id)
        return frozenset([*(row.space.casefold() for row in marked), *ids])

    async def _are_of(self, rows: Sequence[ServerSpace], space: str, hub_id: str) -> bool:
        """Whether any of these rows is of a Space, by whatever name it was added."""
        if any(row.offers(space, hub_id) for row in rows):
            return True
        # What an earlier version wrote or read has no id yet.
        unknown = [row for row in rows if not row.hub_id]
        hub_id = hub_id or (await self._on_demand.hub_id(space) if rows else "")
        identified = await asyncio.gather(*map(self._identified, unknown))
        return any(row.offers(space, hub_id) for row in (*rows, *identified))

    async def _identified(self, row: ServerSpace) -> ServerSpace:
        """A row with the Hub's id of its Space, as far as the Hub tells."""
        hub_id = await self._on_demand.hub_id(row.space)
        if hub_id:
            with contextlib.suppress(StoreError):
                return await self.change(row, hub_id=hub_id)
        return replace(row, hub_id=hub_id)

    async def spaces(self, guild: str, *, wait: float = STORE_WAIT) -> list[Space]:
        """The Spaces that a server added, as its commands see them.

        It does not wait for any Space: those never read or unreadable are left out. If the database
        fails, or parsing takes longer than Discord waits, the answer comes from memory.
        """
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(wait):
                return await self._stored(guild)
        return self.held(guild)

    async def _stored(self, guild: str) -> list[Space]:
        rows = [one for one in await self.of(guild) if not one.paused]
        allowed = [row for row in rows if self._on_demand.allows(row.space, row.hub_id or "")]
        found = await asyncio.gather(*map(self.known, allowed))
        return [space for space in found if space is not None]

    async def check_room(self, guild: str, rows: Collection[ServerSpace]) -> None:
        """Raise `LimitReached` if Discord or the owner allows a server no more commands."""
        if len(rows) >= self.most:
            raise LimitReached(
                f"This server has {len(rows)} added Spaces, and the limit is {self.most}. "
                "Remove one with `/space remove` first."
            )
        await self.check_creations(guild)

    async def check_creations(self, guild: str) -> None:
        """Raise `LimitReached` if a server created as many commands as Discord allows a day."""
        created = recent(await self.store.registration(guild))
        if len(created) >= MAX_CREATIONS:
            raise LimitReached(
                f"Discord lets a server create {MAX_CREATIONS} commands a day, and this one has "
                f"reached that. The next can be created <t:{int(created[0] + DAY) + 1}:R>."
            )

    async def add(self, row: ServerSpace, payload: bytes) -> None:
        """Store an added Space; once this returns, it outlives a SIGKILL. Call it
        under the lock."""
        # This comes first: if the process dies in between, the next one registers the list again.
        await self.store.note(row.guild, pending=True)
        await self.store.add(row, payload)
        self._marks.pop((row.guild, row.space.casefold()), None)

    async def change(self, row: ServerSpace, **values: Any) -> ServerSpace:
        """Change columns of a row."""
        if values.keys() & {"name", "paused"}:
            self._held.drop((row.guild, row.id))
        if "payload" in values:
            await self.store.note(row.guild, pending=True)
        await self.store.change(row.id, **values)
        return replace(row, **{name: one for name, one in values.items() if name != "payload"})

    async def take(self, row: ServerSpace, space: Space, payload: bytes) -> bool:
        """Store a Space's new description; returns whether its command changed. Under the lock."""
        changes: dict[str, Any] = {
            "title": space.title,
            "chats": any(endpoint.chats for endpoint in space.endpoints),
            "read": time.time(),
            "hub_id": space.hub_id,
            "problem": "",
            "told": False,
        }
        changed = payload != await self.store.payload(row.id)
        await self.change(row, **changes, **({"payload": payload} if changed else {}))
        return changed

    async def remove(self, *rows: ServerSpace) -> None:
        """Delete added Spaces."""
        for row in rows:
            await self.store.note(row.guild, pending=True)
            await self.store.delete(row.id)
            self._held.drop((row.guild, row.id))

    async def remove_everywhere(self, space: str) -> int:
        """Delete a Space from every server and register those again; returns how many had it."""
        rows = await self.store.using(space)
        await self.remove(*rows)
        guilds = {row.guild for row in rows}
        for guild in guilds:
            for changed in tuple(self._listeners):
                changed(guild)
        return len(guilds)

    async def totals(self) -> ServerSpaceTotals:
        """The totals over all servers, by state, as of a few seconds ago."""
        if time.monotonic() - self._counted > TOTALS_TTL:
            # The store reports its own failures; until it works again, the last totals are shown.
            with contextlib.suppress(StoreError):
                self._totals = await self.store.totals()
            self._counted = time.monotonic()
        return self._totals


def source_of(row: ServerSpace) -> Source:
    """A row as the source that an owner would write."""
    return Source(
        row.space,
        row.endpoint,
        row.name or None,
        row.description or None,
        answer=AnswerPlace(row.answer) if row.answer else None,
        nsfw=row.nsfw,
    )


def is_old(row: ServerSpace) -> bool:
    """Whether an added Space is read again when it is used."""
    return time.time() - row.read > DESCRIPTION_TTL


def recent(known: GuildCommands) -> list[float]:
    """When a server's commands of the last day were created."""
    return sorted(one for one in known.created if one > time.time() - DAY)


def size_of(space: Space) -> int:
    """How many parameters and choices a parsed Space has: its memory grows with them."""
    parameters = [one for endpoint in space.endpoints for one in endpoint.parameters]
    return len(parameters) + sum(len(one.choices) for one in parameters)
