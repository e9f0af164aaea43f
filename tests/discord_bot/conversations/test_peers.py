"""Conversations that several processes of the bot answer in turn."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from spacebot.engine.jobs import JobManager
from spacebot.engine.store import RecordState
from spacebot.engine.store.tables import conversations
from spacebot.errors import StoreError
from spacebot.models import JobEnding
from tests.support.conversations import Lab, answer, lab, opened, spoken
from tests.support.loopback import Channel, Message


@dataclass
class Peer:
    """Another process of the bot, which was asked earlier questions in a conversation: here, by
    messages of somebody whom this process does not answer."""

    jobs: JobManager
    conversation: str
    looks: asyncio.Semaphore
    living: bool = True
    number: int = 0

    async def is_asked(self, asked: Message) -> None:
        (first, *_) = await self.jobs.store.said(self.conversation)
        assert first.turn is not None
        self.number += 1
        turn = replace(first.turn, text=asked.content, answer="")
        ref = replace(first.message_ref, origin=asked.id)
        new: dict[str, Any] = {"id": f"{self.number:012}", "process": 7, "turn": turn}
        new |= {"state": RecordState.WAITING, "created": time.time(), "ended": None}
        record = replace(first, message=None, message_ref=ref, **new)
        await self.jobs.store.add(record)

    async def answers(self) -> None:
        ended = {"state": JobEnding.DONE.value, "ended": time.time()}
        await self.jobs.store.mark(f"{self.number:012}", **ended)

    async def looked_for(self, times: int = 3) -> None:
        self.looks = asyncio.Semaphore(0)
        for _ in range(times):
            await asyncio.wait_for(self.looks.acquire(), 60)
        assert self.jobs.running == ()


async def peer_in(it: Lab, thread: Channel, monkeypatch: pytest.MonkeyPatch) -> Peer:
    """Have the bot share its work with another process; each question's second look fails."""
    bot, store = it.home.bot, it.home.jobs.store
    found = await bot.chat_router.conversations.find(thread.id, it.ada.id)
    assert found is not None
    peer, asked_before = Peer(it.home.jobs, found.id, asyncio.Semaphore(0)), store.asked_before
    looked = Counter[str]()

    async def looks(question: str) -> dict[str, int | None]:
        peer.looks.release()
        looked[question] += 1
        if looked[question] == 2:
            raise StoreError("One read fails.")
        return await asked_before(question)

    cluster = bot.shards.cluster
    monkeypatch.setattr("spacebot.discord_bot.conversations.earlier.ELSEWHERE_PAUSE", 0.05)
    monkeypatch.setattr(cluster, "process", 3)
    monkeypatch.setattr(cluster, "is_living", lambda process: peer.living and process == 7)
    monkeypatch.setattr(store, "asked_before", looks)
    return peer


async def test_a_question_waits_for_the_answer_of_another_process(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
        peer, store = await peer_in(it, thread, monkeypatch), it.home.jobs.store
        # The server came from a process that is still answering here.
        await peer.is_asked(it.ben.say("a long story", channel=thread))
        it.ada.say("what is my name?", channel=thread)
        await peer.looked_for()
        await peer.answers()
        said = await answer(thread, "Your name is Ada.")
        # What that process changed is read again, although it is in memory.
        await store.execute(sa.update(conversations).values(ended=1.0))
        pressed = await it.ada.click(said, "Regenerate")
        assert pressed.message
        assert "no longer" in pressed.message.content
        await store.execute(sa.update(conversations).values(ended=None))
        store.chats.forget_recent()
        await peer.is_asked(it.ben.say("another one", channel=thread))
        it.ada.say("what is my name?", channel=thread)
        await peer.looked_for()
        await store.execute(sa.update(conversations).values(ended=1.0))
        await peer.answers()
        await thread.wait(lambda place: "no longer stored" in spoken(place)[-1].content, 60)


async def test_what_another_process_left_is_answered_first(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="first")
        peer = await peer_in(it, thread, monkeypatch)
        await peer.is_asked(it.ben.say("second", channel=thread))
        it.ada.say("third", channel=thread)
        await peer.looked_for()
        peer.living = False
        await peer.looked_for()
        await it.home.bot.recoverer.recover(0)
        await answer(thread, "third")
        said = [message.content for message in spoken(thread)]
        assert ["first" in said[-3], "second" in said[-2], "third" in said[-1]] == [True] * 3
