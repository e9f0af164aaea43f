"""What the parts of the store share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from spacebot.engine.store.upsert import upsert


class Database(Protocol):
    """What the parts ask of the store; its methods raise `StoreError`."""

    @property
    def dialect(self) -> str: ...

    async def rows(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[sa.Row[Any]]: ...

    async def row(self, table: sa.Table, key: str) -> dict[str, Any] | None: ...

    async def execute(
        self, statement: sa.Executable, rows: Sequence[dict[str, Any]] = ()
    ) -> int: ...

    async def write(
        self, table: sa.Table, key: str, values: Mapping[str, Any], *, new: bool = False
    ) -> None: ...


class StorePart:
    """A part of the store with tables of its own."""

    def __init__(self, database: Database) -> None:
        self._rows = database.rows
        self._execute = database.execute
        self._dialect = database.dialect

    async def _put(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        """Write a row at once, replacing the row with the same primary key."""
        await self._execute(upsert(self._dialect, table, row).values(**row))
