"""What the page asks of the program around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from spacebot.models import Job, Outcome, Progress, Space, Status


class House(Protocol):
    """The running program as the page sees it. `tryout` says whether the try-out is offered."""

    tryout: bool

    def status(self) -> Status:
        """How everything stands. Cheap, and callable from any thread."""
        ...

    def spaces(self) -> Sequence[Space]:
        """The Spaces whose commands can be tried."""
        ...

    def run(self, job: Job) -> AsyncIterator[Progress | Outcome]:
        """Run the job on any event loop; raises SpacebotError; closing the iterator cancels."""
        ...
