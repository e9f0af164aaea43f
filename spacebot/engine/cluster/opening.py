"""Which cluster there is, by the database that holds everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from spacebot.engine.cluster.cluster import Cluster, Counts, SingleProcess
from spacebot.engine.cluster.membership import CLOSE, HAND_OVER, Membership
from spacebot.engine.store import SESSION_CLOSE
from spacebot.settings import Settings

# Ending a session with the database, in seconds: once if the shards cannot be handed over, and
# once at the end.
END_SESSIONS = 2 * SESSION_CLOSE


def _is_shared(settings: Settings) -> bool:
    return settings.database_url.startswith("postgresql")


def leave_seconds(settings: Settings) -> float:
    """How long leaving the cluster and closing it may take together, in seconds."""
    return HAND_OVER + CLOSE + END_SESSIONS if _is_shared(settings) else 0.0


@asynccontextmanager
async def open_cluster(
    settings: Settings, *, counts: Counts, abandon: Callable[[], None]
) -> AsyncIterator[Cluster]:
    """This process's place among those of a PostgreSQL database; SQLite has one process only.

    For `counts` and `abandon` see `Membership`.
    """
    if not _is_shared(settings):
        yield SingleProcess(settings.shards, counts)
        return
    membership = Membership(
        settings.database_url,
        counts=counts,
        abandon=abandon,
        shards=settings.shards,
        recovery_seconds=settings.recovery_seconds,
    )
    taking_part = asyncio.create_task(membership.run(), name="cluster")
    try:
        yield membership
    finally:
        taking_part.cancel()
        await asyncio.gather(taking_part, return_exceptions=True)
        await membership.close()
