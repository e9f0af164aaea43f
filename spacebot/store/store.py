"""The kept jobs, and the one writer of the database."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from spacebot.store.automations import Automations
from spacebot.store.chats import Chats
from spacebot.store.migrations import migrate
from spacebot.store.tables import conversations, jobs, turns


class StoreError(Exception):
    """The database does not take, or does not give: a full disk, a broken file."""


class State:
    """How far a kept job is.

    WAITING: not sent to the Space, so it can be run again safely. SENT: it may
    have run. POSTING: its private answer is being posted, and may be there
    already. The rest are ends: DONE, FAILED, CANCELLED, and LOST for one whose
    asker was told, after a restart, that its result is lost.
    """

    WAITING = "waiting"
    SENT = "sent"
    POSTING = "posting"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


UNFINISHED = (State.WAITING, State.SENT, State.POSTING)


@dataclass(frozen=True, slots=True)
class Record:
    """One kept job: the recipe of a result, and where its message is.

    `given` holds what was given by option name, files as `{"file": {…}}`;
    `place` where the answer goes, for the Discord side alone; `result` the raw
    outputs; `message` the id of the message that answers it; `chain` what it
    follows (see `models.Chain`). Times are epoch seconds.
    """

    id: str
    space: str
    api_name: str
    command: str
    user: str
    mention: str
    state: str
    given: Mapping[str, Any]
    place: Mapping[str, Any]
    result: Any = None
    conversation: str | None = None
    created: float = field(default_factory=time.time)
    ended: float | None = None
    message: str | None = None
    chain: Mapping[str, Any] | None = None


# A job to write down whole, or columns of it to change; and who waits for it.
Write = tuple[str, dict[str, Any], bool, asyncio.Future[None]]
# Any other statement, and who waits for it.
Other = tuple[sa.Executable, asyncio.Future[None]]


class Store:
    """The kept jobs. Open it with `async with`; all calls belong to one event loop."""

    def __init__(self, url: str, *, alone: bool = False) -> None:
        self._url = url
        self._alone = alone
        self._engine: AsyncEngine | None = None
        self.chats = Chats(self.rows, self.execute)
        self.automations = Automations(self.rows, self.execute)
        self._pending: list[Write] = []
        self._others: list[Other] = []
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        self._reads: set[asyncio.Task[Any]] = set()

    @classmethod
    def in_folder(cls, folder: Path, *, alone: bool = False) -> Store:
        """The database file under DATA_DIR.

        `alone` holds it by one connection that shares it with nobody: what a
        network's file system, such as a Space's bucket, does not lock rightly.
        """
        folder.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite+aiosqlite:///{folder / 'spacebot.db'}", alone=alone)

    async def __aenter__(self) -> Store:
        one: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if self._alone else {}
        self._engine = create_async_engine(self._url, **one)
        if self._engine.dialect.name == "sqlite":
            tune = _tune_alone if self._alone else _tune_sqlite
            event.listen(self._engine.sync_engine, "connect", tune)
        async with self._engine.begin() as connection:
            await migrate(connection)
        self._writer = asyncio.create_task(self._write(), name="store")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._wake.set()
        if self._writer is not None:
            await self._writer
        await asyncio.gather(*self._reads, return_exceptions=True)
        if self._engine is not None:
            await self._engine.dispose()

    async def add(self, record: Record) -> None:
        """Write a job down; on return it outlives a SIGKILL."""
        row = {item.name: getattr(record, item.name) for item in fields(record)}
        await self._do(record.id, row, new=True)

    async def mark(self, job: str, **values: Any) -> None:
        """Change columns of one job, durably."""
        await self._do(job, values, new=False)

    async def get(self, job: str) -> Record | None:
        """One job, or None where it is not kept any more."""
        found = await self._select(sa.select(jobs).where(jobs.c.id == job))
        return found[0] if found else None

    async def at(self, message: str) -> Record | None:
        """The job that a message answers, by the message's id; None where none is kept."""
        found = await self._select(sa.select(jobs).where(jobs.c.message == message))
        return found[-1] if found else None

    async def answered(self) -> bool:
        """Whether any kept job was answered."""
        return bool(
            await self.rows(sa.select(jobs.c.id).where(jobs.c.state == State.DONE).limit(1))
        )

    async def unfinished(self) -> list[Record]:
        """The jobs that a restart interrupted, oldest first."""
        chosen = sa.select(jobs).where(jobs.c.state.in_(UNFINISHED)).order_by(jobs.c.created)
        return await self._select(chosen)

    async def trim(self, *, most: int, older: float) -> list[str]:
        """Forget ended jobs beyond the `most` newest or ended before `older`."""
        ended = jobs.c.state.not_in(UNFINISHED)
        newest = sa.select(jobs.c.id).where(ended).order_by(jobs.c.created.desc()).limit(most)
        old = sa.or_(jobs.c.id.not_in(newest), jobs.c.ended < older)
        found = await self.rows(sa.select(jobs.c.id).where(ended, old))
        ids = [row.id for row in found]
        if ids:
            await self.execute(jobs.delete().where(jobs.c.id.in_(ids)))
        return ids

    async def owners(self) -> set[str]:
        """Every id that files are kept by: of jobs, of what was said, of conversations."""
        columns = (jobs.c.id, turns.c.job, conversations.c.id)
        return {one for column in columns for (one,) in await self.rows(sa.select(column))}

    async def _select(self, query: sa.Select[Any]) -> list[Record]:
        return [Record(**row._mapping) for row in await self.rows(query)]

    async def rows(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[sa.Row[Any]]:
        """What a query finds."""
        # Cancelled on its way, a query would leave its connection open for ever.
        reading = asyncio.create_task(self._read(query))
        self._reads.add(reading)
        reading.add_done_callback(self._read_ended)
        return await asyncio.shield(reading)

    def _read_ended(self, reading: asyncio.Task[Any]) -> None:
        self._reads.discard(reading)
        reading.exception()  # told to whoever waits; where nobody does any more, it must not warn

    async def _read(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[sa.Row[Any]]:
        assert self._engine is not None
        try:
            async with self._engine.connect() as connection:
                return (await connection.execute(query)).fetchall()
        except SQLAlchemyError as error:
            raise StoreError(f"a query failed: {type(error).__name__}") from error

    async def _do(self, job: str, values: dict[str, Any], *, new: bool) -> None:
        done = asyncio.get_running_loop().create_future()
        self._pending.append((job, values, new, done))
        self._wake.set()
        await done

    async def execute(self, statement: sa.Executable) -> None:
        """Change something else than a job, durably, after what came before."""
        done = asyncio.get_running_loop().create_future()
        self._others.append((statement, done))
        self._wake.set()
        await done

    async def _write(self) -> None:
        """Write what is pending, all of it in one transaction, again and again."""
        assert self._engine is not None
        while not self._closing or self._pending or self._others:
            await self._wake.wait()
            self._wake.clear()
            batch, self._pending = self._pending, []
            others, self._others = self._others, []
            error: StoreError | None = None
            try:
                async with self._engine.begin() as connection:
                    for statement, rows in _statements(batch):
                        await connection.execute(statement, rows)
                    for statement, _ in others:
                        await connection.execute(statement)
            except Exception as caught:
                error = StoreError(f"{len(batch)} writes failed: {type(caught).__name__}")
                error.__cause__ = caught
            for *_, done in (*batch, *others):
                if done.done():
                    continue
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)


def _statements(batch: Sequence[Write]) -> Iterator[tuple[sa.Executable, list[dict[str, Any]]]]:
    """A batch as few statements with many rows: each statement is a trip to another thread."""
    rows: dict[str, dict[str, Any]] = {}
    changes: dict[str, dict[str, Any]] = {}
    for job, values, new, _ in batch:
        target = rows if new or job in rows else changes
        target.setdefault(job, {}).update(values)
    if rows:
        yield jobs.insert(), list(rows.values())
    alike: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for job, values in changes.items():
        alike[tuple(sorted(values))].append({**values, "key": job})
    for columns, group in alike.items():
        update = jobs.update().where(jobs.c.id == sa.bindparam("key"))
        yield update.values({name: sa.bindparam(name) for name in columns}), group


def _tune_alone(connection: Any, _: Any) -> None:
    """No second connection, and no memory shared with one."""
    for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=TRUNCATE", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _tune_sqlite(connection: Any, _: Any) -> None:
    """Readers beside the writer; a commit survives the death of the process."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
