"""What the parts of the store share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Rows = Callable[[sa.Select[*tuple[Any, ...]]], Awaitable[Sequence[sa.Row[Any]]]]
Execute = Callable[..., Awaitable[None]]


class StorePart:
    """A part of the store with tables of its own. `rows` and `execute` are the store's."""

    def __init__(self, rows: Rows, execute: Execute, dialect: str) -> None:
        self._rows = rows
        self._execute = execute
        # SQLAlchemy has "insert, or update what is there" for each database alone.
        self._insert = postgresql.insert if dialect == "postgresql" else sqlite.insert

    async def _put(self, table: sa.Table, row: Mapping[str, Any]) -> None:
        """Write a row in the place of the one with the same primary key, at once."""
        insert = self._insert(table).values(**row)
        key = [column.name for column in table.primary_key]
        await self._execute(insert.on_conflict_do_update(index_elements=key, set_=dict(row)))
