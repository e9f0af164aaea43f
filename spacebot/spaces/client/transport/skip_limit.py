"""How many messages of a Space are skipped because they mean nothing."""

from __future__ import annotations

import time

from spacebot.errors import SpaceUnreadable

# A Space that talks much and badly for hours stays far below this; a flood does not.
MAX_SKIPPED, PERIOD = 10_000, 60.0


class SkipLimit:
    """Counts skipped messages: up to `MAX_SKIPPED` in `PERIOD` seconds."""

    def __init__(self) -> None:
        self._skipped, self._since = 0, time.monotonic()

    def count(self) -> None:
        """Count a message; raises `SpaceUnreadable` when there are too many."""
        now = time.monotonic()
        if now - self._since > PERIOD:
            self._skipped, self._since = 0, now
        self._skipped += 1
        if self._skipped > MAX_SKIPPED:
            raise SpaceUnreadable
