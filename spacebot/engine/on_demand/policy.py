"""Which Spaces that no setting names members may use, and how often."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import fnmatch
import math
import time
from collections import deque
from collections.abc import Collection
from typing import Protocol

from cachetools import LRUCache

from spacebot.errors import LimitReached, SpaceNotAllowed, StoreError

# The period in which one-off runs are counted, in seconds.
RUN_WINDOW = 60.0
# After so many seconds the blocks are read again.
REFRESH_SECONDS = 5.0
# How long reading them may hold up a job, in seconds.
STORE_WAIT = 1.0
# How many members' runs are remembered: the most recent ones.
MAX_MEMBERS = 10_000
BLOCKED = "The bot's owner has blocked this Space. Choose another one."
NONE_ALLOWED = "This bot offers only the Spaces its owner has chosen. Type / to see their commands."


class ServerSpaces(enum.StrEnum):
    """SERVER_SPACES: which Spaces on the Hub members and servers may use."""

    HUB = "hub"
    LISTED = "listed"
    OFF = "off"


class BlockedNames(Protocol):
    """Stores the blocked Spaces and authors: an interface that the store implements."""

    async def all(self) -> dict[str, str]:
        """Every blocked name, and the Hub's id of that Space ("" while unknown)."""
        ...

    async def add(self, name: str, hub_id: str) -> None:
        """Block a name, with the Hub's id of that Space."""
        ...

    async def identify(self, name: str, hub_id: str) -> None:
        """Add the Hub's id to a block, unless the name was unblocked."""
        ...

    async def delete(self, name: str) -> None:
        """Unblock a name."""
        ...


class SpacePolicy:
    """The owner's rules for Spaces that no setting names.

    `allowed` are the patterns of ALLOWED_SPACES (owner/name, owner/*); `runs_per_minute` is how
    many one-off runs a member may start in a minute; `spaces_per_server` is how many Spaces a
    server may add. The owner blocks a Space by "owner/name", which holds after a rename too, and
    an author by "owner".
    """

    def __init__(
        self,
        mode: ServerSpaces = ServerSpaces.HUB,
        allowed: Collection[str] = (),
        *,
        runs_per_minute: int = 5,
        spaces_per_server: int = 25,
    ) -> None:
        self.mode = mode
        self.allowed = tuple(one.casefold() for one in allowed)
        self.runs_per_minute = runs_per_minute
        self.spaces_per_server = spaces_per_server
        # By name, what the Hub identifies the Space by; "" while that is unknown.
        self.blocked: dict[str, str] = {}
        self._kept: BlockedNames | None = None
        self._read_at = -math.inf
        # Held while the blocks are read or stored: what was read before a change is out of date.
        self._storing = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether members may use any Space that no setting names."""
        return self.mode is not ServerSpaces.OFF

    async def load(self, kept: BlockedNames) -> None:
        """Read the owner's blocks from `store`, and save changes there."""
        self._kept = kept
        await self._read()

    async def refresh(self) -> None:
        """Read the blocks again after a while: another process may have changed them."""
        if self._kept is not None and time.monotonic() - self._read_at > REFRESH_SECONDS:
            # If the store fails or is slow, the last known blocks count.
            with contextlib.suppress(StoreError, TimeoutError):
                async with asyncio.timeout(STORE_WAIT):
                    await self._read()

    async def _read(self) -> None:
        assert self._kept is not None
        self._read_at = time.monotonic()
        async with self._storing:
            known = await self._kept.all()
            self.blocked = {name.casefold(): hub_id for name, hub_id in known.items()}

    async def reload(self) -> None:
        """Read the owner's blocks again: another process may have changed them."""
        if self._kept is not None:
            await self._read()

    def allows(self, space: str, hub_id: str = "") -> bool:
        """Whether members may use a Space."""
        try:
            self.check(space, hub_id)
        except SpaceNotAllowed:
            return False
        return True

    def check(self, space: str, hub_id: str = "") -> None:
        """Raise `SpaceNotAllowed` if members may not use this Space ("owner/name").

        Its `hub_id` finds a block of a former name.
        """
        name = space.casefold()
        if self.mode is ServerSpaces.OFF:
            raise SpaceNotAllowed(NONE_ALLOWED)
        self.check_blocked(space, hub_id)
        if self.mode is ServerSpaces.LISTED and not self._is_listed(name):
            raise SpaceNotAllowed(
                "The bot's owner allows only some Spaces, and this is not one of them. "
                + (f"Allowed: {', '.join(self.allowed[:10])}." if self.allowed else NONE_ALLOWED)
            )

    def check_blocked(self, space: str, hub_id: str = "") -> None:
        """Raise `SpaceNotAllowed` if the owner blocked this Space by its name or its id."""
        name = space.casefold()
        if {name, name.partition("/")[0]} & self.blocked.keys():
            raise SpaceNotAllowed(BLOCKED)
        if hub_id and hub_id in self.blocked.values():
            raise SpaceNotAllowed(BLOCKED)

    @property
    def unidentified(self) -> list[str]:
        """The blocked Spaces of which only the name is known."""
        return [name for name, hub_id in self.blocked.items() if "/" in name and not hub_id]

    def _is_listed(self, name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.allowed)

    async def identify(self, name: str, hub_id: str) -> None:
        """Add the Hub's id to a block, unless the name was unblocked in the meantime."""
        async with self._storing:
            if name in self.blocked:
                self.blocked[name] = hub_id
                if self._kept is not None:
                    await self._kept.identify(name, hub_id)

    async def block(self, name: str) -> None:
        """Block a Space ("owner/name") or an author ("owner") from now on."""
        name = name.casefold()
        self.blocked.setdefault(name, "")
        if self._kept is not None:
            async with self._storing:
                # A reading under way did not know it.
                self.blocked.setdefault(name, "")
                await self._kept.add(name, self.blocked[name])

    async def unblock(self, name: str) -> None:
        """Unblock a Space or an author."""
        name = name.casefold()
        self.blocked.pop(name, None)
        if self._kept is not None:
            async with self._storing:
                # A reading under way still knew it.
                self.blocked.pop(name, None)
                await self._kept.delete(name)


class OneOffLimiter:
    """Counts what each member does in a minute; `what` names it in words ("run")."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._runs = LRUCache[str, deque[float]](MAX_MEMBERS)

    def count(self, user: str) -> None:
        """Count one more for a member; raises `LimitReached` if that is too many."""
        now = time.monotonic()
        runs = self._runs.setdefault(user, deque())
        while runs and now - runs[0] >= RUN_WINDOW:
            runs.popleft()
        if len(runs) >= self._most:
            seconds = max(1, round(runs[0] + RUN_WINDOW - now))
            raise LimitReached(
                f"You can {self._what} Spaces of your own choice {self._most} times a minute. "
                f"Try again in {seconds} s."
            )
        runs.append(now)
