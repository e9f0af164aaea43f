"""The store, on SQLite and PostgreSQL: stored rows survive a kill, and failures are reported."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from spacebot.engine.store import (
    AccountRecord,
    Automation,
    Conversation,
    JobRecord,
    NewerDatabase,
    RecordState,
    Store,
    StoreError,
)
from spacebot.engine.store.tables import schema_version
from spacebot.engine.store.writer import PendingWrite
from spacebot.models import JobEnding, MessageRef
from tests.engine.store.test_server_spaces import added
from tests.support.disks import disk, fill
from tests.support.postgres import Postgres

Open = Callable[[], Store]


def record(number: int, **changed: Any) -> JobRecord:
    """A stored job."""
    about = {
        "id": f"{number:012x}",
        "space": "owner/name",
        "api_name": "/run",
        "command": "/name",
        "user": "1",
        "mention": "<@1>",
        "state": RecordState.WAITING,
        "arguments": {"prompt": "a cat"},
        "message_ref": MessageRef(channel=2),
        "created": float(number),
    }
    return JobRecord(**(about | changed))  # type: ignore[arg-type]


def conversation(number: int, **changed: Any) -> Conversation:
    """A stored conversation."""
    made = Conversation(
        id=f"{number:012x}",
        space="owner/name",
        api_name="/chat",
        command="/chat",
        user="1",
        mention="<@1>",
        channel=str(number),
        session=uuid.uuid4().hex,
    )
    return replace(made, **changed)


async def test_what_is_written_is_there_for_another_process(tmp_path: Path) -> None:
    async with Store.in_folder(tmp_path) as store:
        await asyncio.gather(*(store.add(record(number)) for number in range(200)))
        await asyncio.gather(
            *(store.mark(f"{number:012x}", state=RecordState.SENT) for number in range(100))
        )
        # Read around the open store: a process finds this after a SIGKILL.
        with sqlite3.connect(tmp_path / "spacebot.db", timeout=30) as other:
            states = dict(other.execute("SELECT state, count(*) FROM jobs GROUP BY state"))
    assert states == {RecordState.SENT: 100, RecordState.WAITING: 100}


async def test_a_job_comes_back_as_it_was(opened: Open) -> None:
    kept = record(7, result=["a", {"b": None}], conversation="c", message="5")
    async with opened() as store:
        await store.add(kept)
        assert not await store.answered()
    async with opened() as store:
        assert await store.get(kept.id) == kept
        assert await store.at("5") == kept
        assert await store.get("nothing") is None
        assert [one.id for one in await store.unfinished()] == [kept.id]
        await store.mark(kept.id, state=JobEnding.DONE.value)
        assert await store.answered()
        assert await store.unfinished() == []


async def test_a_change_right_after_the_row_is_not_lost(opened: Open) -> None:
    async with opened() as store:
        # Both are pending at once, and become one transaction.
        await asyncio.gather(
            store.add(record(1)), store.mark(record(1).id, state=JobEnding.DONE.value, ended=3.0)
        )
        found = await store.get(record(1).id)
        assert found is not None
        assert (found.state, found.ended) == (JobEnding.DONE.value, 3.0)


async def test_the_history_is_trimmed_and_unfinished_jobs_are_not(opened: Open) -> None:
    async with opened() as store:
        for number in range(1, 7):
            await store.add(record(number, state=JobEnding.DONE.value, ended=float(number)))
        await store.add(record(0))
        forgotten = await store.trim(most=3, older=5.0)
        assert sorted(forgotten) == [record(number).id for number in range(1, 5)]
        left = [await store.get(record(number).id) for number in range(7)]
        assert [one is not None for one in left] == [True] + [False] * 4 + [True] * 2
        assert await store.known([record(number).id for number in range(9)], since=5.0) == {
            record(number).id for number in (0, 5, 6)
        }


async def test_more_is_trimmed_than_one_statement_takes(opened: Open) -> None:
    many = 33_000  # PostgreSQL allows 32,767 values in a statement
    async with opened() as store:
        done = {"state": JobEnding.DONE.value, "ended": 1.0, "arguments": {}}
        await asyncio.gather(*(store.add(record(number, **done)) for number in range(many)))
        assert len(await store.trim(most=10, older=0.0)) == many - 10
        assert len(await store.trim(most=0, older=0.0)) == 10


async def test_a_full_history_of_nothing_is_trimmed(opened: Open) -> None:
    async with opened() as store:
        await store.add(record(1))
        assert await store.trim(most=0, older=9.0) == []


async def test_a_conversation_and_an_automation_come_back_as_they_were(opened: Open) -> None:
    automation = Automation(
        *("a1", "1", "2", "3", "word", "cat", "owner/name", "/run", "/run"),
        arguments={"prompt": "{text}"},
        answer="reply",
        due=5.0,
    )
    about = MessageRef(automation="a1", origin=77)
    async with opened() as store:
        await store.chats.add(conversation(1, used=1.0, history=[["a", "b"]]))
        await store.automations.add(automation)
        await store.add(record(1, message_ref=about))
        await store.chats.choose("9", ("owner/name", "/chat"))
    async with opened() as store:
        kept = await store.chats.get(conversation(1).id)
        assert kept is not None
        assert kept.history == [["a", "b"]]
        assert await store.chats.chosen() == {"9": ("owner/name", "/chat")}
        assert await store.automations.all() == [automation]
        assert await store.automations.recent_runs(10) == [("a1", 77, 1.0)]
        assert await store.chats.trim(older=2.0) == [kept.id]
        assert await store.chats.trim(older=2.0) == []


@pytest.mark.parametrize("bad", ["\ud83d", "nul \0 here", float("nan"), float("inf")])
async def test_what_no_database_takes_is_cleaned(opened: Open, bad: str | float) -> None:
    async with opened() as store:
        arguments = {"prompt": bad, "more": [{"deep": bad}], "emoji": "🎉"}
        await store.add(
            record(
                1,
                arguments=arguments,
                command=str(bad),
                message_ref=MessageRef(automation=str(bad)),
            )
        )
        found = await store.get(record(1).id)
        assert found is not None
        assert found.arguments["emoji"] == "🎉"
        text = found.command + str(found.arguments)
        assert "\0" not in text
        text.encode()
        # Such a row would break every search on PostgreSQL.
        assert await store.automations.recent_runs(10)


# As version 0.1 wrote it, with the keys in the same order.
STORED = {
    "application": 1111,
    "token": "aW50ZXJhY3Rpb24",
    "created": 1764230400.5,
    "user": 2222,
    "channel": 3333,
    "guild": 4444,
    "message": 5555,
    "thread": 5555,
    "private": False,
    "more": [6666, 7777],
    "origin": None,
    "automation": "",
    "file_limit": 52428800,
}


async def test_a_message_reference_of_an_earlier_version_is_read(opened: Open) -> None:
    async with opened() as store:
        # From an earlier version, from a later version, and two without a meaning.
        for number, stored in enumerate((STORED, {**STORED, "later": 1}, {"channel": 2}, {})):
            await store.add(record(number))
            table = sa.table("jobs", sa.column("id"), sa.column("place", sa.JSON))
            mine = table.c.id == record(number).id
            await store.execute(sa.update(table).where(mine).values(place=stored))
        records = [await store.get(one.id) for one in await store.unfinished()]
        found = [one.message_ref for one in records if one]
    whole = MessageRef(
        *(1111, "aW50ZXJhY3Rpb24", 1764230400.5, 2222, 3333, 4444, 5555, 5555, False),
        more=(6666, 7777),
        file_limit=50 << 20,
    )
    assert found == [whole, whole, MessageRef(channel=2), MessageRef()]
    assert found[0].messages == [(5555, None), (6666, 5555), (7777, 5555)]


async def test_a_message_reference_is_stored_as_before(opened: Open) -> None:
    """An earlier version can read it, where an owner goes back."""
    async with opened() as store:
        await store.add(record(1, message_ref=MessageRef.from_json(STORED)))
        await store.mark(record(1).id, state=RecordState.SENT)
        query = sa.select(sa.column("place", sa.JSON)).select_from(sa.table("jobs"))
        ((stored,),) = await store.rows(query)
    # What it does not know it leaves out.
    assert stored == {**STORED, "nsfw": False, "named": ""}


async def test_a_bad_row_costs_no_other_row_anything(opened: Open) -> None:
    async with opened() as store:
        rows = [record(number) for number in range(40)]
        rows[17] = record(17, arguments={"x": object()})
        rows[23] = record(23, state=None)
        ended = await asyncio.gather(*map(store.add, rows), return_exceptions=True)
        assert [number for number, one in enumerate(ended) if one] == [17, 23]
        assert all(isinstance(ended[number], StoreError) for number in (17, 23))
        assert len(await store.unfinished()) == 38
        assert store.trouble == ""


async def test_a_bad_statement_costs_only_itself(opened: Open) -> None:
    async with opened() as store:
        nothing: Any = None
        bad = {
            5: store.history.star("1", nothing),
            9: store.execute(sa.text("DELETE FROM nowhere")),
        }
        writes = [bad.get(one) or store.limits.count(f"{one}", "3", "1", 7, 1) for one in range(12)]
        ended = await asyncio.gather(*writes, return_exceptions=True)
        assert [number for number, one in enumerate(ended) if one] == [5, 9]
        # Each of the others is counted once, however often its batch was tried.
        assert await store.limits.used(7) == {("3", "1"): 10}
        assert store.trouble == ""


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_commit_whose_acknowledgement_is_lost_is_repeated(
    opened: Open, monkeypatch, lost: int
) -> None:
    """A stored row is known as stored, and so is its next change."""
    async with opened() as store:
        writer = store._writer
        assert writer is not None
        commit = writer._commit
        failures: list[int] = []

        async def commits(batch: Sequence[PendingWrite]) -> None:
            await commit(batch)
            if len(failures) < lost:
                failures.append(len(batch))
                raise ConnectionResetError

        monkeypatch.setattr(writer, "_commit", commits)
        of_what = ("daily", "09:00", "owner/name", "/run", "/name", {}, "reply")
        automation = Automation("cafe0001", "7", "2", "1", *of_what)
        writes = (
            store.add(record(1)),
            store.chats.add(conversation(1)),
            store.automations.add(automation),
            store.history.star("1", record(1).id),
            store.server_spaces.add(added(1), b"one"),
            store.limits.count(record(1).id, "3", "1", 7, 2),
            store.limits.count(record(2).id, "3", "1", 7, 1),
        )
        saved = await asyncio.gather(*map(store.saved, writes))
        assert failures == [len(writes)] * lost
        # The writer itself retries once.
        assert saved == [lost == 1] * len(writes)
        await store.mark(record(1).id, state=JobEnding.DONE.value)
        await store.chats.change(conversation(1).id, answer=["5"])
        await _works(store)
        assert store.is_saved(record(1).id)
    async with opened() as store:
        assert await store.get(record(1).id) == record(1, state=JobEnding.DONE.value)
        assert await store.unfinished() == []
        talk = await store.chats.get(conversation(1).id)
        assert talk is not None
        assert talk.answer == ["5"]
        assert await store.automations.all() == [automation]
        assert await store.history.stars("1") == {record(1).id}
        assert await store.server_spaces.of("7") == [added(1)]
        assert await store.limits.used(7) == {("3", "1"): 3}


async def test_a_repeated_commit_still_tells_who_runs_an_automation(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as store:
        writer = store._writer
        assert writer is not None
        commit, acknowledged = writer._commit, True

        async def commits(batch: Sequence[PendingWrite]) -> None:
            nonlocal acknowledged
            await commit(batch)
            acknowledged = not acknowledged
            if not acknowledged:
                raise ConnectionResetError

        of_what = ("daily", "09:00", "owner/name", "/run", "/name", {}, "reply")
        await store.automations.add(Automation("cafe0001", "7", "2", "1", *of_what, due=5.0))
        monkeypatch.setattr(writer, "_commit", commits)
        assert await store.automations.move_on("cafe0001", 5.0, 9.25)
        # Another process, which does not know that yet.
        assert not await store.automations.move_on("cafe0001", 5.0, 9.5)
        assert [one.due for one in await store.automations.all()] == [9.25]


async def test_a_restarted_database_costs_nobody_anything() -> None:
    server = Postgres()
    try:
        server.start()
        async with Store(server.url()) as store:
            await asyncio.gather(*(store.add(record(number)) for number in range(5)))
            await asyncio.gather(*(store.get(record(number).id) for number in range(5)))
            server.stop()
            server.start()
            # The pool's connections are all dead; neither a read nor a write notices.
            found = await asyncio.gather(*(store.get(record(number).id) for number in range(5)))
            assert all(found)
            server.stop()
            with pytest.raises(StoreError, match="cannot reach its database"):
                await store.add(record(6))
            with pytest.raises(StoreError, match="cannot reach its database"):
                await store.get(record(1).id)
            assert "database" in store.trouble
            server.start()
            await store.add(record(7))
            assert store.trouble == ""
    finally:
        server.close()


async def test_rows_missed_in_an_outage_are_readable_and_written_after_it() -> None:
    server = Postgres()
    try:
        server.start()
        async with Store(server.url()) as store:
            await store.add(record(1))
            await store.chats.add(conversation(1))
            server.stop()
            unsaved = (
                store.add(record(2)),
                store.mark(record(2).id, state=RecordState.SENT, result=["a"]),
                store.mark(record(1).id, state=JobEnding.DONE.value),
                store.chats.change(conversation(1).id, answer=["5"]),
                store.chats.add(conversation(2, history=[["a", "b"]])),
            )
            assert [await store.saved(one) for one in unsaved] == [False] * 5
            # New conversations are in memory, and so is the one used last.
            found = await store.get(record(2).id)
            assert found == record(2, state=RecordState.SENT, result=["a"])
            talk = await store.chats.get(conversation(1).id)
            assert talk is not None
            assert talk.answer == ["5"]
            assert not store.is_saved(record(1).id)
            server.start()
            await store.add(record(3))
            await _works(store)
            assert store.is_saved(record(2).id)
        async with Store(server.url()) as store:
            assert await store.get(record(2).id) == found
            left = [await store.get(one.id) for one in await store.unfinished()]
            assert [one and one.state for one in left] == ["sent", "waiting"]
            for number, answer in ((1, ["5"]), (2, [])):
                talk = await store.chats.get(conversation(number).id)
                assert talk is not None
                assert talk.answer == answer
    finally:
        server.close()


async def _works(store: Store) -> None:
    """Wait until the store has written everything that the database refused before."""
    async with asyncio.timeout(30):
        while store.trouble or list(store._unsaved):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_rows_that_the_database_never_accepts_are_bounded(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("spacebot.engine.store.unsaved.MAX_UNSAVED_ROWS", 3)
    async with Store.in_folder(tmp_path) as store:
        for number in range(5):
            bad = record(number, arguments={"x": object()})
            assert not await store.saved(store.add(bad))
        kept = [await store.get(record(number).id) is not None for number in range(5)]
        assert kept == [False, False, True, True, True]
        # A corrected row is written in full.
        await store.mark(record(4).id, arguments={"x": 1})
        assert [one.id for one in await store.unfinished()] == [record(4).id]
        assert await store.get(record(4).id) == record(4, arguments={"x": 1})


async def test_conversations_that_were_used_last_are_read_from_memory(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("spacebot.engine.store.conversations.MAX_RECENT", 2)
    async with Store.in_folder(tmp_path) as store:
        for number in range(3):
            await store.chats.add(conversation(number))
        # A row that is not in memory is read before it is changed.
        await store.chats.change(conversation(0).id, answer=["7"])

        async def fails(_: Any) -> Any:
            raise StoreError("out of reach")

        monkeypatch.setattr(store, "_read", fails)
        found = [await store.chats.get(conversation(number).id) for number in (0, 2)]
        assert [one and one.answer for one in found] == [["7"], ()]
        with pytest.raises(StoreError):
            await store.chats.get(conversation(1).id)


async def test_a_row_that_cannot_be_read_is_told_in_words(tmp_path: Path) -> None:
    async with Store.in_folder(tmp_path) as store:
        await store.add(record(1))
        with sqlite3.connect(tmp_path / "spacebot.db", timeout=30) as other:
            other.execute("UPDATE jobs SET given = '{'")
        with pytest.raises(StoreError, match="could not read what it had saved"):
            await store.get(record(1).id)
        # It hides nothing that a restart looks for.
        assert [one.id for one in await store.unfinished()] == [record(1).id]


async def test_a_database_of_a_later_version_is_left_alone(opened: Open) -> None:
    async with opened() as store:
        await store.execute(schema_version.update().values(version=999))
    with pytest.raises(NewerDatabase, match="later version of Spacebot"):
        async with opened():
            pass
    engine = opened()._engine
    async with engine.connect() as connection:
        assert (await connection.execute(sa.select(schema_version.c.version))).scalar() == 999
    await engine.dispose()


async def test_two_processes_migrate_one_database(postgres: Postgres) -> None:
    url = await postgres.create(f"test-{uuid.uuid4().hex}")

    async def once() -> None:
        async with Store(url):
            pass

    await asyncio.gather(*(once() for _ in range(4)))


async def test_a_full_disk_is_told_and_passes(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 2) as folder:
        async with Store.in_folder(folder) as store:
            await store.add(record(1))
            filling = fill(folder)
            large = {"prompt": "x" * 200_000}
            ended = await asyncio.gather(
                *(store.add(record(number, arguments=large)) for number in (2, 3)),
                return_exceptions=True,
            )
            assert all(isinstance(one, StoreError) for one in ended)
            assert "disk is full" in str(ended[0])
            assert "disk is full" in store.trouble
            # Reads still work.
            assert await store.get(record(1).id) is not None
            filling.unlink()
            # Noticed without any write.
            async with asyncio.timeout(30):
                while store.trouble:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await store.add(record(4, arguments=large))
            assert await store.get(record(4).id) is not None


async def test_a_store_that_fails_is_logged_once(tmp_path: Path, caplog) -> None:
    with disk(tmp_path / "disk", 2) as folder:
        async with Store.in_folder(folder) as store:
            fill(folder)
            for number in range(20):
                assert not await store.saved(store.add(record(number, arguments={"x": "y" * 9000})))
    logged = [one.message for one in caplog.records if one.levelname == "ERROR"]
    assert len(logged) == 1, logged
    assert "disk is full" in logged[0]
    assert "yyy" not in logged[0]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("alone", [False, True])
async def test_nobody_else_can_read_the_database(tmp_path: Path, alone: bool) -> None:
    before = os.umask(0o022)
    try:
        async with Store.in_folder(tmp_path / "data", alone=alone) as store:
            await store.add(record(1))
            files = {path.name: _mode(path) for path in (tmp_path / "data").iterdir()}
        assert _mode(tmp_path / "data") == 0o700
        assert set(files.values()) == {0o600}, files
        assert len(files) == (1 if alone else 3) or alone
    finally:
        os.umask(before)


@pytest.mark.parametrize("old", [False, True])
async def test_the_file_shrinks_after_a_trim(tmp_path: Path, old: bool) -> None:
    path = tmp_path / "spacebot.db"
    if old:
        # As earlier versions created it: free pages stay in the file.
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA auto_vacuum=NONE")
            connection.execute("CREATE TABLE before (x)")
    async with Store.in_folder(tmp_path) as store:
        for start in range(0, 2000, 500):
            numbers = range(start, start + 500)
            ended = {"state": JobEnding.DONE.value, "ended": 1.0, "result": ["x" * 5000]}
            await asyncio.gather(*(store.add(record(number, **ended)) for number in numbers))
        await store.trim(most=100, older=0.0)
    with sqlite3.connect(path) as connection:
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    assert free == 0
    assert path.stat().st_size < 2_000_000  # of ten


async def test_a_database_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "spacebot.db", timeout=30) as old:
        old.executescript(
            """
            CREATE TABLE jobs (
                id VARCHAR(12) NOT NULL PRIMARY KEY, space TEXT NOT NULL, api_name TEXT NOT NULL,
                command TEXT NOT NULL, user TEXT NOT NULL, mention TEXT NOT NULL,
                state VARCHAR(12) NOT NULL, given JSON NOT NULL, place JSON NOT NULL, result JSON,
                conversation TEXT, created FLOAT NOT NULL, ended FLOAT);
            CREATE INDEX ix_jobs_created ON jobs (created);
            CREATE TABLE schema_version (version INTEGER);
            INSERT INTO schema_version VALUES (1);
            INSERT INTO jobs VALUES ('000000000001', 'owner/name', '/run', '/name', '1', '<@1>',
                'sent', '{"prompt": "a cat"}', '{"channel": 2}', NULL, NULL, 1.0, NULL);
            """
        )
    async with Store.in_folder(tmp_path) as store:
        assert await store.get(record(1).id) == record(1, state=RecordState.SENT)
        await store.mark(record(1).id, state=JobEnding.DONE.value, message="9")
    # Opening it again repeats nothing.
    async with Store.in_folder(tmp_path) as store:
        found = await store.get(record(1).id)
        assert found is not None
        assert found.message == "9"


async def test_a_job_of_compare_from_an_earlier_version_is_found_by_its_command(
    opened: Open,
) -> None:
    async with opened() as store:
        await store.add(record(1, space="", api_name="/compare", command="/compare"))
        await store.add(record(2))
        await store.execute(schema_version.update().values(version=6))
    async with opened() as store:
        found = [await store.get(record(number).id) for number in (1, 2)]
        assert [one and one.space for one in found] == ["compare", "owner/name"]


async def test_an_account_takes_the_place_of_the_one_before(opened: Open) -> None:
    first = AccountRecord("user:1", "ada", "read", "1", "sealed-1", created=1.0)
    async with opened() as store:
        kept = store.accounts
        await kept.put(first)
        await kept.put(AccountRecord("guild:2", "lab", "fineGrained", "1", "sealed-2"))
        second = replace(first, sealed="sealed-3")
        await kept.put(second)
        # Sealed again meanwhile: the value read before does not overwrite it.
        await kept.reseal(first, "sealed-4")
        assert await kept.get("user:1") == second
        assert [one.key for one in await kept.after("")] == ["guild:2", "user:1"]
        assert [one.key for one in await kept.after("guild:2")] == ["user:1"]
        await kept.delete("user:1")
    async with opened() as store:
        assert await store.accounts.get("user:1") is None
