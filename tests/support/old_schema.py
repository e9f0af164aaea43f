"""A database with version 13 of the schema: messages were in a table of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from spacebot.engine.store import JobRecord, Store
from spacebot.models import JobEnding

BEFORE = (
    "DROP INDEX ix_jobs_chat",
    "ALTER TABLE jobs DROP COLUMN chat",
    "ALTER TABLE jobs DROP COLUMN turn",
    """
    CREATE TABLE turns (
        job VARCHAR(12) NOT NULL PRIMARY KEY, conversation VARCHAR(12) NOT NULL,
        "user" TEXT NOT NULL, mention TEXT NOT NULL, name TEXT NOT NULL, message TEXT,
        text TEXT NOT NULL, files JSON NOT NULL, state VARCHAR(12) NOT NULL,
        answer TEXT NOT NULL, answer_files JSON NOT NULL, created FLOAT NOT NULL)
    """,
    "CREATE INDEX ix_turns_conversation ON turns (conversation)",
    "UPDATE schema_version SET version = 13",
)
COLUMNS = (
    *("job", "conversation", "user", "mention", "name", "message", "text"),
    *("files", "state", "answer", "answer_files", "created"),
)
JSON_COLUMNS = ("files", "answer_files")
STATES = {JobEnding.CANCELLED.value: "stopped"}


async def take_back(store: Store, *turns: dict[str, Any]) -> None:
    """Turn a database back, with these rows in the former table."""
    for statement in BEFORE:
        await store.execute(sa.text(statement))
    table = sa.table("turns", *map(sa.column, COLUMNS))
    for turn in turns:
        # JSON as stored in the database.
        files = {name: sa.literal_column(f"'{json.dumps(turn[name])}'") for name in JSON_COLUMNS}
        await store.execute(table.insert().values({**turn, **files}))


def as_turns(records: Sequence[JobRecord]) -> list[dict[str, Any]]:
    """Questions as they were stored before."""
    return [
        {
            "job": one.id,
            "conversation": one.chat,
            "user": one.user,
            "mention": one.mention,
            "name": one.turn.name,
            "message": str(one.message_ref.origin) if one.message_ref.origin else None,
            "text": one.turn.text,
            "files": [{"file": file.to_json()} for file in one.turn.files],
            "state": STATES.get(one.state, one.state),
            "answer": one.turn.answer,
            "answer_files": list(one.turn.answer_files),
            "created": one.created,
        }
        for one in records
        if one.turn
    ]
