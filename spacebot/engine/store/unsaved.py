"""What the database has not accepted, held in memory until it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

# How many rows are held; then the oldest ones are dropped.
MAX_UNSAVED_ROWS = 1000

# A row, by its table and its id.
RowKey = tuple[sa.Table, str]


@dataclass(frozen=True, slots=True)
class UnsavedRow:
    """Columns that the database lacks: all of them for a `new` row."""

    values: Mapping[str, Any]
    new: bool


class UnsavedRows:
    """The rows that could not be written.

    They are read from here, and written again with their next change or once the database works
    again; a restart loses them.
    """

    def __init__(self) -> None:
        self._rows: dict[RowKey, UnsavedRow] = {}

    def __iter__(self) -> Iterator[RowKey]:
        return iter(tuple(self._rows))

    def find(self, key: RowKey) -> UnsavedRow | None:
        """What is held of a row."""
        return self._rows.get(key)

    def new(self, table: sa.Table) -> list[Mapping[str, Any]]:
        """The rows that are missing from the database, oldest first."""
        return [row.values for (of, _), row in self._rows.items() if row.new and of is table]

    def hold(self, key: RowKey, values: Mapping[str, Any], *, new: bool) -> None:
        """Hold what could not be written, together with what was held before."""
        before = self._rows.pop(key, UnsavedRow({}, new))
        self._rows[key] = UnsavedRow({**before.values, **values}, before.new)
        if len(self._rows) > MAX_UNSAVED_ROWS:
            del self._rows[next(iter(self._rows))]

    def release(self, key: RowKey) -> None:
        """Drop a row that was written in full."""
        self._rows.pop(key, None)
