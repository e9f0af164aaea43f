"""Returning the space of deleted rows to the disk, which PostgreSQL does by itself."""

from __future__ import annotations

import asyncio
import logging
import time

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger(__name__)

INCREMENTAL_VACUUM = 2
# How many pages of 4 KiB to return at a time: a step takes a few milliseconds, then other writes
# get their turn.
PAGES_PER_STEP = 500


async def make_shrinkable(engine: AsyncEngine) -> None:
    """Rewrite a SQLite file of an earlier version once, so that `shrink` works on it."""
    if engine.dialect.name != "sqlite":
        return
    try:
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            if await _number(connection, "auto_vacuum") != INCREMENTAL_VACUUM:
                await connection.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL")
                await connection.exec_driver_sql("VACUUM")
    except SQLAlchemyError as error:
        # It needs the file's size again in free space. If that fails, everything else still works.
        log.warning("the database's file will not shrink: %s", type(error).__name__)


async def shrink(engine: AsyncEngine) -> None:
    """Return free pages to the disk, some at a time."""
    if engine.dialect.name != "sqlite":
        return
    while True:
        began = time.perf_counter()
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            before = await _number(connection, "freelist_count")
            if not before:
                return
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            # The answer has a row for each page: `execute` would read only the first.
            await raw.executescript(f"PRAGMA incremental_vacuum({PAGES_PER_STEP})")
            if await _number(connection, "freelist_count") >= before:
                return
        # As long again for those who wait: a writer looks for a free moment only now and then.
        await asyncio.sleep(time.perf_counter() - began)


async def _number(connection: AsyncConnection, pragma: str) -> int:
    return int((await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() or 0)
