"""What the page needs from the rest of the program."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from spacebot.models import (
    AutocompleteRequest,
    Choice,
    Endpoint,
    FollowUp,
    Job,
    Outcome,
    OwnerStatus,
    Progress,
    Space,
    Status,
)


class Program(Protocol):
    """The running program as the page sees it; see `Runtime` for what each member does.

    `tryout` says whether the try-out is offered, `any_space` whether its visitors may name Spaces
    of their own choice, `has_token` whether a Discord token is set, `hosted` whether this runs as a
    Space on Hugging Face. `status`, `follow_up`, `log` and `spaces` may be called from any thread,
    the others on any event loop.
    """

    tryout: bool
    any_space: bool
    has_token: bool
    hosted: bool

    def status(self) -> Status: ...
    def spaces(self) -> Sequence[Space]: ...
    async def load(self, written: str) -> Space: ...
    def follow_up(self, space: str, wanted: FollowUp) -> Endpoint: ...
    def log(self) -> str: ...
    def run(self, job: Job) -> AsyncGenerator[Progress | Outcome]: ...
    async def metrics(self) -> bytes: ...
    async def look(self) -> None: ...
    async def owner(self) -> OwnerStatus: ...
    async def act(self, action: str, target: str) -> str: ...
    async def suggest(self, asked: AutocompleteRequest) -> list[Choice]: ...
