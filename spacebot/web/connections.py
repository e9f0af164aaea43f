"""Limits of the page's connections: their number, and the time for a request's headers.

uvicorn has no deadline for headers that arrive byte by byte, and no limit on connections:
a few hundred would use up the file descriptors of the process. Gradio starts uvicorn
without a way to choose its protocol, so this one is set on the running server.
"""

from __future__ import annotations

import asyncio
import time
from typing import cast

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

# How long a request's line and headers may take, in seconds.
HEAD_TIMEOUT = 15.0
# How many connections may be open. A process may often open 1,024 files, and Discord and the Spaces
# need some of those.
MAX_CONNECTIONS = 256


class BoundedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which closes connections that keep it waiting.

    `waits_since` is when it began to wait for a request; None while one is answered.
    """

    waits_since: float | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start waiting; beyond the limit, close the longest waiting connection."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._wait()
        if len(self.connections) > MAX_CONNECTIONS:
            min(self._waiting(), key=lambda one: one.waits_since or 0.0)._end()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request; its head has a deadline from its first byte on."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._go_on()
        elif self._deadline is None:
            self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn's own timeout ends the wait."""
        self._go_on()
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE:
            self.waits_since = time.monotonic()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._go_on()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self.waits_since = time.monotonic()
        self._deadline = self.loop.call_later(HEAD_TIMEOUT, self._end)

    def _waiting(self) -> list[BoundedProtocol]:
        bounded = (one for one in self.connections if isinstance(one, BoundedProtocol))
        return [one for one in bounded if one.waits_since is not None]

    def _end(self) -> None:
        self._go_on()
        # Many connections can open before the loop learns that this one is lost.
        self.connections.discard(self)
        self.transport.abort()

    def _go_on(self) -> None:
        self.waits_since = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def bound(config: Config) -> None:
    """Have a server use this protocol for its new connections."""
    config.http_protocol_class = BoundedProtocol
