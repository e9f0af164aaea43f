"""How a database of an earlier version becomes one of this: numbered steps, each done once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from spacebot.store.tables import (
    automations,
    chosen_chats,
    conversations,
    jobs,
    metadata,
    schema_version,
    turns,
)


async def _first(connection: AsyncConnection) -> None:
    """1: the table of jobs."""
    await _create(connection, jobs)


async def _second(connection: AsyncConnection) -> None:
    """2: conversations, what was said in them, and the chats that channels have chosen."""
    await _create(connection, conversations, turns, chosen_chats)


async def _third(connection: AsyncConnection) -> None:
    """3: a job's message, to find it by, and the job that it follows."""
    for column in (jobs.c.message, jobs.c.chain):
        await _add(connection, column)
    for index in jobs.indexes:
        await connection.run_sync(index.create, checkfirst=True)


async def _fourth(connection: AsyncConnection) -> None:
    """4: the automations of servers."""
    await _create(connection, automations)


# Applied in order, each once; the number applied so far is kept in the database.
MIGRATIONS: Sequence[Callable[[AsyncConnection], Awaitable[None]]] = (
    _first,
    _second,
    _third,
    _fourth,
)


async def migrate(connection: AsyncConnection) -> None:
    """Apply what this database has not seen yet."""
    await connection.run_sync(schema_version.create, checkfirst=True)
    version = (await connection.execute(sa.select(schema_version.c.version))).scalar() or 0
    for migration in MIGRATIONS[version:]:
        await migration(connection)
    await connection.execute(schema_version.delete())
    await connection.execute(schema_version.insert().values(version=len(MIGRATIONS)))


async def _add(connection: AsyncConnection, column: sa.Column[Any]) -> None:
    """Add a column where the table was made by an earlier version."""
    table = column.table.name
    known = await connection.run_sync(lambda sync: sa.inspect(sync).get_columns(table))
    if column.name not in {each["name"] for each in known}:
        kind = column.type.compile(connection.dialect)
        await connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {column.name} {kind}"))


async def _create(connection: AsyncConnection, *tables: sa.Table) -> None:
    await connection.run_sync(metadata.create_all, tables=tables)
