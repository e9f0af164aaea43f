"""The raw outputs of a result, as its buttons need them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from spacebot.desk import Desk
from spacebot.store import Record

# A result can be pressed a moment before it is written down.
WAIT, PAUSE = 2.0, 0.05


async def outputs_of(desk: Desk, job: str) -> Sequence[Any] | None:
    """What a job's Space returned; None where that is not kept."""
    running = desk.jobs.find(job)
    if running is not None and running.values is not None:
        return running.values
    record = await _ended(desk, job)
    return record.result if record else None


async def page_ran_of(desk: Desk, job: str) -> Sequence[str]:
    """What a job's page ran before it, as labels; empty where that is not known."""
    running = desk.jobs.find(job)
    if running is not None:
        return running.page_ran
    record = await _ended(desk, job)
    return (record.page_ran if record else None) or ()


async def _ended(desk: Desk, job: str) -> Record | None:
    """A job's record once it is written down that it ended, or after `WAIT` seconds."""
    deadline = time.monotonic() + WAIT
    while True:
        record = await desk.jobs.store.get(job)
        if record is None or record.ended is not None or time.monotonic() > deadline:
            return record
        await asyncio.sleep(PAUSE)
