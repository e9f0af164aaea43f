"""The pause that a Space or the Hub asked for: until it is over, nothing is sent."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from spacebot.errors import SpaceBusy

# The longest wait that anybody is asked for, in seconds.
MAX_PAUSE = 7 * 86_400.0


class Cooldown:
    """The last pause, and the reason for it."""

    def __init__(self) -> None:
        self._until, self._why = 0.0, ""

    def check(self) -> None:
        """Raise `SpaceBusy` while the pause lasts."""
        left = math.ceil(self._until - time.monotonic())
        if left > 0:
            raise busy_for(self._why, left)

    def note(self, error: Exception) -> None:
        """Start the pause that an error asks for, if any."""
        if isinstance(error, SpaceBusy) and error.wait:
            self._until = time.monotonic() + error.wait
            self._why = str(error).partition(" Try again")[0]


def busy_for(what: str, seconds: float) -> SpaceBusy:
    """An error for a Space that cannot take a job for so many seconds (0: unknown) because of
    `what`."""
    when = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    when = when if seconds < 5400 else f"{seconds / 3600:.0f} h"
    busy = SpaceBusy(f"{what} Try again in {when if seconds else 'a minute'}.")
    busy.wait = seconds
    return busy


def retry_after(asked: str) -> float:
    """The seconds of a Retry-After: a number or a date (RFC 9110, 10.2.3); 0 for neither."""
    asked = asked.strip()
    if asked.isdecimal():
        return float(asked[:9])
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return 0.0
    # A date without a time zone is in GMT.
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, math.ceil((until - datetime.now(UTC)).total_seconds()))
