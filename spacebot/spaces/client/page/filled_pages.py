"""The pages of one Space, as its sessions see them: filled in for a job, or while
a member types."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from spacebot.models import DeferredValue, Endpoint, PageLogic, Parameter, Requester
from spacebot.spaces.client.client import SpaceClient
from spacebot.spaces.client.files.uploads import holds_upload
from spacebot.spaces.client.page.calls import RUN_TIMEOUT, PageCaller
from spacebot.spaces.client.page.replay import PageReplay, PageState
from spacebot.spaces.client.sessions import SpaceSession, SpaceSessions
from spacebot.spaces.client.transport.network import Network, SpaceExecutor

# From this age in seconds, what was offered for the same values is asked for again.
OFFER_TTL = 60.0
# How often one person's typing may ask a Space within so many seconds.
MAX_ASKS, ASK_WINDOW = 10, 10.0
MAX_REMEMBERED_OFFERS = 500
# How many of a job's events are named, and in how many characters each.
MAX_EVENT_LABELS, MAX_LABEL_LENGTH = 30, 200


@dataclass(frozen=True, slots=True)
class FilledPage:
    """A page that is filled in: the `values` to send, what the Space `said` meanwhile, and the
    labels of the events that `ran`."""

    values: dict[str, Any]
    said: list[str]
    ran_events: tuple[str, ...]


class PageSessions:
    """Fills in the pages of a Space.

    `slow` are the events that run too long, by number; `failing` says why others failed last time.
    """

    def __init__(self, network: Network, executor: SpaceExecutor, sessions: SpaceSessions) -> None:
        self._network = network
        self._executor = executor
        self._sessions = sessions
        self._process: Any = None
        self.slow: set[int] = set()
        self.failing: dict[int, str] = {}
        self._offered = LRUCache[str, tuple[float, Parameter]](MAX_REMEMBERED_OFFERS)
        self._asking: dict[str, asyncio.Task[Parameter]] = {}
        self._asked = LRUCache[str, deque[float]](MAX_REMEMBERED_OFFERS)

    def not_run(self) -> dict[int, str]:
        """Why events are not run, or failed last time, by number."""
        return self.failing | dict.fromkeys(
            self.slow, f"it runs for longer than {RUN_TIMEOUT:.0f} s"
        )

    async def fill(
        self,
        client: SpaceClient,
        session: SpaceSession,
        endpoint: Endpoint,
        values: Mapping[str, Any],
    ) -> FilledPage:
        """Do what the page does before an endpoint runs; raises `InputError`."""
        seen = await self._seen(client, endpoint, values)
        calls, replay = self._replay(client, session, endpoint)
        await replay.open()
        filled = await replay.fill(seen)
        # An event sets plain JSON of the Space's own, never an `Upload`.
        ran = tuple(label[:MAX_LABEL_LENGTH] for label in replay.ran_events[:MAX_EVENT_LABELS])
        return FilledPage(filled, calls.said, ran)

    async def opened(
        self, client: SpaceClient, pages: Sequence[PageLogic]
    ) -> dict[Any, dict[str, Any]]:
        """What the load events of a page set, in a session of its own.

        It holds changed properties by component, a new value among them, for the events that
        answered.
        """
        page = _merge_pages(pages)
        async with self._sessions.hold("opening", stateful=False, fresh=True) as session:
            calls, replay = self._replay(client, session, Endpoint("", "", "", "", page=page))
            await replay.open()
        parts = {part for event in page.events for part in event.gives}
        found = {part: replay.state.changes(part, page.start) for part in parts}
        return {part: one for part, one in found.items() if one or part in calls.answered}

    async def offered(
        self,
        client: SpaceClient,
        endpoint: Endpoint,
        name: str,
        values: Mapping[str, Any],
        requester: Requester,
    ) -> Parameter:
        """A parameter as the page offers it once these values are filled in before it.

        If that was just asked for, or the `requester` asks too often, it is the last known.
        """
        assert endpoint.page is not None
        before = {one: values.get(one) for one in endpoint.page.depends.get(name, ())}
        key = json.dumps([endpoint.api_name, name, before], default=_told, sort_keys=True)
        at, known = self._offered.get(key, (0.0, None))
        if known is not None and time.monotonic() - at < OFFER_TTL:
            return known
        asking = self._asking.get(key)
        if asking is None:
            if not self._may_ask(requester.turns):
                return known or self.last_known(endpoint, name)
            asking = self._ask(key, self._find(client, endpoint, name, values, requester.user))
        return await asyncio.shield(asking)

    def last_known(self, endpoint: Endpoint, name: str) -> Parameter:
        """The parameter as last offered, whatever was filled in; otherwise as described."""
        start = json.dumps([endpoint.api_name, name])[:-1]
        known = [offer for key, offer in self._offered.items() if key.startswith(start)]
        newest = max(known, key=lambda offer: offer[0], default=None)
        return newest[1] if newest else _parameter(endpoint, name)

    def _ask(self, key: str, finding: Any) -> asyncio.Task[Parameter]:
        """Ask, and continue even if nobody waits any more."""
        asking = self._asking[key] = asyncio.create_task(finding, name="ask a page")

        def note(task: asyncio.Task[Parameter]) -> None:
            self._asking.pop(key, None)
            if not task.cancelled() and task.exception() is None:
                self._offered[key] = (time.monotonic(), task.result())

        asking.add_done_callback(note)
        return asking

    async def _find(
        self,
        client: SpaceClient,
        endpoint: Endpoint,
        name: str,
        values: Mapping[str, Any],
        user: str,
    ) -> Parameter:
        async with self._sessions.hold(f"typing {user}", stateful=True) as session:
            _, replay = self._replay(client, session, endpoint)
            await replay.open()
            return await replay.offered(name, values)

    def _replay(
        self, client: SpaceClient, session: SpaceSession, endpoint: Endpoint
    ) -> tuple[PageCaller, PageReplay]:
        process = client.config.get("app_id")
        if process != self._process:
            # A different process: slow events may be fixed, and it knows no session.
            self._process = process
            self.slow.clear()
            self.failing.clear()
            self._offered.clear()
        if session.page is None or session.page[0] != process:
            session.page = (process, PageState())
        calls = PageCaller(self._network, self._executor, client, session, self.slow, self.failing)
        return calls, PageReplay(endpoint, session.page[1], calls)

    def _may_ask(self, who: str) -> bool:
        now = time.monotonic()
        asked = self._asked.setdefault(who, deque(maxlen=MAX_ASKS))
        if len(asked) == MAX_ASKS and now - asked[0] < ASK_WINDOW:
            return False
        asked.append(now)
        return True

    async def _seen(
        self, client: SpaceClient, endpoint: Endpoint, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The values as the page sees them; a file that an event reads is on the Space."""
        page = endpoint.page
        assert page is not None
        found: dict[str, Any] = {}
        for name, value in values.items():
            seen = any(page.fields.get(name) in event.takes for event in page.events)
            if seen and holds_upload(value):
                async with self._executor.uploading:
                    kind = _parameter(endpoint, name).component
                    part = page.fields[name]
                    value = await self._executor.call(client.uploaded, value, part, kind)
            found[name] = value
        return found


def _merge_pages(pages: Sequence[PageLogic]) -> PageLogic:
    """Several pages of one Space merged into one."""
    events = {event.index: event for page in pages for event in page.events}
    start = {part: one for page in pages for part, one in page.start.items()}
    return PageLogic(events=tuple(events.values()), start=start)


def _told(value: Any) -> Any:
    return dict(value.own) if isinstance(value, DeferredValue) else str(value)


def _parameter(endpoint: Endpoint, name: str) -> Parameter:
    return next(one for one in endpoint.parameters if one.name == name)
