"""REST calls made with the bot's token: never cancelled halfway, and watched."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from discord.http import HTTPClient, Route

from spacebot.discord_bot.discord_internals import Call, wrap_requests

T = TypeVar("T")
log = logging.getLogger(__name__)

# How long every request of one rate limit may go without an answer, in seconds. A large
# upload takes less, and a queue behind a rate limit moves on.
OVERDUE_SECONDS = 120.0


async def uncancelled(work: Coroutine[Any, Any, T], *, name: str) -> T:
    """Await `work` in its own task, which continues if the caller is cancelled.

    During a global rate limit, discord.py clears an event that all other requests wait
    for, sleeps, and sets it again. A request that is cancelled during that sleep never
    sets it, and no further request is made until the next start.
    """
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_retrieve)
    await asyncio.wait({task})
    return task.result()


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Log the end of a request that nobody may be waiting for."""
    if not task.cancelled() and (error := task.exception()):
        log.debug("%s: %s", task.get_name(), type(error).__name__)


@dataclass(slots=True)
class PendingRequests:
    """The requests under one rate limit: how many, and since when none has returned."""

    count: int
    since: float


class RequestMonitor:
    """Watches all of a client's requests."""

    def __init__(self, http: HTTPClient) -> None:
        self._pending: dict[str, PendingRequests] = {}
        self._warned = False
        wrap_requests(http, self._wrap)

    def _wrap(self, send: Call) -> Call:
        async def request(route: Route, **how: Any) -> Any:
            """Make one request, as discord.py does; cancelling the caller does not cancel it."""
            work = self._watched(f"{route.key} {route.major_parameters}", send(route, **how))
            return await uncancelled(work, name=f"request {route.key}")

        return request

    async def _watched(self, limit: str, sending: Coroutine[Any, Any, T]) -> T:
        pending = self._pending.setdefault(limit, PendingRequests(0, time.monotonic()))
        pending.count += 1
        try:
            return await sending
        finally:
            pending.count -= 1
            pending.since = time.monotonic()
            self._warned = False
            if not pending.count:
                del self._pending[limit]

    @property
    def overdue(self) -> float:
        """How many seconds requests have gone without a response, if that is too long."""
        now = time.monotonic()
        limit, since = min(
            ((limit, one.since) for limit, one in self._pending.items()),
            key=lambda one: one[1],
            default=("", now),
        )
        if now - since < OVERDUE_SECONDS:
            return 0.0
        if not self._warned:
            self._warned = True
            log.error("Discord has not answered %s for %.0f s", limit, now - since)
        return now - since
