"""Python's garbage collector, off the event loop.

A full collection stops every thread, including the event loop, while it visits every object: a
result of 20 MB of JSON has a million of them. By default, the collector would start again and again
while they are created, in whatever thread that happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import Callable
from pathlib import Path

# The third threshold counts younger collections; this value is never reached.
NEVER = 1_000_000_000
# How often to collect, in seconds: while idle, and at the latest.
INTERVAL, LONGEST_INTERVAL = 30.0, 300.0
# How many bytes the process may grow before the next collection.
MAX_GROWTH = 64 << 20


def settle() -> None:
    """Exempt the objects of startup from collections, and leave full ones to `collect`.

    What libraries hold lives as long as the process.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)


async def collect(is_busy: Callable[[], bool]) -> None:
    """Make a full collection now and then, until cancelled: preferably while nobody waits.

    Only reference cycles need one; everything else is freed at once. A failed job is such a cycle:
    its task holds the error, and the error holds the frames of the task.
    """
    waited, size = 0.0, resident()
    while True:
        await asyncio.sleep(INTERVAL)
        waited += INTERVAL
        if waited >= LONGEST_INTERVAL or resident() - size > MAX_GROWTH or not is_busy():
            gc.collect()
            waited, size = 0.0, resident()


def resident() -> int:
    """The memory of this process in bytes; 0 if the system does not say."""
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return 0
