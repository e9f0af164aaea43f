"""The stock path of gradio_client, for Spaces of the first protocol with events (sse).

Each session needs a whole `Client`, and each job three threads; its state is polled a few times a
second.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import AsyncGenerator
from typing import Any

from gradio_client.client import Job
from gradio_client.utils import StatusUpdate

from spacebot.models import JobStage, Progress
from spacebot.spaces.client.client import StockJob
from spacebot.spaces.client.error_mapping import stock_error
from spacebot.spaces.client.legacy.values import mark_files
from spacebot.spaces.client.transport.event_stream import progress_of
from spacebot.spaces.client.transport.network import SpaceExecutor
from spacebot.spaces.client.transport.updates import Partial, Result, Toast, Update

POLL_INTERVAL = 0.25


async def watch_stock(executor: SpaceExecutor, sent: StockJob) -> AsyncGenerator[Update, None]:
    """Watch a job of the stock client: yields like `watch`, and ends with its `Result`."""
    job = sent.job
    try:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        job.future.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
        async for update in _follow(executor, job, ended):
            yield update
        yield Result(await executor.call(_values, job))
    finally:
        await cancel_stock(executor, sent)


async def cancel_stock(executor: SpaceExecutor, sent: StockJob) -> None:
    """Cancel the job on the Space if it has not ended, and release its client."""
    if not sent.job.future.done():
        await executor.call(sent.job.cancel)
    sent.client.close()


async def _follow(
    executor: SpaceExecutor, job: Job, ended: asyncio.Event
) -> AsyncGenerator[Update, None]:
    """Yield changes until the job ends."""
    seen: StatusUpdate | None = None
    shown = 0
    while not ended.is_set():
        try:
            async with asyncio.timeout(POLL_INTERVAL):
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
                yield Partial(await executor.call(_listed, outputs[-1]))


def _updates(status: StatusUpdate) -> list[Update]:
    if status.log:
        return [Toast(status.log[0], status.log[1])]
    if status.progress_data:
        unit = status.progress_data[-1]
        return [progress_of(vars(unit))]
    if status.rank is not None and status.code.name in ("IN_QUEUE", "QUEUE_FULL"):
        return [
            Progress(JobStage.QUEUED, rank=status.rank + 1, size=status.queue_size, eta=status.eta)
        ]
    return [Progress(JobStage.RUNNING, eta=status.eta)] if status.code.name == "PROCESSING" else []


def _values(job: Job) -> list[Any]:
    try:
        # A future ended by a Space's death holds a CancelledError, which asyncio would take for its
        # own.
        error = job.future.exception()
    except concurrent.futures.CancelledError as cancelled:
        error = cancelled
    if error is not None:
        raise stock_error(error) from error
    return _listed(job.future.result())


def _listed(values: Any) -> list[Any]:
    return mark_files(list(values) if isinstance(values, tuple) else [values])
