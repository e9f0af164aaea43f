"""The messages of conversations, migrated from their former table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from spacebot.engine.store import Conversation, RecordState, Store, StoreError
from spacebot.models import ChatTurn, File, JobEnding, MessageRef
from tests.support.old_schema import take_back

TALK = Conversation("c" * 12, "o/n", "/chat", "/falcon", "1", "<@1>", "22", "f" * 32, guild="33")
FILE = File("a.png", Path("/uploads/1/0/a.png"), size=3, folder=Path("/uploads/1/0"))


def turn(number: int, **changed: Any) -> dict[str, Any]:
    """A row as version 13 had it."""
    row = {
        "job": f"{number:012x}",
        "conversation": TALK.id,
        "user": "1",
        "mention": "<@1>",
        "name": "Ada",
        "message": "44",
        "text": "hello",
        "files": [],
        "state": "done",
        "answer": "**yo**",
        "answer_files": [],
        "created": float(number),
    }
    return row | changed


async def test_earlier_questions_are_migrated_in_full(opened: Callable[[], Store]) -> None:
    async with opened() as store:
        await store.chats.add(TALK)
        await take_back(
            store,
            turn(1, files=[{"file": FILE.to_json()}], answer_files=["b.png"]),
            turn(2, state="stopped", message=None),
            turn(3, state="failed", answer="", files=[{"strange": 1}]),
            turn(4, state="lost", answer=""),
            turn(5, state="sent", answer=""),
            turn(6, state="waiting", answer="", text="äöü 🎉 'quoted'"),
            turn(7, conversation="d" * 12),
        )
    async with opened() as store:
        said = await store.said(TALK.id)
        assert [one.state for one in said] == [
            *(JobEnding.DONE, JobEnding.CANCELLED, JobEnding.FAILED, JobEnding.LOST),
            *(RecordState.SENT, RecordState.WAITING),
        ]
        assert [one.is_answered for one in said] == [True, True] + [False] * 4
        first, second, third, *_, last = said
        assert first.turn == ChatTurn("Ada", "hello", [FILE], "**yo**", ["b.png"])
        assert first.message_ref == MessageRef(created=1.0, user=1, channel=22, guild=33, origin=44)
        about = (first.space, first.api_name, first.command, first.user, first.mention)
        assert about == ("o/n", "/chat", "/falcon", "1", "<@1>")
        assert (first.created, first.ended, last.ended) == (1.0, 1.0, None)
        assert second.message_ref.origin is None
        assert third.turn == ChatTurn("Ada", "hello", [], answer_files=[])
        assert last.turn == ChatTurn("Ada", "äöü 🎉 'quoted'", [], answer_files=[])
        assert [one.id for one in await store.unfinished()] == [said[4].id, said[5].id]
        # Messages that belong to no conversation can be found by their author.
        (orphan,) = await store.said("d" * 12)
        assert (orphan.state, orphan.turn and orphan.turn.answer) == ("done", "**yo**")
        # Nothing of an open conversation is trimmed, however old it is.
        assert await store.trim(most=0, older=1e12) == [orphan.id]
        assert await store.chats.trim(older=1e12) == [TALK.id]
        assert len(await store.trim(most=0, older=1e12)) == 4
    async with opened() as store:
        assert len(await store.said(TALK.id)) == 2
        with pytest.raises(StoreError):
            await store.rows(sa.select(sa.column("job")).select_from(sa.table("turns")))


async def test_more_rows_than_one_statement_takes_are_taken_over(
    opened: Callable[[], Store],
) -> None:
    async with opened() as store:
        await store.chats.add(TALK)
        await take_back(store, *(turn(number) for number in range(1, 1203)))
    async with opened() as store:
        assert len(await store.said(TALK.id)) == 1202


async def test_a_database_that_never_had_conversations(tmp_path: Path) -> None:
    async with Store.in_folder(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "spacebot.db") as old:
        old.executescript("UPDATE schema_version SET version = 4; DROP INDEX ix_jobs_chat;")
    async with Store.in_folder(tmp_path) as store:
        assert await store.said(TALK.id) == []


async def test_the_counts_of_a_day_are_taken_over(opened: Callable[[], Store]) -> None:
    async with opened() as store:
        for statement in (
            "DROP TABLE counted_jobs",
            'CREATE TABLE job_counts (guild TEXT, "user" TEXT, day INTEGER, jobs INTEGER)',
            "INSERT INTO job_counts VALUES ('3', '1', 7, 4), ('3', '2', 7, 1), ('3', '1', 8, 2)",
            "UPDATE schema_version SET version = 17",
        ):
            await store.execute(sa.text(statement))
    async with opened() as store:
        await store.limits.count("a" * 12, "3", "1", 7, 1)
        assert await store.limits.used(7) == {("3", "1"): 5, ("3", "2"): 1}
        assert await store.limits.used(8) == {("3", "1"): 2}


async def test_a_database_of_version_12_loses_nothing(tmp_path: Path) -> None:
    """Made by Spacebot when its schema was 12: jobs, a star, a conversation and its questions."""
    sql = Path(__file__).with_name("version_12.sql").read_text(encoding="utf-8")
    with sqlite3.connect(tmp_path / "spacebot.db") as old:
        old.executescript(sql)
    async with Store.in_folder(tmp_path) as store:
        done, sent = await store.get("a" * 12), await store.get("b" * 12)
        assert done
        assert (done.arguments, done.result) == ({"text": "a cat"}, ["x"])
        assert sent
        assert (sent.state, sent.turn) == ("sent", None)
        assert await store.history.stars("1") == {"a" * 12}
        assert await store.chats.chosen() == {"22": ("o/n", "/chat")}
        talk = await store.chats.get("c" * 12)
        assert talk
        assert talk.answer == ["78"]
        said = await store.said("c" * 12)
        states = ["done", "cancelled", "failed", "lost", "sent", "waiting"]
        assert [one.state for one in said] == states
        turns = [one.turn for one in said if one.turn]
        assert [one.text for one in turns] == [f"it's {number} 🎉" for number in range(1, 7)]
        assert [one.answer for one in turns] == ["**yo**", "half", "", "", "", ""]
        assert (turns[0].files[0].name, turns[0].answer_files) == ("a.png", ["b.png"])
        assert [one.message_ref.origin for one in said] == list(range(81, 87))
        (orphan,) = await store.said("d" * 12)
        assert (orphan.state, orphan.turn and orphan.turn.text) == ("lost", "of no conversation")
        left = {one.id for one in await store.unfinished()}
        assert left == {"b" * 12, said[4].id, said[5].id}
        past = await store.history.of("1", 33)
        assert [one.said for one in past if one.said] == [t.text for t in reversed(turns)]
