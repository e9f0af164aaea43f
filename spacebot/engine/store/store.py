"""The stored jobs, and the store that holds everything else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from spacebot.engine.store.accounts import AccountStore
from spacebot.engine.store.automations import AutomationStore
from spacebot.engine.store.batches import in_batches
from spacebot.engine.store.conversations import ConversationStore
from spacebot.engine.store.data_folder import DATABASE_NAME
from spacebot.engine.store.database import as_store_error, make_engine
from spacebot.engine.store.descriptions import BlockedSpaceStore, DescriptionStore
from spacebot.engine.store.history import HistoryStore
from spacebot.engine.store.limits import LimitsStore
from spacebot.engine.store.migrations import migrate
from spacebot.engine.store.presets import PresetStore
from spacebot.engine.store.processes import ProcessStore
from spacebot.engine.store.server_spaces import ServerSpaceStore
from spacebot.engine.store.tables import (
    BATCH_ROWS,
    RecordState,
    as_row,
    by_key,
    conversations,
    favourites,
    going_on,
    jobs,
    unfinished,
)
from spacebot.engine.store.unsaved import UnsavedRows
from spacebot.engine.store.vacuum import make_shrinkable, shrink
from spacebot.engine.store.writer import BatchWriter
from spacebot.errors import StoreError, UnreadableRecord
from spacebot.models import ChatTurn, JobEnding, MessageRef

# The conversations that nothing has ended.
_going_on = sa.select(conversations.c.id).where(going_on)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One stored job: how a result was made, and where its message is.

    `arguments` holds the values by option name, files as `{"file": {…}}`; `message_ref` the message
    that answers it; `result` the raw outputs; `message` the id of that message; `chain` what it
    follows (see `models.FollowUpChain`); `page_ran` what the Space's page ran before it, None if
    unknown; `account` the key of the Hugging Face account that it ran with. A question of the
    conversation `chat` has a `turn` in place of arguments and result.
    `process` is the process that runs it, None unless several share the database. Times are
    epoch seconds.
    """

    id: str
    space: str
    api_name: str
    command: str
    user: str
    mention: str
    state: str
    arguments: Mapping[str, Any]
    message_ref: MessageRef
    result: Any = None
    conversation: str | None = None
    created: float = field(default_factory=time.time)
    ended: float | None = None
    message: str | None = None
    chain: Mapping[str, Any] | None = None
    page_ran: Sequence[str] | None = None
    account: str | None = None
    chat: str | None = None
    turn: ChatTurn | None = None
    process: int | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether it has not ended."""
        return self.state in RecordState.UNFINISHED

    @property
    def is_answered(self) -> bool:
        """Whether a question has an answer; while it is being regenerated, the previous answer
        counts."""
        said = bool(self.turn and self.turn.answer)
        return self.state == JobEnding.DONE or (
            said and (self.is_unfinished or self.state == JobEnding.CANCELLED)
        )


class UnfinishedJob(NamedTuple):
    """A job that has not ended: its conversation, its server, and the process that has it."""

    id: str
    chat: str | None
    state: str
    guild: int | None
    process: int | None


class Store:
    """The stored jobs. Open it with `async with`; all calls belong to one event loop."""

    def __init__(self, url: str, *, alone: bool = False) -> None:
        self._engine: AsyncEngine = make_engine(url, alone=alone)
        self._writer: BatchWriter | None = None
        self._unsaved = UnsavedRows()
        self.chats = ConversationStore(self)
        self.automations = AutomationStore(self)
        self.descriptions = DescriptionStore(self)
        self.blocked_spaces = BlockedSpaceStore(self)
        self.accounts = AccountStore(self)
        self.server_spaces = ServerSpaceStore(self)
        self.history = HistoryStore(self)
        self.limits = LimitsStore(self)
        self.presets = PresetStore(self)
        self.processes = ProcessStore(self)
        self._reads: set[asyncio.Task[Any]] = set()

    @classmethod
    def in_folder(cls, folder: Path, *, alone: bool = False) -> Store:
        """The database file under DATA_DIR.

        `alone` opens a single connection that nothing shares: on a network's file system, such as a
        Space's bucket, locks do not work properly.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(f"sqlite+aiosqlite:///{folder / DATABASE_NAME}", alone=alone)

    async def __aenter__(self) -> Store:
        """Open the database and upgrade it; raises `StoreError`."""
        try:
            async with self._engine.begin() as connection:
                await migrate(connection)
            await make_shrinkable(self._engine)
        except BaseException as error:
            await self._engine.dispose()
            if isinstance(error, StoreError) or not isinstance(error, Exception):
                raise
            raise as_store_error(error) from error
        self._writer = BatchWriter(self._engine, self._unsaved)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            await self._writer.close()
        await asyncio.gather(*self._reads, return_exceptions=True)
        await self._engine.dispose()

    @property
    def trouble(self) -> str:
        """Why the database accepts no writes, as a sentence; empty while it accepts them."""
        return self._writer.trouble if self._writer else ""

    async def saved(self, writing: Awaitable[None]) -> bool:
        """Whether a write succeeded; the store logs failures."""
        try:
            await writing
        except StoreError:
            return False
        return True

    async def add(self, record: JobRecord) -> None:
        """Add a job; once this returns, it outlives a SIGKILL."""
        await self.write(jobs, record.id, as_row(record), new=True)

    async def mark(self, job: str, **values: Any) -> None:
        """Change columns of a job, durably."""
        await self.write(jobs, job, values)

    def is_saved(self, job: str) -> bool:
        """Whether the database has everything known about a job, and will accept how it ends."""
        return self._unsaved.find((jobs, job)) is None and not self.trouble

    async def get(self, job: str) -> JobRecord | None:
        """A job, or None if it is no longer stored."""
        found = await self.row(jobs, job)
        return JobRecord(**found) if found else None

    async def at(self, message: str) -> JobRecord | None:
        """The job that a message answers, by the message's id; None if none is stored."""
        found = await self._select(sa.select(jobs).where(jobs.c.message == message))
        return found[-1] if found else None

    async def answered(self) -> bool:
        """Whether any stored job was answered."""
        done = sa.select(jobs.c.id).where(jobs.c.state == JobEnding.DONE.value)
        return bool(await self.rows(done.order_by(jobs.c.created.desc()).limit(1)))

    async def unfinished(self) -> list[UnfinishedJob]:
        """The jobs that a restart interrupted, oldest first, unreadable ones included."""
        guild = sa.cast(jobs.c.message_ref["guild"].as_string(), sa.BigInteger)
        columns = (jobs.c.id, jobs.c.chat, jobs.c.state, guild, jobs.c.process)
        chosen = sa.select(*columns).where(unfinished).order_by(jobs.c.created)
        return [UnfinishedJob(*row) for row in await self.rows(chosen)]

    async def process_of(self, target: str) -> int | None:
        """The process that has an unfinished job, or the unfinished question of a conversation."""
        named = sa.or_(jobs.c.id == target, jobs.c.chat == target)
        chosen = sa.select(jobs.c.process).where(unfinished, named).order_by(jobs.c.created)
        found = await self.rows(chosen.limit(1))
        return found[0].process if found else None

    async def asked_before(self, question: str) -> dict[str, int | None]:
        """The earlier unfinished questions of the same conversation, and the process of each."""
        mine = jobs.alias()
        earlier = sa.and_(jobs.c.chat == mine.c.chat, jobs.c.created < mine.c.created)
        chosen = sa.select(jobs.c.id, jobs.c.process).where(unfinished, earlier)
        return {one.id: one.process for one in await self.rows(chosen.where(mine.c.id == question))}

    async def said(self, chat: str) -> list[JobRecord]:
        """The questions of a conversation, oldest first."""
        new = [JobRecord(**one) for one in self._unsaved.new(jobs) if one["chat"] == chat]
        found = await self._select(sa.select(jobs).where(jobs.c.chat == chat))
        return sorted({one.id: one for one in (*new, *found)}.values(), key=lambda one: one.created)

    def abandon_jobs(self) -> set[str]:
        """Drop what the database did not take of jobs that it has: others take them up. Returns
        the jobs that it lacks whole, which nobody else can take up."""
        new = {str(row["id"]) for row in self._unsaved.new(jobs)}
        for table, job in self._unsaved:
            if table is jobs and job not in new:
                self._unsaved.release((table, job))
        return new

    async def forget(self, job: str) -> None:
        """Delete a job that its requester took back."""
        self._unsaved.release((jobs, job))
        await self.execute(jobs.delete().where(jobs.c.id == job))

    async def trim(self, *, most: int, older: float) -> list[str]:
        """Delete ended jobs beyond the `most` newest or ended before `older`.

        In batches, so that no other write waits long.
        """
        starred = sa.select(favourites.c.job)
        said = sa.and_(jobs.c.chat.is_not(None), jobs.c.chat.in_(_going_on))
        kept = sa.or_(unfinished, jobs.c.id.in_(starred), said)
        ended = sa.not_(kept)
        beyond = sa.select(jobs.c.created).where(ended).order_by(jobs.c.created.desc())
        found = await self.rows(beyond.offset(most).limit(1))
        last = found[0].created if found else None
        too_many = sa.false() if last is None else jobs.c.created <= last
        # Whatever ended by then was created by then, and that column has an index.
        span = jobs.c.created <= max(older, older if last is None else last)
        old = sa.select(jobs.c.id, jobs.c.created).order_by(jobs.c.created)
        old = old.where(span, ended, sa.or_(too_many, jobs.c.ended < older))
        forgotten: list[str] = []
        reached = 0.0

        async def find(rows: int) -> Sequence[sa.Row[Any]]:
            # Skips the stored rows, and those that a database has not cleared away yet.
            return await self.rows(old.where(jobs.c.created >= reached).limit(rows))

        async for found in in_batches(find, self._delete):
            forgotten += [row.id for row in found]
            reached = found[-1].created
        await shrink(self._engine)
        return forgotten

    async def _delete(self, found: Sequence[sa.Row[Any]]) -> None:
        await self.execute(jobs.delete().where(jobs.c.id.in_([row.id for row in found])))

    async def known(self, ids: Sequence[str], *, since: float) -> set[str]:
        """Which of these ids of jobs and conversations still need their files.

        A starred job that ended before `since` is stored without its files.
        """
        current = sa.or_(unfinished, jobs.c.ended >= since, jobs.c.chat.in_(_going_on))
        found = {row for _, row in self._unsaved}
        for start in range(0, len(ids), BATCH_ROWS):
            some = ids[start : start + BATCH_ROWS]
            for column in (jobs.c.id, conversations.c.id):
                chosen = sa.select(column).where(column.in_(some))
                chosen = chosen.where(current) if column is jobs.c.id else chosen
                found |= {one for (one,) in await self.rows(chosen)}
        return found

    async def _select(self, query: sa.Select[Any]) -> list[JobRecord]:
        return [self._with_unsaved(by_key(row, jobs)) for row in await self.rows(query)]

    def _with_unsaved(self, row: Mapping[str, Any]) -> JobRecord:
        held = self._unsaved.find((jobs, row["id"]))
        return JobRecord(**{**row, **(held.values if held else {})})

    @property
    def dialect(self) -> str:
        """The kind of database: "sqlite" or "postgresql"."""
        return self._engine.dialect.name

    async def row(self, table: sa.Table, key: str) -> dict[str, Any] | None:
        """A row's values, including those that the database has not accepted yet."""
        held = self._unsaved.find((table, key))
        if held is not None and held.new:
            return dict(held.values)
        found = await self.rows(sa.select(table).where(table.c.id == key))
        if not found:
            return None
        return {**by_key(found[0], table), **(held.values if held else {})}

    async def rows(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[sa.Row[Any]]:
        """The rows that a query finds."""
        # Cancelled halfway, a query would leave its connection open for ever.
        reading = asyncio.create_task(self._read(query))
        self._reads.add(reading)
        reading.add_done_callback(self._read_ended)
        return await asyncio.shield(reading)

    def _read_ended(self, reading: asyncio.Task[Any]) -> None:
        self._reads.discard(reading)
        reading.exception()  # the caller gets it; without one, it must not warn

    async def _read(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[sa.Row[Any]]:
        try:
            async with self._engine.connect() as connection:
                return (await connection.execute(query)).fetchall()
        except (SQLAlchemyError, OSError) as error:
            raise as_store_error(error) from error
        except ValueError as error:
            raise UnreadableRecord from error
        except Exception as error:
            # The driver's own error, raised before SQLAlchemy could translate it: on connecting.
            if not hasattr(error, "sqlstate"):
                raise
            raise as_store_error(error) from error

    async def write(
        self, table: sa.Table, key: str, values: Mapping[str, Any], *, new: bool = False
    ) -> None:
        """Change columns of a row, or write a `new` one, durably.

        If it raises `StoreError`, the row is held in memory and written as soon as possible.
        """
        await self._write(row=(table, key), values=dict(values), new=new)

    async def execute(self, statement: sa.Executable, rows: Sequence[dict[str, Any]] = ()) -> int:
        """Change something else, durably, after what came before; returns how many rows it changed.
        Raises `StoreError`.

        With `rows`, once with the parameters of each.
        """
        return await self._write(statement=statement, rows=rows)

    async def _write(self, **about: Any) -> int:
        assert self._writer is not None
        return await self._writer.write(**about)
