"""The stock path of gradio_client, for Spaces whose protocol is older than sse_v3.

Each session needs a whole `Client`, and each job three threads; what comes of it
is asked for a few times a second.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator
from typing import Any

import httpx
from gradio_client import Client
from gradio_client.client import Job
from gradio_client.utils import StatusUpdate

from spacebot.models import Progress, Stage
from spacebot.spaces.client import SpaceClient
from spacebot.spaces.network import Network
from spacebot.spaces.translate import stock_failed
from spacebot.spaces.watch import Partial, Result, Toast, Update, progress_of

POLL = 0.25


class StockSession(Client):
    """A session of its own on a Space that `base` is connected to; no HTTP to make."""

    def __init__(self, base: SpaceClient, session: str, *, silence: float) -> None:
        self._base = base
        # Any timeout among these breaks the first of the sse protocols.
        timeout = {"timeout": httpx.Timeout(60, connect=10, read=silence)}
        super().__init__(
            base.src,
            token=base.token,
            headers=base.headers,
            verbose=False,
            httpx_kwargs={} if base.protocol == "sse" else timeout,
            ssl_verify=base.ssl_verify,
            download_files=False,
            analytics_enabled=False,
            _skip_components=False,
        )
        self.space_id = base.space_id
        self.cookies = base.cookies
        self.session_hash = session

    def _get_config(self) -> dict[str, Any]:
        return self._base.config

    def _get_api_info(self) -> dict[str, Any]:
        return self._base._info

    def _telemetry_thread(self) -> None:
        return None


async def run_stock(
    network: Network,
    base: SpaceClient,
    index: int,
    data: tuple[Any, ...],
    *,
    session: str,
    silence: float,
) -> AsyncGenerator[Update, None]:
    """Run one job by the stock client: yields as `watch` does, ends with its `Result`."""
    client = await network.call(StockSession, base, session, silence=silence)
    job = client.submit(*data, fn_index=index)
    try:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        job.future.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        async for update in _follow(job, ended):
            yield update
        yield Result(_values(job))
    finally:
        if not job.future.done():
            await network.call(job.cancel)
        client.close()


async def _follow(job: Job, ended: asyncio.Event) -> AsyncGenerator[Update, None]:
    """Yield what changes until the job ends."""
    seen: StatusUpdate | None = None
    shown = 0
    while not ended.is_set():
        try:
            async with asyncio.timeout(POLL):
                await ended.wait()
        except TimeoutError:
            status = job.status()
            if status is not seen:
                seen = status
                for update in _updates(status):
                    yield update
            outputs = job.outputs()
            if len(outputs) > shown:
                shown = len(outputs)
                yield Partial(_listed(outputs[-1]))


def _updates(status: StatusUpdate) -> list[Update]:
    if status.log:
        return [Toast(status.log[0], status.log[1])]
    if status.progress_data:
        unit = status.progress_data[-1]
        return [progress_of(vars(unit))]
    if status.rank is not None and status.code.name in ("IN_QUEUE", "QUEUE_FULL"):
        return [
            Progress(Stage.QUEUED, rank=status.rank + 1, size=status.queue_size, eta=status.eta)
        ]
    return [Progress(Stage.RUNNING, eta=status.eta)] if status.code.name == "PROCESSING" else []


def _values(job: Job) -> list[Any]:
    try:
        # A future ended by a Space's death holds a CancelledError, which asyncio
        # would take for its own.
        error = job.future.exception()
    except concurrent.futures.CancelledError as cancelled:
        error = cancelled
    if error is not None:
        raise stock_failed(error) from error
    return _listed(job.future.result())


def _listed(values: Any) -> list[Any]:
    return list(values) if isinstance(values, tuple) else [values]
