"""Many people in conversations at the same time: each answer belongs to its question."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tests.loopback import Channel, User
from tests.talking import lab, spoken

PEOPLE = 60
ROUNDS = 3


async def test_sixty_people_at_once_are_each_answered_where_they_asked(served, tmp_path: Path):
    spaces = {"falcon": served("falcon"), "llama": served("codellama")}
    async with lab(tmp_path, **spaces) as it:
        people = [it.server.add_user(f"person{number}") for number in range(PEOPLE)]
        for person in people:
            it.guild.add_member(person)

        async def talk(number: int, person: User) -> Channel:
            secret = f"Name{number:03}"
            if number % 3 == 2:
                place = it.server.dm_with(person)
                await person.command("falcon", message=f"my name is {secret}")
            else:
                seen = await person.command(
                    "falcon", message=f"my name is {secret}", channel=it.channel
                )
                await it.channel.wait(lambda _: seen.message and seen.message.thread, 60)
                assert seen.message
                assert seen.message.thread
                place = seen.message.thread
            for _ in range(ROUNDS):
                person.say("what is my name?", channel=place)
                person.say("how many messages did I send?", channel=place)
            await place.wait(lambda p: f"message {2 * ROUNDS + 1} of" in spoken(p)[-1].content, 120)
            return place

        places = await asyncio.gather(*(talk(n, p) for n, p in enumerate(people)))
        for number, place in enumerate(places):
            said = "\n".join(message.content for message in spoken(place))
            names = set(re.findall(r"Name\d{3}", said))
            assert names == {f"Name{number:03}"}
            assert said.count(f"Your name is Name{number:03}.") == ROUNDS
            counts = re.findall(r"This is message (\d+) of our conversation", said)
            assert counts == [str(2 * turn + 1) for turn in range(1, ROUNDS + 1)]
            for answer in spoken(place):
                if answer.reference and not answer.reference.author.bot:
                    asked = answer.reference.content
                    right = "Your name is" if "name" in asked else "This is message"
                    assert answer.content.startswith(right)
        assert len({place.id for place in places}) == PEOPLE
