"""Processes that share shards, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Collection

import pytest
import sqlalchemy as sa

from spacebot.engine.cluster import Membership
from spacebot.engine.store import ClusterSession, Store, is_down
from spacebot.errors import ClusterLost, StoreError
from spacebot.models import GatewaySession, ProcessStatus
from tests.support.postgres import Postgres

SHARDS = 8


class Host:
    """Records the shards that it holds, as the client would connect them."""

    def __init__(self) -> None:
        self.held = dict[int, GatewaySession | None]()
        self.taken_up: list[int] = []
        self.leads = False
        self.refreshed = 0
        self.runs = dict[str, str]()

    def start(self, shard: int, session: GatewaySession | None = None) -> None:
        assert shard not in self.held
        self.held[shard] = session

    async def stop(self, shard: int) -> GatewaySession | None:
        del self.held[shard]
        return GatewaySession(f"session {shard}", 7, "wss://gateway")

    def take_up(self, shards: Collection[int]) -> None:
        self.taken_up += shards

    def lead(self) -> None:
        self.leads = True

    def cancel(self, target: str) -> str:
        return self.runs.pop(target, "")

    def refresh_accounts(self) -> None:
        self.refreshed += 1


class Process:
    """One process: its membership, its host, and the tasks that run them."""

    def __init__(self, url: str, shards: int = 0) -> None:
        self.host = Host()
        self.abandoned = 0
        self.membership = Membership(
            url, counts=dict, abandon=self._abandon, shards=shards, recovery_seconds=10
        )
        self.running = asyncio.create_task(self.membership.run())
        self.sharing = asyncio.create_task(self.membership.share(self.host, SHARDS))

    def _abandon(self) -> None:
        self.abandoned += 1

    async def kill(self) -> None:
        """Die silently: the session breaks, and nothing else happens."""
        session = self.membership._session
        assert session
        for task in (self.running, self.sharing):
            task.cancel()
        self.membership._host = None
        await session.close()
        await asyncio.gather(self.running, self.sharing, return_exceptions=True)

    async def stop(self) -> None:
        """End as on SIGTERM."""
        await self.membership.leave()
        self.running.cancel()
        await self.membership.close()


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    url = await postgres.create(f"cluster-{uuid.uuid4().hex}")
    async with Store(url):
        yield url


async def open_session(url: str) -> ClusterSession:
    """A session to which nobody speaks."""
    return await ClusterSession.open(url, vanished_after=5, heard=lambda _: None)


@contextlib.asynccontextmanager
async def processes(url: str, number: int) -> AsyncIterator[list[Process]]:
    made = [Process(url) for _ in range(number)]
    try:
        yield made
    finally:
        for one in made:
            one.running.cancel()
            one.sharing.cancel()
            await asyncio.gather(one.running, one.sharing, return_exceptions=True)
            await one.membership.close()


async def until(predicate: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not predicate():  # noqa: ASYNC110 - the hosts have no such event
            await asyncio.sleep(0.05)


async def beats(process: Process, number: int) -> None:
    """Wait for so many whole heartbeats."""
    for _ in range(number + 1):
        before = process.membership._answered
        await until(lambda before=before: process.membership._answered != before)


def shares(*them: Process) -> list[int]:
    """How many shards each holds; no shard is held by two."""
    held = [shard for one in them for shard in one.host.held]
    assert len(held) == len(set(held))
    return sorted((len(one.host.held) for one in them), reverse=True)


async def test_shards_are_shared_and_move_when_processes_come_and_go(database: str) -> None:
    async with processes(database, 2) as (first, second):
        await until(lambda: shares(first, second) == [4, 4])
        await until(lambda: first.host.leads != second.host.leads)
        third = Process(database)
        try:
            await until(lambda: shares(first, second, third) == [3, 3, 2])
            # A shard that moved resumes its session.
            assert set(third.host.held.values()) == {
                GatewaySession(f"session {shard}", 7, "wss://gateway") for shard in third.host.held
            }
            assert {*first.host.held, *second.host.held, *third.host.held} == {*range(SHARDS)}
            status = third.membership.status()
            assert (status.own, status.shard_count) == (third.membership.process, SHARDS)
            await until(lambda: len(third.membership.status().processes) == 3)
            await until(lambda: all(one.host.refreshed for one in (first, second, third)))
        finally:
            await third.stop()
        await until(lambda: shares(first, second) == [4, 4])


async def test_what_a_dead_process_had_is_taken_over(database: str) -> None:
    async with processes(database, 3) as (first, second, third):
        await until(lambda: shares(first, second, third) == [3, 3, 2])
        await until(lambda: len(first.membership.status().processes) == 3)
        dead, had = third.membership.process, set(third.host.held)
        taken_up = len(first.host.taken_up), len(second.host.taken_up)
        assert first.membership.is_living(dead)
        await third.kill()
        third.host.held.clear()
        await until(lambda: shares(first, second) == [4, 4])
        assert not first.membership.is_living(dead)
        # A shard is started a few statements before its jobs are recovered.
        ones, others = first.host.taken_up, second.host.taken_up
        await until(lambda: had <= {*ones[taken_up[0] :], *others[taken_up[1] :]})
        # Nobody handed a session over.
        assert {
            (one.host.held | dict.fromkeys(had))[shard] for one in (first, second) for shard in had
        } == {None}


async def test_a_process_that_leaves_takes_no_shard_back(database: str) -> None:
    async with processes(database, 1) as (only,):
        await until(lambda: shares(only) == [SHARDS] and only.host.leads)
        await only.membership.leave()
        assert not only.host.held
        # Its jobs end first; meanwhile it keeps watching the other processes.
        only.host.taken_up.clear()
        await beats(only, 2)
        assert (only.host.held, only.host.taken_up) == ({}, [])


async def test_a_handover_that_hangs_ends_and_its_shards_are_free(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    async with processes(database, 2) as (first, second):
        await until(lambda: shares(first, second) == [4, 4])
        with monkeypatch.context() as patch:
            patch.setattr(ClusterSession, "give", hang)
            await asyncio.wait_for(first.membership.leave(), 60)
        assert not first.host.held
        # It still ends its jobs, and its shards are free.
        await until(lambda: len(second.host.held) == SHARDS)
        assert first.abandoned == 0


async def test_a_cancelled_caller_leaves_the_session_as_it_is(database: str) -> None:
    session = await open_session(database)
    assert await session.lead()
    waiting = asyncio.create_task(session._run(sa.text("SELECT pg_sleep(0.5)")))
    await until(session._turn.locked)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    other = await open_session(database)
    assert await session.processes() == []
    assert not await other.lead()
    # A session that is closed meanwhile fails its callers and cancels none.
    waiting = asyncio.create_task(session._run(sa.text("SELECT pg_sleep(60)")))
    await until(session._turn.locked)
    await session.close()
    with pytest.raises(StoreError):
        await waiting
    await other.close()


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_session_that_cannot_join_is_closed(
    database: str, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    join, close = ClusterSession.join, ClusterSession.close
    refused, closed = list[ClusterSession](), list[ClusterSession]()

    async def refuse_once(session: ClusterSession, status: ProcessStatus) -> int:
        if refused:
            return await join(session, status)
        refused.append(session)
        if hangs:
            await asyncio.get_running_loop().create_future()
        raise StoreError("the database is away for a moment")

    async def note(session: ClusterSession) -> None:
        closed.append(session)
        await close(session)

    monkeypatch.setattr(ClusterSession, "join", refuse_once)
    monkeypatch.setattr(ClusterSession, "close", note)
    async with processes(database, 1) as (only,):
        await until(lambda: only.membership.process is not None)
        assert closed == refused


@pytest.mark.parametrize(("code", "down"), [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False)])
async def test_a_database_whose_name_is_gone_is_down(
    monkeypatch: pytest.MonkeyPatch, code: int, down: bool
) -> None:
    def find(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", find)
    with pytest.raises(StoreError) as caught:
        await open_session("postgresql+asyncpg://spacebot@db/spacebot")
    assert is_down(caught.value) is down


async def test_the_shards_of_a_failed_heartbeat_are_started_later(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()
    lead = ClusterSession.lead

    async def fail_once(session: ClusterSession) -> bool:
        if failed.is_set():
            return await lead(session)
        failed.set()
        raise StoreError("the database is away for a moment")

    monkeypatch.setattr(ClusterSession, "lead", fail_once)
    async with processes(database, 1) as (only,):
        await until(lambda: only.host.leads)
        assert failed.is_set()
        await until(lambda: sorted(only.host.taken_up) == [*range(SHARDS)])
        assert only.abandoned == 0


async def test_a_process_that_was_taken_for_dead_starts_over(database: str) -> None:
    async with processes(database, 2) as (first, second):
        await until(lambda: shares(first, second) == [4, 4])
        old, session = second.membership.process, second.membership._session
        assert session
        # As after a network split that lasted longer than the others waited.
        async with second.membership._busy:
            await session.close()
            await until(lambda: len(first.host.held) == SHARDS)
        with pytest.raises(ClusterLost):
            await second.sharing
        assert (second.abandoned, second.host.held) == (1, {})
        await until(lambda: second.membership.process not in (None, old))
        second.sharing = asyncio.create_task(second.membership.share(second.host, SHARDS))
        await until(lambda: shares(first, second) == [4, 4])


async def test_a_broken_database_session_is_replaced(database: str) -> None:
    async with processes(database, 2) as (first, second):
        await until(lambda: shares(first, second) == [4, 4])
        held, process = dict(second.host.held), second.membership.process
        session = second.membership._session
        assert session
        await session.close()
        await until(lambda: second.membership._session is not session)
        await until(lambda: second.membership._session is not None)
        assert (second.host.held, second.membership.process) == (held, process)
        assert second.abandoned == 0


async def test_a_process_has_another_cancel_what_it_runs(database: str) -> None:
    async with processes(database, 2) as (first, second):
        await until(lambda: shares(first, second) == [4, 4])
        asker, runner = first.membership, second.membership
        assert runner.process is not None
        second.host.runs["job"] = "Cancelled: it's over – 🛑."
        assert await asker.cancel(runner.process, "job") == "Cancelled: it's over – 🛑."
        assert await asker.cancel(runner.process, "job") == ""
        # A new session hears the same.
        session = runner._session
        assert session
        await session.close()
        await until(lambda: runner._session is not session)
        await beats(second, 1)
        second.host.runs["job"] = "Cancelled again."
        assert await asker.cancel(runner.process, "job") == "Cancelled again."
        # What cannot be understood costs nothing.
        assert asker._session
        for nonsense in ("", "[]", "{}", '{"target": "job", "asker": null, "id": "1"}'):
            await asker._session.notify(runner.process, nonsense)
        second.host.runs["job"] = "Cancelled once more."
        assert await asker.cancel(runner.process, "job") == "Cancelled once more."


async def test_a_process_that_does_not_answer_is_not_taken_to_have_cancelled(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacebot.engine.cluster.calls.ANSWER_WITHIN", 0.5)
    async with processes(database, 1) as (only,):
        await until(lambda: shares(only) == [SHARDS])
        with pytest.raises(TimeoutError):
            await only.membership.cancel(999, "job")
        session = only.membership._session
        assert session
        await session.close()
        with pytest.raises(StoreError):
            await session.notify(999, "{}")


async def test_one_identifies_at_a_time(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacebot.engine.cluster.cluster.IDENTIFY_INTERVAL", 0.3)
    async with processes(database, 3) as them:
        await until(lambda: all(one.membership._session for one in them))
        loop, times, inside = asyncio.get_running_loop(), list[float](), 0

        async def identify(one: Process) -> None:
            nonlocal inside
            async with one.membership.identifying(0, urgent=True):
                inside += 1
                assert inside == 1
                times.append(loop.time())
                await asyncio.sleep(0.01)
                inside -= 1

        await asyncio.gather(*map(identify, [*them, *them]))
        assert all(later - before >= 0.3 for before, later in itertools.pairwise(times))


async def identify(one: Process, turns: list[Process], *, urgent: bool = True) -> None:
    """Have a process identify a shard of bucket 0, and note its turn."""
    async with one.membership.identifying(0, urgent=urgent):
        turns.append(one)


async def test_a_disconnected_shard_identifies_before_one_that_has_a_session(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacebot.engine.cluster.cluster.IDENTIFY_INTERVAL", 0.3)
    monkeypatch.setattr("spacebot.engine.cluster.turns.GIVE_WAY", 3.0)
    async with processes(database, 2) as (first, second):
        await until(lambda: all(one.membership._session for one in (first, second)))
        turns = list[Process]()
        await identify(first, turns)
        # The first one is next in line, and gives way.
        await asyncio.gather(identify(first, turns, urgent=False), identify(second, turns))
        assert turns == [first, second, first]


async def test_a_process_that_waits_goes_before_those_that_just_had_a_turn(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacebot.engine.cluster.cluster.IDENTIFY_INTERVAL", 1.0)
    monkeypatch.setattr("spacebot.engine.cluster.turns.OTHERS_FIRST", 5.0)
    async with processes(database, 2) as (first, second):
        await until(lambda: len(first.membership.status().processes) == 2)
        turns = list[Process]()
        waiting = [asyncio.create_task(identify(first, turns)) for _ in range(2)]
        await until(lambda: turns == [first])
        await asyncio.gather(*waiting, identify(second, turns))
        assert turns == [first, second, first]


async def test_a_shard_that_stops_waiting_leaves_the_turn_to_others(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, asked = ClusterSession.begin_identify, asyncio.Event()

    async def note(session: ClusterSession, bucket: int) -> bool:
        asked.set()
        return await begin(session, bucket)

    monkeypatch.setattr(ClusterSession, "begin_identify", note)
    async with processes(database, 2) as (first, second):
        await until(lambda: all(one.membership._session for one in (first, second)))
        turns = list[Process]()
        # It stops while the database takes its turn.
        stopped = asyncio.create_task(identify(first, turns))
        await asked.wait()
        stopped.cancel()
        await asyncio.gather(stopped, return_exceptions=True)
        await asyncio.wait_for(identify(second, turns), 60)


async def test_a_process_that_ends_leaves_the_others_its_turn(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacebot.engine.cluster.cluster.IDENTIFY_INTERVAL", 1.0)
    async with processes(database, 2) as (first, second):
        await until(lambda: len(second.membership.status().processes) == 2)
        loop = asyncio.get_running_loop()
        async with second.membership.identifying(0, urgent=True):
            began = loop.time()
        await second.stop()
        async with first.membership.identifying(0, urgent=True):
            assert loop.time() - began >= 1.0


async def test_closing_does_not_wait_for_a_silent_database(database: str) -> None:
    async with processes(database, 2) as (first, _):
        await until(lambda: len(first.membership.status().processes) == 2)
        session = first.membership._session
        assert session
        backend = (await session._run(sa.select(sa.func.pg_backend_pid()))).scalar_one()
        async with first.membership.identifying(0, urgent=True):
            first.running.cancel()
        os.kill(backend, signal.SIGSTOP)
        try:
            await asyncio.wait_for(first.membership.close(), 60)
        finally:
            os.kill(backend, signal.SIGCONT)


async def test_the_number_of_shards_stays_while_a_process_holds_some(database: str) -> None:
    session = await open_session(database)
    assert await session.settle_count(8) == 8
    assert await session.settle_count(4) == 4
    async with processes(database, 1) as (first,):
        await until(lambda: shares(first) == [SHARDS])
        assert await session.settle_count(4) == SHARDS
    await session.close()


async def test_a_database_that_is_down_for_all_moves_nothing() -> None:
    server = Postgres()
    try:
        server.start()
        url = await server.create("cluster")
        async with Store(url), processes(url, 2) as (first, second):
            await until(lambda: shares(first, second) == [4, 4])
            held = [dict(one.host.held) for one in (first, second)]
            sessions = [one.membership._session for one in (first, second)]
            await asyncio.to_thread(server.stop)
            # Longer than a process continues without a database that others may reach.
            await asyncio.sleep(5)
            await asyncio.to_thread(server.start)
            for one, old in zip((first, second), sessions, strict=True):
                await until(lambda one=one, old=old: one.membership._session is not old)
            await until(lambda: len(first.membership.status().processes) == 2)
            assert [one.host.held for one in (first, second)] == held
            assert (first.abandoned, second.abandoned) == (0, 0)
            # They hold the locks again: one releases a shard, and the other takes it.
            await second.stop()
            await until(lambda: len(first.host.held) == SHARDS)
    finally:
        server.close()
