"""How long the background thread takes to stop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from spacebot.engine.cluster.cluster import IDENTIFY_INTERVAL
from spacebot.models import Source
from spacebot.runtime import Runtime, longest_stop
from spacebot.settings import Settings

SHARED = {"DATABASE_URL": "postgresql+asyncpg://spacebot@db/spacebot"}


def test_a_process_that_shares_its_shards_has_time_to_leave_the_others() -> None:
    alone, shared = map(longest_stop, map(Settings.from_environ, ({}, SHARED)))
    # The turn of the shard that identified last ends first.
    assert shared > alone + IDENTIFY_INTERVAL


async def test_interactions_and_jobs_share_one_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacebot.runtime.TELL_SECONDS", 0.2)
    runtime = Runtime(Settings.from_environ({"DATA_DIR": str(tmp_path)}), [Source("demo/space")])
    runtime._bot = Mock(answered=asyncio.sleep)
    runtime._stop.set()
    jobs = Mock(close=AsyncMock(), drained=AsyncMock(), trim=AsyncMock())
    await runtime._until_stopped(jobs)
    (left,) = jobs.drained.await_args.args
    assert left <= 0.01
