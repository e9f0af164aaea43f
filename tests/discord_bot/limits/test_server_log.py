"""The log channel of a server's moderators: a line for each job; it ends if it cannot post."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
import pytest_asyncio

from spacebot.discord_bot.server_log import MAX_LINES, MAX_MESSAGE, PendingLines
from spacebot.models import AnswerPlace, Source
from tests.support.asking import ask, is_final
from tests.support.automations import Lab, lab, runs, said
from tests.support.loopback import Channel

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def there(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """The bot with Spaces that are quick, that fail, and that answer in private."""
    sources = [
        Source(served("fast"), name="fast"),
        Source(served("fast"), "/echo", "echo"),
        Source(served("trouble"), name="trouble"),
        Source(served("fast"), "/echo", "quiet", answer=AnswerPlace.PRIVATE),
    ]
    async with lab(tmp_path_factory.mktemp("log"), *sources) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def here(there: Lab) -> Lab:
    """A server of its own for each test, with a channel for its log."""
    guild = there.server.add_guild("Fresh", there.ada, there.ben)
    guild.add_member(there.mod, "manage_guild")
    channel = guild.add_text_channel("art")
    return replace(there, guild=guild, channel=channel)


async def log_to(it: Lab, channel: Channel | None, *, prompts: bool = False) -> str:
    """Set the log channel; what the moderator is told."""
    await it.server.wait(lambda _: not channel or it.home.bot.get_channel(channel.id), 10)
    given = {"channel": channel} if channel else {}
    seen = await it.mod.command("limits log", given | {"prompts": prompts}, channel=it.channel)
    await seen.wait(lambda one: one.message and not one.message.loading, 20)
    assert seen.message
    assert seen.message.ephemeral
    return said(seen)


def lines(channel: Channel) -> list[str]:
    """The lines about jobs in a log channel."""
    written = [line for one in runs(channel) for line in one.content.splitlines()]
    return [line for line in written if line.startswith("<@")]


async def test_each_job_is_one_line_with_who_what_and_how_it_ended_and_no_prompt(here: Lab):
    log = here.guild.add_text_channel("log")
    assert f"**Log**: <#{log.id}>, no prompts" in await log_to(here, log)
    answer = await ask(here.ada, "echo", text="secret words", channel=here.channel)
    await ask(here.ben, "trouble crash", channel=here.channel)
    await ask(here.ada, "echo", text=" ", channel=here.channel)
    quiet = await here.ada.command("quiet", text="secret words", channel=here.channel)
    await quiet.wait(is_final, 20)
    # Jobs in other places do not concern this server.
    await ask(here.ada, "echo", text="secret words")
    await log.wait(lambda channel: len(lines(channel)) == 4, 20)
    done, failed, refused, private = lines(log)
    where = f"https://discord.com/channels/{here.guild.id}/{here.channel.id}/{answer.id}"
    assert done == f"<@{here.ada.id}> · **/echo** · ✅ done · {where}"
    assert failed.startswith(f"<@{here.ben.id}> · **/trouble crash** · ❌ failed")
    assert "not run: a value was rejected" in refused
    assert private == f"<@{here.ada.id}> · **/quiet** · ✅ done"
    for one in runs(log):
        assert "secret words" not in one.content
        assert not one.pings


async def test_prompts_are_there_where_they_are_asked_for_but_never_private_ones(here: Lab):
    log = here.guild.add_text_channel("log")
    await log_to(here, log, prompts=True)
    await ask(here.ada, "echo", text="a *cat* @everyone", channel=here.channel)
    quiet = await here.ada.command("quiet", text="hidden", channel=here.channel)
    await quiet.wait(is_final, 20)
    await log.wait(lambda channel: len(lines(channel)) == 2, 20)
    assert "cat" in lines(log)[0]
    assert "hidden" not in lines(log)[1]
    assert not any(one.pings for one in runs(log))


async def test_what_a_limit_refuses_is_a_line_too(here: Lab):
    log = here.guild.add_text_channel("log")
    await log_to(here, log)
    blocked = await here.mod.command("limits block", member=here.ben, channel=here.channel)
    await blocked.wait(lambda one: "Saved" in said(one), 10)
    await here.ben.command("echo", text="hi", channel=here.channel)
    await log.wait(lambda channel: lines(channel), 20)
    assert lines(log) == [f"<@{here.ben.id}> · **/echo** · 🚫 not run: not allowed here"]


async def test_a_channel_in_which_the_bot_may_not_write_is_not_taken(here: Lab):
    log = here.guild.add_text_channel("log", deny=("send_messages",))
    assert f"I cannot write in <#{log.id}>" in await log_to(here, log)
    assert not here.home.jobs.admission.of(here.guild.id).log_channel


@pytest.mark.parametrize("how", ["forbidden", "gone"])
async def test_a_log_that_cannot_be_written_any_more_is_told_once_and_switched_off(
    here: Lab, how: str
):
    log = here.guild.add_text_channel("log")
    await log_to(here, log)
    if how == "gone":
        here.guild.channels.pop(log.id)
        here.server.channels.pop(log.id)
    else:
        log.denied = 1 << 11
    dm = here.server.dm_with(here.mod)
    before = len(runs(dm))
    for _ in range(3):
        await ask(here.ada, "echo", text="hi", channel=here.channel)
    await dm.wait(lambda place: len(runs(place)) > before, 20)
    assert f"I can no longer write to the log channel <#{log.id}> of **Fresh**" in (
        runs(dm)[-1].content
    )
    await ask(here.ada, "echo", text="hi", channel=here.channel)
    await here.home.jobs.drained(5)
    assert len(runs(dm)) == before + 1
    assert not here.home.jobs.admission.of(here.guild.id).log_channel


async def test_without_a_channel_the_log_is_off(here: Lab):
    log = here.guild.add_text_channel("log")
    await log_to(here, log)
    assert "**Log**: off" in await log_to(here, None)
    before = len(runs(log))
    await ask(here.ada, "echo", text="hi", channel=here.channel)
    await here.home.jobs.drained(5)
    assert len(runs(log)) == before


async def test_another_feature_writes_there_too_in_one_line(here: Lab):
    log = here.guild.add_text_channel("log")
    await log_to(here, log)
    here.home.bot.server_log.write(here.guild.id, "A Space\nis gone @everyone " + "x" * 900)
    await log.wait(lambda channel: "A Space is gone" in runs(channel)[-1].content, 20)
    assert not runs(log)[-1].pings
    assert len(runs(log)[-1].content) <= 500
    here.home.bot.server_log.write(1, "no such server")


async def test_a_flood_of_lines_is_bounded_and_says_how_many_are_left_out():
    pending = PendingLines()
    for number in range(MAX_LINES + 50):
        pending.add(f"line {number} " + "x" * 100)
    first = pending.next_message()
    assert first.startswith("-# … 50 lines left out here\nline 50 ")
    written = [first]
    while pending.lines:
        written.append(pending.next_message())
    assert all(len(one) <= MAX_MESSAGE for one in written)
    assert f"line {MAX_LINES + 49} " in written[-1]
