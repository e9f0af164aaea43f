"""The buttons under a result, and a message's own commands."""

from __future__ import annotations

import asyncio
import io
import re
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from spacebot.models import Source
from tests.e2e.conftest import Place, discord
from tests.support.apps import free_port, serve
from tests.support.asking import ask, is_final, shown
from tests.support.bot_in_loop import Home, at_home
from tests.support.gradio_proxy import before
from tests.support.loopback import Interaction, Message
from tests.support.loopback import messages as sending

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def result(seen: Interaction) -> Message:
    """The final answer to an interaction."""
    await seen.wait(is_final, 30)
    return shown(seen)


def picture(width: int = 8, height: int = 6) -> bytes:
    """A small PNG."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


async def until_noted(home: Home, message: Message) -> None:
    """Wait until a result is stored, a moment after it was posted."""
    job = message.buttons()["Again"]["custom_id"].split(":")[1]
    for _ in range(200):
        record = await home.jobs.store.get(job)
        if record is not None and record.ended is not None:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{job} is not written down")


async def test_the_buttons_of_a_result_stand_in_one_row_or_two(place: Place) -> None:
    plain = await ask(place.ada, "kinds text", text="a", channel=place.channel)
    kept = ["Recipe", "Save as…", "Delete"]
    assert list(plain.buttons()) == ["Again", "Edit…", "Send to…", *kept]
    seeded = await ask(place.ada, "studio draw", prompt="a", channel=place.channel)
    usual = ["Again", "Vary", "Edit…", "Send to…"]
    assert list(seeded.buttons()) == [*usual, *kept]
    assert [len(row["components"]) for row in seeded.components] == [4, 3]


async def test_again_is_the_presser_s_own_job(place: Place) -> None:
    first = await ask(place.ada, "kinds text", text="same words", channel=place.channel)
    again = await result(await place.ben.click(first, "Again"))
    assert again.id != first.id
    assert again.content.startswith(f"**/kinds text** for <@{place.ben.id}>")
    assert "same words" in again.content


async def test_again_sends_the_same_file(place: Place) -> None:
    file = ("a.png", picture(31, 7), "image/png")
    first = await ask(place.ada, "kinds png", picture=file, channel=place.channel)
    again = await result(await place.ben.click(first, "Again"))
    assert Image.open(io.BytesIO(again.attachments[0].data)).size == (31, 7)


async def test_again_asks_for_what_the_space_no_longer_takes(place: Place, home: Home) -> None:
    first = await ask(place.ada, "studio draw", prompt="sea", steps=9, channel=place.channel)
    await until_noted(home, first)
    job = first.buttons()["Again"]["custom_id"].split(":")[1]
    # As the member entered it when the Space took words for its steps.
    await home.jobs.store.mark(job, arguments={"prompt": "sea", "steps": "many"})
    form = await place.ben.click(first, "Again")
    assert form.modal is not None, form.describe()
    assert [one["label"] for one in form.modal["components"]] == ["Steps"]
    again = await result(await place.ben.submit(form, {"Steps": "8"}))
    assert "sea seed=7 random=True steps=8" in again.content


async def test_vary_changes_the_seed_and_nothing_else(place: Place) -> None:
    first = await ask(place.ada, "studio draw", prompt="sea", steps=9, channel=place.channel)
    assert "seed=7 random=True steps=9" in first.content
    seeds = set()
    for _ in range(3):
        other = await result(await place.ben.click(first, "Vary"))
        found = re.search(r"sea seed=(\d+) random=False steps=9", other.content)
        assert found is not None, other.content
        seeds.add(found[1])
    assert len(seeds) > 1


async def test_edit_shows_what_failed_to_be_changed(place: Place) -> None:
    failed = await ask(place.ada, "studio draw", prompt="sea", seed=4, channel=place.channel)
    form = await place.ada.click(failed, "Edit…")
    message = await result(await place.ada.submit(form, {"Seed": "8", "Randomize seed": False}))
    assert "sea seed=8 random=False" in message.content


async def test_a_recipe_is_a_line_to_paste(place: Place) -> None:
    options = {"prompt": "two\nlines", "seed": 4}
    message = await ask(place.ada, "studio draw", options, channel=place.channel)
    seen = await place.ben.click(message, "Recipe")
    assert shown(seen).ephemeral
    assert "```\n/studio draw prompt:two lines seed:4\n```\n-# On" in shown(seen).content
    assert "randomize:yes steps:20" in shown(seen).content
    assert "\n-# On <" in shown(seen).content
    assert "endpoint `/draw`" in shown(seen).content
    menu = await place.ben.message_command("Recipe", message)
    assert shown(menu).content == shown(seen).content
    said = place.ada.say("hello", channel=place.channel)
    menu = await place.ben.message_command("Recipe", said)
    assert "This message is not a command's result" in shown(menu).content


async def test_delete_is_for_the_asker_and_moderators(place: Place) -> None:
    message = await ask(place.ada, "kinds text", text="a", channel=place.channel)
    seen = await place.ben.click(message, "Delete")
    assert "Only the person who asked, or a moderator, can delete this." in shown(seen).content
    assert not message.deleted
    await place.ada.click(message, "Delete")
    await message.wait(lambda one: one.deleted, 5)
    moderator = place.server.add_user("mod")
    moderator.join(place.guild, "manage_messages")
    message = await ask(place.ada, "kinds text", text="a", channel=place.channel)
    await moderator.click(message, "Delete")
    await message.wait(lambda one: one.deleted, 5)


async def test_a_picture_is_sent_on_by_kind(place: Place) -> None:
    file = ("a.png", picture(20, 10), "image/png")
    message = await ask(place.ada, "kinds png", picture=file, channel=place.channel)
    menu = await place.ben.click(message, "Send to…")
    assert shown(menu).ephemeral
    assert "Where to?" in shown(menu).content
    (select,) = [part for part in shown(menu).walk() if part["type"] == 3]
    offered = {option["value"] for option in select["options"]}
    assert {"/kinds image", "/kinds png", "/kinds any_file", "/kinds both"} <= offered
    assert not {"/kinds audio", "/kinds video", "/kinds file", "/kinds text"} & offered
    sent = await result(await place.ben.choose(shown(menu), "/kinds png"))
    assert Image.open(io.BytesIO(sent.attachments[0].data)).size == (20, 10)
    assert sent.content.startswith(f"**/kinds png** for <@{place.ben.id}>")
    await menu.wait(lambda one: shown(one).deleted, 5)


async def test_every_file_of_a_result_of_several_messages_can_be_sent_on(place: Place) -> None:
    seen = await place.ada.command("trouble many_files", count=12, channel=place.channel)
    await seen.wait(lambda one: is_final(one) and len(one.followups) == 1, 30)
    (last,) = seen.followups
    await last.wait(lambda one: "Send to…" in one.buttons(), 10)
    menu = await place.ben.click(last, "Send to…")
    (select,) = [part for part in shown(menu).walk() if part["type"] == 3]
    assert [one["label"] for one in select["options"]] == [f"File {n} of 12" for n in range(1, 13)]
    chosen = await place.ben.choose(shown(menu), "0")
    sent = await result(await place.ben.choose(shown(chosen), "/kinds file"))
    assert sent.attachments[0].data == b"1"


@pytest.mark.parametrize("times", [1, 10_000], ids=["short", "too long to be stored"])
async def test_a_result_is_sent_on_while_the_database_is_busy(tmp_path: Path, times: int) -> None:
    asked, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def think(text: str) -> str:
        loop.call_soon_threadsafe(asked.set)
        go.wait(30)
        return f"thought about {text} " * times

    space = gr.Interface(think, gr.Textbox(), gr.Textbox(), api_name="think", flagging_mode="never")
    with serve(space) as url:
        source = Source(url, name="think")
        async with discord() as place, at_home(place.server, source, folder=tmp_path):
            seen = await place.ada.command("think", text="it", channel=place.channel)
            await asyncio.wait_for(asked.wait(), 10)
            other = sqlite3.connect(tmp_path / "spacebot.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            try:
                go.set()
                menu = await place.ada.click(await result(seen), "Send to…")
                await menu.wait(lambda one: one.message, 5)
                # Its text could not be sent on later, so it is not offered now; its file is.
                assert ("thought about it" in shown(menu).content) is (times == 1)
                assert "What do you want to send?" not in shown(menu).content
            finally:
                other.execute("ROLLBACK")
                other.close()


async def test_what_else_a_command_needs_is_asked_for(place: Place) -> None:
    files = [("a.png", picture()), ("b.png", picture())]
    said = place.ada.say("look", channel=place.channel, files=files)
    menu = await place.ben.message_command("Use in a Space…", said)
    assert shown(menu).content == "What do you want to send?"
    (select,) = [part for part in shown(menu).walk() if part["type"] == 3]
    assert [(one["label"], one.get("description")) for one in select["options"]] == [
        ("Picture 1 of 2", "a.png"),
        ("Picture 2 of 2", "b.png"),
        ("The text: look", None),
    ]
    chosen = await place.ben.choose(shown(menu), "Picture 2 of 2")
    assert shown(chosen).content == "Where to? **Picture 2 of 2** can go to:"
    form = await place.ben.choose(shown(chosen), "/kinds both")
    assert form.modal is not None, form.describe()
    message = await result(await place.ben.submit(form, {"Prompt": "loud words"}))
    assert "LOUD WORDS" in message.content
    assert message.attachments


async def test_a_text_goes_where_texts_go_without_the_head_of_its_message(place: Place) -> None:
    message = await ask(place.ada, "kinds text", text="just this", channel=place.channel)
    menu = await place.ben.click(message, "Send to…")
    sent = await result(await place.ben.choose(shown(menu), "/fast echo"))
    assert "text: just this" in sent.content
    assert "for <@" not in sent.content.partition("\n")[2]


async def test_a_file_goes_where_any_file_goes(place: Place) -> None:
    said = place.ada.say("", channel=place.channel, files=[("a.xyz", b"?")])
    menu = await place.ben.message_command("Use in a Space…", said)
    (select,) = [part for part in shown(menu).walk() if part["type"] == 3]
    offered = {option["value"] for option in select["options"]}
    assert "/kinds any_file" in offered
    assert not {"/kinds image", "/kinds file"} & offered


def offered(menu: Interaction) -> list[str]:
    """The labels of a menu's entries."""
    (select,) = [part for part in shown(menu).walk() if part["type"] == 3]
    return [option["label"] for option in select["options"]]


async def test_what_discord_shows_in_a_message_can_be_sent_on(place: Place) -> None:
    said = place.ada.say("", channel=place.channel, files=[("a.png", picture(21, 9))])
    robot = place.server.add_user("robot")
    image = {"url": "https://example.org/made/b.png?size=9"}
    embed = {"title": "Result", "description": "Here it is.", "image": image}
    message = sending.create(place.channel, robot, {"embeds": [embed]}, {})
    # Discord's own copy.
    message.embeds[0]["image"]["proxy_url"] = said.attachments[0].url
    message.stickers = [
        {"id": "7", "name": "Wave", "format_type": 1},
        {"id": "8", "name": "Drawn", "format_type": 3},
    ]
    menu = await place.ben.message_command("Use in a Space…", message)
    assert offered(menu) == ["Picture 1 of 2", "Picture 2 of 2", "The text: Result Here it is."]
    chosen = await place.ben.choose(shown(menu), "Picture 1 of 2")
    sent = await result(await place.ben.choose(shown(chosen), "/kinds png"))
    assert Image.open(io.BytesIO(sent.attachments[0].data)).size == (21, 9)
    again = await result(await place.ada.click(sent, "Again"))
    assert Image.open(io.BytesIO(again.attachments[0].data)).size == (21, 9)
    # A network outage is not the bot's fault.
    menu = await place.ben.message_command("Use in a Space…", message)
    chosen = await place.ben.choose(shown(menu), "Picture 2 of 2")
    failed = await result(await place.ben.choose(shown(chosen), "/kinds png"))
    assert "✏️ `picture`: Discord did not provide `Wave.png`." in failed.content


async def test_a_forwarded_message_is_sent_on_like_an_ordinary_one(place: Place) -> None:
    file = ("a.png", picture(21, 9))
    said = place.ada.say("come and look", channel=place.channel, files=[file, ("b.txt", b"b")])
    forwarded = place.ada.forward(said, place.channel)
    menu = await place.ben.message_command("Use in a Space…", forwarded)
    assert offered(menu) == ["a.png", "b.txt", "The text: come and look"]
    chosen = await place.ben.choose(shown(menu), "The text: come and look")
    sent = await result(await place.ben.choose(shown(chosen), "/fast echo"))
    assert "\ncome and look\n" in sent.content


async def test_a_password_is_neither_stored_nor_shown(place: Place, home: Home) -> None:
    options = {"prompt": "hello", "key": "very-secret"}
    message = await ask(place.ada, "studio login", options, channel=place.channel)
    assert "with a key of 11" in message.content
    job = message.buttons()["Again"]["custom_id"].split(":")[1]
    assert "very-secret" not in repr(await home.jobs.store.get(job))
    recipe = await place.ada.click(message, "Recipe")
    assert "very-secret" not in shown(recipe).content
    assert "Secret values are not stored" in shown(recipe).content
    form = await place.ben.click(message, "Again")
    assert form.modal is not None, form.describe()
    assert "very-secret" not in str(form.modal)
    again = await result(await place.ben.submit(form, {"Key": "four"}))
    assert "hello with a key of 4" in again.content


async def test_buttons_outlive_a_restart(served_url: str, tmp_path: Path) -> None:
    # Like the embedded Space, whose port changes with each start.
    source = Source("Built-in Space", name="studio", address=served_url)
    async with discord() as place, before(served_url) as moved:
        async with at_home(place.server, source, folder=tmp_path):
            message = await ask(place.ada, "studio draw", prompt="sea", channel=place.channel)
            form = await place.ada.click(message, "Edit…")
        source = replace(source, address=moved.url)
        async with at_home(place.server, source, folder=tmp_path):
            again = await result(await place.ben.click(message, "Again"))
            assert "sea seed=7" in again.content
            late = await place.ada.submit(form, {"Prompt": "land"})
            assert "This form is too old, or the bot was restarted." in shown(late).content
            form = await place.ben.click(message, "Edit…")
            changed = await result(await place.ben.submit(form, {"Prompt": "land"}))
            assert "land seed=7" in changed.content
            recipe = await place.ben.click(changed, "Recipe")
            # Nobody can open an address of this machine.
            assert "On Built-in Space, endpoint" in shown(recipe).content


@pytest.fixture
def served_url(everything: tuple[Place, Home]) -> str:
    """The address of the studio."""
    spaces = everything[1].catalogue.spaces
    return next(space.source.space for space in spaces if space.name == "studio")


async def test_a_job_that_is_forgotten_says_so(place: Place, home: Home) -> None:
    message = await ask(place.ada, "kinds text", text="a", channel=place.channel)
    await until_noted(home, message)
    await home.jobs.trim(most=0, days=1)
    seen = await place.ada.click(message, "Again")
    assert "This job is no longer stored." in shown(seen).content
    seen = await place.ben.click(message, "Delete")
    assert "Only the person who asked" in shown(seen).content
    await place.ada.click(message, "Delete")
    await message.wait(lambda one: one.deleted, 5)


async def test_a_long_result_is_deleted_whole(place: Place) -> None:
    text = "\n\n".join(f"{number} " + "word " * 90 for number in range(10))
    before = len(place.channel.messages)
    first = await ask(place.ada, "kinds long_text", text=text, channel=place.channel)
    await place.channel.wait(lambda one: len(one.messages) - before == 3, 10)
    posted = place.channel.messages[before:]
    last = posted[-1]
    await last.wait(lambda one: one.buttons(), 10)
    assert not first.buttons()
    recipe = await place.ada.message_command("Recipe", first)
    line = shown(recipe).attachments[0].data.decode()
    assert line.startswith("/kinds long_text text:0 word")
    await place.ada.click(last, "Delete")
    for message in posted:
        await message.wait(lambda one: one.deleted, 5)


async def test_the_buttons_of_a_thread_s_answer_are_in_the_thread(place: Place) -> None:
    first = await ask(place.ada, "musicgen", prompt="calm piano", channel=place.channel)
    thread = place.guild.channels[first.id]
    (answer,) = [message for message in thread.messages if message.attachments]
    assert "Vary" in answer.buttons()
    other = await result(await place.ben.click(answer, "Vary"))
    assert other.content.startswith(f"**/musicgen** for <@{place.ben.id}>")
    await place.ada.click(answer, "Delete")
    await answer.wait(lambda one: one.deleted, 5)


async def test_a_private_result_can_be_pressed_too(place: Place) -> None:
    seen = await place.ada.command("quiet", {"text": "psst"}, channel=place.channel)
    message = await result(seen)
    assert message.ephemeral
    again = await result(await place.ada.click(message, "Again"))
    assert again.ephemeral
    await place.ada.click(message, "Delete")
    await message.wait(lambda one: one.deleted, 5)


async def test_a_wrong_value_can_be_corrected_where_it_was_refused(place: Place) -> None:
    options = {"prompt": "sea", "tags": "red, pink"}
    failed = await ask(place.ada, "studio mixed", options, channel=place.channel)
    assert "✏️" in failed.content
    form = await place.ada.click(failed, "Edit…")
    menu = await place.ada.submit(form, {"Tags": ["red", "blue"]})
    message = await result(await place.ada.click(shown(menu), "Run with these"))
    assert '"red", "blue"' in message.content


async def test_more_commands_than_a_menu_takes_are_on_pages(
    served_url: str, tmp_path: Path
) -> None:
    sources = [Source(served_url, name=f"studio{number}") for number in range(5)]
    async with discord() as place, at_home(place.server, *sources, folder=tmp_path):
        said = place.ada.say("words to send", channel=place.channel)
        menu = await place.ben.message_command("Use in a Space…", said)
        assert list(shown(menu).buttons()) == ["More ▶", "Another Space…"]
        page = await place.ben.click(shown(menu), "More ▶")
        assert list(shown(page).buttons()) == ["◀ Back", "Another Space…"]
        sent = await result(await place.ben.choose(shown(page), "/studio4 draw"))
        assert "words to send seed=" in sent.content


def version(number: int) -> gr.Blocks:
    """A Space before and after: an option is gone, another has new bounds, a third is new."""
    with gr.Blocks(analytics_enabled=False) as blocks:
        words, size = gr.Textbox(label="Words"), gr.Slider(1, (90, 20)[number], 5, label="Size")
        last = (gr.Textbox("plain", label="Style"), gr.Checkbox(False, label="Loud"))[number]
        gr.Button().click(
            lambda *arguments: str(arguments), [words, size, last], words, api_name="say"
        )
    return blocks


async def test_a_space_that_changed_is_gone_on_with_as_far_as_it_goes(tmp_path: Path) -> None:
    port = free_port()
    async with discord() as place:
        with serve(version(0), port) as url:
            source = Source(url, name="say")
            async with at_home(place.server, source, folder=tmp_path):
                options = {"words": "sea", "style": "bold"}
                small = await ask(place.ada, "say", options, channel=place.channel)
                large = await ask(place.ada, "say", options, channel=place.channel, size=70)
        async with at_home(place.server, source, folder=tmp_path):
            # It is down: its known commands are offered, and a press says why it fails.
            seen = await place.ben.click(small, "Again")
            await seen.wait(lambda one: "Trying the Space again" in shown(one).content, 30)
            await place.ben.click(shown(seen), "Cancel")
            assert "🛑 Cancelled: the Space is not asked again." in (await result(seen)).content
        with serve(version(1), port):
            async with at_home(place.server, source, folder=tmp_path) as home:
                await home.server.wait(lambda _: "Loud" in labels_of(home), 20)
                again = await result(await place.ben.click(small, "Again"))
                assert "('sea', 5, False)" in again.content
                assert "style" not in again.content
                # The form asks for a value that the Space no longer accepts.
                form = await place.ben.click(large, "Again")
                assert form.modal is not None, form.describe()
                assert [one["label"] for one in form.modal["components"]] == ["Size"]
                form = await place.ben.click(large, "Edit…")
                mended = await result(await place.ben.submit(form, {"Size": "20", "Loud": True}))
                assert "('sea', 20, True)" in mended.content


def labels_of(home: Home) -> list[str]:
    """The options of a Space's only command."""
    (space,) = home.catalogue.spaces
    return [one.label for one in space.endpoints[0].parameters]


async def test_a_private_result_is_sent_on_as_a_direct_message(place: Place) -> None:
    seen = await place.ada.command("quiet-files", count=12, channel=place.channel)
    await seen.wait(lambda one: is_final(one) and one.followups, 20)
    direct = place.server.dm_with(place.ada)
    before = len(direct.messages)
    for message in (shown(seen), *seen.followups):
        assert "Delete" not in message.buttons()
        pressed = await place.ada.click(message, "Send me this")
        await pressed.wait(lambda one: one.message and "Sent to you" in one.message.content, 10)
        assert shown(pressed).ephemeral
    sent = direct.messages[before:]
    assert [len(one.attachments) for one in sent] == [10, 2]
    first = shown(seen).attachments[0]
    assert sent[0].attachments[0].data == first.data
    assert sent[0].content == shown(seen).content


async def test_who_takes_no_direct_messages_is_told_how_to(place: Place) -> None:
    dan = place.server.add_user("dan")
    dan.accepts_dms = False
    place.guild.add_member(dan)
    seen = await dan.command("quiet-files", count=1, channel=place.channel)
    await seen.wait(is_final, 20)
    pressed = await dan.click(shown(seen), "Send me this")
    await pressed.wait(lambda one: one.message and "privacy settings" in one.message.content, 10)
