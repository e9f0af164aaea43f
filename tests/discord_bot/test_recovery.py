"""After a restart: one recovery for commands, automations and conversations."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from pathlib import Path
from typing import Any

import pytest

from spacebot.discord_bot.conversations.conversations import CONVERSATION_ENDED
from spacebot.engine.jobs import JobLimits
from spacebot.engine.store import RecordState, Store, StoreError
from spacebot.models import JobEnding, Source
from tests.support.asking import is_final, until
from tests.support.bot_in_loop import at_home
from tests.support.conversations import answer, lab, opened, spoken
from tests.support.old_schema import as_turns, take_back
from tests.support.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest) -> str:
    """A value of DATABASE_URL; empty for the file in DATA_DIR."""
    if request.param == "sqlite":
        return ""
    server: Postgres = request.getfixturevalue("postgres")
    return await server.create(f"test-{uuid.uuid4().hex}")


async def test_questions_of_an_earlier_version_are_recovered(
    served, tmp_path: Path, database: str
) -> None:
    source = Source(served("parrot"), name="parrot")
    async with lab(tmp_path, database=database, parrot=source.space) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("slowly count the many stars", channel=thread)
        waits = it.ada.say("this one waits", channel=thread)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 60)
        store = it.home.jobs.store
        chat = (await store.chats.places())[0][0]
        async with asyncio.timeout(60):
            while [one.state for one in await store.said(chat)] != ["done", "sent", "waiting"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        left = as_turns(await store.said(chat))
        await it.home.bot.close()
        async with Store(database) if database else Store.in_folder(tmp_path) as before:
            for one in await before.said(chat):
                await before.forget(one.id)
            await take_back(before, *left)
        async with at_home(it.server, source, folder=tmp_path, database=database) as home:
            # The Space itself holds this conversation, so the running question is lost.
            await thread.wait(lambda p: any("restarted" in m.content for m in spoken(p)), 60)
            said = await answer(thread, "“this one waits”", 60)
            assert said.reference is waits
            async with asyncio.timeout(60):
                while await home.jobs.store.unfinished():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            states = [one.state for one in await home.jobs.store.said(chat)]
            assert states == [JobEnding.DONE, JobEnding.LOST, JobEnding.DONE]


async def test_a_row_that_cannot_be_read_costs_no_other_row_anything(
    served, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, limits = Source(served("fast"), name="fast"), JobLimits(per_space=1)
    async with lab(tmp_path, fast=source.space) as it:
        await it.home.bot.close()
        async with at_home(it.server, source, folder=tmp_path, limits=limits, killed=True) as home:
            first = await it.ada.command("fast sleep", seconds=30, channel=it.channel)
            await until(first, "Working")
            waiting = await it.ben.command("fast echo", text="hi", channel=it.channel)
            await until(waiting, "In line here")
            sent, kept = (one.job.id for one in home.jobs.running)
        with sqlite3.connect(tmp_path / "spacebot.db", timeout=30) as other:
            other.execute("UPDATE jobs SET given = '{' WHERE id = ?", (sent,))
        async with at_home(it.server, source, folder=tmp_path, limits=limits) as home:
            await waiting.wait(is_final, 60)
            assert waiting.message
            assert "hi" in waiting.message.content
            async with asyncio.timeout(60):
                while await home.jobs.store.unfinished():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        logged = [one.message for one in caplog.records if "could not be recovered" in one.message]
        assert logged == [f"job {sent} could not be recovered"]
        with sqlite3.connect(tmp_path / "spacebot.db", timeout=30) as other:
            states = dict(other.execute("SELECT id, state FROM jobs"))
        assert states == {sent: JobEnding.LOST, kept: JobEnding.DONE}


async def test_what_was_left_waits_for_a_database_that_fails(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacebot.discord_bot.recovery.RETRY_PAUSE", 0.05)
    source, limits = Source(served("fast"), name="fast"), JobLimits(per_space=1)
    async with lab(tmp_path, fast=source.space) as it:
        await it.home.bot.close()
        async with at_home(it.server, source, folder=tmp_path, limits=limits, killed=True):
            first = await it.ada.command("fast sleep", seconds=30, channel=it.channel)
            await until(first, "Working")
            waiting = await it.ben.command("fast echo", text="hi", channel=it.channel)
            await until(waiting, "In line here")
        failed: list[str] = []
        for name in ("unfinished", "get"):
            real = getattr(Store, name)

            async def fails(*args: Any, real: Any = real, name: str = name) -> Any:
                if failed.count(name) < 2:
                    failed.append(name)
                    raise StoreError("The bot cannot reach its database. Try again in a minute.")
                return await real(*args)

            monkeypatch.setattr(Store, name, fails)
        async with at_home(it.server, source, folder=tmp_path, limits=limits):
            await asyncio.gather(first.wait(is_final, 60), waiting.wait(is_final, 60))
            assert first.message
            assert "the result is lost" in first.message.content
            assert waiting.message
            assert "hi" in waiting.message.content
        assert failed == ["unfinished"] * 2 + ["get"] * 2


async def test_a_question_whose_conversation_is_gone_is_told_so(served, tmp_path: Path) -> None:
    source = Source(served("parrot"), name="parrot")
    async with lab(tmp_path, parrot=source.space) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("slowly count the many stars", channel=thread)
        waits = it.ada.say("this one waits", channel=thread)
        store = it.home.jobs.store
        async with asyncio.timeout(60):
            while len(await store.unfinished()) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await it.home.bot.close()
        with sqlite3.connect(tmp_path / "spacebot.db", timeout=30) as other:
            other.execute("DELETE FROM conversations")
            other.execute("UPDATE jobs SET state = ? WHERE state = 'sent'", (RecordState.WAITING,))
        async with at_home(it.server, source, folder=tmp_path) as home:
            told = CONVERSATION_ENDED.format(command="/parrot")
            await thread.wait(lambda p: [told in m.content for m in spoken(p)].count(True) == 2, 60)
            assert spoken(thread)[-1].reference is waits
            async with asyncio.timeout(60):
                while await home.jobs.store.unfinished():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
