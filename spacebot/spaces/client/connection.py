"""One Space: reaching it, and running jobs on it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from spacebot.errors import HubUnavailable, LoginNeeded, SpaceBusy, SpaceError, SpaceUnavailable
from spacebot.models import (
    Endpoint,
    EndpointStep,
    GpuQuota,
    JobStage,
    PageLogic,
    Parameter,
    Progress,
    Requester,
    Source,
)
from spacebot.spaces.client.client import (
    LegacyJob,
    QueuedJob,
    SpaceClient,
    StockJob,
    request_headers,
)
from spacebot.spaces.client.description_cache import SpaceDescription
from spacebot.spaces.client.error_mapping import TokenWords, connect_error, join_error, owner_words
from spacebot.spaces.client.files.files import FileFetcher
from spacebot.spaces.client.hub import HubSpace, is_on_hub, without_gradio
from spacebot.spaces.client.legacy.legacy_run import LegacyRun
from spacebot.spaces.client.page.filled_pages import PageSessions
from spacebot.spaces.client.run import SpaceRun
from spacebot.spaces.client.sessions import SpaceSession, SpaceSessions
from spacebot.spaces.client.steps import CallSequence, check_unchanged, every_step
from spacebot.spaces.client.submit import submit
from spacebot.spaces.client.transport.app_process import is_same_process
from spacebot.spaces.client.transport.network import Network, SpaceExecutor
from spacebot.spaces.client.transport.rate_limit import Cooldown
from spacebot.spaces.client.transport.stock_watch import cancel_stock, watch_stock
from spacebot.spaces.client.transport.updates import PageEventsRan, Toast, Update

T = TypeVar("T")

SILENCE_TIMEOUT = 45.0
CHECK_TTL = 5.0
TAKES_TURNS = "the job before it in the same session goes first"


class Connection:
    """One Space, reached when first needed and again when it has changed.

    `answers` is None until the first attempt; `reason` says why it does not; `since` is when that
    last changed, in epoch seconds; `tried` is set after the first attempt. `changed` is called with
    each new description. `wanted` names endpoints to describe although their author hides them from
    the API page. `words` explain what a missing token means: HF_TOKEN's by default. `check_id` is
    that of `HubSpace`.
    """

    def __init__(
        self,
        source: Source,
        network: Network,
        *,
        token: str = "",
        changed: Callable[[SpaceDescription], None] | None = None,
        wanted: Collection[str] = (),
        words: TokenWords | None = None,
        check_id: Callable[[str], None] | None = None,
    ) -> None:
        self.source = source
        self._wanted = tuple(wanted)
        self.network = network
        self._executor = SpaceExecutor()
        self.sessions = SpaceSessions()
        self.pages = PageSessions(network, self._executor, self.sessions)
        self.answers: bool | None = None
        self.reason = ""
        self.since: float | None = None
        self.tried = asyncio.Event()
        # The owner's token goes only to Spaces on the Hub that the owner named.
        self._token = token if self.is_on_hub else ""
        self._words = words or owner_words(has_token=bool(self._token))
        self.hub = HubSpace(network, source.space, self._token, check_id=check_id)
        self._changed = changed
        self._client: SpaceClient | None = None
        # Earlier clients, which jobs may still be using.
        self._left: list[SpaceClient] = []
        self._connecting: asyncio.Task[SpaceClient] | None = None
        self._checked = 0.0
        self._limit = Cooldown()
        self.is_open_to_all = True

    @property
    def is_open(self) -> bool:
        """Whether the Space was reached and answered last time."""
        return self._client is not None and bool(self.answers)

    @property
    def is_on_hub(self) -> bool:
        """Whether the Space is on Hugging Face, so that it may receive a token."""
        return not self.source.served_at or is_on_hub(self.source.served_at)

    @property
    def description(self) -> SpaceDescription:
        """The Space's description at the last connect."""
        assert self._client is not None
        config, info = self._client.config, self._client._info
        return SpaceDescription(config, info, nsfw=self.hub.nsfw, hub_id=self.hub.id)

    async def gpu_quota(self) -> GpuQuota | None:
        """The ZeroGPU seconds left for its token's owner; None without one, or on other hardware.

        Raises `SpacebotError`.
        """
        if not (self._token and self.hub.on_zero_gpu):
            return None
        return await self.network.hub.quota(self._token)

    @property
    def idle_seconds(self) -> float:
        """How long no job has used it; 0 while one does, or while it is being reached."""
        busy = self.sessions.held or self._connecting is not None
        return 0.0 if busy else time.monotonic() - max(self.sessions.used, self._checked)

    async def close(self) -> None:
        """Release the connection."""
        if self._connecting is not None:
            self._connecting.cancel()
        self.sessions.close()
        for client in self._left:
            client.close()
        if self._client is not None:
            await self.network.call(self._client.close)
        self._executor.close()

    async def ready(self) -> SpaceClient:
        """The connected client, a new one if the Space was restarted; raises `SpaceError`."""
        client = self._client
        if client is not None and time.monotonic() - self._checked > CHECK_TTL:
            if await self._same(client):
                self._checked = time.monotonic()
            else:
                client = None
        return client or await self.connect()

    async def check(self) -> None:
        """Check that the Space answers; raises `SpaceError` if it does not.

        For a Space on the Hub that was reached before, the Hub is asked: a request to the Space
        would keep it awake.
        """
        client = self._client
        if client is None or not self.answers:
            await self.connect()
        elif not self.source.served_at:
            await self._ask_hub()
        elif not is_on_hub(self.source.served_at) and not await self._same(client):
            await self.connect()

    async def _ask_hub(self) -> None:
        self._limit.check()
        try:
            await self.hub.check()
        except Exception as error:
            ours = connect_error(error, self._words)
            self._limit.note(ours)
            # The Hub's own trouble says nothing about a Space that was reached.
            if not isinstance(ours, HubUnavailable | SpaceBusy):
                self._mark(False, str(ours))
            raise ours from error

    async def connect(self) -> SpaceClient:
        """Connect again; simultaneous callers share one attempt."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connected)
        return await asyncio.shield(self._connecting)

    def _connected(self, task: asyncio.Task[SpaceClient]) -> None:
        self._connecting = None
        if not task.cancelled():
            task.exception()  # the waiting callers get it; a task that nobody awaits must not warn

    async def _connect(self) -> SpaceClient:
        self._limit.check()
        info = None
        try:
            info = None if self.source.served_at else await self.hub.awake()
            async with asyncio.timeout(self.network.connect):
                client = await self._executor.call(
                    SpaceClient,
                    self.network,
                    self.source.served_at or self.source.space,
                    host=info and info.host,
                    token=self._token,
                    auth=self.source.auth,
                    wanted=self._wanted,
                )
        except Exception as error:
            ours = without_gradio(info, connect_error(error, self._words))
            self._limit.note(ours)
            self._mark(False, str(ours))
            raise ours from error
        # A Space at its own address may be private too: with a token, there is no way to tell.
        self.is_open_to_all = not info.private if info else not self._token
        old, self._client = self._client, client
        self._checked = time.monotonic()
        self._mark(True)
        if self._changed is not None:
            self._changed(self.description)
        if old is not None:
            self._left.append(old)
            asyncio.get_running_loop().call_later(2 * self.network.connect, self._close_left, old)
        return client

    def _close_left(self, client: SpaceClient) -> None:
        self._left.remove(client)
        client.close()

    def _mark(self, answers: bool, reason: str = "") -> None:
        if answers is not self.answers:
            self.since = time.time()
        self.answers, self.reason = answers, reason
        self.tried.set()

    async def process(self) -> str | None:
        """An id of the Space's process, which holds its sessions; None for an old Gradio."""
        client = self._client
        if client is None or not await self._same(client):
            client = await self.connect()
        named = client.config.get("app_id")
        return None if named is None else str(named)

    async def _same(self, client: SpaceClient) -> bool:
        """Whether the process we connected to still runs."""
        return await is_same_process(self.network.http, client)

    async def run(
        self,
        api_name: str,
        values: Mapping[str, Any],
        *,
        key: str,
        stateful: bool,
        before: Sequence[EndpointStep] = (),
        failing: Sequence[EndpointStep] = (),
        after: Sequence[EndpointStep] = (),
        silence: float = SILENCE_TIMEOUT,
        recall: asyncio.Event | None = None,
        page: Endpoint | None = None,
    ) -> AsyncGenerator[Update, None]:
        """Run one job in the session of `key`; ends with its `Result`, raises `SpacebotError`.

        The steps `before` are called first, `failing` if the endpoint fails, and `after` at the
        end, in the same session; what they show is in the `Result` too. What the `page` of that
        endpoint does comes first. Leaving the generator early cancels the job on the Space. An
        error is `safe` if the Space cannot have begun. `recall` takes a job that has not begun out
        of the Space's queue, which raises `JobWithdrawn`.
        """
        if self._client is None:
            yield Progress(JobStage.WAKING)
        client = await self.ready()
        steps = (
            *before,
            EndpointStep(api_name, gives=page.gives if page else {}, failing=tuple(failing)),
        )
        # If one of them is gone, nothing is called.
        indexes = {one.api_name: client.index(one.api_name) for one in every_step((*steps, *after))}
        check_unchanged(page, client.takes(indexes.values()), steps)
        width = len(client.endpoints[indexes[api_name]].dependency.get("outputs") or ())
        if stateful and self.sessions.is_busy(key):
            yield Progress(JobStage.WAITING, note=TAKES_TURNS)
        fresh = bool(page and page.page)
        async with self.sessions.hold(key, stateful=stateful, fresh=fresh) as session:
            if page and page.page:
                yield Progress(JobStage.SENDING)
                filled = await self._sent(self.pages.fill(client, session, page, values))
                values = filled.values
                for text in filled.said:
                    yield Toast(text, "warning")
                yield PageEventsRan(filled.ran_events)
            recalls = itertools.chain([recall or asyncio.Event()], iter(asyncio.Event, None))

            async def call(
                step: EndpointStep, sent: Mapping[str, Any]
            ) -> AsyncGenerator[Update, None]:
                await session.left()
                index = indexes[step.api_name]
                running = self._run(client, index, sent, session, silence, next(recalls))
                async with contextlib.aclosing(running):
                    async for update in running:
                        yield update

            chain = CallSequence(steps, call, self.visible, width, after, page)
            async with contextlib.aclosing(chain.updates(values)) as updates:
                async for update in updates:
                    yield update

    async def _run(
        self,
        client: SpaceClient,
        index: int,
        values: Mapping[str, Any],
        session: SpaceSession,
        silence: float,
        recall: asyncio.Event,
    ) -> AsyncGenerator[Update, None]:
        yield Progress(JobStage.SENDING)
        alive = partial(self._same, client)
        run = SpaceRun(self.network, client, index, session, alive=alive)
        legacy = LegacyRun(self.network, client, index, session, alive=alive)

        async def withdraw(job: QueuedJob | LegacyJob | StockJob) -> None:
            match job:
                case StockJob():
                    await cancel_stock(self._executor, job)
                case QueuedJob():
                    await run.withdraw(job)

        job = await self._sent(
            submit(
                self._executor,
                client,
                values,
                index=index,
                session=session,
                silence=silence,
                withdraw=withdraw,
            )
        )
        match job:
            case StockJob():
                watched = watch_stock(self._executor, job)
            case LegacyJob():
                watched = legacy.updates(job, silence=silence, recall=recall)
            case _:
                watched = run.updates(job, silence=silence, recall=recall)
        async with contextlib.aclosing(watched) as updates:
            async for update in updates:
                yield update

    async def _sent(self, sending: Awaitable[T]) -> T:
        """Wait for the sending of a job, translating its errors."""
        try:
            return await sending
        except Exception as error:
            ours = join_error(error)
            if isinstance(ours, LoginNeeded):
                with contextlib.suppress(SpaceError):
                    await self.connect()
            elif isinstance(ours, SpaceUnavailable):
                self._mark(False, str(ours))
                self._checked = 0.0
            if ours is error:
                raise
            raise ours from error

    async def opened(self, pages: Sequence[PageLogic]) -> dict[Any, dict[str, Any]]:
        """What the load events of the Space's page set: see `PageSessions.opened`."""
        return await self.pages.opened(await self.ready(), pages)

    async def offered(
        self, endpoint: Endpoint, name: str, values: Mapping[str, Any], requester: Requester
    ) -> Parameter:
        """A parameter as the Space's page offers it by now: see `PageSessions.offered`."""
        return await self.pages.offered(await self.ready(), endpoint, name, values, requester)

    def visible(self, api_name: str, values: list[Any]) -> list[Any]:
        """Raw outputs without those that a direct call leaves out (gr.State)."""
        client = self._client
        if client is None:
            return values
        endpoint = client.endpoints[client.fn_index(api_name)]
        return list(endpoint.remove_skipped_components(*values))

    async def localize(
        self, values: list[Any], folder: Path, *, cap: int, full: bool = False
    ) -> list[Any]:
        """Download the files of raw outputs into `folder`: see `FileFetcher.localize`."""
        client = self._client or await self.connect()
        home, headers = client.src_prefixed, request_headers(client)
        fetcher = FileFetcher(self.network, home, headers, linked=self.is_open_to_all)
        return await fetcher.localize(values, folder, cap=cap, full=full)
