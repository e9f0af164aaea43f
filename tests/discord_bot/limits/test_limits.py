"""Moderators' limits, as members see them: they apply to every way to start a job."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from spacebot.engine.store.tables import jobs
from spacebot.models import AnswerPlace, Requester, Source
from tests.support.asking import ask, is_final, shown
from tests.support.automations import PRIVILEGED, Lab, lab, runs, said
from tests.support.loopback import Channel, Interaction, NotSendable, User

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def there(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """The bot with quick Spaces and a chat."""
    sources = [
        Source(served("fast"), name="fast"),
        Source(served("fast"), "/echo", "echo"),
        Source(served("fast"), "/echo", "other"),
        Source(served("fast"), "/echo", "quiet", answer=AnswerPlace.PRIVATE),
        Source(served("falcon"), name="falcon"),
        Source(served("stateful"), "/count", "count"),
    ]
    async with lab(tmp_path_factory.mktemp("limits"), *sources, privileged=PRIVILEGED) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def here(there: Lab) -> AsyncIterator[Lab]:
    """A server of its own for each test, with nothing limited."""
    guild = there.server.add_guild("Fresh", there.ada, there.ben)
    guild.add_member(there.mod, "manage_guild")
    channel = guild.add_text_channel("art")
    await there.home.bot.wait_until_ready()
    await there.server.wait(lambda _: there.home.bot.get_channel(channel.id), 10)
    yield replace(there, guild=guild, channel=channel)


async def limits(it: Lab, name: str, /, **arguments: Any) -> str:
    """Use `/limits name` as the moderator; what it says."""
    seen = await it.mod.command(f"limits {name}", arguments, channel=it.channel)
    await seen.wait(lambda one: said(one) and not (one.message and one.message.loading), 20)
    everything = [seen.message, *seen.followups]
    assert all(one.ephemeral for one in everything if one)
    return said(seen)


async def refused(seen: Interaction) -> str:
    """The refusal of an interaction, which nobody else sees."""
    await seen.wait(lambda one: one.followups or one.message, 20)
    answers = [one for one in [*seen.followups, seen.message] if one]
    # A press that is only acknowledged contains the pressed message.
    (only,) = [one for one in answers if not seen.source or one is not seen.source]
    assert only.ephemeral
    assert "Cancel" not in only.buttons()
    return only.content


async def echo(
    it: Lab, user: User, text: str = "hi", channel: Channel | None = None
) -> Interaction:
    """Run a command that is quick."""
    return await user.command("echo", text=text, channel=channel or it.channel)


async def done(seen: Interaction) -> str:
    """Wait for a job's result."""
    await seen.wait(is_final, 20)
    assert "Done in" in shown(seen).content
    return shown(seen).content


async def test_only_those_who_manage_the_server_may(here: Lab):
    with pytest.raises(NotSendable, match="not shown to ada"):
        await here.ada.command("limits show", channel=here.channel)
    with pytest.raises(NotSendable, match="not offered"):
        await here.mod.command("limits show")


async def test_who_may_is_looked_at_when_it_runs_too(here: Lab, monkeypatch: pytest.MonkeyPatch):
    # A server can show a command to others, on Discord's own page.
    monkeypatch.setattr(type(here.ada), "_visible", _visible_to_all(type(here.ada)._visible))
    ways = {"show": {}, "jobs": {"per_day": 1}, "words": {}, "chats": {}, "log": {}}
    ways |= {"block": {"member": here.ben}, "run": {"who": "nobody"}}
    for name, arguments in ways.items():
        seen = await here.ada.command(f"limits {name}", arguments, channel=here.channel)
        assert "Only members with the permission **Manage Server**" in await refused(seen)
    assert here.home.jobs.admission.of(here.guild.id).member_jobs is None


def _visible_to_all(visible: Any) -> Any:
    def found(user: User, name: str, place: Channel, kind: int) -> Any:
        shown_to = next(one for one in place.server.users.values() if one.name == "mod")
        return visible(shown_to, name, place, kind)

    return found


async def test_what_is_limited_is_shown_with_a_link_to_discord_s_own_page(here: Lab):
    text = await limits(here, "show")
    assert "**Jobs a day** for each member: no limit" in text
    assert "Integrations" in text
    assert "https://support.discord.com/" in text
    text = await limits(here, "jobs", per_day=3, running=1)
    assert "for each member: 3\n" in text
    assert "running 1, waiting no limit" in text
    # A limit that is left out stays, and 0 removes a limit.
    text = await limits(here, "jobs", per_day=0)
    assert "for each member: no limit" in text
    assert "running 1" in text


async def test_the_day_s_last_job_runs_and_the_next_one_says_when(here: Lab):
    await limits(here, "jobs", per_day=2)
    for _ in range(2):
        await done(await echo(here, here.ada))
    text = await refused(await echo(here, here.ada))
    assert text.startswith("⏳ You have used your 2 jobs for today in this server.")
    assert "<t:" in text
    # Others have their own, and in direct messages nothing is limited.
    await done(await echo(here, here.ben))
    await ask(here.ada, "echo", text="alone")


async def test_every_button_and_form_and_menu_is_held_to_it(here: Lab):
    first = await echo(here, here.ada)
    await done(first)
    await limits(here, "jobs", per_day=1)
    await done(await echo(here, here.ada))
    result = shown(first)
    for button in ("Again", "Edit…"):
        assert "for today" in await refused(await here.ada.click(result, button))
    menu = await here.ada.click(result, "Send to…")
    chosen = await here.ada.choose(shown(menu), "/other")
    assert "for today" in await refused(chosen)
    pair = {"prompt": "hi", "with": "echo, other"}
    compared = await here.ada.command("compare", pair, channel=here.channel)
    assert "for today" in await refused(compared)
    assert len(await _jobs_of(here)) == 2


async def _jobs_of(it: Lab) -> list[Any]:
    """The stored jobs of the server."""
    store = it.home.jobs.store
    found = [await store.get(job) for job in await _ids(it)]
    return [one for one in found if one and one.message_ref.guild == it.guild.id]


async def _ids(it: Lab) -> list[str]:
    return [row.id for row in await it.home.jobs.store.rows(sa.select(jobs.c.id))]


async def test_a_comparison_counts_each_of_its_commands(here: Lab):
    await limits(here, "jobs", per_day=2)
    pair = {"prompt": "hi", "with": "echo, other"}
    await (await here.ada.command("compare", pair, channel=here.channel)).wait(is_final, 30)
    assert "used your 2 jobs" in await refused(await echo(here, here.ada))


async def test_a_value_that_cannot_be_taken_costs_nothing(here: Lab):
    await limits(here, "jobs", per_day=1)
    for _ in range(2):
        seen = await echo(here, here.ada, " ")
        await seen.wait(lambda one: "is empty" in shown(one).content, 20)
        await here.home.jobs.drained(5)
    await done(await echo(here, here.ada))
    assert "for today" in await refused(await echo(here, here.ada))


async def test_a_role_has_its_own_number(here: Lab):
    here.guild.add_member(here.ben, "manage_messages")
    (role,) = here.guild.members[here.ben.id]
    known = here.home.bot.get_guild(here.guild.id)
    await here.server.wait(lambda _: known and known.get_role(role), 10)
    await limits(here, "jobs", per_day=1)
    assert f"- with <@&{role}>: 2" in await limits(here, "role", role=role, per_day=2)
    for user, most in ((here.ada, 1), (here.ben, 2)):
        for _ in range(most):
            await done(await echo(here, user))
        assert f"used your {most} job" in await refused(await echo(here, user))
    assert f"<@&{role}>" not in await limits(here, "role", role=role, per_day=0)


async def test_more_at_once_than_a_server_lets_run_wait_and_beyond_are_refused(here: Lab):
    await limits(here, "jobs", running=1, waiting=1)
    first = await here.ada.command("fast sleep", seconds=120, channel=here.channel)
    await first.wait(lambda one: "Working" in shown(one).content, 20)
    # On another Space, so nothing but the server's limit holds it back.
    second = await here.ada.command("count", step=3, channel=here.channel)
    await second.wait(lambda one: "In line here: 1 of 1" in shown(one).content, 20)
    assert "1 of your jobs are waiting in this server" in await refused(await echo(here, here.ada))
    # Neither others nor other places wait for it.
    await done(await echo(here, here.ben))
    await ask(here.ada, "count", step=3)
    assert not is_final(first)
    await here.ada.click(shown(first), "Cancel")
    await done(second)
    await done(await echo(here, here.ada))


async def test_blocked_members_get_nothing_whatever_they_try(here: Lab):
    await limits(here, "block", member=here.ben)
    theirs = await echo(here, here.ada)
    await done(theirs)
    no = "The moderators of this server do not let you use this bot here."
    for seen in (
        await echo(here, here.ben),
        await here.ben.click(shown(theirs), "Again"),
        await here.ben.click(shown(theirs), "Edit…"),
        await here.ben.command("falcon", message="hello", channel=here.channel),
    ):
        assert no in await refused(seen)
    here.ben.say(f"<@{here.server.bot.id}> hello", channel=here.channel)
    await here.channel.wait(lambda place: no in place.messages[-1].content, 20)
    assert not here.channel.threads
    await limits(here, "unblock", member=here.ben)
    await done(await echo(here, here.ben))


async def test_a_blocked_word_is_refused_in_commands_chats_and_forms(here: Lab):
    form = await here.mod.command("limits words", channel=here.channel)
    seen = await here.mod.submit(form, {"words": "Fox\n\nred  wolf\nfox"})
    assert "**Blocked words**: 3" in said(seen)
    for text in ("the FOX", "a red wolf"):
        assert "a word that this server does not allow" in await refused(
            await echo(here, here.ada, text)
        )
    await done(await echo(here, here.ada, "foxes and wolves"))
    chat = await here.ada.command("falcon", message="a fox", channel=here.channel)
    assert "does not allow" in await refused(chat)
    first = await echo(here, here.ada, "a cat")
    await done(first)
    edit = await here.ada.click(shown(first), "Edit…")
    filled = await here.ada.submit(edit, {"text": "a fox"})
    assert "does not allow" in await refused(filled)


async def test_too_many_or_too_long_words_are_refused_with_the_limit(here: Lab):
    form = await here.mod.command("limits words", channel=here.channel)
    many = "\n".join(f"w{number}" for number in range(201))
    assert "at most 200" in said(await here.mod.submit(form, {"words": many}))
    form = await here.mod.command("limits words", channel=here.channel)
    assert "at most 100 characters" in said(await here.mod.submit(form, {"words": "x" * 101}))


async def test_conversations_work_where_moderators_say(here: Lab):
    other = here.guild.add_text_channel("chat")
    await here.server.wait(lambda _: here.home.bot.get_channel(other.id), 10)
    shown_menu = await here.mod.command("limits chats", channel=here.channel)
    saved = await here.mod.choose(shown(shown_menu), [other])
    await saved.wait(lambda one: f"<#{other.id}>" in said(one), 10)
    no = f"Conversations do not work in this channel. They do in <#{other.id}>."
    seen = await here.ada.command("falcon", message="hello", channel=here.channel)
    assert no in await refused(seen)
    here.ada.say(f"<@{here.server.bot.id}> hello", channel=here.channel)
    await here.channel.wait(lambda place: no in place.messages[-1].content, 20)
    assert not here.channel.threads
    # They work there and in its threads; commands without a conversation work everywhere.
    here.ada.say(f"<@{here.server.bot.id}> hello", channel=other)
    await other.wait(lambda place: place.threads and runs(place.threads[0]), 30)
    thread = other.threads[0]
    here.ada.say("and again", channel=thread)
    await thread.wait(lambda place: len(runs(place)) > 1, 30)
    await done(await echo(here, here.ada))
    again = await here.mod.command("limits chats", channel=here.channel)
    await here.mod.choose(shown(again), [])
    text = await limits(here, "show")
    assert "in every channel" in text


async def test_a_question_in_a_conversation_counts_and_so_does_regenerate(here: Lab):
    await limits(here, "jobs", per_day=2)
    await here.ada.command("falcon", message="hello", channel=here.channel)
    await here.channel.wait(lambda place: place.threads, 20)
    (thread,) = here.channel.threads
    await thread.wait(lambda place: "Regenerate" in place.messages[-1].buttons(), 30)
    edits = len(thread.messages[-1].history)
    await here.ada.click(thread.messages[-1], "Regenerate")
    # The edit before has the button that was pressed.
    await thread.wait(lambda place: len(place.messages[-1].history) > edits, 30)
    await thread.wait(lambda place: "Regenerate" in place.messages[-1].buttons(), 30)
    text = "used your 2 jobs"
    pressed = await here.ada.click(thread.messages[-1], "Regenerate")
    await pressed.wait(lambda one: one.followups, 20)
    assert text in await refused(pressed)
    question = here.ada.say("one more", channel=thread)
    await thread.wait(lambda place: text in place.messages[-1].content, 20)
    assert thread.messages[-1].reference is question


async def test_a_fork_is_refused_to_blocked_members(here: Lab):
    await here.ada.command("falcon", message="hello", channel=here.channel)
    await here.channel.wait(lambda place: place.threads, 20)
    (thread,) = here.channel.threads
    await thread.wait(lambda place: "Fork" in place.messages[-1].buttons(), 30)
    await limits(here, "block", member=here.ben)
    assert "do not let you" in await refused(await here.ben.click(thread.messages[-1], "Fork"))
    assert here.channel.threads == [thread]


async def test_automations_count_for_the_member_who_triggers_them(here: Lab):
    made = await here.mod.command(
        "automation add",
        {"when": "A message with certain words", "run": "echo", "match": "draw"},
        channel=here.channel,
    )
    await made.wait(lambda one: "✅" in said(one), 20)
    await limits(here, "jobs", per_day=1)
    first = here.ada.say("draw a cat", channel=here.channel)
    await here.answer_to(first)
    here.ada.say("draw a dog", channel=here.channel)
    other = here.ben.say("draw a bird", channel=here.channel)
    await here.answer_to(other)
    assert [one.reference for one in runs(here.channel)] == [first, other]


async def test_find_is_for_those_whom_moderators_let(here: Lab):
    await limits(here, "run", who="Nobody")
    seen = await here.ada.command("find", wish="echo a text", channel=here.channel)
    assert "turned off `/run` and `/find`" in await refused(seen)
    seen = await here.ada.command("run", space="ada/any", channel=here.channel)
    assert "turned off `/run` and `/find`" in await refused(seen)
    assert "Also choose the role" in await limits(here, "run", who="Members with a role")
    here.guild.add_member(here.ben, "manage_messages")
    (role,) = here.guild.members[here.ben.id]
    assert f"members with <@&{role}>" in await limits(
        here, "run", who="Members with a role", role=role
    )
    seen = await here.ada.command("find", wish="echo a text", channel=here.channel)
    assert f"only members with <@&{role}>" in await refused(seen)
    assert "/run and /find**: everyone" in await limits(here, "run", who="Everyone")


async def test_quota_tells_a_member_alone_what_is_left(here: Lab):
    async def quota(channel: Channel | None) -> str:
        seen = await here.ada.command("quota", channel=channel)
        await seen.wait(lambda one: "Jobs a day" in said(one), 10)
        assert all(one.ephemeral for one in [seen.message, *seen.followups] if one)
        return said(seen)

    assert "**Jobs a day**: no limit in this server" in await quota(here.channel)
    await limits(here, "jobs", per_day=5, running=3, waiting=4)
    await done(await echo(here, here.ada))
    text = await quota(here.channel)
    assert "**Jobs a day**: 4 of 5 left" in text
    assert "**Running**: 0 of 3 at once" in text
    assert "**Waiting**: 0 of 4 at once" in text
    assert "no limit in direct messages" in await quota(None)


async def test_the_count_of_a_day_survives_a_kill(served: Callable[[str], str], tmp_path: Path):
    source = Source(served("fast"), "/echo", "echo")
    async with lab(tmp_path, source, killed=True) as first:
        await limits(first, "jobs", per_day=2)
        for _ in range(2):
            await done(await echo(first, first.ada))
        guild, user = first.guild.id, first.ada.id
    async with lab(tmp_path, source) as second:
        admission = second.home.jobs.admission
        assert admission.of(guild).member_jobs == 2
        assert admission.allowance(str(guild), Requester(str(user), "")).used == 2
