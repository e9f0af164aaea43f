"""Time, ids, and waiting for changes."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self

from tests.support.apps.serving import queue_states, task_lines
from tests.support.patience import PATIENCE

DISCORD_EPOCH = 1_420_070_400_000


def busy() -> str:
    """What the Spaces of this process, the tasks of this loop and other threads were at."""
    return "\n".join([queue_states(), *task_lines(asyncio.get_running_loop()), *thread_lines()])


def thread_lines() -> list[str]:
    """Where each Space's server is: a line for its thread, the innermost calls first."""
    lines = []
    for frame in sys._current_frames().values():
        stack = traceback.extract_stack(frame)
        if any("uvicorn" in one.filename for one in stack):
            calls = (f"{one.filename}:{one.lineno}" for one in reversed(stack[-6:]))
            lines.append(" < ".join(calls))
    return lines


class Clock:
    """Discord's time in epoch seconds; `advance` moves it, so that tokens expire at once."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """The time now."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Lets `seconds` pass."""
        self.offset += seconds


class Snowflakes:
    """Generates ids: growing, unique, and with a timestamp, like Discord's."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """The next id."""
        fresh = (int(time.time() * 1000) - DISCORD_EPOCH) << 22
        self._last = max(self._last + 1, fresh)
        return self._last


def timestamp(seconds: float) -> str:
    """Epoch seconds as ISO 8601, as Discord writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


class Watched:
    """Something that changes: `wait` sleeps until a predicate is true."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def changed(self) -> None:
        """Wakes everyone who waits."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def describe(self) -> str:
        """Its current state, for an AssertionError."""
        return repr(self)

    async def wait(self, predicate: Callable[[Self], Any], timeout: float = 5.0) -> Self:  # noqa: ASYNC109
        """Returns itself as soon as `predicate(self)` is true; AssertionError otherwise.

        `timeout` is how many seconds an idle machine needs at most.

        A predicate that stumbles over what is not there yet counts as false.
        """
        end = time.monotonic() + timeout * PATIENCE
        while True:
            stumbled = ""
            try:
                if predicate(self):
                    return self
            except (AttributeError, IndexError, KeyError, TypeError) as exc:
                stumbled = f"\nthe predicate stumbled: {exc!r}"
            left = end - time.monotonic()
            if left <= 0:
                state = f"{self.describe()}{stumbled}\n{busy()}"
                raise AssertionError(f"not within {PATIENCE} × {timeout} s. Last state:\n{state}")
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            # Other state that a predicate reads cannot wake it, so it is checked periodically.
            await asyncio.wait([future], timeout=min(left, 0.5))
