"""Connections to on-demand Spaces: opened when needed, closed when idle, bounded."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from spacebot.concurrency import TaskSet
from spacebot.engine.on_demand.known import Key
from spacebot.spaces.client import Connection

# After how many seconds without use a connection is closed, and the most idle ones.
IDLE_SECONDS = 900.0
MAX_CONNECTIONS = 64
SWEEP_INTERVAL = 60.0


class ConnectionPool:
    """Connections by Space and account. It costs nothing while empty."""

    def __init__(self) -> None:
        self._connections: OrderedDict[Key, Connection] = OrderedDict()
        self._sweeping: asyncio.TimerHandle | None = None
        self._closing = TaskSet()

    def __len__(self) -> int:
        return len(self._connections)

    def get(self, key: Key, make: Callable[[], Connection]) -> Connection:
        """The connection with this key, created if there is none."""
        found = self._connections.get(key)
        if found is None:
            self._sweep()
            found = self._connections[key] = make()
            self._sweep_later()
        self._connections.move_to_end(key)
        return found

    def drop(self, space: str) -> None:
        """Close a Space's connections, except those that jobs use."""
        for key, connection in list(self._connections.items()):
            if key[0] == space and connection.idle_seconds:
                self._close(key)

    async def close(self) -> None:
        """Close every connection."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for key in list(self._connections):
            self._close(key)
        await self._closing.ended()

    def _sweep_later(self) -> None:
        if self._sweeping is None:
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(SWEEP_INTERVAL, self._swept)

    def _swept(self) -> None:
        self._sweeping = None
        self._sweep()
        if self._connections:
            self._sweep_later()

    def _sweep(self) -> None:
        """Close connections that have long been idle, and the oldest idle ones beyond the limit."""
        spare = len(self._connections) - MAX_CONNECTIONS
        for key, connection in list(self._connections.items()):
            idle = connection.idle_seconds
            if idle > (0.0 if spare > 0 else IDLE_SECONDS):
                self._close(key)
                spare -= 1

    def _close(self, key: Key) -> None:
        connection = self._connections.pop(key)
        self._closing.start(connection.close(), f"close {key[0]}")
