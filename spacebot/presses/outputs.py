"""The raw outputs of a result, as its buttons need them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from spacebot.desk import Desk

# A result can be pressed a moment before it is written down.
WAIT, PAUSE = 2.0, 0.05


async def outputs_of(desk: Desk, job: str) -> Sequence[Any] | None:
    """What a job's Space returned; None where that is not kept."""
    deadline = time.monotonic() + WAIT
    while True:
        running = desk.jobs.find(job)
        if running is not None and running.values is not None:
            return running.values
        record = await desk.jobs.store.get(job)
        if record is None or record.ended is not None or time.monotonic() > deadline:
            return record.result if record else None
        await asyncio.sleep(PAUSE)
