"""Conversations, with the real bot, real Spaces and a loopback Discord."""

from __future__ import annotations

import asyncio
import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from spacebot.discord_bot.conversations.transcript import answer_text as words_of
from spacebot.discord_bot.conversations.transcript import to_markdown
from spacebot.engine.store import Conversation, JobRecord, RecordState
from spacebot.models import ChatTurn, Endpoint, File, JobEnding, MessageRef, Output
from tests.support.asking import shown
from tests.support.conversations import LAST, answer, forked, lab, opened, spoken
from tests.support.loopback import NotSendable


def red() -> bytes:
    """A red picture."""
    held = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(held, "PNG")
    return held.getvalue()


PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


async def test_a_command_opens_a_thread_that_goes_on_without_one(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
        assert thread.name == "my name is Ada"
        assert it.channel.messages[0].thread is thread
        assert "Nice to meet you, Ada" in spoken(thread)[0].content
        question = it.ada.say("what is my name?", channel=thread)
        said = await answer(thread, "Your name is Ada.")
        assert said.reference is question
        assert not said.pings
        first = spoken(thread)[0]
        await first.wait(lambda message: not message.buttons(), 5)
        assert set(said.buttons()) == {LAST, "Fork", "Export", "Open to all"}
        assert thread.typing


async def test_settings_of_the_command_hold_for_the_whole_conversation(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        arguments: dict[str, Any] = {"message": "hello", "instructions": "Be LOUD"}
        thread = await opened(it.ada, "falcon", it.channel, **arguments)
        assert spoken(thread)[-1].content.isupper()
        it.ada.say("what is 2 plus 3", channel=thread)
        await answer(thread, "2+3 = 5")
        it.ada.say("good evening", channel=thread)
        await answer(thread, "HELLO")


async def test_two_conversations_do_not_know_of_each_other(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        mine = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
        other = await opened(it.ada, "falcon", it.channel, message="what is my name?")
        assert "You have not told me" in spoken(other)[-1].content
        it.ada.say("what is my name?", channel=mine)
        await answer(mine, "Your name is Ada.")


async def test_a_fork_during_regeneration_takes_the_old_answer(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="slowly say hello")
        said = await answer(thread)
        await it.ada.click(said, LAST)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 20)
        store = it.home.jobs.store
        first = await it.home.bot.chat_router.conversations.find(thread.id, it.ada.id)
        assert first is not None
        owner: Any = it.home.bot.user
        copy = await it.home.bot.chat_router.conversations.fork(first, owner, 1)
        (record,) = await store.said(copy.id)
        assert record.turn is not None
        assert (record.state, bool(record.turn.answer)) == ("done", True)
        # After a restart, only one conversation sends its question again.
        assert len(await store.unfinished()) == 1
        await answer(thread)


async def test_a_history_is_sent_each_time_and_regenerate_and_fork_go_back(served, tmp_path: Path):
    async with lab(tmp_path, llama=served("codellama")) as it:
        thread = await opened(it.ada, "llama", it.channel, message="fibonacci please")
        assert "Answer 1." in spoken(thread)[-1].content
        assert "```python\ndef fibonacci" in spoken(thread)[-1].content
        it.ada.say("and a prime", channel=thread)
        said = await answer(thread, "Answer 2.")
        await it.ada.click(said, LAST)
        await said.wait(lambda message: message.edits >= 1 and LAST in message.buttons(), 10)
        assert "Answer 2." in said.content
        assert len(spoken(thread)) == 2
        fork = await forked(it.ben, said)
        it.ben.say("now reverse", channel=fork)
        await answer(fork, "Answer 3.")
        it.ada.say("now reverse", channel=thread)
        await answer(thread, "Answer 3.")
        exported = await it.ben.click(spoken(fork)[-1], "Export")
        await exported.wait(lambda i: i.message and i.message.attachments, 5)
        assert exported.message
        assert exported.message.ephemeral
        text = exported.message.attachments[0].data.decode()
        assert text.index("fibonacci please") < text.index("Answer 2.") < text.index("Answer 3.")
        await it.home.jobs.drained(60)
        # Each question is stored once for its author, wherever a copy of it continues.
        for user, place, questions in (
            (it.ada, thread, ["now reverse", "and a prime", "fibonacci please"]),
            (it.ben, fork, ["now reverse"]),
        ):
            page = shown(await user.command("history", channel=it.channel))
            *lines, _ = page.content.splitlines()
            assert [line.split("**")[2].split(" · ")[0].strip() for line in lines] == questions
            parts = [part for row in page.components for part in row["components"]]
            links = [part["url"] for part in parts if "url" in part]
            address = f"https://discord.com/channels/{it.guild.id}/{place.id}"
            assert len([link for link in links if link.startswith(address)]) == len(questions)
            assert not any("Again" in label for label in page.buttons())


async def test_a_space_that_keeps_the_conversation_itself_says_so(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="hello")
        await it.ada.click(spoken(thread)[-1], LAST)
        await answer(thread, "received the question twice")
        # AutoMod blocks the title.
        it.guild.blocked_words.add("fork of")
        await it.ada.click(spoken(thread)[-1], "Fork")
        await it.channel.wait(lambda channel: len(channel.threads) == 2, 5)
        fork = it.channel.threads[-1]
        assert fork.name == "Answer"
        await fork.wait(
            lambda place: "does not know what came before" in spoken(place)[-1].content, 5
        )


async def test_files_go_along_both_ways(served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello", mood="Merry")
        assert "Merry: 0 before." in spoken(thread)[-1].content
        it.ada.say("look", channel=thread, files=[("cat.png", PNG), ("a.txt", b"words")])
        said = await answer(thread, "1 before")
        assert "“look” with a.txt, cat.png." in said.content
        it.ada.say("", channel=thread, files=[("dog.png", PNG), ("song.mp3", b"ID3")])
        said = await answer(thread, "2 before")
        assert "with dog.png." in said.content
        assert "does not take `song.mp3`: left out" in said.content
        it.ada.say("paint", channel=thread)
        said = await answer(thread, "Here it is.")
        assert "The Space did not provide `tmp" in said.content
        monkeypatch.setattr("spacebot.discord_bot.delivery.attachments.MAX_UPLOAD_BYTES", 2)
        it.ada.say("look", channel=thread, files=[("a_b_c.txt", b"words")])
        told = "`a_b_c.txt` is 5 bytes: this Space accepts at most 2 bytes per file."
        await thread.wait(lambda place: told in spoken(place)[-1].content, 20)


@pytest.mark.parametrize("command", ["lens look", "lens turn"])
async def test_pictures_stay_in_the_history_and_come_back(served, tmp_path: Path, command: str):
    async with lab(tmp_path, lens=served("lens")) as it:
        thread = await opened(it.ada, command, it.channel, message="hello")
        assert "Answer 1: I have seen 0 pictures." in spoken(thread)[-1].content
        it.ada.say("look", channel=thread, files=[("red.png", red())])
        said = await answer(thread, "Answer 2: I have seen 1 pictures.")
        (picture,) = said.attachments
        colour = Image.open(io.BytesIO(picture.data)).convert("RGB").getpixel((0, 0))
        assert colour == (0, 255, 255)
        it.ada.say("and?", channel=thread)
        assert (await answer(thread, "Answer 3: I have seen 1 pictures.")).attachments
        it.ada.say("two", channel=thread, files=[("a.png", red()), ("b.png", red())])
        await answer(thread, "Answer 4: I have seen 3 pictures.")


async def test_a_message_goes_after_a_greeting_and_not_into_the_settings(served, tmp_path: Path):
    async with lab(tmp_path, lens=served("lens")) as it:
        thread = await opened(it.ada, "lens greeted", it.channel, message="hello")
        assert "Calm: 2 messages so far." in spoken(thread)[-1].content
        it.ada.say("and?", channel=thread)
        await answer(thread, "Calm: 4 messages so far.")


async def test_a_long_answer_grows_and_goes_on_in_new_messages(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("long", channel=thread)
        await answer(thread, "That was all of it.", 30)
        said = spoken(thread)[1:]
        assert len(said) >= 3
        assert all(len(one.content) <= 2000 for one in said)
        assert all(one.content.count("```") % 2 == 0 for one in said)
        assert all("```python" in one.content for one in said[1:-1])
        lines = "\n".join(one.content for one in said).count("of a long program")
        assert lines == 120
        # It grew visibly, with no more edits than Discord allows.
        growing = [version.at for one in said for version in one.history]
        assert len(growing) > len(said)
        for one in said:
            times = [version.at for version in one.history[:-1]]
            assert all(b - a >= 1.4 for a, b in pairwise(times))
        assert [bool(one.buttons()) for one in said] == [False] * (len(said) - 1) + [True]
        # Regenerated, it begins with one message: deleting the others does not stop it.
        await it.ada.click(said[-1], LAST)
        await said[-1].wait(lambda message: message.deleted, 20)
        await thread.wait(lambda _: LAST in spoken(thread)[-1].buttons(), 30)
        assert "That was all of it." in spoken(thread)[-1].content


async def test_a_question_asked_before_all_servers_are_known_is_asked_once(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("slowly now", channel=thread)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 10)
        # Unfinished work is looked for once Discord has announced every server.
        await it.home.bot.recoverer.recover()
        await answer(thread, "You said “slowly now”")
        it.ada.say("and now", channel=thread)
        await answer(thread, "2 before. You said “and now”")
        assert len(spoken(thread)) == 3


async def test_stop_keeps_the_text_so_far(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("slowly please tell me a very long story", channel=thread)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 10)
        growing = spoken(thread)[-1]
        await growing.wait(lambda message: message.content.startswith("Calm: 1"), 10)
        refused = await it.ben.click(growing, "Stop")
        assert refused.message
        assert "Only the person who started" in refused.message.content
        await it.ada.click(growing, "Stop")
        said = await answer(thread, "🛑 Stopped.")
        assert said.content.startswith("Calm: 1")
        # Send to passes on the answer's own words.
        menu = await it.ben.message_command("Use in a Space…", said)
        assert menu.message
        assert "**The text: Calm: 1" in menu.message.content
        assert "Stopped" not in menu.message.content
        it.ada.say("still there?", channel=thread)
        await answer(thread, "still there?")


async def test_a_failure_is_told_and_can_be_tried_again(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="fail")
        assert "The Space says: The parrot is asleep." in spoken(thread)[-1].content
        it.ada.say("better now?", channel=thread)
        await answer(thread, "better now?")


async def test_a_thread_belongs_to_its_starter_until_it_is_opened(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="hello")
        it.ben.say("count to 3", channel=thread)
        it.ben.say(f"<@{it.server.bot.id}> count to 4", channel=thread)
        await thread.wait(lambda place: "belongs to" in spoken(place)[-1].content, 5)
        first = spoken(thread)[0]
        refused = await it.ben.click(first, "Open to all")
        assert refused.message
        assert "Only the person who started" in refused.message.content
        await it.ada.click(first, "Open to all")
        await first.wait(lambda message: "Only me" in message.buttons(), 5)
        it.ben.say("count to 5", channel=thread)
        said = await answer(thread, "1, 2, 3, 4, 5.")
        assert "1, 2, 3." not in [one.content for one in spoken(thread)]
        await it.ada.click(said, "Only me")
        await said.wait(lambda message: "Open to all" in message.buttons(), 5)


async def test_in_direct_messages_every_message_is_the_conversation(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        dm = it.server.dm_with(it.ada)
        it.ada.say("my name is Ada")
        it.ada.say("what is my name?")
        said = await answer(dm, "Your name is Ada.")
        assert set(said.buttons()) == {LAST, "Export"}
        await it.ada.command("falcon", message="what is my name?")
        await answer(dm, "You have not told me")
        it.ada.say("my name is Eve")
        await answer(dm, "Nice to meet you, Eve")


async def test_a_mention_starts_one_with_the_channels_chat(served, tmp_path: Path):
    spaces = {"falcon": served("falcon"), "llama": served("codellama")}
    async with lab(tmp_path, **spaces) as it:
        me = f"<@{it.server.bot.id}>"
        it.ada.say(f"{me} hello", channel=it.channel)
        await it.channel.wait(
            lambda place: "There are several chats" in spoken(place)[-1].content, 5
        )
        with pytest.raises(NotSendable):
            await it.ada.command("chat-here", chat="/llama", channel=it.channel)
        it.guild.add_member(it.ben, "manage_messages")
        chosen = await it.ben.command("chat-here", chat="/llama", channel=it.channel)
        assert chosen.message
        assert "`/llama` answers" in chosen.message.content
        question = it.ada.say(f"{me} a prime, please", channel=it.channel)
        await it.channel.wait(lambda _: question.thread is not None, 5)
        assert question.thread
        assert question.thread.name == "a prime, please"
        await answer(question.thread, "def is_prime")
        it.ada.say("reverse", channel=question.thread)
        await answer(question.thread, "Answer 2.")
        # A reply to one of its messages mentions the bot too, and asks nothing.
        it.ben.say("nice", channel=it.channel, reply_to=it.channel.messages[0])
        await asyncio.sleep(0.3)
        assert len(it.channel.threads) == 1


async def test_what_is_forwarded_is_asked_and_a_mention_alone_is_answered(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        said = it.ben.say("look at this", channel=it.channel, files=[("cat.png", PNG)])
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        forwarded = it.ada.forward(said, thread)
        heard = await answer(thread, "You said “look at this” with cat.png.")
        assert heard.reference is forwarded
        it.ada.say(f"<@{it.server.bot.id}>", channel=it.channel)
        await it.channel.wait(lambda place: "Say something to me" in spoken(place)[-1].content, 10)
        assert len(it.channel.threads) == 1


async def test_where_no_thread_can_be_opened_a_mention_goes_on(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        deaf = it.guild.add_text_channel("deaf", deny=("create_public_threads",))
        me = f"<@{it.server.bot.id}>"
        it.ada.say(f"{me} my name is Ada", channel=deaf)
        await answer(deaf, "Nice to meet you, Ada")
        it.ben.say(f"{me} what is my name?", channel=deaf)
        await answer(deaf, "You have not told me")
        it.ada.say("what is my name?", channel=deaf)
        it.ada.say(f"{me} what is my name?", channel=deaf)
        await answer(deaf, "Your name is Ada.")
        assert not deaf.threads


async def test_questions_wait_in_order_and_a_deleted_one_is_dropped(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        asked = [it.ada.say(f"slowly {number}", channel=thread) for number in range(4)]
        it.ada.delete(asked[2])
        await answer(thread, "3 before", 40)
        said = [one for one in spoken(thread)[1:] if "before" in one.content]
        assert [one.reference for one in said] == [asked[0], asked[1], asked[3]]
        assert [one.content.split("You said ")[1].split(" with")[0] for one in said] == [
            "“slowly 0”",
            "“slowly 1”",
            "“slowly 3”",
        ]


async def test_too_many_messages_are_refused_once(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        for number in range(16):
            it.ada.say(f"quick {number}" if number else "slowly", channel=thread)
        await thread.wait(lambda place: any("wait here" in m.content for m in spoken(place)), 10)
        await answer(thread, "11 before", 40)
        assert sum("wait here" in one.content for one in spoken(thread)) == 1


async def test_deleting_an_answer_or_closing_the_thread_stops_it(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("slowly one two three four five six seven eight", channel=thread)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 10)
        it.ada.delete(spoken(thread)[-1])
        await it.server.wait(lambda _: not it.home.jobs.running, 5)
        assert len(spoken(thread)) == 1
        it.ada.say("slowly one two three four five six seven eight", channel=thread)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 10)
        it.ada.archive(thread)
        await it.server.wait(lambda _: not it.home.jobs.running, 5)
        it.ada.say("again", channel=thread)
        await answer(thread, "“again”")
        it.ada.archive(thread)
        await it.ada.click(spoken(thread)[-1], LAST)
        await answer(thread, "received the question twice")
        assert not thread.archived


async def test_what_is_asked_in_a_locked_thread_is_answered_by_direct_message(
    served, tmp_path: Path
):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        thread.locked = True
        it.ada.say("slowly, hear me?", channel=thread)
        dm = it.server.dm_with(it.ada)
        await dm.wait(lambda place: any("no files." in one.content for one in spoken(place)), 20)
        told, whole = spoken(dm)
        assert "thread is locked. Start a new conversation with /parrot." in told.content
        assert "“slowly, hear me?” with no files." in whole.content


async def test_bots_are_never_answered(served, tmp_path: Path):
    async with lab(tmp_path, falcon=served("falcon")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="hello")
        await it.ada.click(spoken(thread)[-1], "Open to all")
        robot = it.server.add_user("robot")
        it.guild.add_member(robot)
        robot.bot = True
        robot.say("hello", channel=thread)
        robot.say(f"<@{it.server.bot.id}> hello", channel=it.channel)
        await asyncio.sleep(1)
        assert len(it.channel.threads) == 1
        assert not it.home.jobs.running


async def test_without_the_intent_mentions_and_direct_messages_work(served, tmp_path: Path):
    async with lab(tmp_path, reads=False, falcon=served("falcon")) as it:
        assert "Message Content Intent" in it.home.bot.state().advice
        thread = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
        await thread.wait(lambda place: any("cannot read" in m.content for m in spoken(place)), 5)
        it.ada.say("what is my name?", channel=thread)
        it.ada.say(f"<@{it.server.bot.id}> what is my name?", channel=thread)
        said = await answer(thread, "Your name is Ada.")
        assert said.reference
        assert said.reference.content.startswith("<@")
        it.ada.say("my name is Eve")
        await answer(it.server.dm_with(it.ada), "Nice to meet you, Eve")


async def test_the_intent_is_asked_for_only_where_there_is_a_chat(served, tmp_path: Path):
    async with lab(tmp_path, fast=served("fast")) as it:
        (session,) = it.server.gateway.sessions.values()
        assert not session.intents & 1 << 15
        assert it.home.bot.state().reason == ""
        assert "chat-here" not in {one["name"] for one in it.server.registered_commands}
    async with lab(tmp_path, falcon=served("falcon")) as it:
        (session,) = it.server.gateway.sessions.values()
        assert session.intents & 1 << 15
        assert it.home.bot.state().reason == ""


def test_an_export_contains_messages_and_failures():
    talk = Conversation("a" * 12, "o/n", "/chat", "/falcon", "1", "<@1>", "2", "f" * 32)
    about = ("o/n", "/chat", "/falcon", "1", "<@1>")
    answered = ChatTurn("Ada", "hi", answer="**yo**")
    open_ = ChatTurn("Ada", "and?", [File("a.png")])
    said = [
        JobRecord("1", *about, JobEnding.DONE.value, {}, MessageRef(), chat="a", turn=answered),
        JobRecord("2", *about, RecordState.WAITING, {}, MessageRef(), chat="a", turn=open_),
    ]
    text = to_markdown(talk, said)
    assert (
        "## Ada\n\nhi\n\n## /falcon\n\n**yo**\n\n## Ada\n\nand?\n\n- a.png\n\n*(no answer)*" in text
    )


SAID = [
    ("json", "**hi**", "**hi**"),
    ("json", {"text": "Here.", "files": ["x"]}, "Here."),
    (
        "json",
        [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}],
        "a\n\nb",
    ),
    ("chatbot", [["hi", "old pairs"]], "old pairs"),
    (
        "chatbot",
        [
            {"role": "assistant", "content": "before"},
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "yo"}]},
        ],
        "yo",
    ),
    ("chatbot", {"__type__": "update", "value": [["hi", "yo"]]}, "yo"),
]


@pytest.mark.parametrize(("component", "value", "words"), SAID)
def test_the_words_of_an_answer(component: str, value: object, words: str):
    endpoint = Endpoint("o/n", "/chat", "chat", "", outputs=(Output("", component),))
    assert words_of(endpoint, [value]) == words
