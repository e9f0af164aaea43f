"""Spaces that no setting names: read when they are used, and remembered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from cachetools import TTLCache

from spacebot.concurrency import TaskSet
from spacebot.engine.job_text import exclusion
from spacebot.engine.on_demand.hub_names import hub_name, subdomain_of
from spacebot.engine.on_demand.known import Key, KnownSpace, KnownSpaces, pack, parse, unpack
from spacebot.engine.on_demand.policy import OneOffLimiter, SpacePolicy
from spacebot.engine.on_demand.pool import ConnectionPool
from spacebot.engine.on_demand.present_names import PresentNames
from spacebot.engine.store import DescriptionStore
from spacebot.errors import (
    EndpointGone,
    HubTokenRefused,
    SpacebotError,
    SpaceNotAllowed,
    SpaceNotFound,
    SpaceRenamed,
    SpaceUnavailable,
    StoreError,
)
from spacebot.models import NO_ACCOUNT, Account, Endpoint, Source, Space
from spacebot.spaces.client import (
    MEMBER_HAS_NONE,
    MEMBER_TOKEN,
    Connection,
    Network,
    SpaceDescription,
)

log = logging.getLogger(__name__)

# How long the page's opening events may delay reading a Space, in seconds.
OPENING_TIMEOUT = 5.0
# How long a button press waits for a Space to be read again, in seconds: Discord allows 3.
FIND_TIMEOUT = 1.5
# How long identifying the blocked Spaces may delay reading another one, in seconds.
IDENTIFY_TIMEOUT = 3.0
# For how long, and for how many blocked Spaces, the Hub is not asked again after it did not know
# one: it was deleted or made private.
UNIDENTIFIABLE_SECONDS, MAX_UNIDENTIFIABLE = 600.0, 10_000
OWNERS_OWN = (
    "{} is one of this bot's own Spaces. Type / to see its commands; if there are none yet, "
    "try again in a minute."
)


class OnDemandSpaces:
    """The Spaces that no setting names. All calls belong to one event loop.

    A Space is read when somebody uses it and its description is over an hour old. Nothing watches
    it, and only the database remembers it for long.
    """

    def __init__(self, network: Network, store: DescriptionStore, policy: SpacePolicy) -> None:
        self.policy = policy
        self.hub = network.hub
        self.runs = OneOffLimiter(policy.runs_per_minute, "run")
        self.readings = OneOffLimiter(policy.runs_per_minute, "read")
        self._reserved: tuple[Connection, ...] = ()
        self._network = network
        self._known = KnownSpaces(store)
        self._pool = ConnectionPool()
        self._reading: dict[Key, asyncio.Task[KnownSpace]] = {}
        self._tasks = TaskSet()
        self.present_names = PresentNames(self.hub, self._tasks)
        self._identifying: dict[str, asyncio.Task[None]] = {}
        # The blocked Spaces that the Hub did not know when it was last asked.
        self._unidentifiable = TTLCache[str, None](
            MAX_UNIDENTIFIABLE, UNIDENTIFIABLE_SECONDS, timer=lambda: time.monotonic()
        )

    def reserve(self, connections: Iterable[Connection]) -> None:
        """Exclude the Spaces that the settings name: HF_TOKEN pays for their jobs."""
        self._reserved = tuple(connections)

    def _is_reserved(self, space: str) -> bool:
        """Whether the settings name a Space, by this name or a former one."""
        # The Hub ignores case.
        name = space.casefold()
        names = ((one.source.space, one.hub.name) for one in self._reserved)
        return any(name in (named.casefold(), present.casefold()) for named, present in names)

    def check(self, space: str, hub_id: str = "") -> None:
        """Raise `SpaceNotAllowed` if members and servers may not use this Space."""
        self.policy.check(space, hub_id)
        if self._is_reserved(space):
            raise SpaceNotAllowed(OWNERS_OWN.format(space))

    def allows(self, space: str, hub_id: str = "") -> bool:
        """Whether members and servers may use a Space."""
        return self.policy.allows(space, hub_id) and not self._is_reserved(space)

    async def close(self) -> None:
        """End the readings under way and close the connections."""
        for task in self._reading.values():
            self._tasks.hold(task)
        await self._tasks.close()
        await self._pool.close()

    def connection(
        self, space: str, account: Account = NO_ACCOUNT, *, source: Source | None = None
    ) -> Connection:
        """The connection for jobs of this account; raises `SpaceNotAllowed`.

        `source` is the setting that names the Space, if one does and members' tokens are used for
        it.
        """
        if source is None:
            self.check(space)
        # A connection whose token was replaced since ends by itself.
        key = space, account.key and f"{account.key}:{account.fingerprint}"
        connect = partial(self._connect, source or Source(space), account, members=source is None)
        return self._pool.get(key, connect)

    def _connect(self, source: Source, account: Account, *, members: bool) -> Connection:
        key = source.space, account.key
        made = Connection(
            source,
            self._network,
            token=account.token,
            changed=lambda description: self._take_later(key, made, description),
            words=MEMBER_TOKEN if account.token else MEMBER_HAS_NONE,
            check_id=partial(self.policy.check_blocked, source.space) if members else None,
        )
        return made

    async def block(self, name: str) -> None:
        """Refuse a Space ("owner/name"), also under a later name, or an author ("owner")."""
        await self.policy.block(name)
        self._unidentifiable.pop(name.casefold(), None)
        await self._identify_blocked()

    async def _identify_blocked(self) -> None:
        """Ask the Hub which Spaces the blocks mean, and wait for its answers for a while."""
        names = [one for one in self.policy.unidentified if one not in self._unidentifiable]
        for name in names:
            if name not in self._identifying:
                task = self._tasks.start(self._identify(name), f"identify {name}")
                self._identifying[name] = task
                task.add_done_callback(partial(self._identified, name))
        if names:
            await asyncio.wait([self._identifying[one] for one in names], timeout=IDENTIFY_TIMEOUT)

    def _identified(self, name: str, _: asyncio.Task[None]) -> None:
        del self._identifying[name]

    async def _identify(self, blocked: str) -> None:
        try:
            hub_id = await self.hub.id_of(blocked)
        except (SpaceNotFound, HubTokenRefused) as error:
            log.info("%s is blocked, but not on the Hub: %s", blocked, error)
            hub_id = ""
        except SpacebotError as error:
            log.info("%s cannot be identified on the Hub: %s", blocked, error)
            return
        if not hub_id:
            self._unidentifiable[blocked] = None
            return
        # Until the store works again memory serves.
        with contextlib.suppress(StoreError):
            await self.policy.identify(blocked, hub_id)

    async def hub_id(self, space: str) -> str:
        """What identifies a public Space on the Hub whatever its name is; "" while unknown."""
        try:
            return await self.hub.id_of(space)
        except SpacebotError as error:
            log.info("%s cannot be identified on the Hub: %s", space, error)
            return ""

    async def named(self, written: str, user: str) -> str:
        """The owner/name that the text of a `user` means; raises `SpacebotError`.

        It counts as a reading, before the Hub is asked anything.
        """
        subdomain = subdomain_of(written)
        name = hub_name(written) if subdomain is None else ""
        self.readings.count(user)
        return name or await self.hub.space_at(subdomain or "")

    def news(self, space: str, account: Account = NO_ACCOUNT) -> tuple[str, float | None]:
        """What a Space being read is waiting for, in words, and for about how many seconds."""
        if not space or not self.allows(space):
            return "", None
        hub = self.connection(space, account).hub
        return hub.news, hub.left

    async def load(
        self,
        space: str,
        account: Account = NO_ACCOUNT,
        *,
        fresh: bool = False,
        source: Source | None = None,
    ) -> Space:
        """A Space's description, read again if it is over an hour old or if `fresh`.

        `source` says how it is offered (its endpoint, name, description, answer place); without
        one, all of it is. Raises `SpacebotError` with a sentence for the person who waits; for a
        former name or another spelling, `SpaceRenamed`, which holds the current name.
        """
        self.check(space)
        known = None if fresh else await self._last_known(space, account)
        if known is None or not known.is_fresh:
            known = await self._read(space, account)
        return await self._as_offered(known, source)

    async def last_known(
        self, space: str, account: Account = NO_ACCOUNT, *, source: Source | None = None
    ) -> Space | None:
        """A Space as last read, however long ago, without contacting it; None if it never was."""
        self.check(space)
        if source is None:
            known = await self._last_known(space, account)
            return known and known.space
        found = await self._known.offered((space, ""), source)
        if found is None and account.key:
            found = await self._known.offered((space, account.key), source)
        if found is not None:
            self.policy.check_blocked(space, found.hub_id)
        return found

    async def find(self, space: str, api_name: str, account: Account = NO_ACCOUNT) -> Endpoint:
        """An endpoint as last described; raises `SpacebotError`.

        A forgotten Space is read again, within `FIND_TIMEOUT` seconds.
        """
        self.check(space)
        known = await self._last_known(space, account) or await self._read_soon(space, account)
        for endpoint in known.space.endpoints:
            if endpoint.api_name == api_name:
                return endpoint
        # Naming an endpoint also finds those not offered to everyone.
        offered = await self._as_offered(known, Source(space, api_name))
        if not offered.endpoints:
            raise EndpointGone(f"{space}: {exclusion(offered.excluded[0])}")
        return offered.endpoints[0]

    async def description(self, space: str, account: Account = NO_ACCOUNT) -> SpaceDescription:
        """A Space's description as last read; raises `SpacebotError`."""
        self.check(space)
        known = await self._last_known(space, account) or await self._read_soon(space, account)
        return await asyncio.to_thread(unpack, known.packed)

    async def forget(self, space: str) -> None:
        """Forget what everyone may know about a Space, and close its connections."""
        self._pool.drop(space)
        await self._known.forget((space, ""))

    @staticmethod
    async def _as_offered(known: KnownSpace, source: Source | None) -> Space:
        if source is None:
            return known.space
        return await asyncio.to_thread(lambda: parse(source, unpack(known.packed)))

    async def _last_known(self, space: str, account: Account) -> KnownSpace | None:
        known = await self._known.get((space, ""))
        if known is None and account.key:
            known = await self._known.get((space, account.key))
        if known is not None:
            self.policy.check_blocked(space, known.space.hub_id)
        return known

    async def _read_soon(self, space: str, account: Account) -> KnownSpace:
        try:
            async with asyncio.timeout(FIND_TIMEOUT):
                return await self._read(space, account)
        except TimeoutError as error:
            raise SpaceUnavailable(
                f"{space} has to be read again, which takes a while. Try again in a minute."
            ) from error

    async def _read(self, space: str, account: Account) -> KnownSpace:
        """Read a Space. Simultaneous callers share one reading, which outlives each of them."""
        key = space, account.key
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.create_task(self._read_now(key, account), name=f"read {space}")
            self._reading[key] = reading
            reading.add_done_callback(partial(self._read_ended, key))
        return await asyncio.shield(reading)

    def _read_ended(self, key: Key, reading: asyncio.Task[KnownSpace]) -> None:
        self._reading.pop(key, None)
        if not reading.cancelled() and (error := reading.exception()):
            log.info("%s cannot be read: %s (%r)", key[0], error, error.__cause__)

    async def _read_now(self, key: Key, account: Account) -> KnownSpace:
        await self.policy.refresh()
        self.policy.check_blocked(key[0])
        await self._identify_blocked()
        connection = self.connection(key[0], account)
        try:
            await connection.connect()
        except SpaceRenamed:
            # No job will use it.
            self._pool.drop(key[0])
            raise
        return await self._take(key, connection, connection.description)

    def _take_later(self, key: Key, connection: Connection, description: SpaceDescription) -> None:
        """Store the description that came with a job; a reading under way stores its own."""
        if key not in self._reading:
            work = self._take_now(key, connection, description)
            self._tasks.start(work, f"describe {key[0]}")

    async def _take_now(self, key: Key, connection: Connection, new: SpaceDescription) -> None:
        try:
            await self._take(key, connection, new)
        except Exception as error:
            log.info("the description that came with a job cannot be stored: %r", error)

    async def _take(
        self, key: Key, connection: Connection, description: SpaceDescription
    ) -> KnownSpace:
        source = Source(key[0])
        space = await asyncio.to_thread(parse, source, description)
        if space.opening is not None:
            description = await self._opened(key, connection, space, description)
            space = await asyncio.to_thread(parse, source, description)
        known = KnownSpace(space, await asyncio.to_thread(pack, description), time.time())
        # The store reports its own failures; until the next start, memory serves.
        with contextlib.suppress(StoreError):
            if not connection.is_open_to_all:
                await self._known.forget((key[0], ""))
            await self._known.put(key if not connection.is_open_to_all else (key[0], ""), known)
        return known

    async def _opened(
        self, key: Key, connection: Connection, space: Space, description: SpaceDescription
    ) -> SpaceDescription:
        """The description with what the page sets when it opens, if that arrives in time."""
        assert space.opening is not None
        try:
            async with asyncio.timeout(OPENING_TIMEOUT):
                opened = await connection.opened([space.opening])
        except (SpacebotError, TimeoutError) as error:
            log.info("The page of %s cannot be opened: %r", space.source.space, error)
            before = await self._known.get(key)
            return description.after(before and unpack(before.packed))
        return replace(description, opened=opened)
