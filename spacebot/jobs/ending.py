"""How a job ended, decided by the error it ended with."""

from __future__ import annotations

import asyncio

from spacebot.errors import Cancelled, InputError, Interrupted, Refused
from spacebot.models import Ending

ENDINGS: tuple[tuple[type[BaseException], Ending], ...] = (
    (Cancelled, Ending.CANCELLED),
    (Interrupted, Ending.LOST),
    # The event loop stops: nobody asked for this job to end.
    (asyncio.CancelledError, Ending.LOST),
    (InputError, Ending.REJECTED),
    (Refused, Ending.REJECTED),
)


def ending_of(error: BaseException | None) -> Ending:
    """How a job ended that `error` ended; without one, its result was posted."""
    if error is None:
        return Ending.DONE
    return next((end for kind, end in ENDINGS if isinstance(error, kind)), Ending.FAILED)
