"""One job on a Space of Gradio 3: by its WebSocket queue, or by `/run` if it has none.

The queue: `send_hash` asks for the session, and `send_data` for the values at the job's turn; in
between come estimations, then process_starts, process_generating (whole outputs) and
process_completed. Hanging up takes a waiting job out of the queue. Source: gradio 3.50's
`routes.py` and `queueing.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

import aiohttp
from gradio_client.utils import QueueError

from spacebot.errors import InputError, SpacebotError, SpaceStopped, SpaceUnreadable
from spacebot.models import JobStage, Progress
from spacebot.spaces.client.client import LegacyJob, request_headers
from spacebot.spaces.client.error_mapping import job_error, join_error, not_sent
from spacebot.spaces.client.files import uploads
from spacebot.spaces.client.legacy.values import from_legacy
from spacebot.spaces.client.run import SpaceRun
from spacebot.spaces.client.submit import CANCEL_TIMEOUT
from spacebot.spaces.client.transport.bounded_reading import (
    MAX_TEXT_BYTES,
    TOO_LARGE,
    read_answer,
    read_json,
)
from spacebot.spaces.client.transport.event_stream import MessageReader
from spacebot.spaces.client.transport.network import Network
from spacebot.spaces.client.transport.updates import CancelledOnSpace, Result, Update

TOO_BIG = aiohttp.WSCloseCode.MESSAGE_TOO_BIG


class LegacyRun(SpaceRun):
    """One job, with the same updates as `SpaceRun`."""

    _socket: aiohttp.ClientWebSocketResponse | None = None

    async def updates(  # pyright: ignore[reportIncompatibleMethodOverride] - another kind of job
        self, job: LegacyJob, *, silence: float, recall: asyncio.Event
    ) -> AsyncGenerator[Update, None]:
        """Yield the job's updates; ends with its `Result`, raises `SpacebotError`."""
        by_queue, body = self._is_queued, job.body
        way = self._by_queue(body, silence, recall) if by_queue else self._at_once(body, silence)
        try:
            async with contextlib.aclosing(way) as updates:
                async for update in updates:
                    self._note(update)
                    yield update
        except SpaceUnreadable:
            # It would continue there, so it is told to stop.
            raise
        except SpacebotError as error:
            self._ended = True
            raise self._told(error) from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._told(error) from error
        finally:
            if not self._ended:
                await asyncio.shield(self._leave())

    @property
    def _dependency(self) -> Mapping[str, Any]:
        return self._client.endpoints[self._about["fn_index"]].dependency

    @property
    def _is_queued(self) -> bool:
        queued = self._dependency.get("queue") is not False
        return queued and bool(self._client.config.get("enable_queue"))

    @cached_property
    def _kinds(self) -> list[str]:
        """The component types of the outputs."""
        parts = {part["id"]: part for part in self._client.config["components"]}
        return [parts[each]["type"] for each in self._dependency["outputs"]]

    def _present(self, values: list[Any]) -> list[Any]:
        """Outputs as a current Gradio writes them."""
        return [from_legacy(*pair) for pair in zip(values, self._kinds, strict=False)]

    async def _by_queue(
        self, body: str, silence: float, recall: asyncio.Event
    ) -> AsyncGenerator[Update, None]:
        async with _same_origin(self._network.http) as http:
            socket = self._socket = await self._connect(http, silence)
            recalling = asyncio.create_task(self._hang_up(recall))
            try:
                async for update in self._conversation(socket, body):
                    yield update
            finally:
                recalling.cancel()
                await asyncio.shield(self._leave())

    async def _hang_up(self, recall: asyncio.Event) -> None:
        await recall.wait()
        if not self._began:
            self._recalled = True
            await self._leave()

    async def _connect(
        self, http: aiohttp.ClientSession, silence: float
    ) -> aiohttp.ClientWebSocketResponse:
        # The queue is silent while a job runs: pings tell a working Space from a dead one.
        try:
            return await http.ws_connect(
                self._client.ws_url,
                headers=request_headers(self._client),
                heartbeat=silence * 2 / 3,
                max_msg_size=MAX_TEXT_BYTES,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise not_sent(error) from error

    async def _conversation(
        self, socket: aiohttp.ClientWebSocketResponse, body: str
    ) -> AsyncGenerator[Update, None]:
        # Each output comes whole, not as a change.
        reading = MessageReader("", diffs=False, present=self._present)
        while True:
            message, size = await self._message(socket)
            # Receiving suspends only while nothing has arrived.
            await asyncio.sleep(0)
            match message.get("msg"):
                case "send_hash":
                    await socket.send_json(self._about)
                    reading.skipped.count()
                case "send_data":
                    await socket.send_str(body)
                    reading.skipped.count()
                case "queue_full":
                    raise join_error(QueueError())
                case _:
                    update = await reading.read_in(self._network, message, size)
                    if update is not None:
                        yield update
                    if isinstance(update, Result):
                        return

    async def _message(self, socket: aiohttp.ClientWebSocketResponse) -> tuple[dict[str, Any], int]:
        """The next message and its size; raises `TimeoutError` and `SpacebotError`."""
        found = await socket.receive()
        match found.type:
            case aiohttp.WSMsgType.TEXT:
                return await self._read(found.data), len(found.data)
            case aiohttp.WSMsgType.ERROR if isinstance(found.data, TimeoutError):
                raise found.data
            case aiohttp.WSMsgType.ERROR if socket.close_code == TOO_BIG:
                raise SpaceUnreadable(TOO_LARGE)
            case aiohttp.WSMsgType.CLOSE if found.data == TOO_BIG:
                raise InputError(uploads.TOO_LARGE)
            case _ if self._socket is None:
                raise CancelledOnSpace
            case _:
                raise SpaceStopped

    async def _read(self, text: str) -> dict[str, Any]:
        """A message, or {} for an unreadable one; raises `SpaceUnreadable` if it is the result."""
        try:
            message = await read_json(self._network, text.encode())
        except SpaceUnreadable:
            if "process_completed" in text:
                raise
            return {}
        return message if isinstance(message, dict) else {}

    async def _at_once(self, body: str, silence: float) -> AsyncGenerator[Update, None]:
        yield Progress(JobStage.RUNNING)
        calling = asyncio.create_task(self._call(body))
        try:
            while not (await asyncio.wait({calling}, timeout=silence))[0]:
                if not await self._alive():
                    raise TimeoutError("no answer")
            values = list((await calling)["data"])
            yield Result(await self._network.call(self._present, values))
        finally:
            calling.cancel()

    async def _call(self, body: str) -> dict[str, Any]:
        """Run a function outside the queue; up to 3.3, the address was `/api`."""
        for address in ("run/predict", "api/predict"):
            async with self._network.http.post(
                urljoin(self._client.src, address),
                data=body.encode(),
                headers={**request_headers(self._client), "Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                allow_redirects=False,
            ) as response:
                if response.status == 404 and address == "run/predict":
                    continue
                return await _outcome(self._network, response)
        raise SpaceStopped

    async def _leave(self) -> None:
        """Hang up, which drops a waiting job; stop a stream after its step."""
        socket, self._socket = self._socket, None
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            if self._began and not self._ended:
                await self._reset()
        if socket is not None:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(CANCEL_TIMEOUT):
                    await socket.close()

    async def _reset(self) -> None:
        async with self._network.http.post(
            urljoin(self._client.src, "reset"),
            json=self._about,
            headers=request_headers(self._client),
            timeout=aiohttp.ClientTimeout(total=CANCEL_TIMEOUT),
            allow_redirects=False,
        ):
            pass


async def _outcome(network: Network, response: aiohttp.ClientResponse) -> dict[str, Any]:
    """The result of a function that was called directly; raises its error."""
    if response.status not in (200, 500):
        response.raise_for_status()
    found = await read_json(network, await read_answer(response, MAX_TEXT_BYTES))
    if not isinstance(found, dict) or "data" not in found:
        raise job_error(found if isinstance(found, dict) else {})
    return found


@contextlib.asynccontextmanager
async def _same_origin(http: aiohttp.ClientSession) -> AsyncIterator[aiohttp.ClientSession]:
    """A session with the same connections that follows no redirect.

    `ws_connect` would follow one, and the headers may contain the owner's token.
    """
    trace = aiohttp.TraceConfig()

    async def refuse(*_: Any) -> None:
        raise aiohttp.ClientConnectionError("the Space redirects its queue")

    trace.on_request_redirect.append(refuse)
    session = aiohttp.ClientSession(
        connector=http.connector,
        connector_owner=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=http.timeout,
        trust_env=http.trust_env,
        trace_configs=[trace],
    )
    try:
        yield session
    finally:
        await session.close()
