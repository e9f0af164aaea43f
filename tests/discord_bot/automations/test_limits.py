"""Automations: permissions, what they ignore, answers, limits, and restarts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from spacebot.discord_bot.automations import values
from spacebot.engine.jobs import JobDeadlines, JobLimits
from spacebot.engine.store import Automation
from spacebot.errors import InputError, StoreError
from spacebot.models import AnswerPlace, Endpoint, Parameter, Source
from tests.support.automations import PRIVILEGED, Lab, final, lab, picture, runs
from tests.support.automations import said as said_by
from tests.support.bot_in_loop import at_home
from tests.support.conversations import opened, spoken
from tests.support.loopback import DiscordServer, NotSendable
from tests.support.loopback import messages as sending

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """The bot with Spaces that are quick, and that fail."""
    folder = tmp_path_factory.mktemp("limits")
    sources = [
        Source(served("fast"), name="fast"),
        Source(served("trouble"), name="trouble"),
        Source(served("fast"), "/echo", "secret", answer=AnswerPlace.PRIVATE),
        Source(served("fast"), "/echo", "threaded", answer=AnswerPlace.THREAD),
    ]
    async with lab(folder, *sources, deadlines=JobDeadlines(retry=0.1)) as there:
        yield there


def kept(home: Lab, automation: str) -> Automation:
    found = home.home.bot.automations.find(automation, home.guild.id)
    assert found is not None
    return found


async def quiet(home: Lab, seconds: float = 0.5) -> None:
    """Long enough for an answer to arrive."""
    await asyncio.sleep(seconds)
    await home.home.jobs.drained(5)


async def test_only_moderators_see_it_and_only_in_servers(home: Lab):
    with pytest.raises(NotSendable, match="not shown to ada"):
        await home.ada.command("automation list", channel=home.channel)
    with pytest.raises(NotSendable, match="not offered"):
        await home.mod.command("automation list")
    other = home.server.add_guild("Elsewhere", home.ada)
    other.add_member(home.ben, "manage_guild")
    automation = await home.add("text", "/fast echo", match="only here")
    there = other.add_text_channel("there")
    seen = await home.ben.command("automation pause", automation=automation, channel=there)
    assert "no such automation in this server" in said_by(seen)
    assert seen.message
    assert seen.message.ephemeral


async def test_what_is_offered_while_one_types(home: Lab):
    options = {"when": "A message with certain words", "run": "/fast echo"}
    when, names = {"when": options["when"]}, list[str]()
    # Discord shows 25 at most, so each is looked for by its name.
    for text in ("/fast echo", "/threaded", "/secret"):
        found = await home.mod.autocomplete(
            "automation add", when, option="run", text=text, channel=home.channel
        )
        names += [one["value"] for one in found]
    # A command that answers in private is not among them.
    assert {"/fast echo", "/threaded"} <= set(names)
    assert "/secret" not in names
    found = await home.mod.autocomplete(
        "automation add", options, option="values", channel=home.channel
    )
    assert [one["value"] for one in found] == ["text:{text}"]
    automation = await home.add("text", "/fast echo", match="autocomplete me")
    found = await home.mod.autocomplete(
        "automation pause", option="automation", text="autocomplete", channel=home.channel
    )
    assert [one["value"] for one in found] == [automation]
    assert found[0]["name"] == "a message with “autocomplete me” in #art → /fast echo"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"when": "text", "run": "/fast echo"}, "`match` is needed"),
        ({"when": "join", "run": "/nothing"}, "no such command"),
        ({"when": "join", "run": "/secret"}, "answers privately"),
        ({"when": "join", "run": "/fast echo", "values": "a cat"}, "`name:value`"),
        ({"when": "join", "run": "/fast echo", "values": "text:{wrong}"}, "There is no {wrong}"),
        ({"when": "join", "run": "/fast echo", "answer": "reaction"}, "no message to react to"),
        ({"when": "daily", "run": "/fast echo", "match": "8:00"}, "`text` is needed"),
    ],
)
async def test_what_cannot_work_is_told_at_once(home: Lab, arguments: dict[str, str], why: str):
    before = len(home.home.bot.automations.of(home.guild.id))
    text = await home.automation("add", **arguments)
    assert text.startswith("✏️"), text
    assert why in text
    assert len(home.home.bot.automations.of(home.guild.id)) == before


async def test_an_automation_spends_nobody_s_secret(served: Callable[[str], str], tmp_path: Path):
    async with lab(tmp_path, Source(served("keyed"), name="keyed")) as home:
        place = home.guild.add_text_channel("keys")
        run = {"when": "text", "run": "/keyed", "match": "key", "channel": place}
        # Nobody may write a key where everyone can read it.
        refused = await home.automation("add", **run, values="message:{text} key:mine")
        assert "`key` is a password." in refused
        # Ada has entered hers, in a conversation and for this Space.
        thread = await opened(home.ada, "keyed", home.channel, message="begin", key="ada-key")
        assert "paid with ada-key" in spoken(thread)[-1].content
        await home.add(**run, values="message:{text}")
        for user in (home.ada, home.ben, home.mod):
            answer = await home.answer_to(user.say("a key", channel=place))
            assert "a key: paid with no key" in answer.content


async def test_a_command_that_needs_a_password_is_refused():
    key = Parameter("key", "Key", "textbox", required=True, secret=True, option="key")
    text = Parameter("text", "Text", "textbox", required=True, option="text")
    with pytest.raises(InputError, match="needs `key`, a password"):
        values.check(Endpoint("a/b", "/x", "x", "", (text, key)), {"text": "{text}"})


async def test_bots_webhooks_and_its_own_answers_are_left_alone(home: Lab):
    place = home.guild.add_text_channel("bots")
    await home.add("text", "/fast echo", match="hello", values="text:hello again", channel=place)
    robot = home.server.add_user("robot")
    robot.bot = True
    sending.create(place, robot, {"content": "hello"}, {})
    sending.create(place, home.server.bot, {"content": "hello"}, {})
    asked = home.ada.say("hello", channel=place)
    assert "hello again" in (await home.answer_to(asked)).content
    await quiet(home)
    assert len(runs(place)) == 2


async def test_a_reaction_of_a_bot_or_on_its_message_is_left_alone(home: Lab):
    place = home.guild.add_text_channel("reactions")
    await home.add("reaction", "/fast echo", match="🔊", channel=place)
    robot = home.server.add_user("other robot")
    robot.bot = True
    said = home.ada.say("aloud", channel=place)
    robot.react(said, "🔊")
    mine = sending.create(place, home.server.bot, {"content": "mine"}, {})
    home.ben.react(mine, "🔊")
    await quiet(home)
    assert len(runs(place)) == 1
    home.ben.react(said, "🔊")
    assert "aloud" in (await home.answer_to(said)).content


async def test_it_answers_in_a_thread_in_another_channel_or_by_a_reaction(home: Lab):
    place, target = home.guild.add_text_channel("from"), home.guild.add_text_channel("to")
    await home.add("text", "/fast echo", match="thread please", answer="thread", channel=place)
    await home.add("text", "/threaded", match="over there", to=target, channel=place)
    await home.add("text", "/fast echo", match="react", answer="reaction", channel=place)
    threaded = home.ada.say("thread please", channel=place)
    moved, told = (
        home.ada.say("over there", channel=place),
        home.ada.say("react 🦊 now", channel=place),
    )
    plain = home.ada.say("react", channel=place)
    await place.wait(lambda c: c.threads and any(map(final, c.threads[0].messages)), 20)
    (thread,) = place.threads
    assert thread.id == threaded.id
    assert "thread please" in thread.name
    await target.wait(lambda c: any(map(final, c.messages)), 20)
    (answer,) = runs(target)
    assert "over there" in answer.content
    assert answer.reference is None
    assert not target.threads
    await told.wait(lambda m: m.reactions, 20)
    await plain.wait(lambda m: m.reactions, 20)
    assert (list(told.reactions), list(plain.reactions)) == (["🦊"], ["✅"])
    assert not runs(place)
    assert moved.reactions == {}


async def test_a_new_thread_and_a_forum_post(home: Lab):
    place = home.guild.add_text_channel("threads")
    await home.add("thread", "/fast echo", values="text:{title} — {text}", channel=place)
    first = home.ada.say("the first words", channel=place)
    thread = home.ada.start_thread("Plans", place, message=first)
    await thread.wait(lambda c: any(map(final, runs(c))), 20)
    assert "Plans — the first words" in runs(thread)[0].content
    empty = home.ada.start_thread("No message", place)
    await empty.wait(lambda c: any(map(final, runs(c))), 20)
    assert "No message —" in runs(empty)[0].content
    forum = home.guild.add_forum("ideas")
    await home.add("thread", "/fast echo", values="text:{title} — {text}", channel=forum)
    await home.add("text", "/fast echo", match="needle", channel=forum)
    post = home.ada.post("In May", forum, "the words of the post")
    (first,) = post.messages
    answer = await home.answer_to(first)
    assert answer.channel is post
    assert "In May — the words of the post" in answer.content
    needle = home.ben.say("a needle in the post", channel=post)
    assert "a needle in the post" in (await home.answer_to(needle)).content


async def test_a_thread_of_somebody_who_is_no_member_is_left_alone(
    home: Lab, caplog: pytest.LogCaptureFixture
):
    place = home.guild.add_text_channel("strange")
    await home.add("thread", "/fast echo", channel=place)
    stranger = home.server.add_user("webhook")
    strange = stranger.start_thread("Strange", place)
    own = home.ada.start_thread("Own", place)
    await own.wait(lambda c: any(map(final, runs(c))), 20)
    assert not runs(strange)
    assert "because of a bug" not in caplog.text


async def test_an_event_is_answered_once_although_discord_has_trouble(home: Lab):
    place = home.guild.add_text_channel("trouble")
    await home.add("text", "/fast echo", match="hear", channel=place)
    # The connection breaks once before Discord accepts the message and once after.
    home.server.limits.fail(f"POST /channels/{place.id}/messages", 0)
    home.server.limits.fail(f"POST /channels/{place.id}/messages", 0, after=True)
    answer = await home.answer_to(home.ada.say("hear me", channel=place), 60)
    assert "hear me" in answer.content
    assert len(runs(place)) == 1


async def test_a_forwarded_message_counts_as_a_message(home: Lab):
    place = home.guild.add_text_channel("forwards")
    await home.add("text", "/fast echo", match="parcel", channel=place)
    said = home.ada.say("a parcel from afar", channel=home.channel)
    forwarded = home.ben.forward(said, place)
    answer = await home.answer_to(forwarded)
    assert answer.content.startswith(f"**/fast echo** for {home.ben.mention}")
    assert "\na parcel from afar\n" in answer.content


async def test_where_nothing_can_be_answered_is_told_at_once(home: Lab):
    forum = home.guild.add_forum("closed forum")
    closed = home.guild.add_text_channel("no reactions", deny=("add_reactions",))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"when": "text", "match": "x", "to": forum}, "itself. Choose another one for `to`"),
        ({"when": "join", "channel": forum}, "itself. Choose another one for `channel`"),
        ({"when": "join", "answer": "thread"}, "no message to open a thread on"),
    ]
    for arguments, why in cases:
        text = await home.automation("add", run="/fast echo", **arguments)
        assert text.startswith("✏️"), text
        assert why in text
    arguments = {"when": "text", "run": "/fast echo", "match": "x", "channel": closed}
    text = await home.automation("add", answer="reaction", **arguments)
    assert text.startswith("✅")
    assert "⚠️ I lack permissions for this: **Add Reactions**." in text
    assert "I lack" not in await home.automation("add", **arguments)


async def test_what_is_no_emoji_to_discord_gives_way_to_the_usual_one(home: Lab):
    place = home.guild.add_text_channel("signs")
    await home.add("text", "/fast echo", match="sign", answer="reaction", channel=place)
    home.server.limits.fail("PUT */reactions/*", 400)
    said = home.ada.say("a sign → here", channel=place)
    await said.wait(lambda m: m.reactions, 20)
    assert list(said.reactions) == ["✅"]
    # A broken connection does not lose it.
    home.server.limits.fail("PUT */reactions/*", 0)
    said = home.ada.say("a sign", channel=place)
    await said.wait(lambda m: m.reactions, 20)


async def test_where_its_channel_is_gone_or_its_maker_others_are_told(home: Lab):
    place, target = (home.guild.add_text_channel(name) for name in ("here", "doomed"))
    left = home.server.add_user("left")
    home.guild.add_member(left, "manage_guild")
    arguments = {"when": "text", "run": "/fast echo", "match": "x", "channel": place, "to": target}
    seen = await left.command("automation add", arguments, channel=place)
    await seen.wait(lambda one: said_by(one).startswith("✅"), 20)
    left.leave(home.guild)
    target.delete()
    for _ in range(3):
        home.ada.say("x", channel=place)
    await place.wait(lambda c: runs(c), 20)
    (notice,) = runs(place)
    assert f"an automation by {left.mention}, who has left," in notice.content
    assert "The channel where it answers is gone." in notice.content
    assert not notice.pings
    assert not home.server.dm_with(left).messages


async def test_a_test_on_a_past_message_is_for_the_moderator_alone(home: Lab):
    place = home.guild.add_text_channel("past")
    automation = await home.add("text", "/fast echo", match="needle", channel=place)
    await home.automation("pause", automation=automation)
    said = home.ada.say("the needle of the past", channel=place)
    other = home.ada.say("only hay", channel=place)
    link = f"https://discord.com/channels/{home.guild.id}/{place.id}/{said.id}"
    for written in (link, str(said.id)):
        seen = await home.mod.command(
            "automation test", automation=automation, message=written, channel=home.channel
        )
        await seen.wait(lambda one: one.message and final(one.message), 20)
        assert seen.message
        assert seen.message.ephemeral
        assert "the needle of the past" in said_by(seen)
    text = await home.automation("test", automation=automation, message=str(other.id))
    assert "That message would not start it" in text
    text = await home.automation("test", automation=automation, message="1")
    assert "That message is gone" in text
    text = await home.automation("test", automation=automation, message="yesterday")
    assert "`message` is needed" in text
    assert not runs(place)


async def test_list_pause_resume_delete(home: Lab):
    place = home.guild.add_text_channel("life")
    automation = await home.add("text", "/fast echo", match="alive", channel=place, per_hour=7)
    listed = await home.listed(automation)
    assert f" **a message with “alive” in <#{place.id}> → /fast echo** · by a reply" in listed
    assert f"by {home.mod.mention} · at most 7 an hour" in listed
    assert (await home.automation("pause", automation=automation)).startswith("⏸️ Paused")
    home.ada.say("alive?", channel=place)
    await quiet(home)
    assert not runs(place)
    resumed = await home.automation("resume", automation=automation)
    assert "▶️" in resumed
    assert "paused" not in resumed
    await home.answer_to(home.ada.say("alive!", channel=place))
    assert "🗑️ Deleted" in await home.automation("delete", automation=automation)
    home.ada.say("alive?", channel=place)
    await quiet(home)
    assert len(runs(place)) == 1
    assert home.home.bot.automations.find(automation, home.guild.id) is None
    assert "no such automation" in await home.automation("pause", automation=automation)


async def test_it_has_a_rate_of_its_own(home: Lab):
    place = home.guild.add_text_channel("rate")
    automation = await home.add("text", "/fast echo", match="go", channel=place, per_hour=3)
    for number in range(8):
        (home.ada if number % 2 else home.ben).say(f"go {number}", channel=place)
    await place.wait(lambda c: sum(map(final, runs(c))) == 3, 20)
    await quiet(home)
    assert len(runs(place)) == 3
    assert "5 skipped by its limit" in await home.listed(automation)


@pytest.mark.parametrize("accepts", [True, False], ids=["direct message", "channel"])
async def test_it_stops_after_failures_and_tells_its_maker(home: Lab, accepts: bool):
    place = home.guild.add_text_channel(f"failing-{accepts}")
    automation = await home.add(
        "text", "/trouble told", values="text:no {text}", match="try", channel=place
    )
    home.mod.accepts_dms = accepts
    for number in range(3):
        said = home.ada.say(f"try {number}", channel=place)
        assert "❌ The Space says: no try" in (await home.answer_to(said)).content
    told = home.server.dm_with(home.mod) if accepts else place
    await told.wait(lambda c: any("paused an automation of yours" in m.content for m in c.messages))
    (notice,) = [one for one in told.messages if "paused an automation of yours" in one.content]
    assert "after 3 failures in a row" in notice.content
    assert f"`/automation resume automation:{automation}`" in notice.content
    assert notice.pings.users == (() if accepts else (home.mod.id,))
    home.mod.accepts_dms = True
    before = len(runs(place))
    home.ada.say("try once more", channel=place)
    await quiet(home)
    assert len(runs(place)) == before
    assert kept(home, automation).paused
    for message in list(home.server.dm_with(home.mod).messages):
        message.channel.discard(message)


async def test_failures_count_only_in_a_row(home: Lab):
    place = home.guild.add_text_channel("mixed")
    arguments = {"match": "0,x", "values": "seconds:{text}", "channel": place}
    automation = await home.add("text", "/fast sleep", **arguments)
    for text, failures in (("x", 1), ("x", 2), ("0", 0), ("x", 1)):
        answer = await home.answer_to(home.ada.say(text, channel=place))
        assert ("✏️ `seconds`" in answer.content) == (text == "x")
        await home.home.jobs.drained(5)
        await asyncio.sleep(0.1)
        assert kept(home, automation).failures == failures
    seen = await home.mod.command("automation list", channel=home.channel)
    await seen.wait(lambda one: automation in said_by(one), 10)
    assert "✏️" in said_by(seen).split(automation)[1].split("\n`")[0]


async def test_where_it_may_not_write_it_stops(home: Lab):
    place = home.guild.add_text_channel("closed", deny=("send_messages",))
    automation = await home.add("text", "/fast echo", match="x", channel=place)
    for _ in range(3):
        home.ada.say("x", channel=place)
    dm = home.server.dm_with(home.mod)
    await dm.wait(lambda c: any("I cannot write where it answers" in m.content for m in c.messages))
    assert kept(home, automation).paused


async def test_a_clock_starts_it(home: Lab):
    place = home.guild.add_text_channel("clock")
    automation = await home.add(
        "hours", "/fast echo", match="6", values="text:it is {date}", channel=place
    )
    found = kept(home, automation)
    assert found.due == pytest.approx(time.time() + 6 * 3600, abs=20)
    await home.home.bot.automations.change(found, due=time.time() + 0.3, paused=False)
    await place.wait(lambda c: any(map(final, runs(c))), 20)
    assert f"it is {time.strftime('%Y-%m-%d', time.gmtime())}" in runs(place)[0].content
    assert kept(home, automation).due == pytest.approx(time.time() + 6 * 3600, abs=20)
    # Runs that were due long ago, while the bot was off, are not made up for.
    await home.home.bot.automations.change(found, due=time.time() - 7200, paused=False)
    await quiet(home)
    assert len(runs(place)) == 1


async def test_a_clock_starts_it_in_one_process(home: Lab, monkeypatch: pytest.MonkeyPatch):
    bot = home.home.bot
    kept_rows, shards = bot.jobs.store.automations, bot.known_shards
    move_on = kept_rows.move_on
    places = [home.guild.add_text_channel(f"clock-{number}") for number in range(2)]
    first, second = [
        await home.add("hours", "/fast echo", match="6", values="text:tick", channel=place)
        for place in places
    ]
    later = time.time() + 5000
    due = time.time() - 1

    async def shard_leaves(*about: Any) -> bool:
        shards.clear()
        return await move_on(*about)

    with monkeypatch.context() as patch:
        patch.setattr(kept_rows, "move_on", shard_leaves)
        for one in (first, second):
            await kept_rows.change(one, due=due)
        await bot.automations.load()
        await places[0].wait(lambda c: any(map(final, runs(c))), 20)
    # Runs that did not start here are left to the process that has the shard now.
    stored = {one.id: one.due for one in await kept_rows.all()}
    assert (stored[second], stored[first] != due) == (due, True)
    # It ran there, and this process only hears of that as it comes to run it itself.
    await kept_rows.change(second, due=later)
    shards.add(0)
    bot.automations.wake()
    await home.server.wait(lambda _: kept(home, second).due == later, 20)
    await quiet(home)
    assert (len(runs(places[0])), runs(places[1])) == (1, [])


async def test_a_run_that_the_database_missed_is_recorded_later(
    home: Lab, monkeypatch: pytest.MonkeyPatch
):
    bot, due = home.home.bot, time.time() - 1
    rows, place = bot.jobs.store.automations, home.guild.add_text_channel("outage")
    one = await home.add("hours", "/fast echo", match="6", values="text:tick", channel=place)

    async def fails(*_: Any) -> bool:
        raise StoreError("The bot cannot reach its database.")

    with monkeypatch.context() as patch:
        patch.setattr(rows, "move_on", fails)
        await rows.change(one, due=due)
        await bot.automations.load()
        await place.wait(lambda c: any(map(final, runs(c))), 20)
        # A shard moves before it is recorded.
        await bot.automations.load()
        then = kept(home, one).due
        assert then is not None
        assert then > due
    bot.automations.wake()
    async with asyncio.timeout(60):
        while {row.id: row.due for row in await rows.all()}[one] != then:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await bot.automations.load()
    await quiet(home)
    assert len(runs(place)) == 1


async def test_a_run_of_another_process_is_not_repeated_if_the_next_read_fails(
    home: Lab, monkeypatch: pytest.MonkeyPatch
):
    bot, due, reads = home.home.bot, time.time() - 1, asyncio.Event()
    rows, place = bot.jobs.store.automations, home.guild.add_text_channel("elsewhere")
    one = await home.add("hours", "/fast echo", match="6", values="text:tick", channel=place)

    async def fails() -> list[Automation]:
        reads.set()
        raise StoreError("The bot cannot reach its database.")

    await rows.change(one, due=due)
    with monkeypatch.context() as patch:
        move_on = rows.move_on

        async def moved_elsewhere(*about: Any) -> bool:
            await rows.change(one, due=time.time() + 5000)
            return await move_on(*about)

        patch.setattr(rows, "move_on", moved_elsewhere)
        await bot.automations.load()
        patch.setattr(rows, "all", fails)
        await asyncio.wait_for(reads.wait(), 60)
        await quiet(home)
    assert runs(place) == []


async def test_the_member_who_triggered_a_job_may_cancel_it(home: Lab):
    place = home.guild.add_text_channel("cancel")
    await home.add("text", "/fast sleep", match="long", values="seconds:30", channel=place)
    said = home.ada.say("a long one", channel=place)
    await place.wait(lambda c: runs(c), 10)
    (running,) = runs(place)
    await home.server.wait(lambda _: home.home.jobs.running, 5)
    assert "Only the person who asked" in said_by(await home.ben.click(running, "Cancel"))
    await home.ada.click(running, "Cancel")
    assert "🛑 Cancelled" in (await home.answer_to(said)).content


async def test_an_event_without_what_the_command_needs_is_left(home: Lab):
    place = home.guild.add_text_channel("wrong")
    text = await home.automation("add", when="picture", run="/fast echo", channel=place)
    assert text.startswith("✅")
    home.ada.say("", channel=place, files=[("a.png", picture("red"))])
    await quiet(home)
    assert not runs(place)


async def test_a_restart_keeps_automations_and_their_jobs(
    served: Callable[[str], str], tmp_path: Path
):
    source = Source(served("fast"), name="fast", repeatable=True)
    async with lab(tmp_path, source) as there:
        server, place = there.server, there.channel
        await there.add("text", "/fast sleep", match="wait", values="seconds:2")
        said = there.ada.say("wait for it", channel=place)
        await place.wait(lambda c: runs(c), 10)
        await asyncio.sleep(0.5)
        await there.home.jobs.close()
        await there.home.jobs.drained(5)
        (message,) = runs(place)
        assert "This job is saved" in message.content
        await there.home.bot.close()
        server.requests.clear()
        async with at_home(server, source, folder=tmp_path) as again:
            answer = await there.answer_to(said)
            assert "Done in" in answer.content
            assert answer is message
            # The automation itself continues.
            await there.answer_to(there.ben.say("wait again", channel=place))
            assert len(runs(place)) == 2
            assert again.bot.automations.of(there.guild.id)
            # Discord had the commands already.
            assert not [one for one in server.requests if one.method == "PUT"]


async def test_a_restart_forgets_neither_what_waits_nor_what_ran(
    served: Callable[[str], str], tmp_path: Path
):
    # Two run at once; the third waits, and nobody has seen it yet.
    limits = JobLimits(waiting_per_user=2)
    source = Source(served("fast"), name="fast", repeatable=True)
    async with lab(tmp_path, source, limits=limits) as there:
        server, place = there.server, there.channel
        asleep = {"match": "wait", "values": "seconds:1.5"}
        automation = await there.add("text", "/fast sleep", per_hour=4, **asleep)
        said = [there.ada.say(f"wait {number}", channel=place) for number in range(3)]
        await place.wait(lambda c: len(runs(c)) == 2, 10)
        await asyncio.sleep(0.5)
        await there.home.jobs.close()
        await there.home.jobs.drained(5)
        await there.home.bot.close()
        assert len(runs(place)) == 2
        assert all("This job is saved" in one.content for one in runs(place))
        async with at_home(server, source, folder=tmp_path, limits=limits) as again:
            for one in said:
                assert "Done in" in (await there.answer_to(one)).content
            # The hourly count continues.
            await there.answer_to(there.ben.say("wait again", channel=place))
            there.ben.say("wait once more", channel=place)
            await server.wait(lambda _: again.bot.automations.limiter.skipped[automation], 10)
            assert len(runs(place)) == 4


async def test_a_message_is_reacted_to_once_over_a_restart(
    served: Callable[[str], str], tmp_path: Path
):
    source = Source(served("fast"), name="fast")
    async with lab(tmp_path, source) as there:
        await there.add("reaction", "/fast echo", match="🔊")
        said = there.ada.say("aloud", channel=there.channel)
        there.ben.react(said, "🔊")
        await there.answer_to(said)
        await there.home.bot.close()
        async with at_home(there.server, source, folder=tmp_path):
            there.mod.react(said, "🔊")
            other = there.ada.say("aloud too", channel=there.channel)
            there.mod.react(other, "🔊")
            await there.answer_to(other)
            assert len(runs(there.channel)) == 2


async def test_without_the_intent_the_moderator_is_told_and_all_else_works(
    served: Callable[[str], str], tmp_path: Path
):
    source = Source(served("fast"), name="fast")
    async with lab(tmp_path, source, privileged=()) as there:
        text = await there.automation("add", when="text", run="/fast echo", match="hello")
        assert "switch **Message Content Intent** on in the Developer Portal" in text
        text = await there.automation("add", when="join", run="/fast echo")
        assert "switch **Server Members Intent** on in the Developer Portal" in text
        automation = text.split("`")[1]
        await there.add("reaction", "/fast echo", match="👋", values="text:hi {user}")
        said = there.ada.say("hello", channel=there.channel)
        there.ben.react(said, "👋")
        assert "hi Ben" in (await there.answer_to(said)).content
        assert there.server.gateway.identifies == 1
        # Once switched on in the portal, it works from the next check on.
        allowed = DiscordServer(privileged=PRIVILEGED)
        there.server.privileged, there.server.flags = allowed.privileged, allowed.flags
        text = await there.automation("resume", automation=automation)
        assert "⚠️" not in text
        assert there.server.gateway.identifies == 2
        await there.answer_to(there.ada.say("hello again", channel=there.channel))
