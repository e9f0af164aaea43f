"""Conversations over restarts: of the bot by SIGKILL, and of the Space."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from spacebot.discord_bot.client import Bot
from spacebot.discord_bot.conversations.question import Question
from spacebot.discord_bot.conversations.question_queue import QuestionQueue, QuestionQueues
from spacebot.discord_bot.supervisor import keep_running
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs import JobManager
from spacebot.engine.store import Conversation, Store
from spacebot.models import BotStatus, ChatTurn, Endpoint, Job, JobEnding, Requester, Source
from spacebot.spaces.client import Network
from tests.faults.counting import settled
from tests.support.apps import spawn
from tests.support.bot_in_loop import at_home
from tests.support.conversations import LAST, answer, lab, opened, spoken
from tests.support.loopback import DiscordServer, connected, point_discord_at
from tests.support.loopback.server import FLAGS
from tests.support.program import running, start


async def test_a_killed_bot_keeps_every_conversation(served, tmp_path: Path):
    spaces = f"falcon={served('falcon')} llama={served('codellama')} parrot={served('parrot')}"
    async with DiscordServer(privileged=("message_content",)) as server:
        server.limits.enforced = False
        ada = server.add_user("ada")
        channel = server.add_guild("Lab", ada).add_text_channel("art")
        env = {"SPACES": spaces, "DISCORD_TOKEN": server.token, "DATA_DIR": str(tmp_path / "data")}
        killed = start(tmp_path / "first", env, server=server)
        try:
            await killed.until(lambda: server.registered_commands and server.gateway.ready)
            falcon = await opened(ada, "falcon", channel, message="my name is Ada")
            llama = await opened(ada, "llama", channel, message="a prime")
            parrot = await opened(ada, "parrot", channel, message="hello")
            ada.say("slowly count the many stars that are in the sky", channel=parrot)
            await parrot.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 20)
            ada.say("this one waits", channel=parrot)
            await asyncio.sleep(0.5)
        finally:
            os.kill(killed.process.pid, signal.SIGKILL)
            killed.process.wait(10)
        async with running(tmp_path / "second", server, spaces, env) as again:
            await again.until(lambda: server.gateway.identifies == 2, 90)
            # The Space itself holds this conversation, so the running question is lost.
            await parrot.wait(lambda place: any("restart" in m.content for m in spoken(place)), 40)
            waiting = await answer(parrot, "this one waits", 40)
            assert waiting.reference
            ada.say("what is my name?", channel=falcon)
            await answer(falcon, "Your name is Ada.")
            await ada.click(spoken(llama)[-1], LAST)
            await spoken(llama)[-1].wait(lambda message: message.edits, 10)
            ada.say("reverse", channel=llama)
            said = await answer(llama, "Answer 2.")
            exported = await ada.click(said, "Export")
            await exported.wait(lambda i: i.message and i.message.attachments, 5)


async def test_what_waits_when_the_bot_is_stopped_is_asked_after_it(served, tmp_path: Path):
    source = Source(served("parrot"), name="parrot")
    async with lab(tmp_path, parrot=source.space) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("slowly count the many stars", channel=thread)
        it.ada.say("this one waits", channel=thread)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 20)
        await it.server.wait(lambda _: any(one.sent for one in it.home.jobs.running), 20)
        await it.home.jobs.close()
        await it.home.jobs.drained(10)
        await it.home.bot.close()
        assert "This job is saved" in spoken(thread)[-1].content
        async with at_home(it.server, source, folder=tmp_path):
            said = await answer(thread, "“this one waits”", 40)
            assert said.reference
            assert said.reference.content == "this one waits"


async def test_a_question_under_way_is_answered_after_the_restart(served, tmp_path: Path):
    spaces = {"slow": served("lens")}
    async with lab(tmp_path, **spaces) as it:
        thread = await opened(it.ada, "slow look", it.channel, message="hello")
        (kept,) = [one[0] for one in await it.home.jobs.store.chats.places()]
    async with Store.in_folder(tmp_path) as store:
        (record,) = await store.said(kept)
        assert record.state == JobEnding.DONE
        assert record.turn is not None
        assert record.turn.answer.startswith("Answer 1")
        conversation = await store.chats.get(kept)
        assert conversation
        assert conversation.answer == [str(spoken(thread)[-1].id)]
        assert len(conversation.history) == 2
        assert len(conversation.before or []) == 0


async def test_a_restarted_space_has_forgotten_and_the_user_is_told(tmp_path: Path):
    with spawn("falcon") as space:
        async with lab(tmp_path, falcon=space.url) as it:
            thread = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
            await asyncio.to_thread(space.restart)
            it.ada.say("what is my name?", channel=thread)
            said = await answer(thread, "You have not told me", 40)
            assert "has forgotten the conversation so far" in said.content
            it.ada.say("my name is Eve", channel=thread)
            said = await answer(thread, "Nice to meet you, Eve")
            assert "forgotten" not in said.content


async def test_a_restarted_space_that_takes_the_history_goes_on(tmp_path: Path):
    with spawn("codellama") as space:
        async with lab(tmp_path, llama=space.url) as it:
            thread = await opened(it.ada, "llama", it.channel, message="a prime")
            await asyncio.to_thread(space.restart)
            it.ada.say("and reverse", channel=thread)
            said = await answer(thread, "Answer 2.", 40)
            assert "forgotten" not in said.content


async def test_a_refused_intent_is_gone_on_without(served, tmp_path: Path):
    told: list[BotStatus] = []
    source = Source(served("falcon"), name="falcon")
    async with DiscordServer() as server:
        # The application's flags promise an intent that the gateway then refuses.
        server.flags = FLAGS["message_content"]
        ada = server.add_user("ada")
        server.add_guild("Lab", ada)
        async with Network() as network, Store.in_folder(tmp_path) as store:
            catalogue = Catalogue([source], network, folder=tmp_path)
            jobs = JobManager(catalogue, store, folder=tmp_path)
            await catalogue.start()
            made: list[Bot] = []

            def make() -> Bot:
                made.append(Bot(catalogue, jobs))
                return made[-1]

            with point_discord_at(server):
                task = asyncio.create_task(
                    keep_running(server.token, make, lambda _, status: told.append(status))
                )
                try:
                    await server.wait(lambda s: s.gateway.identifies == 2 and s.gateway.ready, 30)
                    await made[-1].wait_until_ready()
                    ada.say("my name is Ada")
                    await answer(server.dm_with(ada), "Nice to meet you, Ada")
                    assert len(made) == 2
                    assert "Message Content Intent" in made[-1].state().advice
                finally:
                    await jobs.close()
                    await jobs.drained(5)
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
            await catalogue.close()


async def test_a_new_client_takes_up_the_questions_of_the_old_one(served, tmp_path: Path):
    source = Source(served("parrot"), name="parrot")
    async with lab(tmp_path, parrot=source.space) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("slowly count the many stars that are in the sky", channel=thread)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 20)
        it.ada.say("this one waits", channel=thread)
        line = it.home.bot.chat_router.conversations.question_queues
        await thread.wait(lambda _: any(one.waiting for one in line._lines.values()), 5)
        # Its turn is stored in a moment.
        await asyncio.sleep(0.3)
        await it.home.bot.close()
        assert not line._lines
        assert not it.home.jobs.running
        async with connected(it.server, Bot(it.home.catalogue, it.home.jobs)):
            # The Space itself holds this conversation, so its running question is reported as lost.
            await thread.wait(lambda p: any("restart" in m.content for m in spoken(p)), 20)
            waited = await answer(thread, "this one waits", 40)
            assert waited.reference
            assert len(spoken(thread)) == 3


async def test_what_was_not_used_for_long_is_forgotten_and_told(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
        await it.home.jobs.trim(most=1000, days=-1)
        store = it.home.jobs.store
        ((kept, *_),) = await store.chats.places()
        assert await store.said(kept) == []
        it.ada.say(f"<@{it.server.bot.id}> still there?", channel=thread)
        await thread.wait(lambda p: "no longer stored" in spoken(p)[-1].content, 10)
        pressed = await it.ada.click(spoken(thread)[0], LAST)
        assert pressed.message
        assert "no longer stored" in pressed.message.content


async def test_an_answer_arrives_although_discord_has_trouble(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        # The thread is there, and nobody was told.
        opening = f"POST /channels/{it.channel.id}/messages/*/threads"
        it.server.limits.fail(opening, 0, after=True)
        thread = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
        posting = f"POST /channels/{thread.id}/messages"
        it.server.limits.fail(posting, 0, times=2)
        it.server.limits.fail(posting, 0, after=True)
        it.ada.say("what is my name?", channel=thread)
        await answer(thread, "Your name is Ada.", 40)
        await settled(it.home, 40)
        # Discord accepted the third, and its reply was lost: it appears once.
        assert len(spoken(thread)) == 2


async def test_the_latest_message_is_stored_before_the_client_closes():
    async def take(_: QuestionQueue, question: Question) -> None:
        await question.ready

    released: list[str] = []
    queues = QuestionQueues(take, released.append)
    ready = asyncio.get_running_loop().create_future()
    talk = Conversation("a", "o/n", "/chat", "/falcon", "1", "<@1>", "2", "f" * 32)
    asker = Requester("1", "<@1>")
    queues.add(Question("2", talk, asker, ready))
    closing = asyncio.create_task(queues.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    turn = ChatTurn("Ada", "hello")
    ready.set_result(Job("2", Endpoint("o/n", "/chat", "chat", ""), asker, {}, turn=turn))
    await closing
    assert not ready.cancelled()
