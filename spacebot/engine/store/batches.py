"""Deleting many rows without blocking others: in batches that lock the database for a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from spacebot.engine.store.tables import BATCH_ROWS

T = TypeVar("T")

# How long a batch may keep other writes waiting, in seconds. Rows differ in size by a factor of a
# thousand, so a batch has as many rows as recently took this long.
TARGET_SECONDS = 0.03
FIRST_ROWS, MIN_ROWS = 32, 4


async def in_batches(
    find: Callable[[int], Awaitable[Sequence[T]]],
    change: Callable[[Sequence[T]], Awaitable[None]],
) -> AsyncIterator[Sequence[T]]:
    """Change everything that `find` finds, batch after batch; yields each finished batch.

    `find` is asked for that many rows at most, until it finds none.
    """
    rows = FIRST_ROWS
    while found := await find(rows):
        began = time.perf_counter()
        await change(found)
        took = time.perf_counter() - began
        rows = next_batch(len(found), took)
        yield found
        # Others get the same time.
        await asyncio.sleep(took)


def next_batch(rows: int, took: float) -> int:
    """How many rows the next batch may have, after `rows` rows took `took` seconds."""
    fit = int(rows * TARGET_SECONDS / max(took, 1e-6))
    return max(MIN_ROWS, min(fit, 2 * rows, BATCH_ROWS))
