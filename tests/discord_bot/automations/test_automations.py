"""Automations: the examples of docs/automations.md, in a real bot."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from PIL import Image

from spacebot.models import Source
from tests.support.automations import Lab, final, lab, opus, picture, runs, speak

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(
    demo_url: str, served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """The bot with the embedded Space and a speech Space."""
    folder = tmp_path_factory.mktemp("automations")
    sources = [Source(demo_url, name="demo"), Source(served("speech"), name="whisper")]
    async with lab(folder, *sources) as there:
        yield there


async def test_every_picture_in_a_channel_is_described(home: Lab):
    await home.add("picture", "/demo describe", channel=home.channel)
    other = home.guild.add_text_channel("other")
    shown = home.ada.say("look", channel=home.channel, files=[("red.png", picture("red"))])
    elsewhere = home.ada.say("look", channel=other, files=[("blue.png", picture("blue"))])
    answer = await home.answer_to(shown)
    assert answer.content.startswith(
        f"**/demo describe** for {home.ada.mention} · picture: red.png"
    )
    assert "64 × 48" in answer.content
    assert not answer.pings
    assert not runs(elsewhere.channel)
    forwarded = home.ben.forward(elsewhere, home.channel)
    assert "picture: blue.png" in (await home.answer_to(forwarded)).content
    both = [("a.png", picture("green")), ("b.png", picture("navy", (32, 32))), ("c.txt", b"words")]
    two = home.ben.say("two of them", channel=home.channel, files=both)
    await home.channel.wait(lambda c: sum(m.reference is two and final(m) for m in c.messages) == 2)


async def test_voice_messages_are_transcribed(home: Lab):
    place = home.guild.add_text_channel("voices")
    await home.add("voice", "/whisper", channel=place)
    low, high = speak(home.ada, place, opus(220, 1.5)), speak(home.ben, place, opus(880, 0.8))
    home.ada.say("no voice message", channel=place, files=[("tone.ogg", opus(440, 0.5))])
    first, second = await home.answer_to(low), await home.answer_to(high)
    assert "1.5 seconds at 220 Hz" in first.content
    assert "0.8 seconds at 880 Hz" in second.content
    assert len(runs(place)) == 2


async def test_a_new_member_is_greeted_with_a_painted_card(home: Lab):
    hall = home.guild.add_text_channel("hall")
    values = "prompt:a warm welcome for {user} size:256"
    await home.add("join", "/demo paint", channel=hall, values=values)
    zoe = home.server.add_user("zoe")
    zoe.join(home.guild)
    await hall.wait(lambda c: any(final(m) for m in c.messages), 30)
    (card,) = runs(hall)
    assert f"for {zoe.mention} · prompt: a warm welcome for Zoe" in card.content
    with Image.open(io.BytesIO(card.attachments[0].data)) as painted:
        assert painted.size == (256, 256)


async def test_a_file_that_may_not_be_attached_is_told(home: Lab):
    place = home.guild.add_text_channel("no-files", deny=("attach_files",))
    values = "prompt:{text} size:256"
    await home.add("text", "/demo paint", match="x", values=values, channel=place)
    answer = await home.answer_to(home.ada.say("x", channel=place))
    assert "-# I cannot attach `paint.png` here: " in answer.content
    assert not home.server.dm_with(home.ada).messages


async def test_a_reaction_turns_a_message_into_a_tune(home: Lab):
    place = home.guild.add_text_channel("music")
    await home.add(
        "reaction", "/demo compose", match="🎵", values="prompt:{text} seconds:4", channel=place
    )
    words = home.ada.say("calm piano in the rain", channel=place)
    home.ada.react(words, "👍")
    home.ben.react(words, "🎵")
    answer = await home.answer_to(words)
    assert f"for {home.ben.mention} · prompt: calm piano in the rain" in answer.content
    with wave.open(io.BytesIO(answer.attachments[0].data)) as tune:
        assert tune.getnframes() / tune.getframerate() == pytest.approx(4, abs=0.1)
    home.mod.react(words, "🎵")
    assert set(answer.buttons()) >= {"Again", "Delete"}
    assert len(runs(place)) == 1
