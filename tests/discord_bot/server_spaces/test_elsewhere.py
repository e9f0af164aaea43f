"""Compare, Send to, automations and conversations know a server's own commands, only there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from spacebot.engine.admin import Admin
from spacebot.engine.on_demand import known
from spacebot.errors import StoreError
from spacebot.models import Source, Space
from spacebot.weighted_cache import WeightedCache
from tests.support.asking import ask, is_final, shown
from tests.support.loopback import Channel
from tests.support.server_spaces import Town, told, town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lab(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """A server that added /quick and /talk; its owner offers two commands that take a text."""
    folder: Path = tmp_path_factory.mktemp("elsewhere")
    spaces = {"ada/fast": served("fast"), "ada/stateful": served("stateful")}
    sources = [Source(served("fast"), "/echo", name) for name in ("one", "two")]
    async with town(folder, spaces, *sources) as there:
        await there.space("add", {"space": "ada/fast", "endpoint": "/echo", "name": "quick"})
        await there.space("add", {"space": "ada/stateful", "endpoint": "/chat", "name": "talk"})
        yield there


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def outside(lab: Town) -> Channel:
    """A channel of another server."""
    _, channel = lab.other(lab.place.ada)
    return channel


async def test_run_suggests_the_server_s_then_the_owner_s_then_the_hub_s(
    served: Callable[[str], str], tmp_path: Path
):
    fast = served("fast")
    names = ("lab/own", "lab/other", "lab/added", "lab/adult")
    async with town(tmp_path, dict.fromkeys(names, fast), Source("lab/own", "/echo", "own")) as it:
        ada, here = it.place.ada, it.place.channel
        _, outside = it.other(ada)
        await it.space("add", {"space": "lab/added", "endpoint": "/echo", "name": "one"})
        await it.space("add", {"space": "lab/added", "endpoint": "/sleep", "name": "two"})
        adult = {"space": "lab/adult", "name": "adult", "age_restricted": True}
        await it.space("add", adult)
        # The Hub does not tag it: only the moderators' mark keeps it out.
        for place, marked in ((here, True), (outside, False)):
            seen = await ada.command("find", wish="other adult", channel=place)
            await told(seen)
            found = str(shown(seen).embeds)
            assert "lab/other" in found
            assert ("lab/adult" not in found) is marked

        async def suggested(channel: Channel, text: str = "lab/") -> list[str]:
            found = await ada.autocomplete("run", option="space", text=text, channel=channel)
            return [one["value"] for one in found]

        assert await suggested(here) == ["lab/added", "lab/own", "lab/other"]
        assert (await suggested(outside))[0] == "lab/own"
        # Another server has not marked it.
        everything = ["lab/added", "lab/adult", "lab/other", "lab/own"]
        assert sorted(await suggested(outside)) == everything
        # The mark follows the Space when its author renames it.
        it.hub.spaces["lab/renamed"] = it.hub.spaces.pop("lab/adult")
        it.hub.renamed["lab/adult"] = "lab/renamed"
        assert "lab/renamed" in await suggested(outside, "lab/ren")
        assert await suggested(here, "lab/ren") == []
        # A single letter sends no request to the Hub; the Spaces here need no Hub.
        assert await suggested(here, "l") == ["lab/added", "lab/own"]
        it.hub.hold = asyncio.Event()
        assert await suggested(here, "lab") == ["lab/added", "lab/own"]
        it.hub.hold.set()
        # A block is for members and servers: the command of the settings stays.
        await Admin(it.home.jobs, it.home.catalogue).act("block", "lab/own")
        seen = await ada.command("find", wish="own", channel=here)
        await told(seen)
        assert "/own" in str(shown(seen).embeds)


async def test_compare_knows_them(lab: Town, outside: Channel):
    ada, here = lab.place.ada, lab.place.channel
    found = await ada.autocomplete("compare", option="with", text="qui", channel=here)
    assert [one["value"] for one in found] == ["quick"]
    assert await ada.autocomplete("compare", option="with", text="qui", channel=outside) == []
    both = {"prompt": "hello", "with": "one, quick"}
    answer = await ask(ada, "compare", both, channel=here)
    assert answer.content.count("hello") >= 2
    assert "**/quick**" in answer.content
    again = await ada.click(answer, "Again")
    await again.wait(is_final, 30)
    assert "**/quick**" in shown(again).content
    refused = await ada.command("compare", both, channel=outside)
    await refused.wait(is_final, 20)
    assert "quick" in shown(refused).content
    assert "**/quick**" not in shown(refused).content


async def test_commands_go_on_while_the_database_fails(lab: Town, monkeypatch: pytest.MonkeyPatch):
    ada, here, store = lab.place.ada, lab.place.channel, lab.home.jobs.store
    await ask(ada, "quick", text="before", channel=here)
    released = asyncio.Event()

    async def hangs(_: Any) -> Any:
        await released.wait()
        raise StoreError("The database is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(store, "_read", hangs)
        found = await ada.autocomplete("compare", option="with", text="", channel=here)
        assert {"one", "two", "quick"} <= {one["value"] for one in found}
        released.set()
        for command in ("one, two", "one, quick"):
            answer = await ask(ada, "compare", {"prompt": "hi", "with": command}, channel=here)
            assert "gone" not in answer.content
            assert answer.content.count("hi") >= 2
        assert "still" in (await ask(ada, "quick", text="still", channel=here)).content
    assert "after" in (await ask(ada, "quick", text="after", channel=here)).content


async def test_a_server_s_spaces_are_parsed_side_by_side_and_once(
    lab: Town, monkeypatch: pytest.MonkeyPatch
):
    added, parse, parsed = lab.home.catalogue.added, known._parse_packed, list[str]()
    assert added
    both = threading.Barrier(2, timeout=60)

    def together(source: Source, packed: bytes) -> Space:
        parsed.append(source.space)
        both.wait()
        return parse(source, packed)

    monkeypatch.setattr(known, "_parse_packed", together)
    added._held = WeightedCache(100, 1_000_000)
    found = await asyncio.gather(*(added.spaces(str(lab.guild.id), wait=60.0) for _ in range(3)))
    assert [[one.name for one in each] for each in found] == [["quick", "talk"]] * 3
    assert sorted(parsed) == ["ada/fast", "ada/stateful"]


async def test_what_takes_longer_than_discord_waits_is_there_for_the_next_press(
    lab: Town, monkeypatch: pytest.MonkeyPatch
):
    added, parse, parsed = lab.home.catalogue.added, known._parse_packed, list[str]()
    assert added
    slow = threading.Event()

    def slowly(source: Source, packed: bytes) -> Space:
        parsed.append(source.space)
        slow.wait(60)
        return parse(source, packed)

    monkeypatch.setattr(known, "_parse_packed", slowly)
    added._held = WeightedCache(100, 1_000_000)
    try:
        assert await added.spaces(str(lab.guild.id), wait=0.2) == []
    finally:
        slow.set()
    await added._tasks.ended()
    found = await added.spaces(str(lab.guild.id), wait=60.0)
    assert [one.name for one in found] == ["quick", "talk"]
    assert len(parsed) == 2


async def test_send_to_offers_them(lab: Town, outside: Channel):
    ada = lab.place.ada
    for channel, expected in ((lab.place.channel, True), (outside, False)):
        said = ada.say("a cat", channel=channel)
        menu = await ada.message_command("Use in a Space…", said)
        (select,) = [part for part in shown(menu).walk() if part["type"] == 3]
        assert ("/quick" in [one["value"] for one in select["options"]]) is expected
        if expected:
            seen = await ada.choose(shown(menu), "/quick")
            await seen.wait(is_final, 30)
            assert "a cat" in shown(seen).content


async def test_an_open_menu_offers_what_there_is_by_now(lab: Town):
    ada, here = lab.place.ada, lab.place.channel
    await lab.space("add", {"space": "ada/fast", "endpoint": "/echo", "name": "brief"})
    said = ada.say("a cat", channel=here, files=[("note.txt", b"a dog")])
    menu = shown(await ada.message_command("Use in a Space…", said))
    await lab.space("remove", {"name": "brief"})
    offered = shown(await ada.choose(menu, "The text: a cat"))
    (select,) = [part for part in offered.walk() if part["type"] == 3]
    names = [one["value"] for one in select["options"]]
    assert "/quick" in names
    assert "/brief" not in names


async def test_commands_that_hold_much_leave_the_tree(lab: Town, monkeypatch: pytest.MonkeyPatch):
    ada, here = lab.place.ada, lab.place.channel
    assert lab.home.bot.server_spaces is not None
    built = lab.home.bot.server_spaces.commands._built
    monkeypatch.setattr(built, "most_weight", 1)
    await ask(ada, "quick", text="one", channel=here)
    await ask(ada, "talk", message="two", channel=here)
    assert [name for _, name in built] == ["talk"]
    assert "again" in (await ask(ada, "quick", text="again", channel=here)).content


async def test_automations_run_them_until_they_are_taken_away(lab: Town, outside: Channel):
    mod, here = lab.mod, lab.place.channel
    when = {"when": "A reaction"}
    found = await mod.autocomplete("automation add", when, option="run", text="qui", channel=here)
    assert [one["value"] for one in found] == ["/quick"]
    seen = await mod.command("automation add", when | {"run": "/quick"}, channel=outside)
    assert "no such command" in await told(seen)
    added = when | {"run": "/quick", "match": "🎨", "values": "text:{text}"}
    seen = await mod.command("automation add", added, channel=here)
    automation = (await told(seen)).split("`")[1]
    said = lab.place.ada.say("a dog", channel=here)
    tried = {"automation": automation, "message": str(said.id)}
    answer = await ask(mod, "automation test", tried, channel=here)
    assert "a dog" in answer.content
    await lab.space("pause", {"name": "quick"})
    seen = await mod.command("automation test", tried, channel=here)
    assert "/space list" in await told(seen)
    await lab.space("resume", {"name": "quick"})


async def test_a_mention_begins_a_conversation_with_an_added_chat(lab: Town, outside: Channel):
    ada, me = lab.place.ada, lab.place.server.bot.mention
    said = ada.say(f"{me} hello", channel=lab.place.channel)
    await lab.place.server.wait(
        lambda server: any(
            "0 before. You said: hello" in message.content
            for channel in server.channels.values()
            if channel.id == said.id
            for message in channel.messages
        ),
        30,
    )
    thread = lab.place.server.channels[said.id]

    async def answered(text: str, answer: str) -> None:
        ada.say(f"{me} {text}", channel=thread)
        await thread.wait(lambda one: any(answer in said.text for said in one.messages), 30)

    await lab.space("pause", {"name": "talk"})
    await answered("are you there?", "This server has no command for /chat of ada/stateful now.")
    await lab.space("resume", {"name": "talk"})
    # Commands in memory still work while the database fails.
    store = lab.home.jobs.store.server_spaces
    with pytest.MonkeyPatch.context() as patch:

        async def failing(_: str) -> Any:
            raise StoreError("away")

        await answered("and now?", "1 before. You said: and now?")
        patch.setattr(store, "of", failing)
        await answered("and then?", "2 before. You said: and then?")
    found = await lab.mod.autocomplete(
        "chat-here", option="chat", text="", channel=lab.place.channel
    )
    assert [one["value"] for one in found] == ["/talk"]
    assert await lab.mod.autocomplete("chat-here", option="chat", text="", channel=outside) == []
