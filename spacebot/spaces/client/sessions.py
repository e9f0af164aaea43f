"""Sessions on a Space: the names under which it keeps state (gr.State, a chat's history).

Every user and every conversation has their own. A session runs one job at a time: on the Space,
cancelling a job kills every job of the same session and function, and the siblings never end.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from spacebot.concurrency import TaskSet

_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class SpaceSession:
    """One session, by its name on the Space; `page` is what `pages` knows of its page."""

    name: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    used: float = 0.0
    leaving: asyncio.Task[None] | None = None
    page: Any = None

    @property
    def is_busy(self) -> bool:
        """Whether a job has it, or has not quite left it yet."""
        return self.lock.locked() or bool(self.leaving and not self.leaving.done())

    def leave(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what ends a job's stay in the background: no other job enters before that is done."""
        self.leaving = asyncio.create_task(work, name="leave a session")
        return self.leaving

    async def left(self) -> None:
        """Wait until the last job has left."""
        if self.leaving is not None:
            await asyncio.wait({self.leaving})


class SpaceSessions:
    """The sessions of one Space, by key: least recently used ones go first.

    A key of 32 hexadecimal digits is its session's name, so the same key finds the same session
    after a restart. Other keys get a random name. `most` limits how many are remembered, `ttl` for
    how many seconds unused. `held` counts the jobs that have a session or wait for one; `used` is
    when the last of them left.
    """

    def __init__(self, *, most: int = 5_000, ttl: float = 24 * 3600.0) -> None:
        self._most = most
        self._ttl = ttl
        self.held = 0
        self.used = time.monotonic()
        self._leaving = TaskSet()
        self._sessions: OrderedDict[str, SpaceSession] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    @asynccontextmanager
    async def hold(
        self, key: str, *, stateful: bool, fresh: bool = False
    ) -> AsyncIterator[SpaceSession]:
        """Hold the session of `key` for one job.

        While it is busy, a job that keeps state waits for it, and a job that keeps none gets a
        session of its own; so does every job that asks for a `fresh` one.
        """
        alone = not stateful and (fresh or self.is_busy(key))
        session = SpaceSession(uuid.uuid4().hex) if alone else self._session(key)
        self.held += 1
        try:
            async with session.lock:
                await session.left()
                try:
                    yield session
                finally:
                    session.used = time.monotonic()
                    if session.leaving is not None:
                        self._leaving.hold(session.leaving)
        finally:
            self.held -= 1
            self.used = time.monotonic()

    def is_busy(self, key: str) -> bool:
        """Whether the next job of `key` would have to wait for its session."""
        session = self._sessions.get(key)
        return session is not None and session.is_busy

    def close(self) -> None:
        """Leave all sessions at once."""
        self._leaving.cancel()

    def forget(self, key: str) -> None:
        """Start `key` afresh at its next job."""
        self._sessions.pop(key, None)

    def _session(self, key: str) -> SpaceSession:
        session = self._sessions.get(key)
        now = time.monotonic()
        if session is None:
            self._trim(now)
            name = key if _NAME.fullmatch(key) else uuid.uuid4().hex
            session = self._sessions[key] = SpaceSession(name)
        session.used = now
        self._sessions.move_to_end(key)
        return session

    def _trim(self, now: float) -> None:
        """Drop the oldest idle ones, to make room for another."""
        for key, session in list(self._sessions.items()):
            old = now - session.used > self._ttl and session.used
            if not old and len(self._sessions) < self._most:
                return
            if not session.is_busy:
                del self._sessions[key]
