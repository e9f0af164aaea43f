"""How a job ended, by the error that ended it."""

from __future__ import annotations

import asyncio

from spacebot.errors import (
    InputError,
    JobCancelled,
    JobInterrupted,
    LimitReached,
    NotAllowed,
    SpaceNotAllowed,
)
from spacebot.models import JobEnding

ENDINGS: tuple[tuple[type[BaseException], JobEnding], ...] = (
    (JobCancelled, JobEnding.CANCELLED),
    (JobInterrupted, JobEnding.LOST),
    # The event loop stops: nobody asked for this job to end.
    (asyncio.CancelledError, JobEnding.LOST),
    (InputError, JobEnding.REJECTED),
    (LimitReached, JobEnding.REJECTED),
    (SpaceNotAllowed, JobEnding.REJECTED),
    (NotAllowed, JobEnding.REJECTED),
)


def ending_of(error: BaseException | None) -> JobEnding:
    """How a job ended that raised `error`; without one, its result was posted."""
    if error is None:
        return JobEnding.DONE
    return next((end for kind, end in ENDINGS if isinstance(error, kind)), JobEnding.FAILED)
