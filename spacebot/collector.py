"""Python's garbage collector, kept off the event loop.

A full collection holds every thread, the event loop too, while it looks at each object there is:
a result of 20 MB of JSON has a million of them. The collector would begin one again and again
while they are made, in whatever thread they are made.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import Callable
from pathlib import Path

# The third threshold is a count of younger collections: one that is never reached.
NEVER = 1_000_000_000
# How often to collect, in seconds: while nothing is under way, and at the latest.
INTERVAL, LONGEST_INTERVAL = 30.0, 300.0
# By so many bytes the process may grow until the next collection.
MAX_GROWTH = 64 << 20


def settle() -> None:
    """Leave what start-up made out of all collections, and make full ones by `collect` alone.

    What libraries hold lives as long as the process.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)


async def collect(is_busy: Callable[[], bool]) -> None:
    """Make a full collection now and then, until cancelled: preferably while nobody waits.

    Only what refers to itself needs one; everything else is freed at once. A failed job does: its
    task holds the error, and the error the frames of the task.
    """
    waited, size = 0.0, resident()
    while True:
        await asyncio.sleep(INTERVAL)
        waited += INTERVAL
        if waited >= LONGEST_INTERVAL or resident() - size > MAX_GROWTH or not is_busy():
            gc.collect()
            waited, size = 0.0, resident()


def resident() -> int:
    """The memory of this process in bytes; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return 0
