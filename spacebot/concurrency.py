"""Tasks that live until their end, and pauses that grow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class TaskSet:
    """Tasks that are held until they end: asyncio itself holds a task only weakly."""

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
        """Cancel all of them, and wait for their end."""
        self.cancel()
        await self.ended()

    async def ended(self) -> None:
        """Wait for the end of all of them."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def growing_pauses(first: float, longest: float) -> Iterator[float]:
    """Pauses between tries, in seconds: each doubles the last, up to the `longest`."""
    while True:
        yield first
        first = min(2 * first, longest)


async def retried(
    work: Callable[[], Awaitable[T]], error: type[Exception], pauses: Iterator[float]
) -> T:
    """What `work` returns. While it raises `error`, it is tried again after the next pause."""
    while True:
        try:
            return await work()
        except error:
            await asyncio.sleep(next(pauses))
