"""An exception in anything that a member uses is reported to them, and logged once."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from spacebot.discord_bot.button_base import BUTTONS, ButtonHandler
from spacebot.discord_bot.buttons import JOB_BUTTONS
from spacebot.discord_bot.conversations import CHAT_BUTTONS
from spacebot.discord_bot.find import FIND
from spacebot.discord_bot.forms import FORM_BUTTONS
from spacebot.discord_bot.presets import PRESET_BUTTONS
from spacebot.discord_bot.send_to import SEND_TO
from tests.e2e.conftest import Place
from tests.e2e.test_buttons import picture
from tests.support.asking import ask, is_final, shown
from tests.support.conversations import lab, opened, spoken
from tests.support.loopback import DiscordServer, Interaction
from tests.support.loopback.components import SELECT

pytestmark = pytest.mark.asyncio(loop_scope="session")

Use = Awaitable[Interaction]
SORRY = "Something went wrong in the bot"


def assert_told_once(seen: Interaction, caplog: pytest.LogCaptureFixture) -> None:
    """The person who waits is told privately; the log has one error, with a traceback."""
    assert SORRY in shown(seen).content
    assert shown(seen).ephemeral
    errors = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert len(errors) == 1, [one.getMessage() for one in errors]
    assert errors[0].exc_info
    assert "400 Bad Request" in str(errors[0].exc_info[1])
    caplog.clear()


async def failing(server: DiscordServer, caplog: pytest.LogCaptureFixture, use: Use) -> None:
    """Use something whose first answer Discord refuses: the member is told."""
    server.limits.fail("POST /interactions/*/callback", 400)
    assert_told_once(await use, caplog)


async def test_a_command_tells_what_fails(place: Place, caplog) -> None:
    use = place.ada.command("kinds text", text="a", channel=place.channel)
    await failing(place.server, caplog, use)


@pytest.mark.parametrize(
    "name", ["Again", "Vary", "Edit…", "Send to…", "Recipe", "Save as…", "Delete"]
)
async def test_a_button_of_a_result_tells_what_fails(place: Place, caplog, name: str) -> None:
    message = await ask(place.ada, "studio draw", prompt="a", channel=place.channel)
    await failing(place.server, caplog, place.ada.click(message, name))


async def test_a_button_of_a_running_job_tells_what_fails(place: Place, caplog) -> None:
    seen = await place.ada.command("trouble crowd", seconds=30, channel=place.channel)
    await failing(place.server, caplog, place.ada.click(shown(seen), "Cancel"))
    await place.ada.click(shown(seen), "Cancel")
    await seen.wait(is_final, 30)


async def test_a_form_and_its_buttons_tell_what_fails(place: Place, caplog) -> None:
    form = await place.ada.command("many", prompt="sea", more=True, channel=place.channel)
    await failing(place.server, caplog, place.ada.submit(form))
    form = await place.ada.command("many", prompt="sea", more=True, channel=place.channel)
    menu = shown(await place.ada.submit(form))
    for button in ("Next 2 settings", "Run with these"):
        await failing(place.server, caplog, place.ada.click(menu, button))


async def test_the_menus_of_send_to_tell_what_fails(place: Place, caplog) -> None:
    file = ("a.png", picture(), "image/png")
    message = await ask(place.ada, "kinds png", picture=file, channel=place.channel)
    menu = shown(await place.ada.click(message, "Send to…"))
    target = next(part for part in menu.walk() if part["type"] == SELECT)["options"][0]["value"]
    await failing(place.server, caplog, place.ada.choose(menu, target))


async def test_a_context_menu_tells_what_fails(place: Place, caplog) -> None:
    message = await ask(place.ada, "kinds text", text="a", channel=place.channel)
    for name in ("Use in a Space…", "Recipe"):
        await failing(place.server, caplog, place.ada.message_command(name, message))


async def test_the_buttons_of_a_conversation_tell_what_fails(served, tmp_path: Path, caplog):
    async with lab(tmp_path, falcon=served("falcon"), keyed=served("keyed")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="hello")
        said = spoken(thread)[-1]
        for button in ("Regenerate", "Fork", "Export", "Open to all"):
            await failing(it.server, caplog, it.ada.click(said, button))
        arguments: dict[str, Any] = {"message": "one", "key": "ada-key"}
        thread = await opened(it.ada, "keyed", it.channel, **arguments)
        await it.ada.click(spoken(thread)[-1], "Open to all")
        it.ben.say("two", channel=thread)
        await thread.wait(lambda channel: "Enter" in spoken(channel)[-1].buttons(), 20)
        await failing(it.server, caplog, it.ben.click(spoken(thread)[-1], "Enter"))


async def test_stop_tells_what_fails(served, tmp_path: Path, caplog):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        it.ada.say("slowly please tell me a very long story", channel=thread)
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 10)
        said = spoken(thread)[-1]
        await failing(it.server, caplog, it.ada.click(said, "Stop"))
        await it.ada.click(said, "Stop")


async def test_a_broken_store_is_told_in_its_own_words(served, tmp_path: Path, caplog):
    async with lab(tmp_path, falcon=served("falcon"), kinds=served("kinds")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="hello")
        message = await ask(it.ada, "kinds text", text="a", channel=it.channel)
        with sqlite3.connect(tmp_path / "spacebot.db", timeout=30) as database:
            database.execute("ALTER TABLE conversations RENAME TO gone")
        # A recently used conversation is in memory, without its table.
        exported = await it.ada.click(spoken(thread)[-1], "Export")
        await exported.wait(lambda one: one.message and one.message.attachments, 30)
        with sqlite3.connect(tmp_path / "spacebot.db", timeout=30) as database:
            database.execute("ALTER TABLE jobs RENAME TO gone_too")
        uses = (
            it.ada.click(message, "Delete"),
            it.ada.message_command("Recipe", message),
        )
        caplog.clear()
        for use in uses:
            seen = await use
            assert "could not save this" in shown(seen).content
            told = [one for one in caplog.records if "an interaction failed" in one.message]
            assert ["StoreError (OperationalError)" in one.message for one in told] == [True]
            caplog.clear()


async def test_every_posted_button_has_its_handler() -> None:
    """Messages survive restarts and updates: their ids work forever."""
    posted = (
        "cancel:{} again:{} vary:{} edit:{} send:{} recipe:{} delete:{} mail:{} then:{}:0a1b:12 "
        "chat-enter:{} chat-stop:{} chat-again:{} chat-fork:{} chat-export:{} chat-share:{} "
        "what:{} to:{} turn:{}:3 another:{} find:{} form:{}:2 form:{}:run "
        "save:{} replace:{}:yours:name"
    ).replace("{}", "0123456789ab")
    handlers = (
        *JOB_BUTTONS,
        *PRESET_BUTTONS,
        *SEND_TO,
        *FIND,
        *CHAT_BUTTONS,
        *FORM_BUTTONS,
    )
    answering = {
        custom_id: [
            one for one in handlers if re.fullmatch(one.__discord_ui_compiled_template__, custom_id)
        ]
        for custom_id in posted.split()
    }
    assert {custom_id: len(found) for custom_id, found in answering.items()} == dict.fromkeys(
        posted.split(), 1
    )
    assert {one for found in answering.values() for one in found} == set(handlers)
    buttons = [
        one for one in (*JOB_BUTTONS, *PRESET_BUTTONS, *SEND_TO) if issubclass(one, ButtonHandler)
    ]
    assert {one.spec for one in buttons} == set(BUTTONS.values())
