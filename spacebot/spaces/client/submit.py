"""Submitting a job from the event loop: in an executor, and recalled if it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from spacebot.spaces.client.client import LegacyJob, QueuedJob, SpaceClient, StockJob
from spacebot.spaces.client.files.uploads import holds_upload
from spacebot.spaces.client.sessions import SpaceSession
from spacebot.spaces.client.transport.network import SpaceExecutor

# After how many seconds we stop waiting for a Space to accept a cancel.
CANCEL_TIMEOUT = 5.0


async def submit(
    executor: SpaceExecutor,
    client: SpaceClient,
    values: Mapping[str, Any],
    *,
    index: int,
    session: SpaceSession,
    silence: float,
    withdraw: Callable[[Any], Awaitable[None]],
) -> QueuedJob | LegacyJob | StockJob:
    """Call `client.submit` in the Space's executor.

    If cancelled meanwhile, the job is not sent any more, or goes to `withdraw` if it was; no other
    job enters its session before that.
    """
    left = threading.Event()
    lane = executor.uploading if holds_upload(values) else contextlib.nullcontext()
    async with lane:
        sending = asyncio.ensure_future(
            executor.call(
                client.submit,
                values,
                index=index,
                session=session.name,
                silence=silence,
                left=left,
            )
        )
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            left.set()
            leaving = session.leave(_withdrawn(sending, withdraw))
            await asyncio.wait({leaving}, timeout=CANCEL_TIMEOUT)
            raise


async def _withdrawn(
    sending: asyncio.Future[Any], withdraw: Callable[[Any], Awaitable[None]]
) -> None:
    # Whatever it raised, nobody waits for it any more.
    with contextlib.suppress(Exception):
        await withdraw(await sending)
