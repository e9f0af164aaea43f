"""The processes that share one database, and the shards that each of them holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process, as all of them see it.

    `id` is its number in the database, new at each start, and 0 for a process that shares with no
    other. `running` and `waiting` count its jobs, `servers` those of its `shards`. `stopping` says
    that it hands its shards over. `started` and `seen`, when it last wrote this, are epoch seconds.
    """

    id: int
    host: str
    version: str
    started: float
    seen: float
    shards: tuple[int, ...] = ()
    servers: int = 0
    running: int = 0
    waiting: int = 0
    stopping: bool = False

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read it from a row of the database."""
        return cls(**{**row, "shards": tuple(row["shards"])})


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """All processes of the bot, oldest first; `own` is the id of this process.

    `shard_count` is the number of shards that they share, 0 while unknown. `trouble` says why this
    process answers nobody, as a sentence; empty while it does.
    """

    own: int
    processes: tuple[ProcessStatus, ...]
    shard_count: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class GatewaySession:
    """What another connection needs to resume a gateway session, from any process."""

    id: str
    sequence: int
    gateway: str


def shard_of(guild: int | None, count: int) -> int:
    """The shard that receives a server's events, out of so many; direct messages
    go to the first."""
    return (guild >> 22) % count if guild else 0
