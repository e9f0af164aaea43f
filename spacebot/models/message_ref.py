"""Message references: where an answer is in Discord, as data that outlives its interaction."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

# An interaction's token is valid for 15 minutes; the last request needs some of that. In seconds.
TOKEN_LIFETIME = 14.5 * 60
# What Discord accepts in a server without boosts, in bytes.
DEFAULT_FILE_LIMIT = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class MessageRef:
    """The message that answers a job: an interaction's reply, or an ordinary message.

    An ordinary message has no token. `automation` is the id of the automation for which it
    answers the message `origin`. `user` is who asked; `created` is in epoch seconds;
    `message` is None until Discord has returned its id; `more` are the messages that follow
    it, in `thread` if the answer has one. `file_limit` is the most bytes of one file there.
    Age-restricted Spaces may answer there if it is `nsfw`. `named` is the command that Discord
    names above the message, such as "/studio draw"; empty if it names none.
    """

    application: int = 0
    token: str = field(default="", repr=False)
    created: float = 0.0
    user: int = 0
    channel: int | None = None
    guild: int | None = None
    message: int | None = None
    thread: int | None = None
    private: bool = False
    more: tuple[int, ...] = ()
    origin: int | None = None
    automation: str = ""
    file_limit: int = DEFAULT_FILE_LIMIT
    nsfw: bool = False
    named: str = ""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The reference from the result of `to_json`, of this version or an earlier one."""
        known = {name: value for name, value in stored.items() if name in FIELDS}
        return cls(**{**known, "more": tuple(known.get("more", ()))})

    def to_json(self) -> dict[str, Any]:
        """The reference in stored form."""
        return {name: getattr(self, name) for name in FIELDS}

    @property
    def messages(self) -> list[tuple[int, int | None]]:
        """The messages of the answer in order, each with its thread."""
        first = [(self.message, None)] if self.message is not None else []
        return [*first, *((message, self.thread) for message in self.more)]

    @property
    def is_ordinary(self) -> bool:
        """Whether it is an ordinary message, which needs no token."""
        return not self.token

    @property
    def is_editable(self) -> bool:
        """Whether the message can still be edited the way it was created."""
        if self.is_ordinary:
            return self.message is not None
        return time.time() - self.created < TOKEN_LIFETIME

    def is_in(self, channel: int) -> bool:
        """Whether any part of the answer is in this channel or thread."""
        return channel in (self.channel, self.thread)


FIELDS = tuple(each.name for each in fields(MessageRef))
