"""A crowd in one channel: what its automations share, what each has alone, and the limits.

For two hundred people who use all of the bot at once, see `test_two_hundred`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from spacebot.models import Source
from tests.support.asking import is_final, shown
from tests.support.automations import Lab, final, lab, opus, runs, speak
from tests.support.loopback import Channel, Message, User

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(
    demo_url: str, served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """The bot with Spaces that are quick, that remember, and that run one job at a time."""
    sources = [
        Source(served("fast"), name="fast"),
        Source(served("trouble"), name="trouble"),
        Source(served("stateful"), name="stateful"),
        Source(served("speech"), name="whisper"),
        Source(demo_url, name="demo"),
    ]
    async with lab(tmp_path_factory.mktemp("many"), *sources) as there:
        yield there


def people(home: Lab, count: int) -> list[User]:
    """So many more members."""
    found = [home.server.add_user(f"person{number}") for number in range(count)]
    for one in found:
        home.guild.add_member(one)
    return found


async def replies(channel: Channel, count: int, seconds: float = 120) -> dict[int, Message]:
    """The answers in a channel, by the id of the message that each replies to."""
    await channel.wait(lambda c: sum(map(final, runs(c))) >= count, seconds)
    found = [one for one in runs(channel) if one.reference]
    assert len(found) == len({one.reference.id for one in found if one.reference})
    return {one.reference.id: one for one in found if one.reference}


async def test_each_voice_gets_its_own_words(home: Lab):
    voices = home.guild.add_text_channel("crowd of voices")
    await home.add("voice", "/whisper", channel=voices, per_hour=1000)
    spoken = {
        hertz: speak(one, voices, opus(hertz, 0.5))
        for hertz, one in zip(range(200, 1200, 50), people(home, 20), strict=True)
    }
    by_sound = await replies(voices, len(spoken))
    for hertz, question in spoken.items():
        said = by_sound[question.id].content
        assert abs(int(said.partition(" Hz")[0].rpartition(" ")[2]) - hertz) <= 4, (hertz, said)
    assert not any(one.pings for one in runs(voices))


async def test_what_a_space_remembers_is_each_persons_own(home: Lab):
    crowd = people(home, 30)
    place = home.guild.add_text_channel("memory")
    arguments = {"match": "0,1,2,3,4,5,6,7,8,9", "values": "step:{text}", "per_hour": 1000}
    await home.add("text", "/stateful count", channel=place, **arguments)
    for turn in (1, 2):
        said = {n: one.say(f"{n}", channel=place) for n, one in enumerate(crowd, 1)}
        answers = await replies(place, turn * len(crowd))
        for number, message in said.items():
            assert f"\ntotal {turn * number}\n" in answers[message.id].content


async def test_a_busy_channel_takes_one_persons_share(home: Lab):
    place = home.guild.add_text_channel("busy")
    arguments = {"values": "seconds:0.3", "channel": place, "per_hour": 1000}
    await home.add("text", "/trouble one_by_one", match="work", **arguments)
    crowd = people(home, 25)
    for one in crowd:
        one.say("work", channel=place)
    await asyncio.sleep(1)
    began = time.monotonic()
    seen = await home.ada.command("trouble one_by_one", {"seconds": 0.1}, channel=home.channel)
    await seen.wait(is_final, 60)
    waited = time.monotonic() - began
    left = len(crowd) - sum(map(final, runs(place)))
    assert "awake" in shown(seen).content
    # All of the channel's 25 jobs would have taken 7.5 seconds.
    assert left >= 10, (waited, left)
    await replies(place, len(crowd), 60)


async def test_the_rate_holds_for_a_crowd(home: Lab):
    place = home.guild.add_text_channel("limited")
    await home.add("text", "/fast echo", match="all", channel=place, per_hour=20)
    for one in people(home, 100):
        one.say("all of us", channel=place)
    await replies(place, 20)
    await asyncio.sleep(1)
    assert len(runs(place)) == 20
