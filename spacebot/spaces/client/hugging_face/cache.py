"""A short-lived cache of answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(slots=True)
class _Entry:
    answer: asyncio.Task[Any]
    asked: float = field(default_factory=time.monotonic)


class AnswerCache:
    """Up to `most` answers by question, each for `seconds`; errors are not cached.

    Simultaneous callers share one answer. It arrives even if all of them have
    stopped waiting, so the next caller finds it.
    """

    def __init__(self, *, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._entries: dict[Hashable, _Entry] = {}

    async def get(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer to a question: a cached one, or the result of `ask`."""
        entry = self._entries.get(key)
        if entry is None or time.monotonic() - entry.asked > self._seconds:
            self._entries.pop(key, None)
            entry = self._entries[key] = _Entry(asyncio.create_task(ask()))
            entry.answer.add_done_callback(lambda task: self._done(key, task))
            while len(self._entries) > self._most:
                del self._entries[next(iter(self._entries))]
        return cast(T, await asyncio.shield(entry.answer))

    def _done(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or task.exception() is not None:
            entry = self._entries.get(key)
            if entry is not None and entry.answer is task:
                del self._entries[key]

    def close(self) -> None:
        """Drop all answers, and cancel what is under way."""
        for entry in self._entries.values():
            entry.answer.cancel()
        self._entries.clear()
