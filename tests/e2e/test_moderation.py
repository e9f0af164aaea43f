"""Answers that AutoMod or a server's content filter blocks still reach the person who asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Place
from tests.support.asking import ask, shown
from tests.support.loopback import Channel, Message

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def channel(place: Place) -> Iterator[Channel]:
    """A channel of a server that moderates."""
    yield place.channel
    place.guild.blocked_words.clear()
    place.guild.filtered.clear()


async def test_files_that_the_content_filter_blocks_are_left_out_and_named(
    place: Place, channel: Channel
) -> None:
    place.guild.filtered.add(b"explicit")
    notes = {"paper": ("notes.txt", b"explicit notes")}
    said = await ask(place.ben, "kinds file", notes, channel=channel)
    assert "Discord's content filter blocked the files here: `notes.txt`." in said.content
    assert not said.attachments


async def test_an_answer_that_automod_blocks_comes_privately(
    place: Place, channel: Channel
) -> None:
    place.guild.blocked_words.add("total")
    seen = await place.ben.command("stateful count", step=3, channel=channel)
    await seen.wait(lambda one: one.followups, 20)
    (answer,) = seen.followups
    assert answer.ephemeral
    assert "total" in answer.content
    await seen.wait(lambda one: is_closed(shown(one)), 10)
    assert "AutoMod blocked the answer, so it was sent to you privately." in shown(seen).content


async def test_a_prompt_that_automod_blocks_is_answered_privately(
    place: Place, channel: Channel
) -> None:
    place.guild.blocked_words.add("forbidden")
    seen = await place.ben.command("fast echo", text="forbidden fruit", channel=channel)
    await seen.wait(lambda one: one.followups, 20)
    assert "forbidden fruit" in seen.followups[0].content
    await seen.wait(lambda one: is_closed(shown(one)), 10)
    assert "forbidden" not in shown(seen).content


async def test_a_thread_whose_title_automod_blocks_gets_a_plain_one(
    place: Place, channel: Channel
) -> None:
    place.guild.blocked_words.add("forbidden")
    given = {"prompt": "forbidden song"}
    answer = await ask(place.ben, "musicgen", given, channel=channel)
    thread = answer.thread
    assert thread is not None
    assert thread.name == "Answer"
    # Here, the answer repeats the word.
    assert "sent to you privately" in answer.content


def is_closed(message: Message) -> bool:
    """Whether no message is still waiting for a result."""
    return not message.buttons()
