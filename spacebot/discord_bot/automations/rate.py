"""Recent runs of automations: each has its own rate, and reacts to a message only once."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable

from cachetools import LRUCache

from spacebot.discord_bot.automations.triggers import HOUR_SECONDS
from spacebot.engine.store import Automation

# How many messages with reactions are remembered, and how many runs after a restart.
MAX_REMEMBERED = 5000


class RunLimiter:
    """The runs of the last hour, by automation; `skipped` counts those beyond the rate."""

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self._runs: defaultdict[str, deque[float]] = defaultdict(deque)
        self._reacted = LRUCache[tuple[str, int], None](MAX_REMEMBERED)

    def recall(self, kept: Iterable[tuple[str, int | None, float]]) -> None:
        """Restore an earlier process's runs: of which automation, on which message, and when."""
        for automation, message, began in kept:
            self._runs[automation].append(began)
            if message is not None:
                self.is_first(automation, message)

    def may_run(self, automation: Automation) -> bool:
        """Whether it may run once more within this hour; if so, that run is counted."""
        runs, now = self._runs[automation.id], time.time()
        while runs and now - runs[0] > HOUR_SECONDS:
            runs.popleft()
        if len(runs) >= automation.rate:
            self.skipped[automation.id] += 1
            return False
        runs.append(now)
        return True

    def is_first(self, automation: str, message: int) -> bool:
        """Whether a message gets its first reaction, as far as is remembered."""
        key = (automation, message)
        first = key not in self._reacted
        self._reacted[key] = None
        return first

    def forget(self, automation: str) -> None:
        """Forget a deleted automation."""
        self._runs.pop(automation, None)
        self.skipped.pop(automation, None)
