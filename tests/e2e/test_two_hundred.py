"""Two hundred people in one server: commands, buttons, conversations and automations at once.

Nothing here is about time: what is waited for comes as late as a slow machine makes it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from spacebot.engine.jobs import JobDeadlines, JobLimits
from spacebot.models import Source
from tests.faults.counting import settled
from tests.support.apps import spawn
from tests.support.asking import ask, is_final, shown
from tests.support.automations import Lab, lab, runs
from tests.support.conversations import LAST, spoken
from tests.support.loopback import Channel, Interaction, Message, User

pytestmark = pytest.mark.asyncio(loop_scope="module")
PEOPLE = 200
# What each of them does, in turn.
COUNT, VARY, SEND, TALK, AUTOMATE = range(5)
# How long a whole test may take before it counts as failed, in seconds.
PATIENCE = 900
WAITING, RUNNING = 12, 2


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """The bot, with a Space in a process of its own."""
    limits = JobLimits(waiting_per_user=WAITING, running_per_user=RUNNING)
    deadlines = JobDeadlines(silence=PATIENCE, queue=PATIENCE)
    with spawn("crowd") as space:
        source = Source(space.url, name="crowd")
        folder = tmp_path_factory.mktemp("crowd")
        async with lab(folder, source, limits=limits, deadlines=deadlines) as there:
            there.server.limits.acknowledge_within = PATIENCE
            yield there


@dataclass
class Crowd:
    """Everybody, their channels, and each person's first answer, whose buttons others press."""

    home: Lab
    square: Channel
    asking: Channel
    marking: Channel
    people: list[User]
    first: dict[int, asyncio.Future[Message]] = field(init=False)

    def __post_init__(self) -> None:
        self.first = {number: asyncio.Future() for number in range(len(self.people))}

    def other(self, number: int) -> int:
        """Somebody else who does the same."""
        return (number + 5) % len(self.people)

    async def act(self, number: int) -> None:
        """Do what this person is there for, and check each answer."""
        doing = (self.count, self.vary, self.send, self.talk, self.automate)
        await doing[number % 5](number, self.people[number])

    async def begin(self, number: int, command: str, **arguments: object) -> Message:
        """Use a command; others press the buttons of its answer."""
        requester = self.people[number]
        message = await ask(requester, command, arguments, channel=self.square, seconds=PATIENCE)
        assert message.content.startswith("-# ")
        self.first[number].set_result(message)
        return message

    async def pressed(self, number: int, button: str) -> Interaction:
        """Press a button under another's answer."""
        return await self.people[number].click(await self.first[self.other(number)], button)

    async def count(self, number: int, requester: User) -> None:
        """Add to another person's result: it uses the presser's own total, not theirs."""
        mine = await self.begin(number, "crowd count", step=number + 1)
        assert f"\ntotal {number + 1}\n" in mine.content
        again = await answered(await self.pressed(number, "Again"))
        assert again.content.startswith(f"**/crowd count** for {requester.mention} ")
        assert f"\ntotal {number + 1 + self.other(number) + 1}\n" in again.content

    async def vary(self, number: int, requester: User) -> None:
        """Draw another person's picture with another seed."""
        mine = await self.begin(number, "crowd draw", prompt=words(requester), seed=number)
        assert f"\n{words(requester)} seed={number} random=False" in mine.content
        fresh = (await answered(await self.pressed(number, "Vary"))).content
        assert fresh.startswith(f"**/crowd draw** for {requester.mention} ")
        found = re.search(rf"\n{words(self.people[self.other(number)])} seed=(\d+) ", fresh)
        assert found is not None, fresh
        assert int(found[1]) != self.other(number)

    async def send(self, number: int, requester: User) -> None:
        """Draw another person's text."""
        mine = await self.begin(number, "crowd echo", text=words(requester))
        assert f"\n{words(requester)}\n" in mine.content
        menu = await self.pressed(number, "Send to…")
        await menu.wait(lambda one: one.message, PATIENCE)
        sent = await answered(await requester.choose(shown(menu), "/crowd draw"))
        assert sent.content.startswith(f"**/crowd draw** for {requester.mention} ")
        assert f"\n{words(self.people[self.other(number)])} seed=7 " in sent.content

    async def talk(self, number: int, requester: User) -> None:
        """Talk in a thread or in direct messages, without waiting for answers."""
        at = self.square if number % 2 else None
        said = [f"{words(requester)} {count}" for count in ("one", "two", "three")]
        seen = await requester.command("crowd chat", message=said[0], channel=at)
        place = self.home.server.dm_with(requester)
        if at:
            opened = await shown(seen).wait(lambda one: one.thread, PATIENCE)
            assert opened.thread
            place = opened.thread
        for question in said[1:]:
            requester.say(question, channel=place)
        await place.wait(lambda one: is_whole(one, said[-1]), PATIENCE)
        answers = [one for one in spoken(place) if not one.content.startswith("💬")]
        heard = [f"{before} before. You said: {words}" for before, words in enumerate(said)]
        assert [one.content for one in answers] == heard

    async def automate(self, number: int, requester: User) -> None:
        """Post what starts one automation, and let another person react for a second one."""
        question = requester.say(f"question: {words(requester)}", channel=self.asking)
        reader = self.people[self.other(number)]
        marked = requester.say(words(requester), channel=self.marking)
        reader.react(marked, "🔁")
        answer = (await self.home.answer_to(question, PATIENCE)).content
        assert answer.startswith(f"**/crowd echo** for {requester.mention} ")
        assert f"\nquestion: {words(requester)}\n" in answer
        answer = (await self.home.answer_to(marked, PATIENCE)).content
        assert answer.startswith(f"**/crowd echo** for {reader.mention} ")
        assert f"\n{words(requester)} for {reader.name.title()}\n" in answer


def words(user: User) -> str:
    """A text that only this person posts."""
    return f"the words of {user.name}."


def is_whole(place: Channel, text: str) -> bool:
    """Whether the last answer has arrived and says this."""
    said = spoken(place)
    return bool(said) and said[-1].content.endswith(text) and LAST in said[-1].buttons()


async def answered(seen: Interaction) -> Message:
    """The final answer to an interaction."""
    await seen.wait(is_final, PATIENCE)
    return shown(seen)


def members(home: Lab, name: str, count: int) -> list[User]:
    """So many more members."""
    found = [home.server.add_user(f"{name}{number}") for number in range(count)]
    for one in found:
        home.guild.add_member(one)
    return found


async def test_each_answer_belongs_to_its_question(home: Lab):
    square, asking, marking = map(home.guild.add_text_channel, ("square", "asking", "marking"))
    crowd = Crowd(home, square, asking, marking, members(home, "person", PEOPLE))
    every = {"per_hour": 1000}
    await home.add("text", "/crowd echo", match="question", channel=crowd.asking, **every)
    marked = {"match": "🔁", "values": "text:{text} for {user}", "channel": crowd.marking}
    await home.add("reaction", "/crowd echo", **marked, **every)
    await asyncio.gather(*map(crowd.act, range(PEOPLE)))
    each = PEOPLE // 5
    # The bot answered nothing else and nobody else, and pinged nobody.
    assert len(runs(crowd.asking)) == len(runs(crowd.marking)) == each
    assert len(runs(crowd.square)) == 3 * 2 * each + each // 2
    assert len(crowd.square.threads) == each // 2
    everywhere = home.server.all_messages()
    assert not any(one.pings for one in everywhere if one.author is home.server.bot)
    await settled(home.home)


async def test_limits_and_fairness_hold_however_one_asks(home: Lab):
    square, busy = map(home.guild.add_text_channel, ("many turns", "busy"))
    arguments = {"match": "work", "channel": busy, "per_hour": 1000}
    await home.add("text", "/crowd turn", **arguments)
    await ask(home.mod, "crowd door", {"open": True}, channel=square, seconds=PATIENCE)
    first = await ask(home.ada, "crowd turn", words="ada's.", channel=square, seconds=PATIENCE)
    await ask(home.mod, "crowd door", {"open": False}, channel=square, seconds=PATIENCE)
    pressed = [await home.ada.click(first, "Again") for _ in range(WAITING + RUNNING + 3)]
    refused = [one for one in pressed if one not in await taken(home, pressed)]
    # At least one runs on the Space, and one more may have been sent as a probe.
    assert 3 <= len(refused) <= 3 + RUNNING - 1
    said = {shown(one).content.rpartition("\n")[2] for one in refused}
    most = f"You have {WAITING} jobs waiting, the maximum for one person."
    assert all(most in line for line in said), said
    thread = shown(await home.ada.command("crowd chat", message="hello?", channel=square))
    await thread.wait(lambda one: one.thread and most in spoken(one.thread)[-1].content, PATIENCE)
    # A channel's automation counts as one person, no matter who writes there.
    asked = [one.say(f"work: {words(one)}", channel=busy) for one in members(home, "busy", 15)]
    await busy.wait(lambda one: len(runs(one)) == WAITING, PATIENCE)
    crowd = members(home, "late", 10)
    late = [await one.command("crowd turn", words=words(one), channel=square) for one in crowd[:5]]
    late += [await one.click(first, "Again") for one in crowd[5:]]
    await home.server.wait(lambda _: are_sent(home, crowd), PATIENCE)
    await ask(home.mod, "crowd door", {"open": True}, channel=square, seconds=PATIENCE)
    mine = [number(await answered(one)) for one in pressed if one not in refused]
    theirs = [number(await home.answer_to(one, PATIENCE)) for one in asked]
    newcomers = [number(await answered(one)) for one in late]
    every = mine + theirs + newcomers
    assert sorted(every) == list(range(2, 2 + len(every)))
    for others in (mine, theirs):
        assert sum(one < max(newcomers) for one in others) <= RUNNING, (others, newcomers)


async def taken(home: Lab, pressed: list[Interaction]) -> list[Interaction]:
    """The presses that were accepted, once the others are refused."""
    jobs = home.home.jobs
    await home.server.wait(
        lambda _: sum(map(is_final, pressed)) == len(pressed) - len(jobs.running), PATIENCE
    )
    return [one for one in pressed if not is_final(one)]


def are_sent(home: Lab, crowd: list[User]) -> bool:
    """Whether the jobs of these people run on the Space."""
    ids = {str(one.id) for one in crowd}
    found = [one for one in home.home.jobs.running if one.job.requester.user in ids]
    return len(found) == len(crowd) and all(one.sent for one in found)


def number(answer: Message) -> int:
    """The number of the next caller."""
    found = re.search(r"\nnumber (\d+): ", answer.content)
    assert found is not None, answer
    return int(found[1])
