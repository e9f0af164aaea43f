"""Throttles password guesses: growing pauses that a stranger cannot turn on the owner."""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

log = logging.getLogger(__name__)

# How many wrong passwords are free, then the first and the longest pause, in seconds.
FREE_ATTEMPTS, FIRST_PAUSE, MAX_PAUSE = 4, 2.0, 60.0
# With this many wrong ones in all within ATTEMPTS_TTL seconds, each address has one free try.
ATTACK_THRESHOLD = 50
ATTEMPTS_TTL = 3600.0
MAX_SOURCES = 10_000


@dataclass(slots=True)
class FailedAttempts:
    """The wrong passwords of one source: how many, when the last was, and the pause after it."""

    count: int = 0
    last: float = 0.0
    pause: float = 0.0


class PasswordThrottle:
    """Wrong passwords by source: an address, or a browser that signed in before.

    A source without a wrong password is never refused, whatever others do.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, FailedAttempts] = OrderedDict()
        self._lock = Lock()

    def pause(self, source: str) -> int:
        """How many seconds a source has to wait; 0 if it may try."""
        with self._lock:
            self._forget()
            wrong = self._wrong.get(source)
            return max(0, math.ceil(wrong.last + wrong.pause - self._clock())) if wrong else 0

    def wrong(self, source: str) -> None:
        """Count a wrong password."""
        with self._lock:
            self._forget()
            wrong = self._wrong.setdefault(source, FailedAttempts())
            self._wrong.move_to_end(source)
            wrong.count += 1
            wrong.last = self._clock()
            attacked = sum(one.count for one in self._wrong.values()) > ATTACK_THRESHOLD
            over = wrong.count - (1 if attacked else FREE_ATTEMPTS)
            wrong.pause = min(MAX_PAUSE, FIRST_PAUSE * 2 ** min(over - 1, 10)) if over > 0 else 0.0
        log.warning(
            "wrong owner password from %.60r, %s in a row; the next try is possible in %.0f s",
            source,
            wrong.count,
            wrong.pause,
        )

    def right(self, source: str) -> None:
        """Forget a source's wrong passwords."""
        with self._lock:
            self._wrong.pop(source, None)

    def _forget(self) -> None:
        """Drop the oldest entries: expired ones, and those beyond the limit."""
        now = self._clock()
        while self._wrong:
            oldest = next(iter(self._wrong.values()))
            if now - oldest.last < ATTEMPTS_TTL and len(self._wrong) <= MAX_SOURCES:
                return
            self._wrong.popitem(last=False)


def source_of(address: str) -> str:
    """An address as a source; an IPv6 network is one household, so it counts as one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
