"""This process's own session with PostgreSQL, which holds its locks: a session that ends, for
whatever reason, frees them all."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any, Self, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from spacebot.concurrency import TaskSet
from spacebot.engine.store.database import as_store_error, make_session_engine
from spacebot.engine.store.tables import jobs, processes, shards, unfinished
from spacebot.errors import StoreError
from spacebot.models import GatewaySession, ProcessStatus

T = TypeVar("T")

# The first of the two numbers of an advisory lock.
PROCESS, SHARD, IDENTIFY, LEADER, COUNT = (0x53420000 + number for number in range(5))
# The longest that `close` takes, in seconds.
SESSION_CLOSE = 1.5
CLOSED = "The session with the database was closed."
_living = sa.select(processes.c.id)


class ClusterSession:
    """One session. What it raises is a `StoreError`; after that it holds no lock for sure."""

    def __init__(
        self, engine: AsyncEngine, connection: AsyncConnection, heard: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._heard = heard
        self._turn = asyncio.Lock()
        self._tasks = TaskSet()

    @classmethod
    async def open(cls, url: str, *, vanished_after: float, heard: Callable[[str], None]) -> Self:
        """Begin a session; the server ends it so many seconds after this machine vanished.

        `heard` takes what other processes say to this one.
        """
        engine = make_session_engine(url, vanished_after=vanished_after)
        try:
            return cls(engine, await engine.connect(), heard)
        except BaseException as error:
            await engine.dispose()
            if not isinstance(error, Exception):
                raise
            raise as_store_error(error) from error

    async def close(self) -> None:
        """End the session, and free its locks; it may have ended already."""
        ends = (self._tasks.close, self._connection.invalidate, self._engine.dispose)
        for end in ends:
            with suppress(SQLAlchemyError, OSError, TimeoutError):
                async with asyncio.timeout(SESSION_CLOSE / len(ends)):
                    await end()

    async def _run(self, statement: sa.Executable) -> sa.CursorResult[Any]:
        return await self._carry_out(partial(self._connection.execute, statement))

    async def _carry_out(self, work: Callable[[], Awaitable[T]]) -> T:
        # Cancelled halfway, a statement would end the whole session.
        running = self._tasks.start(self._in_turn(work), "statement")
        running.add_done_callback(_note_end)
        return await asyncio.shield(running)

    async def _in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            async with self._turn:
                return await work()
        except asyncio.CancelledError as error:
            # The caller itself is not cancelled.
            raise StoreError(CLOSED) from error
        except Exception as error:
            raise as_store_error(error) from error

    async def _try(self, kind: int, number: int) -> bool:
        found = await self._run(sa.select(sa.func.pg_try_advisory_lock(kind, number)))
        return bool(found.scalar())

    async def _free(self, kind: int, number: int) -> None:
        await self._run(sa.select(sa.func.pg_advisory_unlock(kind, number)))

    async def join(self, status: ProcessStatus) -> int:
        """Take a process in; returns its id."""
        values = {name: one for name, one in asdict(status).items() if name != "id"}
        added = await self._run(processes.insert().values(**values).returning(processes.c.id))
        number = int(added.scalar_one())
        await self._try(PROCESS, number)
        await self._listen(number)
        return number

    async def rejoin(self, process: int) -> bool:
        """Take a process's lock again after its last session ended; False where it was buried."""
        if not await self._try(PROCESS, process):
            return False
        found = await self._run(sa.select(processes.c.id).where(processes.c.id == process))
        await self._listen(process)
        return found.scalar() is not None

    async def _listen(self, process: int) -> None:
        """Receive what is said to a process."""

        def heard(*notified: Any) -> None:
            self._heard(str(notified[-1]))

        async def listen() -> None:
            raw = await self._connection.get_raw_connection()
            # SQLAlchemy offers no notifications; this is asyncpg's own method.
            await cast(Any, raw.driver_connection).add_listener(_channel(process), heard)

        await self._carry_out(listen)

    async def notify(self, process: int, message: str) -> None:
        """Say something to a process, in fewer than 8,000 bytes; nobody may be listening."""
        await self._run(sa.select(sa.func.pg_notify(_channel(process), message)))

    async def beat(self, process: int, **values: Any) -> bool:
        """Update the row of a process; False if it was buried."""
        same = processes.update().where(processes.c.id == process)
        changed = await self._run(same.values(**values, seen=time.time()))
        return changed.rowcount == 1

    async def processes(self) -> list[ProcessStatus]:
        """The processes that nobody has buried, oldest first."""
        found = await self._run(sa.select(processes).order_by(processes.c.id))
        return [ProcessStatus.from_row(row._asdict()) for row in found]

    async def present(self) -> set[int]:
        """The processes whose sessions stand."""
        locks = sa.text(
            "SELECT objid::bigint FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE locktype = 'advisory' AND granted AND datname = current_database() "
            "AND classid::bigint = :kind AND objsubid = 2"
        ).bindparams(kind=PROCESS)
        return {int(number) for (number,) in await self._run(locks)}

    async def bury(self, process: int) -> bool:
        """Take a process out whose session is gone; False where it is back."""
        if not await self._try(PROCESS, process):
            return False
        await self.remove(process)
        await self._free(PROCESS, process)
        return True

    async def remove(self, process: int) -> None:
        """Take a process out: its shards and unfinished jobs are free."""
        await self._run(processes.delete().where(processes.c.id == process))

    async def settle_count(self, wanted: int) -> int:
        """How many shards there are: as many as `wanted`, unless a process holds some already."""
        await self._run(sa.select(sa.func.pg_advisory_lock(COUNT, 0)))
        try:
            rows = (await self._run(sa.select(shards.c.process))).scalars().all()
            living = set((await self._run(_living)).scalars())
            if rows and (len(rows) == wanted or living & set(rows)):
                return len(rows)
            await self._run(shards.delete())
            numbers = [{"id": number} for number in range(wanted)]
            await self._run(shards.insert().values(numbers))
            return wanted
        finally:
            await self._free(COUNT, 0)

    async def free_shards(self, process: int) -> Sequence[int]:
        """The shards that no other process holds."""
        chosen = sa.select(shards.c.id).where(_free(process)).order_by(shards.c.id)
        return (await self._run(chosen)).scalars().all()

    async def take(self, shard: int, process: int) -> tuple[bool, GatewaySession | None]:
        """Take a free shard; whether that was done, and the session that is left to resume."""
        if not await self._try(SHARD, shard):
            return False, None
        here = shards.c.id == shard
        row = (await self._run(sa.select(shards).where(here, _free(process)))).first()
        if row is None:
            await self._free(SHARD, shard)
            return False, None
        await self._run(shards.update().where(here).values(process=process, session=None))
        return True, as_session(row.session)

    async def keep(self, shard: int) -> bool:
        """Take the lock again of a shard whose row still says that it is this process's."""
        return await self._try(SHARD, shard)

    async def give(self, shard: int, process: int, session: GatewaySession | None) -> None:
        """Free a shard of a process, with the session to resume."""
        left = asdict(session) if session else None
        here = sa.and_(shards.c.id == shard, shards.c.process == process)
        await self._run(shards.update().where(here).values(process=None, session=left))
        await self._free(SHARD, shard)

    async def release(self, process: int, held: Collection[int]) -> None:
        """Free the shards that are a process's by their rows only: their handover was cut."""
        left = sa.and_(shards.c.process == process, shards.c.id.not_in(held))
        freed = shards.update().where(left).values(process=None).returning(shards.c.id)
        for shard in (await self._run(freed)).scalars().all():
            await self._free(SHARD, shard)

    async def lead(self) -> bool:
        """Whether this session leads."""
        return await self._try(LEADER, 0)

    async def begin_identify(self, bucket: int) -> bool:
        """Take a bucket's turn, if nobody has it."""
        return await self._try(IDENTIFY, bucket)

    async def end_identify(self, bucket: int) -> None:
        """Give a bucket's turn back."""
        await self._free(IDENTIFY, bucket)

    async def claim(self, job: str, process: int) -> bool:
        """Assign an unfinished job to a process if no living process has it."""
        free = sa.or_(
            jobs.c.process.is_(None), jobs.c.process == process, jobs.c.process.not_in(_living)
        )
        mine = jobs.update().where(jobs.c.id == job, unfinished, free)
        return (await self._run(mine.values(process=process))).rowcount == 1


def _note_end(statement: asyncio.Task[Any]) -> None:
    if not statement.cancelled():
        statement.exception()  # the caller gets it; without one, it must not warn


def _channel(process: int) -> str:
    return f"spacebot_process_{process}"


def _free(process: int) -> sa.ColumnElement[bool]:
    # A shard that this process owns and does not hold: its session was lost halfway.
    ours, gone = shards.c.process == process, shards.c.process.not_in(_living)
    return sa.or_(shards.c.process.is_(None), ours, gone)


def as_session(stored: Mapping[str, Any] | None) -> GatewaySession | None:
    """A session as its shard's last process left it; None where that cannot be read."""
    try:
        return GatewaySession(**stored) if stored else None
    except TypeError:
        return None


def is_down(error: StoreError) -> bool:
    """Whether the database itself is down, for every process: it refuses connections, or starts.

    A database that cannot be reached may be up for others.
    """
    cause = error.__cause__
    original = getattr(cause, "orig", None) or cause
    while original is not None:
        if isinstance(original, ConnectionRefusedError | FileNotFoundError):
            return True
        # The name of a container that is stopped is gone.
        if isinstance(original, socket.gaierror) and original.errno == socket.EAI_NONAME:
            return True
        if str(getattr(original, "sqlstate", "") or "").startswith("57P"):
            return True
        original = original.__cause__ or original.__context__
    return False
