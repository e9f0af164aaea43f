"""Upgrading a database of an earlier version: numbered steps, each applied once."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateIndex

from spacebot.engine.store.tables import (
    BATCH_ROWS,
    RecordState,
    accounts,
    automations,
    blocked_spaces,
    chosen_chats,
    conversations,
    counted_jobs,
    favourites,
    guild_commands,
    jobs,
    metadata,
    presets,
    processes,
    schema_version,
    server_limits,
    server_spaces,
    shards,
    space_descriptions,
)
from spacebot.errors import NewerDatabase
from spacebot.models import ChatTurn, File, JobEnding, MessageRef

MIGRATION_LOCK = 0x5370616365626F74


async def _first(connection: AsyncConnection) -> None:
    """1: the table of jobs."""
    await _create(connection, jobs)


async def _second(connection: AsyncConnection) -> None:
    """2: conversations, and the chats that channels have chosen."""
    await _create(connection, conversations, chosen_chats)


async def _third(connection: AsyncConnection) -> None:
    """3: a job's message, to find the job by, and the job that it follows."""
    for column in (jobs.c.message, jobs.c.chain):
        await _add(connection, column)
    await _index(connection, jobs)


async def _fourth(connection: AsyncConnection) -> None:
    """4: the automations of servers."""
    await _create(connection, automations)


async def _fifth(connection: AsyncConnection) -> None:
    """5: indexes for the queries of a restart."""
    await _index(connection, jobs)


async def _sixth(connection: AsyncConnection) -> None:
    """6: what a Space's page ran before a job."""
    await _add(connection, jobs.c.page_ran)


async def _seventh(connection: AsyncConnection) -> None:
    """7: jobs of /compare, which belongs to no Space, are stored under its name."""
    await connection.execute(sa.update(jobs).where(jobs.c.space == "").values(space="compare"))


async def _eighth(connection: AsyncConnection) -> None:
    """8: descriptions of Spaces that no setting names, and the Spaces the owner has blocked."""
    await _create(connection, space_descriptions, blocked_spaces)


async def _ninth(connection: AsyncConnection) -> None:
    """9: Hugging Face accounts, and which account a job or conversation runs with."""
    await _create(connection, accounts)
    for column in (jobs.c.account, conversations.c.account):
        await _add(connection, column)


async def _tenth(connection: AsyncConnection) -> None:
    """10: the Spaces that servers added, and which commands are registered for them."""
    await _create(connection, server_spaces, guild_commands)


async def _eleventh(connection: AsyncConnection) -> None:
    """11: the limits that servers set, and what members have used today."""
    await _create(connection, server_limits)


async def _twelfth(connection: AsyncConnection) -> None:
    """12: the results that members starred, and an index to find a member's jobs by."""
    await _create(connection, favourites)
    await _index(connection, jobs)


async def _thirteenth(connection: AsyncConnection) -> None:
    """13: the presets of members and servers."""
    await _create(connection, presets)


async def _fourteenth(connection: AsyncConnection) -> None:
    """14: questions of conversations become jobs; they had a table of their own."""
    for column in (jobs.c.chat, jobs.c.turn):
        await _add(connection, column)
    await _index(connection, jobs)
    if not await connection.run_sync(lambda sync: sa.inspect(sync).has_table(turns.name)):
        return
    about = [conversations.c[name] for name in ("space", "api_name", "command", "channel", "guild")]
    whose = turns.c.conversation == conversations.c.id
    chosen = sa.select(turns, *about).outerjoin(conversations, whose).order_by(turns.c.job)
    last = ""
    while rows := (
        await connection.execute(chosen.where(turns.c.job > last).limit(BATCH_ROWS))
    ).fetchall():
        await connection.execute(jobs.insert(), [_turn_as_job(row) for row in rows])
        last = rows[-1].job
    await connection.run_sync(turns.drop)


async def _fifteenth(connection: AsyncConnection) -> None:
    """15: the processes that share the database, their shards, and whose a job is."""
    await _create(connection, processes, shards)
    await _add(connection, jobs.c.process)


async def _sixteenth(connection: AsyncConnection) -> None:
    """16: indexes for what would read a table of a million rows whole."""
    for table in (jobs, conversations, server_spaces):
        await _index(connection, table)


async def _seventeenth(connection: AsyncConnection) -> None:
    """17: the Hub's ids of blocked and added Spaces, which outlive their names."""
    for column in (blocked_spaces.c.hub_id, server_spaces.c.hub_id):
        await _add(connection, column)


async def _eighteenth(connection: AsyncConnection) -> None:
    """18: what each job counts as in a day; there was one count for all of a member's jobs."""
    await _create(connection, counted_jobs)
    if await connection.run_sync(lambda sync: sa.inspect(sync).has_table(job_counts.name)):
        earlier = sa.select(*job_counts.c, sa.literal("earlier"))
        columns = (*job_counts.c.keys(), "job")
        await connection.execute(counted_jobs.insert().from_select(columns, earlier))
        await connection.run_sync(job_counts.drop)


# The counts of versions 11 to 17, of all of a member's jobs of a day.
job_counts = sa.Table(
    "job_counts",
    sa.MetaData(),
    *(sa.Column(name, sa.Text) for name in ("guild", "user")),
    *(sa.Column(name, sa.Integer) for name in ("day", "jobs")),
)
# The table that version 2 made for what was said in conversations, until version 14.
turns = sa.Table(
    "turns",
    sa.MetaData(),
    *(sa.Column(name, sa.Text) for name in ("job", "conversation", "user", "mention", "name")),
    *(sa.Column(name, sa.Text) for name in ("message", "text", "state", "answer")),
    *(sa.Column(name, sa.JSON) for name in ("files", "answer_files")),
    sa.Column("created", sa.Float),
)


def _turn_as_job(row: sa.Row[Any]) -> dict[str, Any]:
    """Turn a conversation's question into the columns of a job."""
    files: list[File] = []
    # A file in an unexpected shape affects only itself.
    with contextlib.suppress(KeyError, TypeError, ValueError):
        files += [File.from_json(one["file"]) for one in row.files]
    state = JobEnding.CANCELLED.value if row.state == "stopped" else row.state
    if row.space is None and state in RecordState.UNFINISHED:
        # Its conversation was never saved, so nobody knows where to answer it.
        state = JobEnding.LOST.value
    ref = MessageRef(
        created=row.created,
        user=_discord_id(row.user) or 0,
        channel=_discord_id(row.channel),
        guild=_discord_id(row.guild),
        origin=_discord_id(row.message),
    )
    return {
        "id": row.job,
        "user": row.user,
        "mention": row.mention,
        "space": row.space or "unknown",
        "api_name": row.api_name or "",
        "command": row.command or "unknown",
        "state": state,
        "arguments": {},
        "message_ref": ref,
        "created": row.created,
        "ended": None if state in RecordState.UNFINISHED else row.created,
        "chat": row.conversation,
        "turn": ChatTurn(row.name, row.text, files, row.answer, row.answer_files or ()),
    }


def _discord_id(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


# Applied in order, each once; the database stores the number of the last one.
MIGRATIONS: Sequence[Callable[[AsyncConnection], Awaitable[None]]] = (
    _first,
    _second,
    _third,
    _fourth,
    _fifth,
    _sixth,
    _seventh,
    _eighth,
    _ninth,
    _tenth,
    _eleventh,
    _twelfth,
    _thirteenth,
    _fourteenth,
    _fifteenth,
    _sixteenth,
    _seventeenth,
    _eighteenth,
)


async def migrate(connection: AsyncConnection) -> None:
    """Apply the steps that this database lacks; raises `NewerDatabase` if a later
    version wrote it."""
    if connection.dialect.name == "postgresql":
        # Processes that start at the same time take turns; the number is ours alone.
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
    await connection.run_sync(schema_version.create, checkfirst=True)
    version = (await connection.execute(sa.select(schema_version.c.version))).scalar() or 0
    if version > len(MIGRATIONS):
        raise NewerDatabase(
            f"The database was made by a later version of Spacebot (its schema is {version}; this "
            f"one knows {len(MIGRATIONS)}). Update Spacebot, or restore an older copy."
        )
    if version < len(MIGRATIONS):
        for migration in MIGRATIONS[version:]:
            await migration(connection)
        await connection.execute(schema_version.delete())
        await connection.execute(schema_version.insert().values(version=len(MIGRATIONS)))


async def _add(connection: AsyncConnection, column: sa.Column[Any]) -> None:
    """Add a column, if an earlier version created the table."""
    table = column.table.name
    known = await connection.run_sync(lambda sync: sa.inspect(sync).get_columns(table))
    if column.name not in {each["name"] for each in known}:
        kind = column.type.compile(connection.dialect)
        await connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN {column.name} {kind}"))


async def _create(connection: AsyncConnection, *tables: sa.Table) -> None:
    await connection.run_sync(metadata.create_all, tables=tables)


async def _index(connection: AsyncConnection, table: sa.Table) -> None:
    """Create a table's indexes whose columns exist by now."""
    known = await connection.run_sync(lambda sync: sa.inspect(sync).get_columns(table.name))
    names = {each["name"] for each in known}
    for index in table.indexes:
        if {column.name for column in index.columns} <= names:
            await connection.execute(CreateIndex(index, if_not_exists=True))
