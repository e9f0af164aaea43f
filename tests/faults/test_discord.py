"""Discord in trouble: errors, rate limits, late edits, deleted messages and channels."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from spacebot.models import AnswerPlace, Source
from tests.e2e.conftest import Place, discord
from tests.faults.conftest import Figures
from tests.faults.counting import all_final, answered, finals, settled, twice
from tests.support.asking import ask, is_final, shown, until
from tests.support.bot_in_loop import Home, at_home
from tests.support.loopback import Channel, Message

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOKEN_LIFE = 15 * 60


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def everything(
    space: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Place, Home]]:
    """The bot, with Spaces that wait, stream and answer at length."""
    folder = tmp_path_factory.mktemp("faults")
    sources = [
        Source(space("fast"), name="fast"),
        Source(space("trouble"), name="trouble"),
        Source(space("fast"), "/sleep", "thread", answer=AnswerPlace.THREAD),
        Source(space("fast"), "/sleep", "quiet", answer=AnswerPlace.PRIVATE),
    ]
    async with discord() as place, at_home(place.server, *sources, folder=folder) as home:
        yield place, home


@pytest.fixture
def place(everything: tuple[Place, Home]) -> Place:
    return everything[0]


@pytest.fixture
def home(everything: tuple[Place, Home]) -> Home:
    return everything[1]


def direct(place: Place) -> list[Message]:
    """The bot's direct messages to ada."""
    return [one for one in place.server.dm_with(place.ada).messages if one.author is not place.ada]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("500 twice", {"status": 500, "times": 2}),
        ("429 for 1 s", {"status": 429, "times": 2, "retry_after": 0.5}),
        ("the connection cut", {"status": 0, "times": 2}),
        ("the answer lost", {"status": 502, "times": 1, "after": True}),
    ],
)
async def test_an_edit_that_discord_does_not_take(place: Place, figures: Figures, name, fault):
    count = len(place.channel.messages)
    least = 0.3 + count / 10_000
    seen = await asyncio.gather(
        *(
            place.ada.command("fast sleep", seconds=least + n / 100, channel=place.channel)
            for n in range(5)
        )
    )
    place.server.limits.fail("PATCH /webhooks/*", **fault)
    took = await all_final(seen, 20)
    place.server.limits.recover()
    assert all("Done in" in shown(one).content for one in seen)
    counts = {"answered": answered(seen), "twice": twice(seen, place.channel)}
    figures.note(f"PATCH gets {name}", **counts, seconds=round(took, 1))
    # An edit whose response got lost is repeated on the same message.
    assert counts["answered"] == 5
    assert len(place.channel.messages) == count + 5


async def test_more_messages_than_one_while_discord_has_trouble(place: Place, figures: Figures):
    seen = await place.ada.command("trouble huge", {"characters": 5000}, channel=place.channel)
    place.server.limits.fail("POST /webhooks/*", 503, times=1)
    await seen.wait(lambda one: is_final(one) and len(one.followups) >= 2, 20)
    await asyncio.sleep(0.5)
    parts = [shown(seen), *seen.followups]
    assert len(parts) == 3
    assert len({part.content for part in parts}) == 3
    figures.note("POST of a follow-up gets 503", messages=3, twice=0)


@pytest.mark.parametrize("status", [502, 0])
async def test_a_follow_up_whose_answer_was_lost_stands_once(
    place: Place, home: Home, figures: Figures, status: int
):
    channel = place.guild.add_text_channel("lost")
    seen = await place.ada.command("trouble huge", {"characters": 5000}, channel=channel)
    place.server.limits.fail("POST /webhooks/*", status, times=1, after=True)
    await seen.wait(lambda one: is_final(one) and len(one.followups) >= 2, 20)
    await settled(home)
    assert len({one.content for one in channel.messages}) == len(channel.messages) == 3
    # All of them are known, to be deleted together.
    await place.ada.click(channel.messages[-1], "Delete")
    await channel.wait(lambda c: not c.messages, 5)
    figures.note(f"A follow-up is taken, then {status or 'cut off'}", messages=3, twice=0)


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 0}])
async def test_an_ordinary_message_whose_answer_was_lost_stands_once(
    place: Place, home: Home, figures: Figures, fault
):
    channel = place.guild.add_text_channel("lost")
    seen = await place.ada.command("fast sleep", {"seconds": 1.1}, channel=channel)
    place.server.limits.fail(f"POST /channels/{channel.id}/messages", after=True, **fault)
    place.server.clock.advance(TOKEN_LIFE + 60)
    try:
        await channel.wait(lambda c: len(c.messages) > 1, 10)
        await settled(home)
    finally:
        place.server.clock.advance(-(TOKEN_LIFE + 60))
    assert [one for one in channel.messages if one is not shown(seen)] == channel.messages[1:]
    assert len(channel.messages) == 2
    assert "Done in" in channel.messages[1].content
    figures.note(f"A message is taken, then {fault['status'] or 'cut off'}", answered=1, twice=0)


@pytest.mark.parametrize("status", [502, 0, 200])
async def test_an_acknowledgement_whose_answer_was_lost(place: Place, home: Home, status: int):
    place.server.limits.fail("POST /interactions/*", status, times=1, after=True)
    seen = await place.ada.command("fast echo", text="lost", channel=place.channel)
    assert "lost" in (await until(seen, "Done in")).content
    await settled(home)
    place.server.limits.fail("POST /interactions/*", status, times=1, after=True)
    recipe = await place.ada.click(shown(seen), "Recipe")
    assert "/fast echo text:lost" in shown(recipe).content
    place.server.limits.fail("POST /interactions/*", status, times=1, after=True)
    assert (await place.ada.click(shown(seen), "Edit…")).modal
    # Nothing is reported twice, and nothing went wrong.
    await ask(place.ada, "fast echo", text="after", channel=place.channel)
    assert not recipe.followups


async def test_an_acknowledgement_that_never_arrived(place: Place, home: Home):
    place.server.limits.fail("POST /interactions/*", 0, times=1)
    seen = await place.ada.command("fast echo", text="cut", channel=place.channel)
    assert "cut" in (await until(seen, "Done in")).content
    await settled(home)


async def test_progress_never_meets_a_rate_limit(place: Place, home: Home, figures: Figures):
    server = place.server
    server.limits.enforced = True
    before = len(server.requests)
    try:
        seen = await asyncio.gather(
            *(
                place.ada.command(
                    "fast progress", {"seconds": 6 + n / 100, "steps": 60}, channel=place.channel
                )
                for n in range(40)
            )
        )
        took = await all_final(seen, 40)
    finally:
        server.limits.enforced = False
    made = list(server.requests)[before:]
    edits = sum(one.method == "PATCH" for one in made)
    limited = sum(one.status == 429 for one in made)
    figures.note(
        "40 jobs of 6 s with progress", edits=edits, limited=limited, seconds=round(took, 1)
    )
    assert limited == 0
    assert edits > 2 * 40
    gaps = [
        later.at - earlier.at
        for one in seen
        for earlier, later in zip(shown(one).history[1:-1], shown(one).history[2:-1], strict=False)
    ]
    assert min(gaps) > 1.4


async def test_the_last_edit_overtakes_a_hanging_edit(place: Place, figures: Figures):
    options = {"seconds": 2, "steps": 20}
    seen = await place.ada.command("fast progress", options, channel=place.channel)
    # The first edit, after a second, arrives 3 s late, long after the job's end.
    place.server.limits.fail("PATCH /webhooks/*", 200, late=True, hang=3)
    began = time.monotonic()
    await seen.wait(is_final, 10)
    took = time.monotonic() - began
    assert "Done in" in shown(seen).content
    assert took < 3.5
    # It arrived after the last edit, which was then repeated.
    await seen.wait(lambda one: len(shown(one).history) >= 4, 10)
    await seen.wait(is_final, 10)
    assert "Done in" in shown(seen).content
    figures.note(
        "A progress edit that arrives 3 s late", final_after=round(took, 1), stands="final"
    )


async def test_a_token_that_is_over(place: Place, home: Home, figures: Figures):
    seen = await place.ada.command("fast sleep", {"seconds": 1.25}, channel=place.channel)
    count = len(place.channel.messages)
    place.server.clock.advance(TOKEN_LIFE + 60)
    try:
        await place.channel.wait(lambda c: len(c.messages) > count, 10)
        posted = place.channel.messages[-1]
        # Discord shows the command only above its reply.
        assert posted.content.startswith(f"**/fast sleep** for {place.ada.mention} · seconds: 1.25")
        assert "Done in" in posted.content
        assert posted.pings.users == (place.ada.id,)
        assert posted.reference is shown(seen)
        await seen.wait(lambda one: shown(one).content.endswith("-# Answered below."), 5)
        assert not shown(seen).buttons()
    finally:
        place.server.clock.advance(-(TOKEN_LIFE + 60))
    await settled(home)
    figures.note("Token over", answered=1, twice=0)


async def test_a_private_answer_whose_token_is_over(place: Place, home: Home):
    await place.ada.command("quiet", {"seconds": 1.25}, channel=place.channel)
    before, count = len(direct(place)), len(place.channel.messages)
    place.server.clock.advance(TOKEN_LIFE + 60)
    try:
        await place.server.dm_with(place.ada).wait(lambda _: len(direct(place)) > before, 10)
    finally:
        place.server.clock.advance(-(TOKEN_LIFE + 60))
    assert "Done in" in direct(place)[-1].content
    assert len(place.channel.messages) == count
    await settled(home)


async def test_a_reply_deleted_unseen_goes_to_the_person(
    place: Place, home: Home, figures: Figures
):
    seen = await place.ada.command("fast sleep", {"seconds": 1.5}, channel=place.channel)
    before, count = len(direct(place)), len(place.channel.messages)
    # The gateway is silent, so nobody notices.
    place.server.gateway.go_silent()
    place.ada.delete(shown(seen))
    try:
        await place.server.dm_with(place.ada).wait(lambda _: len(direct(place)) > before, 10)
    finally:
        place.server.gateway.go_silent(False)
    assert "/fast sleep" in direct(place)[-1].content
    assert len(place.channel.messages) < count
    await settled(home)
    figures.note("Reply deleted (10008)", answered=1, twice=0)


@pytest.mark.parametrize("many", [False, True])
async def test_deleting_the_message_cancels(place: Place, home: Home, many: bool):
    before = len(direct(place))
    seen = await place.ada.command("trouble hang", {"seconds": 60}, channel=place.channel)
    await until(seen, "Working")
    if many:
        place.channel.purge([shown(seen)])
    else:
        place.ada.delete(shown(seen))
    await settled(home)
    assert "Its message was deleted. Cancelled: " in direct(place)[before].content


async def test_a_channel_that_is_gone(place: Place, home: Home, figures: Figures):
    gone = place.guild.add_text_channel("gone")
    await place.ada.command("fast sleep", {"seconds": 1.2}, channel=gone)
    before = len(direct(place))
    gone.delete()
    place.server.clock.advance(TOKEN_LIFE + 60)
    try:
        await place.server.dm_with(place.ada).wait(lambda _: len(direct(place)) > before, 10)
    finally:
        place.server.clock.advance(-(TOKEN_LIFE + 60))
    assert "Done in" in direct(place)[-1].content
    await settled(home)
    figures.note("Channel gone, token over", answered=1, twice=0)


async def test_where_the_bot_may_not_write(place: Place, home: Home, figures: Figures):
    closed = place.guild.add_text_channel("closed", deny=("send_messages",))
    seen = await place.ada.command("fast sleep", {"seconds": 1.3}, channel=closed)
    before = len(direct(place))
    place.server.clock.advance(TOKEN_LIFE + 60)
    try:
        await place.server.dm_with(place.ada).wait(lambda _: len(direct(place)) > before, 10)
    finally:
        place.server.clock.advance(-(TOKEN_LIFE + 60))
    assert "Done in" in direct(place)[-1].content
    await until(seen, "-# Answered by direct message.")
    assert not shown(seen).buttons()
    await settled(home)
    figures.note("Channel closed to the bot (50013), token over", answered=1, twice=0)


async def test_who_takes_no_direct_message_either_can_run_it_again(place: Place, home: Home):
    closed = place.guild.add_text_channel("closed-too", deny=("send_messages",))
    place.ada.accepts_dms = False
    seen = await place.ada.command("fast sleep", {"seconds": 1.3}, channel=closed)
    place.server.clock.advance(TOKEN_LIFE + 60)
    try:
        await until(seen, "not post it here or in a direct message")
    finally:
        place.server.clock.advance(-(TOKEN_LIFE + 60))
        place.ada.accepts_dms = True
    assert list(shown(seen).buttons()) == ["Run again"]
    await settled(home)


async def test_several_messages_and_a_file_after_the_token(place: Place, home: Home):
    channel = place.guild.add_text_channel("long")
    place.server.limits.fail("PATCH /webhooks/*", 500, times=1)
    seen = await place.ada.command("trouble huge", {"characters": 5000}, channel=channel)
    place.server.clock.advance(TOKEN_LIFE + 60)
    try:
        await channel.wait(lambda c: len(c.messages) >= 4, 15)
    finally:
        place.server.clock.advance(-(TOKEN_LIFE + 60))
    await settled(home)
    posted = [one for one in channel.messages if one is not shown(seen)]
    assert len(posted) == 3
    assert [bool(one.pings) for one in posted] == [True, False, False]
    big = await place.ada.command("fast file", channel=channel)
    await until(big, "Done in")
    assert len(shown(big).attachments) == 1


@pytest.mark.parametrize("how", ["closed", "deleted"])
async def test_closing_the_thread_cancels_and_that_is_told_in_the_channel(
    place: Place, home: Home, how: str
):
    channel = place.guild.add_text_channel("threads")
    seen = await place.ada.command("thread", {"seconds": 10}, channel=channel)
    await channel.wait(lambda c: any(t.name for t in c.threads), 10)
    thread: Channel = channel.threads[-1]
    await until(seen, "Working")
    # Closing the thread ends the conversation.
    if how == "closed":
        place.ada.archive(thread)
    else:
        thread.delete()
    await seen.wait(is_final, 10)
    assert f"Its thread was {how}. Cancelled: " in shown(seen).content
    await settled(home)


@pytest.mark.parametrize("kind", ["announcements", "not known yet", "has one", "cut off"])
async def test_a_thread_is_opened_wherever_discord_has_them(place: Place, home: Home, kind: str):
    channel = place.guild.add_text_channel("news", news=kind == "announcements")
    if kind == "not known yet":
        await place.server.wait(lambda _: home.bot.get_channel(channel.id), 5)
        home.bot.get_guild(place.guild.id)._channels.pop(channel.id)  # type: ignore[union-attr]
    if kind == "has one":
        # Created, but the response got lost.
        place.server.limits.fail("POST /channels/*/threads", 502, after=True)
    if kind == "cut off":
        place.server.limits.fail("POST /channels/*/threads", 0)
    seen = await place.ada.command("thread", {"seconds": 0.3}, channel=channel)
    answer = await until(seen, "Done in")
    await settled(home)
    if kind == "cut off":
        assert not channel.threads
        return
    (thread,) = channel.threads
    assert f"in <#{thread.id}>" in answer.content
    assert len(thread.messages) == 1


async def test_an_edit_is_final_once(place: Place):
    said = await ask(place.ada, "fast echo", text="once", channel=place.channel)
    assert finals(said) == 1
