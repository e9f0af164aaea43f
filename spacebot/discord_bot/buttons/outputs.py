"""The raw outputs of a result, for its buttons."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.engine.jobs.records import storable_result
from spacebot.engine.store import JobRecord

# A result's button can be pressed a moment before the result is stored.
RECORD_WAIT, POLL_INTERVAL = 2.0, 0.05


async def outputs_of(dispatcher: Dispatcher, job: str) -> Sequence[Any] | None:
    """The outputs of a job's Space; None if they are not stored, or too large to be."""
    running = dispatcher.jobs.find(job)
    if running is not None and running.outputs is not None:
        return storable_result(running.outputs)
    record = await _ended_record(dispatcher, job)
    return record.result if record else None


async def page_ran_of(dispatcher: Dispatcher, job: str) -> Sequence[str]:
    """What a job's page ran before it, as labels; empty if that is unknown."""
    running = dispatcher.jobs.find(job)
    if running is not None:
        return running.page_ran
    record = await _ended_record(dispatcher, job)
    return (record.page_ran if record else None) or ()


async def _ended_record(dispatcher: Dispatcher, job: str) -> JobRecord | None:
    """A job's record once it says that the job ended, or after `RECORD_WAIT` seconds."""
    deadline = time.monotonic() + RECORD_WAIT
    while True:
        record = await dispatcher.jobs.store.get(job)
        if record is None or record.ended is not None or time.monotonic() > deadline:
            return record
        await asyncio.sleep(POLL_INTERVAL)
