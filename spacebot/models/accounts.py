"""Hugging Face accounts: whose token a job is sent with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """A Hugging Face account that jobs can run with.

    `key` says who set it here: "user:<id>" or "guild:<id>", by Discord's ids. A private Space's
    description is stored under it, and visible only to that account.
    """

    key: str = ""
    token: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.token)

    @property
    def fingerprint(self) -> str:
        """Distinguishes this token from its replacements, without revealing anything about it."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:16]

    @property
    def is_members(self) -> bool:
        """Whether it belongs to one member, and not to a server."""
        return self.key.startswith("user:")


NO_ACCOUNT = Account()
GUILD_PREFIX = "guild:"


def user_key(user: str | int) -> str:
    """The key of a member's own account."""
    return f"user:{user}"


def guild_key(guild: str | int) -> str:
    """The key of a server's account."""
    return f"{GUILD_PREFIX}{guild}"


def guild_of(key: str) -> int | None:
    """The server of a key; None for a member's."""
    return int(key.removeprefix(GUILD_PREFIX)) if key.startswith(GUILD_PREFIX) else None
