"""How many requests the Hub allows this process, and how long it asks to wait."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

from spacebot.errors import SpaceBusy
from spacebot.spaces.client.transport.rate_limit import busy_for

# The Hub's own limit for requests without a token, by IP address.
MAX_REQUESTS, WINDOW_SECONDS = 500, 300.0
LIMITED = "Hugging Face is rate-limiting this bot."
SPENT = "This bot has used up its requests to Hugging Face for now."


class RequestBudget:
    """At most `most` requests in any `window` seconds, and none during a pause the Hub asks for.

    Threads share it. A pause applies to one `caller`: the Hub counts tokens and endpoints
    separately.
    """

    def __init__(
        self,
        most: int = MAX_REQUESTS,
        window: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._window, self._clock = most, window, clock
        self._sent: deque[float] = deque()
        self._paused: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def take(self, caller: Hashable, *, reserve: int = 0) -> None:
        """Count a request before it is sent; raises `SpaceBusy` if it must wait.

        `reserve` requests are left to others, so that optional requests yield to jobs.
        """
        with self._lock:
            now = self._clock()
            if (left := self._paused.get(caller, 0.0) - now) > 0:
                raise busy_for(LIMITED, math.ceil(left))
            while self._sent and self._sent[0] <= now - self._window:
                self._sent.popleft()
            over = len(self._sent) - max(self._most - reserve, 1)
            if over >= 0:
                raise busy_for(SPENT, math.ceil(self._sent[over] + self._window - now))
            self._sent.append(now)

    def pause(self, caller: Hashable, seconds: float) -> SpaceBusy:
        """Send nothing for this caller during that time; returns the error that says so."""
        with self._lock:
            now = self._clock()
            self._paused = {who: until for who, until in self._paused.items() if until > now}
            self._paused[caller] = now + seconds
        return busy_for(LIMITED, seconds)
