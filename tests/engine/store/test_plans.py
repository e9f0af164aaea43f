"""No call of the store scans a big table, and this file covers every call."""

from __future__ import annotations

from collections.abc import Callable

from spacebot.engine.store import Store
from spacebot.engine.store.batches import MIN_ROWS, TARGET_SECONDS, next_batch
from spacebot.engine.store.tables import BATCH_ROWS
from tests.support.store_calls import WALKS, calls, explain, public_calls, recorded

NOW = 1_800_000_000.0


async def test_no_call_of_the_store_reads_a_big_table_whole(opened: Callable[[], Store]) -> None:
    scans: dict[str, list[str]] = {}
    async with opened() as store:
        assert {name.split()[0] for name in calls(NOW)} == public_calls(store)
        for name, call in calls(NOW).items():
            with recorded(store._engine.sync_engine) as asked:
                await call(store)
            for one in asked.values():
                found = (await explain(store, one, prefer_indexes=True)).scans
                if found and name not in WALKS:
                    scans[name] = found
    assert not scans


def test_a_batch_has_as_many_rows_as_others_may_wait_for() -> None:
    assert next_batch(100, TARGET_SECONDS) == 100
    assert next_batch(100, 10 * TARGET_SECONDS) == 10
    assert next_batch(10, 100 * TARGET_SECONDS) == MIN_ROWS
    # One quick batch says little about the next.
    assert next_batch(100, 0.0) == 200
    assert next_batch(BATCH_ROWS, 0.0) == BATCH_ROWS
