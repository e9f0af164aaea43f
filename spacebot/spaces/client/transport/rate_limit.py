"""The pause that a Space, or the Hub, asked for: until it is over nothing is sent."""

from __future__ import annotations

import math
import time

from spacebot.errors import SpaceBusy
from spacebot.spaces.client.error_mapping import busy_for


class Cooldown:
    """The last pause that was asked for, and why."""

    def __init__(self) -> None:
        self._until, self._why = 0.0, ""

    def check(self) -> None:
        """Raise `SpaceBusy` while the pause lasts."""
        left = math.ceil(self._until - time.monotonic())
        if left > 0:
            raise busy_for(self._why, left)

    def note(self, error: Exception) -> None:
        """Begin the pause that an error asks for, if it does."""
        if isinstance(error, SpaceBusy) and error.wait:
            self._until = time.monotonic() + error.wait
            self._why = str(error).partition(" Try again")[0]
