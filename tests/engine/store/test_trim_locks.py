"""Trimming keeps no other write waiting for a table."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from bench.store_size import fill
from spacebot.engine.store import Store
from tests.support.postgres import Postgres

JOBS, NOW = 20_000, 1_800_000_000.0
# Of the oldest row that is not trimmed: the lock on a row that is being deleted is another matter.
LAST = f"{JOBS:012x}"
ROW = f"""
    INSERT INTO jobs (id, space, api_name, command, "user", mention, state, given, place, created)
    SELECT $1, space, api_name, command, "user", mention, 'waiting', given, place, created
    FROM jobs WHERE id = '{LAST}'"""


@dataclass
class Writer:
    """A session that inserts and changes jobs, and never waits for a lock for longer than 100 ms:
    PostgreSQL ends a statement that would."""

    connection: asyncpg.Connection
    written: int = 0

    async def write(self) -> None:
        number = uuid.uuid4().hex[:12]
        await self.connection.execute(ROW, number)
        await self.connection.execute("UPDATE jobs SET state = 'sent' WHERE id = $1", number)
        await self.connection.execute("UPDATE jobs SET state = state WHERE id = $1", LAST)
        self.written += 1

    async def write_on(self) -> None:
        while True:
            await self.write()
            await asyncio.sleep(0)


async def test_trimming_never_locks_the_table_for_longer_than_100_ms(postgres: Postgres) -> None:
    database = f"trim-{uuid.uuid4().hex}"
    url = await postgres.create(database)
    more: dict[str, Any] = {"user": "postgres", "host": str(postgres.folder), "database": database}
    settings = {"lock_timeout": "100ms"}
    connection = await asyncpg.connect(**more, server_settings=settings)
    other = await asyncpg.connect(**more)
    try:
        async with Store(url) as store:
            await fill(store, JOBS, NOW, {"jobs"})
            writer = Writer(connection)
            # It can tell: here the table is locked.
            async with other.transaction():
                await other.execute("LOCK TABLE jobs IN SHARE MODE")
                with pytest.raises(asyncpg.LockNotAvailableError):
                    await writer.write()
            writing = asyncio.create_task(writer.write_on())
            trimmed = await store.trim(most=100, older=0.0)
            assert not writing.done(), writing
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        assert JOBS - 2000 < len(trimmed) <= JOBS - 100
        assert writer.written > 10
    finally:
        await connection.close()
        await other.close()
