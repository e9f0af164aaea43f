"""INSERT … ON CONFLICT, which SQLAlchemy has for each database separately."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    dialect: str, table: sa.Table, columns: Iterable[str]
) -> postgresql.Insert | sqlite.Insert:
    """An INSERT of these columns that replaces the row with the same primary key.

    It can be repeated: if a connection breaks during a COMMIT, nobody knows whether the row is
    there.
    """
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    key = [column.name for column in table.primary_key]
    values = {column: insert.excluded[column] for column in columns}
    return insert.on_conflict_do_update(index_elements=key, set_=values)
