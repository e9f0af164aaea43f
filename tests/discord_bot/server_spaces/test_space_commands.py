"""/space: what moderators add becomes a command of their server alone, and stays one."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from spacebot.discord_bot.server_spaces import guild_registration
from spacebot.errors import StoreError
from spacebot.models import NO_ACCOUNT, Account, Source, guild_key
from tests.support.asking import ask, is_final, shown
from tests.support.loopback import NotSendable
from tests.support.server_spaces import Town, told, town
from tests.support.spaces_hub import TOKEN, Hosted

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lab(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """The bot with one Space of its owner's, and a Hub with others."""
    spaces = {"ada/fast": served("fast"), "ada/studio": served("studio")}
    folder = tmp_path_factory.mktemp("town")
    async with town(folder, spaces, Source(served("fast"), name="own")) as there:
        yield there


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def emptied(lab: Town) -> AsyncIterator[None]:
    """Each test begins with a server that added nothing."""
    yield
    for row in await lab.rows():
        await lab.space("remove", {"name": row.name})


async def test_an_added_space_is_a_command_of_its_server_alone(lab: Town):
    puts = lab.puts()
    said = await lab.space("add", {"space": "ada/fast", "name": "quick"})
    assert "/quick" in said
    assert "ada/fast" in said
    # Once the moderator is told, the command is there, after a single request to Discord.
    assert lab.commands() == ["quick"]
    assert lab.puts() == puts + 1
    seen = await ask(lab.place.ada, "quick echo", text="hello", channel=lab.place.channel)
    assert "hello" in seen.content
    guild, there = lab.other(lab.place.ada)
    assert lab.commands(guild) == []
    with pytest.raises(NotSendable, match="no command 'quick'"):
        await lab.place.ada.command("quick echo", text="hello", channel=there)


async def test_its_endpoint_name_description_and_answer_place_can_be_chosen(lab: Town):
    chosen = {
        "space": "https://huggingface.co/spaces/ada/fast",
        "endpoint": "echo",
        "name": "/Say It!",
        "description": "Says it again",
        "answer": "Privately, to the person who asked",
    }
    assert "say_it" in await lab.space("add", chosen)
    (command,) = lab.place.server.commands.all(lab.guild.id)
    assert command["description"] == "Says it again"
    assert [option["name"] for option in command["options"]] == ["text"]
    seen = await ask(lab.place.ada, "say_it", text="hello", channel=lab.place.channel)
    assert seen.ephemeral
    assert "hello" in seen.content
    assert "Says it again" in await lab.space("info", {"name": "say_it"})


async def test_members_who_may_not_manage_the_server_are_refused_with_a_reason(lab: Town):
    ada, channel = lab.place.ada, lab.place.channel
    with pytest.raises(NotSendable, match="not shown to ada"):
        await ada.command("space list", channel=channel)
    # A server's own settings can show a command to anybody.
    command = lab.place.server.commands.find("space", None)
    assert command is not None
    before, command["default_member_permissions"] = command["default_member_permissions"], None
    try:
        await lab.space("add", {"space": "ada/fast", "name": "quick"})
        for what, options in {
            "add": {"space": "ada/studio"},
            "remove": {"name": "quick"},
            "list": {},
            "info": {"name": "quick"},
            "refresh": {"name": "quick"},
            "rename": {"name": "quick", "to": "slow"},
            "pause": {"name": "quick"},
            "resume": {"name": "quick"},
        }.items():
            assert "Manage Server" in await lab.space(what, options, by=ada), what
        found = await ada.autocomplete("space info", option="name", text="", channel=channel)
        assert found == []
    finally:
        command["default_member_permissions"] = before
    assert [(row.name, row.paused) for row in await lab.rows()] == [("quick", False)]


async def test_a_name_that_is_taken_is_refused(lab: Town):
    assert "own" in await lab.space("add", {"space": "ada/fast", "name": "own"})
    assert await lab.rows() == []
    await lab.space("add", {"space": "ada/fast", "name": "quick"})
    said = await lab.space("add", {"space": "ada/studio", "name": "quick"})
    assert "already has a command `/quick`, from ada/fast" in said
    assert "Choose another `name`" in await lab.space("add", {"space": "ada/studio", "name": "!?"})
    said = await lab.space("add", {"space": "Ada/fast"})
    assert "already has ada/fast, as `/quick`" in said
    # A name that nobody chose gets a number instead.
    await lab.space("add", {"space": "ada/fast", "endpoint": "/echo"})
    await lab.space("add", {"space": "ada/fast", "endpoint": "/sleep", "name": "echo-2"})
    assert len(lab.commands()) == 3


async def test_two_moderators_who_add_the_same_at_once_add_it_once(lab: Town):
    added = {"space": "ada/fast", "name": "quick"}
    both = (lab.space("add", added, by=one) for one in (lab.mod, lab.deputy))
    said = sorted(await asyncio.gather(*both))
    assert len(await lab.rows()) == 1
    assert lab.commands() == ["quick"]
    assert sorted("already" in one for one in said) == [False, True]


async def test_what_cannot_be_added_is_told_and_leaves_nothing(lab: Town):
    for space, said in {
        "ada/none": "no such Space",
        "paint": "owner/name",
        "http://10.0.0.1:7860": "from its own network",
        "http://localhost:7860/": "from its own network",
        "https://example.com/spaces/ada/fast": "from its own network",
    }.items():
        answer = await lab.space("add", {"space": space})
        assert not answer.startswith("✅")
        assert said in answer
    answer = await lab.space("add", {"space": "ada/fast", "endpoint": "/nope"})
    assert "has no /nope. It has `/" in answer
    assert await lab.rows() == []
    assert lab.commands() == []


async def test_of_a_space_without_functions_and_of_one_with_three_hundred(
    lab: Town, served: Callable[[str], str]
):
    lab.hub.spaces["ada/frame"] = Hosted(served("picture_frame"))
    said = await lab.space("add", {"space": "ada/frame"})
    assert "ada/frame has nothing that can be a command" in said
    assert lab.commands() == []
    lab.hub.spaces["ada/hundreds"] = Hosted(served("hundreds"))
    said = await lab.space("add", {"space": "ada/hundreds", "name": "many"})
    assert "It has 24 commands: `/many draw`," in said
    assert "and 14 more. `/many more` has 276 others." in said
    form = await lab.place.ada.command(
        "many more", endpoint="add_number_299x", channel=lab.place.channel
    )
    assert form.modal is not None
    summed = await lab.place.ada.submit(form, {"Number 299": "1"})
    await summed.wait(is_final, 60)
    assert "300" in shown(summed).content
    answer = await ask(lab.place.ada, "many draw", prompt="a cat", channel=lab.place.channel)
    assert "a picture of a cat" in answer.content


async def test_no_more_are_added_than_a_server_may_have(lab: Town):
    store = lab.home.jobs.store.server_spaces
    await lab.space("add", {"space": "ada/fast", "name": "quick"})
    (first,) = await lab.rows()
    payload = await store.payload(first.id)
    assert payload is not None
    policy = lab.home.catalogue.added.policy  # type: ignore[union-attr]
    before, policy.spaces_per_server = policy.spaces_per_server, 2
    twins = [replace(first, id=uuid.uuid4().hex[:12], name=f"twin-{n}") for n in range(99)]
    try:
        await lab.space("add", {"space": "ada/studio", "name": "two"})
        said = await lab.space("add", {"space": "ada/fast", "endpoint": "/echo"})
        assert "has 2 added Spaces, and the limit is 2" in said
        assert "/space remove" in said
        # Whatever the owner allows, Discord refuses a 101st command.
        policy.spaces_per_server = 1000
        for twin in twins[1:]:
            await store.add(twin, payload)
        said = await lab.space("add", {"space": "ada/fast", "endpoint": "/echo"})
        assert "has 100 added Spaces, and the limit is 100" in said
    finally:
        for twin in twins:
            await store.delete(twin.id)
        policy.spaces_per_server = before
    assert sorted(lab.commands()) == ["quick", "two"]


async def test_discord_s_limit_of_new_commands_a_day_is_told_before_it_is_reached(lab: Town):
    store, guild = lab.home.jobs.store.server_spaces, str(lab.guild.id)
    puts, now = lab.puts(), time.time()
    before = (await store.registration(guild)).created
    await store.note(guild, created=[now - 3600.0] * 200)
    try:
        said = await lab.space("add", {"space": "ada/fast", "name": "quick"})
        assert "200 commands a day" in said
        assert f"<t:{int(now - 3600 + 86400) + 1}:R>" in said
        assert lab.puts() == puts
    finally:
        await store.note(guild, created=before)


async def test_what_discord_refuses_is_told_and_taken_back(lab: Town):
    await lab.space("add", {"space": "ada/fast", "name": "quick"})
    commands = lab.place.server.commands
    commands.refused = {"cursed"}
    try:
        said = await lab.space("add", {"space": "ada/studio", "name": "cursed"})
        assert "Discord rejected this command" in said
        assert "Discord rejected" in await lab.space("rename", {"name": "quick", "to": "cursed"})
    finally:
        commands.refused = set()
    commands.created_today[lab.guild.id] += 200
    try:
        said = await lab.space("add", {"space": "ada/studio", "name": "fine"})
        assert "this server has reached that" in said
    finally:
        commands.created_today[lab.guild.id] -= 200
    assert [row.name for row in await lab.rows()] == ["quick"]
    assert lab.commands() == ["quick"]
    seen = await ask(lab.place.ada, "quick echo", text="still", channel=lab.place.channel)
    assert "still" in seen.content


async def test_a_command_is_renamed_paused_and_removed(lab: Town):
    await lab.space("add", {"space": "ada/fast", "name": "quick"})
    assert "now `/swift`" in await lab.space("rename", {"name": "quick", "to": "swift"})
    assert lab.commands() == ["swift"]
    ada, channel = lab.place.ada, lab.place.channel
    assert "a" in (await ask(ada, "swift echo", text="a", channel=channel)).content
    assert "own" in await lab.space("rename", {"name": "swift", "to": "own"})
    await lab.space("pause", {"name": "swift"})
    assert "paused" in await lab.space("list")
    seen = await ada.command("swift echo", text="a", channel=channel)
    assert "paused in this server" in await told(seen)
    await lab.space("resume", {"name": "swift"})
    assert "b" in (await ask(ada, "swift echo", text="b", channel=channel)).content
    found = await lab.mod.autocomplete("space remove", option="name", text="SWI", channel=channel)
    assert [one["value"] for one in found] == ["swift"]
    assert "gone" in await lab.space("remove", {"name": "/swift"})
    assert lab.commands() == []
    assert "no such command" in await lab.space("info", {"name": "swift"})
    assert "not added a Space yet" in await lab.space("list")


async def test_a_server_that_adds_the_bot_again_has_its_commands_again(lab: Town):
    await lab.space("add", {"space": "ada/fast", "name": "quick"})
    lab.guild.remove_bot()
    assert lab.commands() == []
    lab.guild.add_bot()
    await lab.place.server.wait(lambda _: lab.commands() == ["quick"], 10)
    seen = await ask(lab.place.ada, "quick echo", text="again", channel=lab.place.channel)
    assert "again" in seen.content


async def test_while_discord_fails_a_command_is_stored_and_registered_later(lab: Town):
    route = f"PUT /applications/*/guilds/{lab.guild.id}/commands"
    lab.place.server.limits.fail(route, 503)
    assert "once it does" in await lab.space("add", {"space": "ada/fast", "name": "quick"})
    await lab.place.server.wait(lambda _: lab.commands() == ["quick"], 15)
    lab.place.server.limits.fail(route, 503)
    assert "once it does" in await lab.space("rename", {"name": "quick", "to": "swift"})
    await lab.place.server.wait(lambda _: lab.commands() == ["swift"], 15)


async def test_a_server_whose_registration_hangs_holds_up_no_other(
    lab: Town, monkeypatch: pytest.MonkeyPatch
):
    """Hang as discord.py does in a rate limit, which it waits out however long it is."""
    http, limit = lab.home.bot.http, asyncio.Event()
    send = http.bulk_upsert_guild_commands
    monkeypatch.setattr(guild_registration, "SYNC_WAIT", 0.2)

    async def limited(application: int, guild: int, payload: Any) -> Any:
        if guild == lab.guild.id:
            await limit.wait()
        return await send(application, guild, payload=payload)

    monkeypatch.setattr(http, "bulk_upsert_guild_commands", limited)
    added = {"space": "ada/fast", "name": "quick"}
    assert "once it does" in await lab.space("add", added)
    monkeypatch.setattr(guild_registration, "SYNC_WAIT", 60.0)
    guild, there = lab.other()
    assert "✅" in await told(await lab.mod.command("space add", added, channel=there))
    # The owner's way, for which nobody waits: the task that registers pending commands.
    assert lab.home.catalogue.added
    await lab.home.catalogue.added.remove_everywhere("ada/fast")
    await lab.place.server.wait(lambda _: lab.commands(guild) == [], 60)
    assert lab.commands() == []
    assert "✅" in await told(await lab.mod.command("space add", added, channel=there))
    limit.set()
    assert "✅" in await lab.space("add", {"space": "ada/fast", "name": "swift"})
    assert (lab.commands(), lab.commands(guild)) == (["swift"], ["quick"])


async def test_a_database_that_fails_at_the_start_leaves_no_server_unregistered(
    lab: Town, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(guild_registration, "FIRST_RETRY_PAUSE", 0.01)
    store, failing = lab.home.jobs.store.server_spaces, [StoreError("away")] * 3
    read = store.registered

    async def registered() -> Any:
        if failing:
            raise failing.pop()
        return await read()

    monkeypatch.setattr(store, "registered", registered)
    await lab.space("add", {"space": "ada/fast", "name": "quick"})
    await store.note(str(lab.guild.id), pending=True, digest="")
    puts = lab.puts()
    assert lab.home.bot.server_spaces
    await lab.home.bot.server_spaces.registration.look()
    await lab.place.server.wait(lambda _: lab.puts() == puts + 1, 60)


async def test_spaces_of_the_hub_are_offered_while_a_moderator_types(lab: Town):
    channel = lab.place.channel
    found = await lab.mod.autocomplete("space add", option="space", text="stud", channel=channel)
    assert [one["value"] for one in found] == ["ada/studio"]


async def test_a_private_space_is_added_with_the_server_s_own_account_alone(
    lab: Town, monkeypatch: pytest.MonkeyPatch
):
    lab.hub.spaces["ada/secret"] = Hosted(lab.hub.spaces["ada/fast"].host, private=True)
    mine = guild_key(lab.guild.id)

    async def get(key: str) -> Account:
        return Account(key, TOKEN) if key == mine else NO_ACCOUNT

    monkeypatch.setattr(lab.home.jobs.accounts, "get", get)
    assert "✅" in await lab.space("add", {"space": "ada/secret", "name": "secret"})
    _, there = lab.other()
    seen = await lab.mod.command("space add", {"space": "ada/secret"}, channel=there)
    assert "no such Space" in await told(seen)
    assert "secret echo" in await lab.space("info", {"name": "secret"})
