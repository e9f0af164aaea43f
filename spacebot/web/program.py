"""What the page asks of the program around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from spacebot.models import (
    Choice,
    Endpoint,
    FollowUp,
    Job,
    Outcome,
    OwnerStatus,
    Progress,
    Requester,
    Space,
    Status,
)


class Program(Protocol):
    """The running program as the page sees it.

    `tryout` says whether the try-out is offered, `has_token` whether a Discord
    token is set, `hosted` whether this runs as a Space on Hugging Face.
    """

    tryout: bool
    has_token: bool
    hosted: bool

    def status(self) -> Status:
        """How everything stands, from any thread; blocks where the bot hangs."""
        ...

    async def metrics(self) -> bytes:
        """Everything that is counted, in Prometheus' text format; nothing of it is secret."""
        ...

    def spaces(self) -> Sequence[Space]:
        """The Spaces whose commands can be tried."""
        ...

    def follow_up(self, space: str, wanted: FollowUp) -> Endpoint:
        """What a declared follow-up calls, from any thread; raises SpacebotError."""
        ...

    async def suggest(
        self,
        endpoint: Endpoint,
        option: str,
        text: str,
        arguments: Mapping[str, Any],
        requester: Requester,
    ) -> list[Choice]:
        """What to offer for an option on any event loop: what the Space's page would offer.

        `arguments` holds the other options so far. Takes about a second at most; raises
        SpacebotError.
        """
        ...

    def run(self, job: Job) -> AsyncIterator[Progress | Outcome]:
        """Run the job on any event loop; raises SpacebotError; closing the iterator cancels."""
        ...

    async def look(self) -> None:
        """See whether Discord can be reached; `status` then tells."""
        ...

    async def owner(self) -> OwnerStatus:
        """What only the owner sees."""
        ...

    async def act(self, action: str, target: str) -> str:
        """Do what the owner asked and say what that did; raises SpacebotError."""
        ...

    def log(self) -> str:
        """The last lines of the log, without secrets."""
        ...
