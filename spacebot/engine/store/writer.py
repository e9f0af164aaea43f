"""The database's only writer: changes that arrive at the same time share a transaction."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from spacebot.engine.store.database import as_store_error, is_full, is_outage
from spacebot.engine.store.tables import schema_version
from spacebot.engine.store.unsaved import RowKey, UnsavedRows
from spacebot.engine.store.upsert import upsert

log = logging.getLogger(__name__)

# How often to test whether a failed database works again, in seconds.
PROBE_INTERVAL = 5.0
# With less free space than this, in bytes, a disk that was full still counts as full.
MIN_FREE_BYTES = 256 << 10


@dataclass(slots=True, eq=False)
class PendingWrite:
    """One change, and who waits for it: columns of a row (all of them for a `new` one), or
    any other `statement`, with its parameters for each of some `rows`."""

    row: RowKey | None = None
    values: dict[str, Any] = field(default_factory=dict)
    new: bool = False
    statement: sa.Executable | None = None
    rows: Sequence[dict[str, Any]] = ()
    # How many rows the statement changed.
    changed: int = 0
    done: asyncio.Future[int] | None = None

    def end(self, error: BaseException | None = None) -> None:
        """Tell the caller how it went."""
        if self.done is None or self.done.done():
            return
        if error is None:
            self.done.set_result(self.changed)
        else:
            self.done.set_exception(as_store_error(error))


class BatchWriter:
    """Writes batch after batch.

    A failing row affects no other row, and is held in `unsaved`. `trouble` says what is wrong while
    the database accepts no writes; it is logged once.
    """

    def __init__(self, engine: AsyncEngine, unsaved: UnsavedRows) -> None:
        self._engine = engine
        self._unsaved = unsaved
        self._pending: list[PendingWrite] = []
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="store")
        self.trouble = ""
        is_file = engine.dialect.name == "sqlite" and engine.url.database
        self._folder = Path(engine.url.database or "").parent if is_file else None

    async def close(self) -> None:
        """Write everything pending, then end."""
        self._closing = True
        self._wake.set()
        await self._task

    async def write(self, **about: Any) -> int:
        """Write one change (see `PendingWrite`), durably; returns how many rows its statement
        changed. Raises `StoreError`."""
        done = asyncio.get_running_loop().create_future()
        self._pending.append(PendingWrite(**about, done=done))
        self._wake.set()
        return await done

    async def _run(self) -> None:
        while not self._closing or self._pending:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), PROBE_INTERVAL if self.trouble else None)
            self._wake.clear()
            batch, self._pending = self._pending, []
            if batch:
                await self._write(batch)
            elif self.trouble and not self._closing:
                await self._probe()

    async def _probe(self) -> None:
        """Test whether the database works again, with a write that changes nothing."""
        same = schema_version.update().values(version=schema_version.c.version)
        try:
            await self._commit([PendingWrite(statement=same)])
        except Exception as error:
            self._failed(error)
        else:
            self._works()

    async def _write(self, batch: Sequence[PendingWrite]) -> None:
        """Write a batch; if it fails, halve it until only the bad rows are lost."""
        error = await self._try(batch)
        if error is not None and _is_down(error):
            # The connection may have been an old one.
            error = await self._try(batch)
        if error is not None and not _is_down(error) and len(batch) > 1:
            middle = len(batch) // 2
            await self._write(batch[:middle])
            await self._write(batch[middle:])
            return
        if error is not None:
            self._tell(error)
        for write in batch:
            self._end(write, error)

    async def _try(self, batch: Sequence[PendingWrite]) -> Exception | None:
        """Write a batch in one transaction; what failed, or None."""
        try:
            await self._commit(batch)
        except Exception as error:
            return error
        self._works()
        return None

    def _tell(self, error: Exception) -> None:
        """Log why a write failed."""
        if is_full(error) or is_outage(error):
            self._failed(error)
        else:
            # Not its text: that quotes what was to be written.
            log.error("a row could not be written: %s", _kind(error))

    def _end(self, write: PendingWrite, error: BaseException | None = None) -> None:
        """Tell the callers, and hold what could not be written."""
        if write.row and error is None:
            self._unsaved.release(write.row)
        elif write.row:
            self._unsaved.hold(write.row, write.values, new=write.new)
        write.end(error)

    async def _commit(self, batch: Sequence[PendingWrite]) -> None:
        async with self._engine.begin() as connection:
            for statement, rows in statements(batch, self._unsaved, self._engine.dialect.name):
                await connection.execute(statement, rows)
            for one in batch:
                if one.statement is not None:
                    one.changed = (
                        await connection.execute(one.statement, one.rows or None)
                    ).rowcount

    def _failed(self, error: BaseException) -> None:
        trouble = str(as_store_error(error))
        if trouble != self.trouble:
            log.error("the database accepts no writes: %s (%s)", trouble, _kind(error))
        self.trouble = trouble

    def _works(self) -> None:
        if self.trouble and not self._has_room():
            # SQLite can overwrite what it wrote before, which says nothing about the next row.
            return
        if self.trouble:
            log.info("the database accepts writes again")
            self._pending += [PendingWrite(row=key) for key in self._unsaved]
            self._wake.set()
        self.trouble = ""

    def _has_room(self) -> bool:
        return self._folder is None or shutil.disk_usage(self._folder).free > MIN_FREE_BYTES


def _is_down(error: BaseException) -> bool:
    """Whether every other write would wait for the same error in turn."""
    return is_outage(error) and not is_full(error)


def _kind(error: BaseException) -> str:
    """The classes of an error and its cause: SQLAlchemy's text quotes the data."""
    orig = getattr(error, "orig", None)
    name = getattr(orig, "sqlite_errorname", None) or getattr(orig, "sqlstate", None)
    return f"{type(error).__name__}: {name}" if name else type(error).__name__


def statements(
    batch: Sequence[PendingWrite], unsaved: UnsavedRows, dialect: str
) -> Iterator[tuple[sa.Executable, list[dict[str, Any]]]]:
    """A batch's rows, with what is held of them, in as few statements as possible: each statement
    is a trip to another thread."""
    rows: dict[RowKey, dict[str, Any]] = {}
    changes: dict[RowKey, dict[str, Any]] = {}
    for write in batch:
        if (key := write.row) is None:
            continue
        held = unsaved.find(key)
        new = write.new or key in rows or (held is not None and held.new)
        before = dict(held.values) if held else {}
        (rows if new else changes).setdefault(key, before).update(write.values)
    inserts: defaultdict[sa.Table, list[dict[str, Any]]] = defaultdict(list)
    for (table, _), values in rows.items():
        inserts[table].append(values)
    for table, group in inserts.items():
        yield upsert(dialect, table, group[0]), group
    alike: defaultdict[tuple[sa.Table, tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
    for (table, row), values in changes.items():
        if values:
            alike[table, tuple(sorted(values))].append({**values, "row_id": row})
    for (table, columns), group in alike.items():
        update = table.update().where(table.c.id == sa.bindparam("row_id"))
        yield update.values({name: sa.bindparam(name) for name in columns}), group
