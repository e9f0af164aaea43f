"""The store: what is written outlives a kill, what cannot be written says so, and old ones open."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from spacebot.store import Record, State, Store, StoreError


def record(number: int, **changed: object) -> Record:
    """A kept job."""
    about = {
        "id": f"{number:012x}",
        "space": "owner/name",
        "api_name": "/run",
        "command": "/name",
        "user": "1",
        "mention": "<@1>",
        "state": State.WAITING,
        "given": {"prompt": "a cat"},
        "place": {"channel": 2},
        "created": float(number),
    }
    return Record(**(about | changed))  # type: ignore[arg-type]


async def test_what_is_written_is_there_for_another_process(tmp_path: Path) -> None:
    async with Store.in_folder(tmp_path) as store:
        await asyncio.gather(*(store.add(record(number)) for number in range(200)))
        await asyncio.gather(
            *(store.mark(f"{number:012x}", state=State.SENT) for number in range(100))
        )
        # Read past the store, while it is open: so a process finds it after a SIGKILL.
        with sqlite3.connect(tmp_path / "spacebot.db") as other:
            states = dict(other.execute("SELECT state, count(*) FROM jobs GROUP BY state"))
    assert states == {State.SENT: 100, State.WAITING: 100}


async def test_a_job_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = record(7, result=["a", {"b": None}], conversation="c", message="5")
    async with Store.in_folder(tmp_path) as store:
        await store.add(kept)
    async with Store.in_folder(tmp_path) as store:
        assert await store.get(kept.id) == kept
        assert await store.get("nothing") is None
        assert await store.unfinished() == [kept]


async def test_a_change_right_after_the_row_is_not_lost(tmp_path: Path) -> None:
    async with Store.in_folder(tmp_path) as store:
        # Both are pending at once, and become one transaction.
        await asyncio.gather(
            store.add(record(1)), store.mark(record(1).id, state=State.DONE, ended=3.0)
        )
        found = await store.get(record(1).id)
        assert found is not None
        assert (found.state, found.ended) == (State.DONE, 3.0)


async def test_the_history_is_trimmed_and_unfinished_jobs_are_not(tmp_path: Path) -> None:
    async with Store.in_folder(tmp_path) as store:
        for number in range(1, 7):
            await store.add(record(number, state=State.DONE, ended=float(number)))
        await store.add(record(0))
        forgotten = await store.trim(most=3, older=5.0)
        assert sorted(forgotten) == [record(number).id for number in range(1, 5)]
        left = [await store.get(record(number).id) for number in range(7)]
        assert [one is not None for one in left] == [True] + [False] * 4 + [True] * 2


async def test_a_full_disk_is_told_and_passes(tmp_path: Path) -> None:
    async with Store.in_folder(tmp_path) as store:
        await store.add(record(1))
        assert store._engine is not None
        async with store._engine.connect() as connection:
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()
            await connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        with pytest.raises(StoreError) as caught:
            await store.add(record(2, given={"prompt": "x" * 200_000}))
        assert "full" in str(caught.value.__cause__)
        # The disk has room again: the same store goes on.
        async with store._engine.connect() as connection:
            await connection.exec_driver_sql("PRAGMA max_page_count=1000000")
        await store.add(record(3, given={"prompt": "x" * 200_000}))
        assert await store.get(record(3).id) is not None


async def test_what_is_no_json_costs_its_own_batch_alone(tmp_path: Path) -> None:
    async with Store.in_folder(tmp_path) as store:
        with pytest.raises(StoreError):
            await store.add(record(1, given={"x": object()}))
        await store.add(record(2))
        assert [one.id for one in await store.unfinished()] == [record(2).id]


async def test_a_database_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "spacebot.db") as old:
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
        assert await store.unfinished() == [record(1, state=State.SENT)]
        await store.mark(record(1).id, state=State.DONE, message="9")
    # Opened again, nothing is done twice.
    async with Store.in_folder(tmp_path) as store:
        found = await store.get(record(1).id)
        assert found is not None
        assert found.message == "9"
