"""ZeroGPU quotas: checked before a job is sent, and explained with whose quota it is."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cachetools import LRUCache

from spacebot.engine.jobs.handle import JobHandle
from spacebot.errors import QuotaExceeded, SpacebotError
from spacebot.models import Endpoint, GpuQuota
from spacebot.spaces.client import Connection

# How long a job waits for the Hub to say what is left of a quota, in seconds.
ASK_TIMEOUT = 3.0
# How many jobs that asked for too much are remembered.
MAX_REMEMBERED = 1000


class GpuQuotas:
    """What jobs on ZeroGPU asked for, which a Space tells only if it is too much.

    The same job is not sent again while less than that is left. With other values it may ask for
    less, so it is sent.
    """

    def __init__(self) -> None:
        self._asked = LRUCache[str, int](MAX_REMEMBERED)

    async def check(
        self, running: JobHandle, connection: Connection, values: Mapping[str, Any]
    ) -> None:
        """Raise `QuotaExceeded` for a job that needs more seconds than are left."""
        quota = await _quota_of(connection)
        if quota is None or quota.pays_beyond:
            return
        asked = self._asked.get(_key(running.job.endpoint, values), 1)
        if quota.left >= asked:
            return
        needs = f"has {quota.left:.0f} s left and this needs {asked} s"
        state = needs if quota.left >= 1 else "is used up"
        when = "within 24 hours"
        if quota.resets_at is not None:
            when = f"<t:{quota.resets_at.timestamp():.0f}:R>"
        raise QuotaExceeded(
            f"{{whose}} GPU quota on Hugging Face {state}, so this was not sent. It resets {when}."
        )

    def explain(
        self, running: JobHandle, values: Mapping[str, Any], error: QuotaExceeded
    ) -> QuotaExceeded:
        """The error, naming whose quota it is; remembers what the job asked for."""
        if error.asked:
            self._asked[_key(running.job.endpoint, values)] = error.asked
        if not running.account:
            return error
        return error.belonging_to("Your" if running.account.is_members else "This server's")


async def _quota_of(connection: Connection) -> GpuQuota | None:
    """What is left for the account that a connection uses; None if that does not matter."""
    with contextlib.suppress(SpacebotError, TimeoutError):
        async with asyncio.timeout(ASK_TIMEOUT):
            return await connection.gpu_quota()
    return None


def _key(endpoint: Endpoint, values: Mapping[str, Any]) -> str:
    """Identifies a job by what it sends, without containing any of that."""
    said = json.dumps([endpoint.space, endpoint.api_name, values], default=str, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
