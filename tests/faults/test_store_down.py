"""A database that stops or fails while people talk: everyone gets an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cachetools import LRUCache

from spacebot.discord_bot.supervisor import diagnose
from spacebot.errors import StoreError
from spacebot.models import BotPhase, BotProblem
from tests.faults.counting import settled
from tests.support.conversations import LAST, Lab, answer, lab, opened, spoken
from tests.support.postgres import Postgres

UNSAVED = "could not save this"
UNREACHABLE = "The bot cannot reach its database. Try again in a minute."


async def test_a_database_that_is_stopped_in_a_conversation(served, tmp_path: Path):
    server = Postgres()
    try:
        server.start()
        async with lab(tmp_path, database=server.url(), falcon=served("falcon")) as it:
            thread = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
            server.stop()
            it.ada.say("what is my name?", channel=thread)
            said = await answer(thread, "Your name is Ada.")
            assert UNSAVED in said.content
            # A new conversation, by mention: its chat is in memory.
            mention = it.ada.say(f"<@{it.server.bot.id}> my name is Eve", channel=it.channel)
            await it.channel.wait(lambda _: mention.thread, 10)
            assert mention.thread is not None
            assert UNSAVED in (await answer(mention.thread, "Nice to meet you, Eve")).content
            asked = await it.ben.command("falcon", channel=mention.thread, message="who?")
            await asked.wait(lambda one: one.message, 10)
            server.start()
            await _works(it)
            it.ada.say("what is my name?", channel=mention.thread)
            await mention.thread.wait(lambda place: UNSAVED not in spoken(place)[-1].content, 20)
            await answer(mention.thread, "Your name is Eve.")
            await settled(it.home)
            assert not list(it.home.jobs.store._unsaved)
    finally:
        server.close()


async def _works(it: Lab) -> None:
    async with asyncio.timeout(30):
        while it.home.jobs.store.trouble:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_store_whose_reads_fail(served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
        other = await opened(it.ben, "falcon", it.channel, message="my name is Ben")
        store = it.home.jobs.store

        async def fails(_: Any) -> Any:
            raise StoreError(UNREACHABLE)

        monkeypatch.setattr(store, "_read", fails)
        it.ada.say("what is my name?", channel=thread)
        said = await answer(thread, "Your name is Ada.")
        # What can be written is saved.
        assert UNSAVED not in said.content
        pressed = await it.ada.click(said, LAST)
        await pressed.wait(lambda one: UNREACHABLE in one.followups[-1].content, 5)
        # A conversation that is no longer in memory cannot be read, and the member is told.
        store.chats._recent.clear()
        it.ben.say("what is my name?", channel=other)
        await other.wait(lambda place: UNREACHABLE in spoken(place)[-1].content, 10)


async def test_a_question_whose_conversation_cannot_be_read_is_told_so(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("slowly count the many stars that are in the sky", channel=thread)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 20)
        question = it.ada.say("this one waits", channel=thread)
        queues = it.home.bot.chat_router.conversations.question_queues
        await thread.wait(lambda _: any(one.waiting for one in queues._lines.values()), 5)

        async def fails(_: Any) -> Any:
            raise StoreError(UNREACHABLE)

        # It runs once the database is gone and the memory is empty.
        monkeypatch.setattr(it.home.jobs.store, "_read", fails)
        monkeypatch.setattr(it.home.jobs.store.chats, "_recent", LRUCache(0))
        await thread.wait(lambda place: UNREACHABLE in spoken(place)[-1].content, 40)
        assert spoken(thread)[-1].reference is question
        assert "stars" in spoken(thread)[-2].content


def test_a_client_that_meets_a_failing_database_is_started_again():
    status = diagnose(StoreError(UNREACHABLE), 1.0)
    assert (status.phase, status.trouble) == (BotPhase.RETRYING, BotProblem.STORE)
    assert status.reason == UNREACHABLE
