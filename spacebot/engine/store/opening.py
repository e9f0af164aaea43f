"""Opening the store at startup, which may have to wait for its database."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from spacebot.engine.store.data_folder import DataFolder
from spacebot.engine.store.store import Store
from spacebot.errors import NewerDatabase, StoreError

log = logging.getLogger(__name__)

# The pauses between attempts, in seconds.
FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE = 1.0, 30.0
FOLDER_IN_USE = "Another Spacebot still uses DATA_DIR; this one starts when that one has ended."


@asynccontextmanager
async def open_store(
    url: str,
    folder: DataFolder,
    stopped: asyncio.Event,
    tell: Callable[[StoreError], None],
    *,
    alone: bool = False,
) -> AsyncIterator[Store | None]:
    """The open store, after as many attempts as it takes; None if `stopped` is set first.

    Without a `url`, it is a file in `folder` (see `Store.in_folder` for `alone`). `tell` is called
    with the reason while it does not open; each reason is logged once.
    """
    pause, logged = FIRST_RETRY_PAUSE, ""
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(folder.release)
        while not stopped.is_set():
            try:
                if not folder.lock():
                    raise StoreError(FOLDER_IN_USE)
                store = Store(url) if url else Store.in_folder(folder.path, alone=alone)
                await stack.enter_async_context(store)
            except StoreError as error:
                if str(error) != logged:
                    log.error("the store does not open: %s (%s)", error, _cause(error))
                    logged = str(error)
                tell(error)
                never = isinstance(error, NewerDatabase)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopped.wait(), None if never else pause)
                pause = min(2 * pause, MAX_RETRY_PAUSE)
            else:
                yield store
                return
        yield None


def _cause(error: BaseException) -> str:
    """The class of the innermost cause: its text may contain an address or a password."""
    while error.__cause__ is not None:
        error = error.__cause__
    return type(error).__name__
