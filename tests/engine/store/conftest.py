"""Stores for the tests: each test of the store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from spacebot.engine.store import Store
from tests.support.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Returns an unopened store of the same database each time."""
    if request.param == "sqlite":
        return lambda: Store.in_folder(tmp_path)
    server: Postgres = request.getfixturevalue("postgres")
    url = await server.create(f"test-{uuid.uuid4().hex}")
    return lambda: Store(url)
