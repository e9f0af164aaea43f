"""Calling events of a Space's page by number: most of them have no public name."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp

from spacebot.errors import SpacebotError, SpaceRaised
from spacebot.models import JobStage, PageEvent, Progress
from spacebot.spaces.client.client import (
    WATCHED_PROTOCOLS,
    LegacyJob,
    QueuedJob,
    SpaceClient,
    StockJob,
    StockSession,
    request_headers,
)
from spacebot.spaces.client.legacy.describe import LEGACY_PROTOCOL
from spacebot.spaces.client.legacy.legacy_run import LegacyRun
from spacebot.spaces.client.run import SpaceRun
from spacebot.spaces.client.sessions import SpaceSession
from spacebot.spaces.client.transport.bounded_reading import read_answer, read_json
from spacebot.spaces.client.transport.network import Network, SpaceExecutor
from spacebot.spaces.client.transport.stock_watch import watch_stock
from spacebot.spaces.client.transport.updates import Result, Update

log = logging.getLogger(__name__)

# How long an event may run, and how long it may wait in the Space's queue before, in seconds.
RUN_TIMEOUT, QUEUE_TIMEOUT = 2.0, 8.0
# The size limit of a Space's answer to an event: a few choices, not a table of megabytes.
MAX_ANSWER_BYTES = 2_000_000


class PageCaller:
    """Calls events in one session.

    `slow` collects the events that run too long, which are not called again; `failing` why others
    failed last time. `said` is the Space's text for those that fail; `answered` holds the
    components that the others set.
    """

    def __init__(
        self,
        network: Network,
        executor: SpaceExecutor,
        client: SpaceClient,
        session: SpaceSession,
        slow: set[int],
        failing: dict[int, str],
    ) -> None:
        self._network = network
        self._executor = executor
        self._client = client
        self._session = session
        self._slow = slow
        self._failing = failing
        self.said: list[str] = []
        self.answered: set[Any] = set()

    async def __call__(self, event: PageEvent, takes: list[Any], picked: Any) -> list[Any] | None:
        """Run an event; returns its raw outputs, or None if it fails or is not run."""
        if event.index in self._slow or not self._is_there(event):
            return None
        body = {
            "data": takes,
            "fn_index": event.index,
            "session_hash": self._session.name,
            "event_data": picked,
            "trigger_id": event.on[0][0] if event.on else None,
        }
        is_direct = not event.queued and self._client.protocol != LEGACY_PROTOCOL
        # Without the Space's own text, which may quote a value.
        self._failing[event.index] = "the Space did not run it the last time"
        try:
            gave = await (self._direct(event, body) if is_direct else self._queued(event, body))
        except SpaceRaised as error:
            self._failing[event.index] = "it failed the last time"
            self.said.append(str(error))
        except TimeoutError:
            self._failing[event.index] = "the Space did not answer in time"
            log.info("an event of a page is not answered in time: %s", event.label)
        except (SpacebotError, aiohttp.ClientError, ValueError, LookupError, TypeError) as error:
            log.info("an event of a page fails: %s (%r)", event.label, error)
        else:
            if gave is not None:
                self._failing.pop(event.index, None)
                self.answered.update(event.gives)
            return gave
        return None

    def _is_there(self, event: PageEvent) -> bool:
        """Whether the Space's app is still the described one."""
        for index, raw in enumerate(self._client.config.get("dependencies") or []):
            if raw.get("id", index) == event.index:
                return (*raw["inputs"],) == event.takes and (*raw["outputs"],) == event.gives
        return False

    async def _direct(self, event: PageEvent, body: Mapping[str, Any]) -> list[Any] | None:
        """Call an event without the queue, as a page calls it."""
        try:
            async with asyncio.timeout(RUN_TIMEOUT), self._post("run/predict", body) as response:
                if response.status != 200:
                    return None
                return list((await self._answer(response))["data"])
        except TimeoutError:
            self._slow.add(event.index)
            raise

    async def _queued(self, event: PageEvent, body: Mapping[str, Any]) -> list[Any] | None:
        began = False
        try:
            async with (
                asyncio.timeout(QUEUE_TIMEOUT) as deadline,
                contextlib.aclosing(await self._updates(event, body)) as updates,
            ):
                async for update in updates:
                    if isinstance(update, Result):
                        return update.outputs
                    if (
                        isinstance(update, Progress)
                        and update.stage is JobStage.RUNNING
                        and not began
                    ):
                        began = True
                        deadline.reschedule(asyncio.get_running_loop().time() + RUN_TIMEOUT)
        except TimeoutError:
            if began:
                self._slow.add(event.index)
            raise
        finally:
            await self._session.left()
        return None

    async def _updates(
        self, event: PageEvent, body: Mapping[str, Any]
    ) -> AsyncGenerator[Update, None]:
        """Put an event in the Space's queue, and yield its updates."""
        about = (self._network, self._client, event.index, self._session)
        recall = asyncio.Event()
        if self._client.protocol == LEGACY_PROTOCOL:
            job = await self._executor.call(self._written, event, body)
            legacy = LegacyRun(*about, alive=_never)
            return legacy.updates(job, silence=QUEUE_TIMEOUT, recall=recall)
        if self._client.protocol not in WATCHED_PROTOCOLS:
            sent = await self._executor.call(self._submit, event, body)
            return watch_stock(self._executor, sent)
        async with self._post("queue/join", body) as response:
            response.raise_for_status()
            joined = QueuedJob((await self._answer(response))["event_id"])
        return SpaceRun(*about, alive=_never).updates(joined, silence=QUEUE_TIMEOUT, recall=recall)

    async def _answer(self, response: aiohttp.ClientResponse) -> Any:
        return await read_json(self._network, await read_answer(response, MAX_ANSWER_BYTES))

    def _written(self, event: PageEvent, body: Mapping[str, Any]) -> LegacyJob:
        told = {} if body["event_data"] is None else {"event_data": body["event_data"]}
        return self._client.legacy_job(event.index, body["data"], self._session.name, **told)

    def _submit(self, event: PageEvent, body: Mapping[str, Any]) -> StockJob:
        client = StockSession(self._client, self._session.name, silence=QUEUE_TIMEOUT)
        return StockJob(client, client.submit(*body["data"], fn_index=event.index))

    def _post(self, route: str, body: Mapping[str, Any]) -> Any:
        return self._network.http.post(
            self._client.src_prefixed + route,
            json=body,
            headers=request_headers(self._client),
            # The headers may contain the owner's token, which goes nowhere else.
            allow_redirects=False,
        )


async def _never() -> bool:
    """Never check whether a silent Space lives: an event is abandoned instead."""
    return False
