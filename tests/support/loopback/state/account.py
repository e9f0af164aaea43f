"""Accounts: people, and the bot itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..server import DiscordServer
    from .channel import Channel


@dataclass(eq=False)
class Account:
    """A user or the bot itself."""

    server: DiscordServer
    id: int
    name: str
    bot: bool = False
    dm: Channel | None = field(default=None, repr=False)
    installed: bool = False
    accepts_dms: bool = True

    @property
    def mention(self) -> str:
        """Its mention in a message."""
        return f"<@{self.id}>"

    def to_json(self) -> dict[str, Any]:
        """Discord's user object."""
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": None if self.bot else self.name.title(),
            "discriminator": "0000" if self.bot else "0",
            "avatar": None,
            "primary_guild": None,
            "bot": self.bot,
            "public_flags": 0,
            "flags": 0,
        }
