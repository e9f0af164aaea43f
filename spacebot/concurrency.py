"""Event loops, sets of tasks, and growing pauses."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A new event loop: uvloop's where it is installed, which takes less CPU time for the same."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class TaskSet:
    """Tasks that are referenced until they end: asyncio itself only holds weak references."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run `work` in a task."""
        return self.hold(asyncio.create_task(work, name=name))

    def hold(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        """Hold a task until it ends."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Cancel all of them."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Cancel all of them, and wait until they have ended."""
        self.cancel()
        await self.ended()

    async def ended(self) -> None:
        """Wait until all of them have ended."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def growing_pauses(first: float, longest: float) -> Iterator[float]:
    """Pauses between attempts, in seconds: each doubles the last, up to the `longest`."""
    while True:
        yield first
        first = min(2 * first, longest)


async def retried(
    work: Callable[[], Awaitable[T]], error: type[Exception], pauses: Iterator[float]
) -> T:
    """The result of `work`. While it raises `error`, it is retried after the next pause."""
    while True:
        try:
            return await work()
        except error:
            await asyncio.sleep(next(pauses))
