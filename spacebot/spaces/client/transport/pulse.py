"""How often a Space sends heartbeats on a stream, and so when the stream must be dead."""

from __future__ import annotations

import time

import aiohttp

# This many missing heartbeats in a row are not merely late.
MAX_MISSED_BEATS = 3


class StreamLost(aiohttp.ClientConnectionError):
    """The Space lives, but its messages no longer arrive: a NAT or a proxy forgot the stream."""


class Pulse:
    """The heartbeats of one stream.

    Their interval is a setting of the Space, and a proxy may hold them back: only after some have
    arrived can others be missed.
    """

    def __init__(self) -> None:
        self._heard = self._beat = time.monotonic()
        self._interval: float | None = None

    def heard(self) -> None:
        """Note that something arrived, even part of a message."""
        self._heard = time.monotonic()

    def beat(self) -> None:
        """Note a heartbeat. The longest interval counts, since a busy Space sends them late."""
        now = time.monotonic()
        self._interval = max(self._interval or 0.0, now - self._beat)
        self._beat = now

    def has_stopped(self, silence: float) -> bool:
        """Whether heartbeats came and then stopped, after two deadlines of `silence` seconds."""
        if self._interval is None:
            return False
        return time.monotonic() - self._heard > max(2 * silence, MAX_MISSED_BEATS * self._interval)
