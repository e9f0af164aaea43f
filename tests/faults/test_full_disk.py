"""A disk that fills while the bot runs: everyone is answered, and told what is not saved."""

from __future__ import annotations

import asyncio
from pathlib import Path

from spacebot.engine.store import JobRecord, Store
from spacebot.models import JobEnding
from tests.faults.counting import settled
from tests.support.conversations import Lab, answer, lab, opened, spoken
from tests.support.disks import disk, fill
from tests.support.loopback import Channel, DiscordServer
from tests.support.program import running

UNSAVED = "could not save this"


async def test_a_picture_passes_through_memory(demo_url, tmp_path: Path, caplog):
    with disk(tmp_path / "disk", 8) as folder:
        async with lab(folder, demo=demo_url) as it:
            filling = fill(folder)
            asked = await it.ada.command("demo paint", prompt="a red house", channel=it.channel)
            await asked.wait(lambda i: i.message and i.message.attachments, 30)
            await settled(it.home)
            assert asked.message
            assert UNSAVED in asked.message.content
            assert "did not provide it" not in asked.message.content
            assert "disk is full" in it.home.jobs.trouble
            again = await it.ada.command("demo paint", prompt="a house", channel=it.channel)
            await again.wait(lambda i: i.message and i.message.attachments, 30)
            await settled(it.home)
            full = [one.message for one in caplog.records if "pass through memory" in one.message]
            assert len(full) == 1
            filling.unlink()
            assert it.home.jobs.trouble == "" or it.home.jobs.store.trouble
            # Temporary data is gone with its job.
            assert not list(it.home.jobs._results._memory.iterdir())


async def test_without_room_in_memory_the_answer_says_that_a_picture_is_missing(
    demo_url, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("spacebot.engine.jobs.result_files.MEMORY_FOLDER", tmp_path / "missing")
    with disk(tmp_path / "disk", 8) as folder:
        async with lab(folder, demo=demo_url) as it:
            fill(folder)
            asked = await it.ada.command("demo paint", prompt="a red house", channel=it.channel)
            await asked.wait(lambda i: i.message and "disk is full" in i.message.content, 30)
            await settled(it.home)
            assert asked.message
            assert "did not provide it" not in asked.message.content


async def test_a_conversation_is_answered_and_goes_on(served, tmp_path: Path):
    with disk(tmp_path / "disk", 8) as folder:
        async with lab(folder, falcon=served("falcon")) as it:
            before = await opened(it.ada, "falcon", it.channel, message="my name is Ada")
            await answer(before)
            filling = fill(folder)
            # In a saved conversation, and in a conversation that is never saved.
            it.ada.say("what is my name?", channel=before)
            said = await answer(before, "Your name is Ada.")
            assert UNSAVED in said.content
            unsaved = await opened(it.ada, "falcon", it.channel, message="my name is Eve")
            assert UNSAVED in (await answer(unsaved)).content
            it.ada.say("what is my name?", channel=unsaved)
            assert UNSAVED in (await answer(unsaved, "Your name is Eve.")).content
            filling.unlink()
            store = it.home.jobs.store
            async with asyncio.timeout(30):
                while store.trouble:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            # Once there is room, it is saved in full.
            it.ada.say("what is my name?", channel=unsaved)
            await unsaved.wait(lambda place: UNSAVED not in spoken(place)[-1].content, 20)
            await answer(unsaved, "Your name is Eve.")
            await settled(it.home)
            async with Store.in_folder(folder) as saved:
                for thread, count in ((before, 2), (unsaved, 3)):
                    said = await _said(it, saved, thread)
                    assert [one.is_answered for one in said] == [True] * count


async def _said(it: Lab, store: Store, thread: Channel) -> list[JobRecord]:
    """A conversation's rows in the database."""
    found = await it.home.bot.chat_router.conversations.find(thread.id, it.ada.id)
    assert found is not None
    saved = await store.chats.get(found.id)
    assert saved is not None
    assert (saved.answer, saved.history) == (found.answer, found.history)
    return await store.said(found.id)


async def test_a_disk_that_fills_in_the_middle_costs_no_answer(served, tmp_path: Path):
    with disk(tmp_path / "disk", 8) as folder:
        async with lab(folder, parrot=served("parrot")) as it:
            thread = await opened(it.ada, "parrot", it.channel, message="hello")
            await answer(thread)
            it.ada.say("slowly count the many stars", channel=thread)
            await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 20)
            fill(folder)
            said = await answer(thread, "stars", 40)
            assert UNSAVED in said.content
            assert "went wrong" not in said.content


async def test_the_page_and_healthz_say_so(demo_url, tmp_path: Path):
    with disk(tmp_path / "disk", 8) as folder:
        async with DiscordServer() as server:
            ada = server.add_user("ada")
            channel = server.add_guild("Lab", ada).add_text_channel("art")
            env = {"DATA_DIR": str(folder)}
            spaces = f"demo={demo_url}"
            async with running(tmp_path / "program", server, spaces, env) as program:
                await program.until_health("ok", 90)
                filling = fill(folder)
                asked = await ada.command("demo paint", prompt="a house", channel=channel)
                await asked.wait(lambda i: i.message and i.message.attachments, 30)
                told = await program.until_health("degraded")
                assert told["code"] == 503
                assert "disk is full" in told["reason"]
                await program.until_page("The bot&#39;s disk is full")
                filling.unlink()
                await program.until_health("ok", 60)


async def test_a_text_that_becomes_a_file_passes_through_memory(served, tmp_path: Path):
    with disk(tmp_path / "disk", 8) as folder:
        async with lab(folder, fast=served("fast")) as it:
            fill(folder)
            text = "word " * 1100
            asked = await it.ada.command("fast echo", text=text, channel=it.channel)
            await it.channel.wait(lambda place: UNSAVED in spoken(place)[-1].content, 30)
            await settled(it.home)
            assert asked.message
            assert it.home.jobs.metrics.count(JobEnding.DONE) == 1
