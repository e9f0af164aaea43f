"""One prompt to several commands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from spacebot.models import Source
from tests.e2e.conftest import Place, discord
from tests.support.asking import is_final, shown
from tests.support.bot_in_loop import at_home
from tests.support.loopback import Interaction, Message

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def result(seen: Interaction) -> Message:
    """The final answer to an interaction."""
    await seen.wait(is_final, 30)
    return shown(seen)


async def test_with_is_completed_item_by_item(place: Place) -> None:
    found = await place.ada.autocomplete("compare", option="with", text="fast e")
    assert "fast echo" in [choice["value"] for choice in found]
    found = await place.ada.autocomplete("compare", option="with", text="fast echo, kinds t")
    assert "fast echo, kinds text" in [choice["value"] for choice in found]
    # It answers only the person who asks.
    assert not await place.ada.autocomplete("compare", option="with", text="quiet")
    # They take numbers.
    found = await place.ada.autocomplete("compare", option="with", text="fast s")
    assert not {"fast sleep", "fast stream"} & {choice["value"] for choice in found}


async def test_answers_stand_side_by_side_files_and_errors_under_their_names(
    place: Place, space: Callable[[str], str], tmp_path: Path
) -> None:
    sources = [
        Source(space("fast"), "/echo", "echo"),
        Source(space("musicgen"), "/predict", "musicgen"),
        Source(space("trouble"), "/told", "trouble"),
    ]
    async with discord() as here, at_home(here.server, *sources, folder=tmp_path):
        options = {"prompt": "piano", "with": "echo, musicgen, trouble"}
        seen = await here.ada.command("compare", options, channel=here.channel)
        message = await result(seen)
    head, echo, musicgen, trouble = re.split(r"\n\n\*\*/\w+\*\*\n", message.content)
    assert head.startswith("-# prompt: piano · ")
    assert echo.startswith("piano")
    assert trouble.startswith("❌ The Space says:")
    names = [file.filename for file in message.attachments]
    assert len(names) == 2
    assert all(name.startswith("musicgen-") and f"`{name}`" in musicgen for name in names)
    assert list(message.buttons()) == ["Again", "Edit…", "Delete"]
    assert len(here.channel.messages) == 1


async def test_the_quick_one_is_shown_before_the_slow_one(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    sources = [
        Source(space("fast"), "/echo", "echo"),
        Source(space("studio"), "/slow", "slow"),
    ]
    async with discord() as here, at_home(here.server, *sources, folder=tmp_path) as home:
        # The next edit shows the rest.
        here.server.limits.fail("PATCH /webhooks/*", 0)
        seen = await here.ada.command(
            "compare", {"prompt": "sea", "with": "echo, slow"}, channel=here.channel
        )
        await seen.wait(lambda one: "**/echo**\nsea" in shown(one).content, 10)
        assert not is_final(seen)
        stop = await here.ben.click(shown(seen), "Cancel")
        assert "Only the person who asked" in shown(stop).content
        await here.ada.click(shown(seen), "Cancel")
        message = await result(seen)
        assert "**/echo**\nsea" in message.content
        assert "**/slow**\n🛑" in message.content
        again = await here.ben.click(message, "Again")
        await here.ben.click(shown(again), "Cancel")
        assert f"<@{here.ben.id}>" in (await result(again)).content
        # Deleting the message ends the comparison.
        again = await here.ben.click(message, "Again")
        await again.wait(lambda one: "⚙️ Working" in shown(one).content, 10)
        here.ben.delete(shown(again))
        await home.jobs.drained(10)
        assert not home.jobs.running


async def test_a_restart_tells_that_the_answers_are_lost_and_offers_them_again(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    sources = [
        Source(space("fast"), "/echo", "echo"),
        Source(space("studio"), "/slow", "slow"),
    ]
    async with discord() as here:
        async with at_home(here.server, *sources, folder=tmp_path):
            options = {"prompt": "sea", "with": "echo, slow"}
            seen = await here.ada.command("compare", options, channel=here.channel)
            await seen.wait(lambda one: "**/echo**\nsea" in shown(one).content, 10)
        async with at_home(here.server, *sources, folder=tmp_path):
            await seen.wait(lambda one: "the result is lost" in shown(one).content, 10)
            again = await here.ada.click(shown(seen), "Run again")
            await again.wait(lambda one: "**/echo**\nsea" in shown(one).content, 10)
            await here.ada.click(shown(again), "Cancel")
            await result(again)


async def test_one_command_is_not_compared(place: Place) -> None:
    options = {"prompt": "sea", "with": "fast echo"}
    seen = await place.ada.command("compare", options, channel=place.channel)
    assert "`with` needs at least two commands" in shown(seen).content
    assert shown(seen).ephemeral
