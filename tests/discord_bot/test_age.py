"""Age-restricted Spaces: where they answer, however somebody reaches them."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from spacebot.engine.store import ServerSpace
from spacebot.errors import AgeRestricted, SettingsError
from spacebot.models import Job, MessageRef, Requester, Source
from spacebot.settings import command_source
from tests.support.asking import is_final, shown
from tests.support.bot_in_loop import Home, at_home
from tests.support.loopback import Channel, DiscordServer, Guild, Message, NotSendable, User
from tests.support.spaces_hub import Hosted, hub

REFUSED = "This Space is age-restricted. Use it in an age-restricted channel"
CHECK_FIRST = "Discord has to check your age first"


@dataclass(frozen=True)
class Lab:
    """A server with a channel for all and one for adults, and the bot in it."""

    server: DiscordServer
    guild: Guild
    all: Channel
    adults: Channel
    ada: User
    home: Home


@asynccontextmanager
async def lab(folder: Path, *sources: Source, level: int = 0, **more: Any) -> AsyncIterator[Lab]:
    async with DiscordServer(privileged=("message_content",)) as server:
        server.limits.enforced = False
        ada = server.add_user("ada")
        guild = server.add_guild("Lab")
        guild.nsfw_level = level
        guild.add_member(ada, "manage_guild", "manage_messages")
        channels = guild.add_text_channel("all"), guild.add_text_channel("adults", nsfw=True)
        async with at_home(server, *sources, folder=folder, **more) as home:
            yield Lab(server, guild, *channels, ada, home)


async def asked(it: Lab, command: str, channel: Channel | None, **given: Any) -> Message:
    """Use a command; its final answer."""
    seen = await it.ada.command(command, given, channel=channel)
    await seen.wait(is_final, 20)
    return shown(seen)


def mark(channel: Channel, nsfw: bool) -> None:
    """Switch a channel's age restriction."""
    channel.nsfw = nsfw
    channel.server.dispatch("CHANNEL_UPDATE", channel.to_json(), guild=channel.guild)


def png() -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(held, "PNG")
    return held.getvalue()


@pytest.mark.parametrize("space", ["fast", "keyed"])
async def test_what_the_owner_marks_is_an_age_restricted_command(
    served: Callable[[str], str], tmp_path: Path, space: str
) -> None:
    marked = command_source({"space": served(space), "name": "art", "nsfw": True})
    async with lab(tmp_path, marked) as it:
        (command,) = [one for one in it.server.registered_commands if one["name"] == "art"]
        assert command["nsfw"]
        subcommands = [one for one in command["options"] if one["type"] == 1]
        assert not any("nsfw" in one for one in subcommands)
        with pytest.raises(NotSendable, match="age-restricted"):
            await it.ada.command("art echo", text="hi", channel=it.all)


def test_nsfw_is_true_or_false() -> None:
    with pytest.raises(SettingsError, match="as nsfw, True or False"):
        command_source({"space": "owner/name", "nsfw": "yes"})


async def test_it_answers_in_a_channel_for_adults_and_in_its_threads(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with lab(tmp_path, Source(served("fast"), name="fast", nsfw=True)) as it:
        assert "hi" in (await asked(it, "fast echo", it.adults, text="hi")).content
        thread = it.ada.start_thread("corner", channel=it.adults)
        assert "hi" in (await asked(it, "fast echo", thread, text="hi")).content


async def test_a_tag_on_the_hub_counts_also_when_the_hub_is_down_at_the_next_start(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    source = Source("owner/name", name="art")
    async with hub() as there:
        there.spaces["owner/name"] = Hosted(served("fast"), tags=["not-for-all-audiences"])
        async with lab(tmp_path, source, hub=there.api) as it:
            assert [one["nsfw"] for one in it.server.registered_commands if one["name"] == "art"]
        gone = there.api
    async with lab(tmp_path, source, hub=gone) as it:
        found = [one["nsfw"] for one in it.server.registered_commands if one["name"] == "art"]
        assert found == [True]


async def test_every_way_to_a_job_ends_at_the_same_gate(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with lab(tmp_path, Source(served("fast"), name="fast", nsfw=True)) as it:
        endpoint = await it.home.catalogue.find(served("fast"), "/echo")
        job = Job("0" * 12, endpoint, Requester("1", "<@1>"), {"text": "hi"})
        for ref in (None, MessageRef(channel=it.all.id)):
            with pytest.raises(AgeRestricted):
                await it.home.jobs.start(replace(job, message_ref=ref))
        assert not it.home.jobs.running


async def test_what_moderators_mark_is_marked_on_every_way_in_their_server(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with lab(tmp_path, Source(served("fast"), name="fast")) as it:
        added = it.home.catalogue.added
        assert added
        guild = str(it.guild.id)
        await added.add(ServerSpace("1", guild, "art", "owner/art", "1", nsfw=True), b"")
        endpoint = replace(it.home.catalogue.configured(served("fast"), "/echo"), space="Owner/art")
        job = Job("0" * 12, endpoint, Requester("1", "<@1>"), {"text": "hi"})
        with pytest.raises(AgeRestricted):
            await it.home.jobs.start(
                replace(job, message_ref=MessageRef(channel=it.all.id, guild=it.guild.id))
            )
        assert not it.home.jobs.running
        assert not await added.marks("1", "owner/art")


async def test_buttons_are_refused_once_the_channel_is_for_all(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with lab(tmp_path, Source(served("fast"), name="fast", nsfw=True)) as it:
        result = await asked(it, "fast echo", it.adults, text="hi")
        mark(it.adults, False)
        for button in ("Again", "Edit…"):
            pressed = await it.ada.click(result, button)
            assert REFUSED in shown(pressed).content
            assert shown(pressed).ephemeral


async def test_send_to_offers_it_in_the_right_channels_alone(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    sources = (
        Source(served("kinds"), name="kinds"),
        Source(served("lens"), name="lens", nsfw=True),
    )
    async with lab(tmp_path, *sources) as it:
        offered = {}
        for channel in (it.all, it.adults):
            said = it.ada.say("", channel=channel, files=[("a.png", png())])
            menu = await it.ada.message_command("Use in a Space…", said)
            (select,) = [part for part in shown(menu).walk() if part["type"] == 3]
            offered[channel] = {one["value"] for one in select["options"]}
            last = menu
        hidden = offered[it.adults] - offered[it.all]
        assert hidden
        assert all(name.startswith("/lens") for name in hidden)
        # Chosen in a menu that was open when the channel's restriction was lifted.
        mark(it.adults, False)
        refused = await it.ada.choose(shown(last), sorted(hidden)[0])
        assert "This menu is too old" in shown(refused).content


async def test_compare_shows_the_refusal_in_its_cell(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    sources = (
        Source(served("fast"), "/echo", "echo"),
        Source(served("kinds"), "/text", "adult", nsfw=True),
    )
    async with lab(tmp_path, *sources) as it:
        given = {"prompt": "sea", "with": "echo, adult"}
        everyone = await asked(it, "compare", it.all, **given)
        assert REFUSED in everyone.content.split("**/adult**")[1]
        assert "sea" in everyone.content.split("**/echo**")[1]
        adults = await asked(it, "compare", it.adults, **given)
        assert REFUSED not in adults.content


async def test_a_chat_is_refused_where_minors_may_be(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with lab(tmp_path, Source(served("parrot"), name="parrot", nsfw=True)) as it:
        me = f"<@{it.server.bot.id}>"
        it.ada.say(f"{me} hello", channel=it.all)
        await it.all.wait(lambda one: REFUSED in one.messages[-1].content, 10)
        assert not it.all.threads
        it.ada.say(f"{me} hello", channel=it.adults)
        await it.adults.wait(lambda one: one.threads, 10)
        (thread,) = it.adults.threads
        await thread.wait(lambda one: "You said" in one.messages[-1].content, 20)
        # It continues only while its channel is age-restricted.
        mark(it.adults, False)
        it.ada.say("and now?", channel=thread)
        await thread.wait(lambda one: REFUSED in one.messages[-1].content, 10)


async def test_in_direct_messages_the_command_comes_first(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with lab(tmp_path, Source(served("parrot"), name="parrot", nsfw=True)) as it:
        direct = it.server.dm_with(it.ada)
        it.ada.say("hello")
        await direct.wait(lambda one: CHECK_FIRST in one.messages[-1].content, 10)
        # Discord itself offers it only to adults who opted in.
        await it.ada.command("parrot", message="hello")
        await direct.wait(lambda one: "0 before" in one.messages[-1].content, 20)
        it.ada.say("once more")
        await direct.wait(lambda one: "1 before" in one.messages[-1].content, 20)


async def test_an_automation_runs_it_only_in_a_channel_for_adults(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with lab(tmp_path, Source(served("fast"), "/echo", "echo", nsfw=True)) as it:
        given = {"when": "text", "run": "/echo", "match": "sea"}
        refused = await it.ada.command("automation add", given, channel=it.all)
        await refused.wait(lambda one: one.message and not one.message.loading, 10)
        assert REFUSED in shown(refused).content
        added = await it.ada.command("automation add", given, channel=it.adults)
        await added.wait(lambda one: one.message and "✅" in one.message.content, 10)
        it.ada.say("by the sea", channel=it.adults)
        await it.adults.wait(lambda one: "by the sea" in one.messages[-1].content, 20)
        mark(it.adults, False)
        before = len(it.adults.messages)
        it.ada.say("the sea again", channel=it.adults)
        (automation,) = it.home.bot.automations.of(it.guild.id)
        await it.server.wait(
            lambda _: REFUSED in it.home.bot.automations.of(it.guild.id)[0].problem, 10
        )
        assert len(it.adults.messages) == before + 1, automation


async def test_all_channels_of_an_age_restricted_server_count(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with lab(tmp_path, Source(served("parrot"), name="parrot", nsfw=True), level=3) as it:
        it.ada.say(f"<@{it.server.bot.id}> hello", channel=it.all)
        await it.all.wait(lambda one: one.threads, 10)
