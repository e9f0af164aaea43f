"""Submitting a job from the event loop: in an executor, and taken back when it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from spacebot.spaces.client import Joined, LegacyJob, SpaceClient, StockJob
from spacebot.spaces.network import Workers
from spacebot.spaces.sessions import Session
from spacebot.spaces.uploads import holds_upload

# A Space that does not take a cancel in so many seconds is not waited for.
CANCEL = 5.0


async def submit(
    workers: Workers,
    client: SpaceClient,
    values: Mapping[str, Any],
    *,
    index: int,
    session: Session,
    silence: float,
    withdraw: Callable[[Any], Awaitable[None]],
) -> Joined | LegacyJob | StockJob:
    """Call `client.submit` in the Space's executor.

    Cancelled meanwhile, the job is not sent any more, or given to `withdraw` once it was
    sent; no other job comes into its session before.
    """
    left = threading.Event()
    lane = workers.uploading if holds_upload(values) else contextlib.nullcontext()
    async with lane:
        sending = asyncio.ensure_future(
            workers.call(
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
            await asyncio.wait({leaving}, timeout=CANCEL)
            raise


async def _withdrawn(
    sending: asyncio.Future[Any], withdraw: Callable[[Any], Awaitable[None]]
) -> None:
    # Whatever it raised, nobody waits for it any more.
    with contextlib.suppress(Exception):
        await withdraw(await sending)
