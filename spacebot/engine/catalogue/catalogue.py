"""The Spaces on offer: those of the settings, always connected, and others on demand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from spacebot.concurrency import growing_pauses
from spacebot.engine.built_in import BuiltIn
from spacebot.engine.catalogue.follow_ups import named_endpoints, read_follow_up
from spacebot.engine.catalogue.lookup import find_endpoint
from spacebot.engine.catalogue.status import status_of
from spacebot.engine.catalogue.suggestions import choices_for
from spacebot.engine.catalogue.watching import watch_interval
from spacebot.engine.on_demand import OnDemandSpaces, is_hub_name, read_described
from spacebot.engine.server_spaces import AddedSpaces
from spacebot.errors import EndpointGone, SpacebotError
from spacebot.models import (
    NO_ACCOUNT,
    Account,
    AutocompleteRequest,
    Choice,
    Endpoint,
    FollowUp,
    Source,
    Space,
    SpaceStatus,
)
from spacebot.spaces import inputs
from spacebot.spaces.client import Connection, DescriptionCache, Network, SpaceDescription
from spacebot.spaces.schema import commands_of

log = logging.getLogger(__name__)

# How long a Space's first answer may delay the commands of the others.
FIRST_ANSWER_WAIT = 1.0
# How long a person who types waits for a Space's page to offer choices, in seconds.
AUTOCOMPLETE_TIMEOUT = 1.0
FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE = 5.0, 300.0


class Catalogue:
    """The Spaces of the settings with their connections and commands, and built-in commands.

    `on_demand` has the Spaces that members name, `added` those that servers added. The methods for
    all kinds are here: `load`, `find`, `follow_up`, `connection`, `commands_in`.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        network: Network,
        *,
        folder: Path,
        token: str = "",
        built_in: Sequence[BuiltIn] = (),
        on_demand: OnDemandSpaces | None = None,
        added: AddedSpaces | None = None,
    ) -> None:
        self.on_demand = on_demand
        self.added = added
        self.built_in = {one.name: one for one in built_in}
        self.hub = network.hub
        self._listeners: list[Callable[[], None]] = []
        self._sources = tuple(sources)
        self._kept = DescriptionCache(folder / "descriptions")
        self._known: dict[str, SpaceDescription] = {}
        self._stale: set[str] = set()
        self._spaces: tuple[Space, ...] = ()
        self._problems: dict[int, str] = {}
        self._unread = False
        self._reading: asyncio.Task[None] | None = None
        self._follow_ups: dict[str, list[tuple[FollowUp, Endpoint]]] = {}
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.connections = {
            source.space: Connection(
                source,
                network,
                token=token,
                changed=lambda description, space=source.space: self._describe(space, description),
                wanted=named_endpoints(sources, source.space),
            )
            for source in sources
        }
        if on_demand is not None:
            on_demand.reserve(self.connections.values())

    @property
    def spaces(self) -> tuple[Space, ...]:
        """What can be offered now, in the owner's order."""
        return self._spaces

    async def spaces_in(self, guild: int | str | None) -> tuple[Space, ...]:
        """The Spaces whose commands a server's members see; for None, those elsewhere."""
        names = {space.name for space in self._spaces}
        added = await self.added.spaces(str(guild)) if self.added and guild else ()
        # The settings' own take precedence for a name, even if they came later.
        return (*self._spaces, *(space for space in added if space.name not in names))

    async def commands_in(self, guild: int | str | None) -> dict[str, Endpoint]:
        """Every command that a server's members see, as they type it; for None, those elsewhere."""
        return commands_of(await self.spaces_in(guild))

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` on the loop when the commands may differ; returns a function that stops
        that."""
        self._listeners.append(changed)
        return partial(self._listeners.remove, changed)

    async def start(self) -> None:
        """Connect to every Space side by side; return once each is described or was tried.

        It takes at most `FIRST_ANSWER_WAIT` seconds. A Space that does not answer gets the commands
        of its last known description, and is retried in the background.
        """
        await asyncio.to_thread(self._load)
        self._spaces = await asyncio.to_thread(self._read)
        self._tasks = [
            asyncio.create_task(self._keep(connection), name=f"keep {connection.source.space}")
            for connection in self.connections.values()
        ]
        unknown = [
            asyncio.create_task(connection.tried.wait())
            for space, connection in self.connections.items()
            if space not in self._known
        ]
        if unknown:
            _, late = await asyncio.wait(unknown, timeout=FIRST_ANSWER_WAIT)
            for task in late:
                task.cancel()
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=FIRST_ANSWER_WAIT)

    @property
    def complete(self) -> bool:
        """Whether every Space is described, or failed its first attempt."""
        return self._reading is None and all(
            space in self._known or connection.tried.is_set()
            for space, connection in self.connections.items()
        )

    async def close(self) -> None:
        """Stop watching the Spaces and release the connections."""
        tasks = [*self._tasks, *self._opening.values(), *filter(None, [self._reading])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in (*self.connections.values(), self.added, self.on_demand):
            if one is not None:
                await one.close()

    async def load(
        self,
        space: str,
        account: Account = NO_ACCOUNT,
        *,
        fresh: bool = False,
        source: Source | None = None,
    ) -> Space:
        """A Space for use ("owner/name"), read again if the description is over an hour old.

        For a Space in the settings, what they offer. `source` says how others are offered.
        Raises `SpacebotError` with a sentence for the person who is waiting.
        """
        offered = [one for one in self._spaces if one.source.space == space]
        if not offered:
            return await self._guests(space).load(space, account, fresh=fresh, source=source)
        endpoints = {each.name: each for one in reversed(offered) for each in one.endpoints}
        return replace(offered[0], endpoints=tuple(reversed(endpoints.values())))

    async def last_known(self, space: str, account: Account = NO_ACCOUNT) -> Space | None:
        """The same from its last description, without contacting the Space; None
        if there is none."""
        own = space in self.connections
        return await (self.load(space) if own else self._guests(space).last_known(space, account))

    def connection(self, space: str, account: Account = NO_ACCOUNT) -> Connection:
        """The connection that jobs on a Space use; raises `SpacebotError`.

        Spaces in the settings get HF_TOKEN, unless the job has its own account.
        """
        own = self.connections.get(space)
        if own is None:
            return self._guests(space).connection(space, account)
        if self.on_demand is not None and self.account_for(space, account):
            return self.on_demand.connection(space, account, source=own.source)
        return own

    def account_for(self, space: str, account: Account) -> Account:
        """The account, unless the Space is at its own address, or private and the owner's."""
        own = self.connections.get(space)
        return account if own is None or (own.is_on_hub and own.is_open_to_all) else NO_ACCOUNT

    def url_of(self, space: str) -> str:
        """The address of a Space's page for people; empty if they cannot open it."""
        if (own := self.connections.get(space)) is not None:
            return own.source.url
        return Source(space).url if is_hub_name(space) else ""

    def _guests(self, space: str) -> OnDemandSpaces:
        """The on-demand Spaces; raises `EndpointGone` for a Space that cannot be one."""
        if self.on_demand is None or not is_hub_name(space):
            raise EndpointGone("This Space is no longer offered here. Type / to see the commands.")
        return self.on_demand

    async def find(
        self,
        space: str,
        api_name: str,
        command: str = "",
        account: Account = NO_ACCOUNT,
        *,
        guild: str = "",
    ) -> Endpoint:
        """The endpoint of a Space or built-in command, as last described; raises `SpacebotError`.

        `command` ("/demo paint") distinguishes commands that run it with other fixed values. A
        Space that no setting names is found only among what the server `guild` added, if that is
        set.
        """
        if space in self.built_in or space in self.connections:
            return self.configured(space, api_name, command)
        if guild and self.added:
            return await self.added.find(guild, space, api_name, command)
        return await self._guests(space).find(space, api_name, account)

    def configured(self, space: str, api_name: str, command: str = "") -> Endpoint:
        """The same for the settings' Spaces and built-in commands; raises `EndpointGone`."""
        if built_in := self.built_in.get(space):
            return built_in.describe(commands_of(self._spaces)).endpoints[0]
        return find_endpoint(self._spaces, space, api_name, command)

    async def suggest(self, asked: AutocompleteRequest) -> list[Choice]:
        """Suggestions for an option while a person types.

        They come from the Space's page if it answers within `AUTOCOMPLETE_TIMEOUT` seconds,
        otherwise from what was last known.
        """
        endpoint = asked.endpoint
        parameter = inputs.parameter_of(endpoint, asked.option)
        if parameter is None or not parameter.live or endpoint.space in self.built_in:
            return await choices_for(parameter, asked.text)
        connection = self.connection(endpoint.space)
        try:
            if not connection.is_open:
                # Typing alone wakes no Space.
                raise TimeoutError
            async with asyncio.timeout(AUTOCOMPLETE_TIMEOUT):
                values = inputs.partial_values(endpoint, asked.arguments)
                found = await connection.offered(endpoint, parameter.name, values, asked.requester)
        except (SpacebotError, TimeoutError):
            found = connection.pages.last_known(endpoint, parameter.name)
        return await choices_for(found, asked.text)

    async def follow_up(
        self, space: str, wanted: FollowUp, account: Account = NO_ACCOUNT
    ) -> Endpoint:
        """The endpoint that a follow-up calls, with its fixed values; raises `SpacebotError`.

        It need not be a command. The values that the follow-up takes are still among its
        parameters.
        """
        if space in self.connections:
            return self.configured_follow_up(space, wanted)
        description = await self._guests(space).description(space, account)
        return await asyncio.to_thread(read_follow_up, space, wanted, description)

    def configured_follow_up(self, space: str, wanted: FollowUp) -> Endpoint:
        """The same for a Space that the settings name; raises `SpacebotError`."""
        known = self._follow_ups.setdefault(space, [])
        endpoint = next((one for follow_up, one in known if follow_up == wanted), None)
        if endpoint is None:
            endpoint = read_follow_up(space, wanted, self._described(space))
            known.append((wanted, endpoint))
        return endpoint

    def _check(self, space: str, then: Sequence[FollowUp]) -> None:
        """Raise `SpacebotError` for the first follow-up that cannot work."""
        for wanted in then:
            self.configured_follow_up(space, wanted)
            self._check(space, wanted.then)

    def status(self, counts: Callable[[str], tuple[int, int]]) -> tuple[SpaceStatus, ...]:
        """What the page shows about each Space; `counts` returns its jobs running and waiting."""
        return tuple(self._status(number, counts) for number in range(len(self._sources)))

    def _status(self, number: int, counts: Callable[[str], tuple[int, int]]) -> SpaceStatus:
        source = self._sources[number]
        connection = self.connections[source.space]
        space = next((space for space in self._spaces if space.source == source), None)
        reason = self._problems.get(number) or connection.reason
        if space and connection.answers is False and source.space in self._stale:
            reason += " Its commands come from its last known description."
        return status_of(source, space, connection, reason, counts(source.space))

    async def _keep(self, connection: Connection) -> None:
        """Keep one Space connected: retry with growing pauses while it does not answer."""
        pauses, space = None, connection.source.url or connection.source.space
        while True:
            try:
                await connection.check()
                pauses = None
                await asyncio.sleep(watch_interval(self.connections.values()))
            except SpacebotError as error:
                if pauses is None:
                    log.warning("%s: %s (%r)", space, error, error.__cause__)
                    pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
                await asyncio.sleep(next(pauses))
            except Exception:
                log.exception("%s could not be watched", space)
                await asyncio.sleep(MAX_RETRY_PAUSE)

    def _describe(self, space: str, description: SpaceDescription) -> None:
        """Take a new description, and what the page's load events set as soon as that is known."""
        self._stale.discard(space)
        self._take(space, description.after(self._known.get(space)))
        if opening := self._opening.pop(space, None):
            opening.cancel()
        self._opening[space] = asyncio.create_task(self._open(space), name=f"open {space}")

    async def _open(self, space: str) -> None:
        """Open a Space's page, and offer what its load events set."""
        while self._reading is not None:
            await asyncio.wait({self._reading})
        pages = [one.opening for one in self._spaces if one.source.space == space and one.opening]
        if not pages:
            return
        try:
            opened = await self.connections[space].opened(pages)
        except SpacebotError as error:
            log.info("The page of %s cannot be opened: %s (%r)", space, error, error.__cause__)
            return
        except Exception:
            log.exception("The page of %s cannot be opened", space)
            return
        known = self._known[space]
        # Whatever did not answer this time stays unchanged.
        self._take(space, replace(known, opened={**known.opened, **opened}))

    def _take(self, space: str, description: SpaceDescription) -> None:
        """Store a description for the next start, and offer its commands."""
        if self._known.get(space) == description:
            return
        self._known[space] = description
        asyncio.get_running_loop().run_in_executor(None, self._kept.save, space, description)
        self._unread = True
        if self._reading is None:
            self._reading = asyncio.create_task(self._reread(), name="read descriptions")

    async def _reread(self) -> None:
        """Read the descriptions again, off the event loop: hundreds of endpoints take 250 ms."""
        try:
            while self._unread:
                self._unread = False
                self._spaces = await asyncio.to_thread(self._read)
        finally:
            self._reading = None
        for changed in tuple(self._listeners):
            changed()

    def _read(self) -> tuple[Space, ...]:
        """Read the current descriptions, each source in the owner's order."""
        spaces: list[Space] = []
        self._follow_ups.clear()
        taken: set[str] = {source.name for source in self._sources if source.name}
        for number, source in enumerate(self._sources):
            if source.space not in self._known:
                continue
            try:
                space = read_described(source, self._described(source.space), taken - {source.name})
                self._check(source.space, source.then)
            except Exception as error:
                # A Space with an odd description must not keep the others from being offered.
                ours = isinstance(error, SpacebotError)
                said = str(error) if ours else "Its description cannot be read; the log says why."
                if self._problems.get(number) != said:
                    log.error("%s: %s", source.space, said, exc_info=None if ours else error)
                self._problems[number] = said
                continue
            self._problems.pop(number, None)
            taken.add(space.name)
            spaces.append(space)
        return tuple(spaces)

    def _described(self, space: str) -> SpaceDescription:
        """A Space's description; the owner's mark makes all of it age-restricted."""
        known = self._known[space]
        marked = any(one.nsfw for one in self._sources if one.space == space)
        return replace(known, nsfw=known.nsfw or marked)

    def _load(self) -> None:
        for space in self.connections:
            if (known := self._kept.load(space)) is not None:
                self._known[space] = known
                self._stale.add(space)
