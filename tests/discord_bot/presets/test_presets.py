"""Save as… and /preset, as members and moderators use them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from spacebot.engine.store import MAX_PRESETS, NOBODY
from spacebot.models import Source, guild_key, user_key
from tests.support.asking import ask, is_final, shown
from tests.support.automations import Lab, lab, picture
from tests.support.bot_in_loop import at_home
from tests.support.loopback import Interaction, Message, User
from tests.support.server_spaces import town

pytestmark = pytest.mark.asyncio(loop_scope="module")
SAVE = "Save as…"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def there(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """The bot with commands that take texts, numbers, files and secrets."""
    sources = [
        Source(served("studio"), name="studio"),
        Source(served("kinds"), name="kinds"),
        Source(served("fast"), "/echo", "adult", nsfw=True),
    ]
    async with lab(tmp_path_factory.mktemp("presets"), *sources) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def here(there: Lab) -> AsyncIterator[Lab]:
    """A server of its own for each test, and nobody with a preset."""
    guild = there.server.add_guild("Fresh", there.ada, there.ben)
    guild.add_member(there.mod, "manage_guild")
    yield replace(there, guild=guild, channel=guild.add_text_channel("art"))
    for user in (there.ada, there.ben, there.mod):
        await there.home.jobs.store.presets.delete_all(user_key(user.id))


async def save(user: User, result: Message, name: str, **more: Any) -> Interaction:
    """Press Save as… under a result, fill the form in, and read the answer."""
    form = await user.click(result, SAVE)
    return await user.submit(form, {"Name": name} | more)


async def use(it: Any, user: User, name: str, **more: Any) -> Interaction:
    """Use /preset use."""
    return await user.command("preset use", {"name": name, **more}, channel=it.channel)


async def result_of(seen: Interaction) -> Message:
    """The result that an interaction leads to."""
    await seen.wait(is_final, 30)
    return shown(seen)


async def suggested(it: Any, user: User, command: str = "preset use", text: str = "") -> list[str]:
    """The values that are suggested for a preset's name."""
    found = await user.autocomplete(command, option="name", text=text, channel=it.channel)
    return [one["value"] for one in found]


def texts(seen: Interaction) -> str:
    """All answers to an interaction."""
    return "\n".join(one.content for one in [seen.message, *seen.followups] if one)


async def test_a_result_is_saved_used_again_edited_listed_and_deleted(here: Lab):
    first = await ask(here.ada, "studio draw", prompt="sea", steps=9, channel=here.channel)
    saved = await save(here.ada, first, "  Wide   Sea ")
    assert shown(saved).ephemeral
    assert "**Wide Sea** is saved for you" in shown(saved).content
    again = await result_of(await use(here, here.ada, "wide sea"))
    assert again.content.startswith(f"**/studio draw** for <@{here.ada.id}>")
    assert "sea seed=7 random=True steps=9" in again.content
    (choice,) = await here.ada.autocomplete(
        "preset use", option="name", text="WIDE", channel=here.channel
    )
    assert choice["name"] == "Wide Sea · /studio draw prompt:sea steps:9"
    other = await result_of(await use(here, here.ada, choice["value"], prompt="land"))
    assert "land seed=7 random=True steps=9" in other.content
    form = await use(here, here.ada, choice["value"], edit=True)
    assert form.modal is not None
    edited = await result_of(await here.ada.submit(form, {"Prompt": "sky"}))
    assert "sky seed=7 random=True steps=9" in edited.content
    listed = await here.ada.command("preset list")
    assert shown(listed).ephemeral
    assert "- **Wide Sea** · /studio draw prompt:sea steps:9" in texts(listed)
    # Nobody else has it.
    assert await suggested(here, here.ben) == []
    assert "There is no such preset." in texts(await use(here, here.ben, "Wide Sea"))
    assert "There are no presets yet." in texts(await here.ben.command("preset list"))
    gone = await here.ada.command("preset delete", name="Wide Sea", channel=here.channel)
    assert "**Wide Sea** is deleted" in texts(gone)
    assert await suggested(here, here.ada) == []


async def test_a_preset_is_replaced_only_when_that_is_asked_for(here: Lab):
    first = await ask(here.ada, "studio draw", prompt="one", channel=here.channel)
    second = await ask(here.ada, "studio draw", prompt="two", channel=here.channel)
    await save(here.ada, first, "mine")
    asked = await save(here.ada, second, "MINE")
    assert "You have a preset named **MINE** already." in shown(asked).content
    kept = await here.home.jobs.store.presets.of(user_key(here.ada.id))
    assert [one.arguments["prompt"] for one in kept] == ["one"]
    replaced = await here.ada.click(shown(asked), "Replace it")
    assert "**MINE** is saved for you" in shown(replaced).content
    assert not shown(replaced).buttons()
    kept = await here.home.jobs.store.presets.of(user_key(here.ada.id))
    assert [one.arguments["prompt"] for one in kept] == ["two"]
    nothing = await save(here.ada, second, "\u200b")
    assert "Give the preset a name" in shown(nothing).content


async def test_a_server_s_preset_is_made_by_moderators_for_everyone_there(here: Lab):
    result = await ask(here.ada, "studio draw", prompt="harbour", channel=here.channel)
    form = await here.ada.click(result, SAVE)
    assert form.modal is not None
    assert [one["label"] for one in form.modal["components"]] == ["Name"]
    everyone = {"Who can use it": "Everyone in this server"}
    saved = await save(here.mod, result, "harbour", **everyone)
    assert "is saved for this server" in shown(saved).content
    assert await suggested(here, here.ben) == ["server:harbour"]
    assert "harbour seed=7" in (await result_of(await use(here, here.ben, "harbour"))).content
    elsewhere = here.server.add_guild("Elsewhere", here.ben).add_text_channel("far")
    assert await suggested(replace(here, channel=elsewhere), here.ben) == []
    # The member's own preset comes first; the other is still there.
    own = await ask(here.ben, "studio draw", prompt="bay", channel=here.channel)
    await save(here.ben, own, "harbour")
    assert await suggested(here, here.ben) == ["yours:harbour", "server:harbour"]
    assert "bay seed=7" in (await result_of(await use(here, here.ben, "harbour"))).content
    servers = await result_of(await use(here, here.ben, "server:harbour"))
    assert "harbour seed=7" in servers.content
    refused = await here.ben.command("preset delete", name="server:harbour", channel=here.channel)
    assert "Manage Server" in texts(refused)
    # A forged id, from a member who has lost the right meanwhile.
    asked = await save(here.mod, result, "harbour", **everyone)
    here.guild.remove_member(here.mod)
    here.guild.add_member(here.mod)
    forged = await here.mod.click(shown(asked), "Replace it")
    assert "Manage Server" in texts(forged)
    assert len(await here.home.jobs.store.presets.of(guild_key(here.guild.id))) == 1
    # They are deleted when the bot leaves.
    here.guild.remove_bot()
    store = here.home.jobs.store.presets
    for _ in range(6000):
        if here.guild.id not in await store.servers():
            break
        await asyncio.sleep(0.01)
    assert here.guild.id not in await store.servers()
    assert len(await store.of(user_key(here.ben.id))) == 1


async def test_what_is_secret_or_gone_is_asked_for(here: Lab):
    given = {"prompt": "hello", "key": "very-secret"}
    result = await ask(here.ada, "studio login", given, channel=here.channel)
    saved = await save(here.ada, result, "login")
    assert "Secret values are not saved" in shown(saved).content
    (preset,) = await here.home.jobs.store.presets.of(user_key(here.ada.id))
    assert "very-secret" not in repr(dict(preset.arguments))
    form = await use(here, here.ada, "login")
    assert form.modal is not None
    assert [one["label"] for one in form.modal["components"]] == ["Key"]
    logged_in = await result_of(await here.ada.submit(form, {"Key": "four"}))
    assert "hello with a key of 4" in logged_in.content
    file = ("a.png", picture("teal", (31, 7)), "image/png")
    result = await ask(here.ada, "kinds png", picture=file, channel=here.channel)
    saved = await save(here.ada, result, "frame")
    assert "Attached files are stored only as long" in shown(saved).content
    assert (await result_of(await use(here, here.ada, "frame"))).attachments
    await here.home.jobs.drained(30)
    await here.home.jobs.trim(most=0, days=1)
    form = await use(here, here.ada, "frame")
    assert form.modal is not None
    (label,) = [one["label"] for one in form.modal["components"]]
    assert (await result_of(await here.ada.submit(form, {label: file}))).attachments
    assert (await result_of(await use(here, here.ada, "frame", file=file))).attachments
    refused = await use(here, here.ada, "frame", prompt="a prompt")
    assert "/kinds png takes no prompt" in texts(refused)


async def test_values_that_no_longer_fit_are_asked_for(here: Lab):
    result = await ask(here.ada, "studio draw", prompt="sea", steps=9, channel=here.channel)
    await save(here.ada, result, "old")
    store = here.home.jobs.store.presets
    (preset,) = await store.of(user_key(here.ada.id))
    # As it was saved when the Space took words for its steps.
    await store.put(replace(preset, arguments={"prompt": "sea", "steps": "many"}))
    form = await use(here, here.ada, "old")
    assert form.modal is not None
    assert [one["label"] for one in form.modal["components"]] == ["Steps"]
    filled = await result_of(await here.ada.submit(form, {"Steps": "8"}))
    assert "sea seed=7 random=True steps=8" in filled.content
    # And when the prompt had another name: the whole form opens.
    await store.put(replace(preset, arguments={"words": "sea", "steps": 8}))
    form = await use(here, here.ada, "old")
    assert form.modal is not None
    assert {"Prompt", "Steps"} <= {one["label"] for one in form.modal["components"]}
    await store.put(replace(preset, api_name="/gone"))
    assert "no longer" in texts(await use(here, here.ada, "old"))


async def test_a_preset_holds_to_age_and_to_the_server_s_limits(here: Lab):
    adults = here.guild.add_text_channel("adults", nsfw=True)
    result = await ask(here.ada, "adult", text="grown up", channel=adults)
    await save(here.ada, result, "grown")
    assert await suggested(here, here.ada) == []
    assert await suggested(replace(here, channel=adults), here.ada) == ["yours:grown"]
    assert "age-restricted" in texts(await use(here, here.ada, "grown"))
    there = await result_of(await use(replace(here, channel=adults), here.ada, "grown"))
    assert "grown up" in there.content
    result = await ask(here.ada, "studio draw", prompt="a forbidden thing", channel=here.channel)
    await save(here.ada, result, "thing")
    admission = here.home.jobs.admission
    words = {"blocked_words": ("forbidden",)}
    await admission.change(here.guild.id, lambda now: replace(now, **words))
    assert "does not allow" in texts(await use(here, here.ada, "thing"))
    blocked = {"blocked_words": (), "blocked_members": (str(here.ada.id),)}
    await admission.change(here.guild.id, lambda now: replace(now, **blocked))
    assert "do not let you use this bot" in texts(await use(here, here.ada, "thing"))


async def test_there_is_a_most(here: Lab):
    result = await ask(here.ada, "studio draw", prompt="sea", channel=here.channel)
    await save(here.ada, result, "first")
    store = here.home.jobs.store.presets
    (preset,) = await store.of(user_key(here.ada.id))
    for number in range(1, MAX_PRESETS):
        name = f"{number} " + "long name " * 3
        await store.put(replace(preset, key=name, name=name))
    refused = await save(here.ada, result, "one too many")
    assert f"You have {MAX_PRESETS} presets" in shown(refused).content
    # Any of them can still be replaced.
    asked = await save(here.ada, result, "first")
    assert "is saved" in shown(await here.ada.click(shown(asked), "Replace it")).content
    listed = texts(await here.ada.command("preset list"))
    assert listed.count("\n- ") == MAX_PRESETS
    assert len(await suggested(here, here.ada)) == MAX_PRESETS


async def test_a_run_and_a_server_s_command_are_saved_too(
    served: Callable[[str], str], tmp_path: Path
):
    async with town(tmp_path, {"ada/fast": served("fast")}) as it:
        ada, here = it.place.ada, it.place.channel
        form = await ada.command("run", space="ada/fast", endpoint="echo", wish="hi", channel=here)
        once = await result_of(await ada.submit(form))
        # Discord names /run above it.
        assert once.content.startswith("**space:ada/fast endpoint:echo** · text: hi\n")
        await save(ada, once, "once")
        await it.space("add", {"space": "ada/fast", "endpoint": "/echo", "name": "quick"})
        added = await ask(ada, "quick", text="kept", channel=here)
        await save(ada, added, "added")
        place = it.place
        ran = await result_of(await use(place, ada, "once"))
        assert ran.content.startswith("**/run space:ada/fast endpoint:echo**")
        assert "hi" in ran.content.split("\n", 1)[1]
        assert "kept" in (await result_of(await use(place, ada, "added"))).content
        # In direct messages the server's moderators could not limit its use.
        direct = await ada.command("preset use", name="added")
        assert "command of a server" in texts(direct)
        assert "hi" in (await result_of(await ada.command("preset use", name="once"))).content
        for what in ("pause", "remove"):
            await it.space(what, {"name": "quick"})
            assert "This server has no command" in texts(await use(place, ada, "added"))
        await it.home.jobs.admission.change(
            it.guild.id, lambda now: replace(now, run_access=NOBODY)
        )
        assert "turned off `/run` and `/find`" in texts(await use(place, ada, "once"))
        policy = it.home.catalogue.on_demand
        assert policy is not None
        await policy.policy.block("ada")
        assert "blocked this Space" in texts(await ada.command("preset use", name="once"))


async def test_a_preset_and_its_buttons_outlive_a_kill(
    served: Callable[[str], str], tmp_path: Path
):
    source = Source(served("fast"), "/echo", "echo")
    async with lab(tmp_path, source, killed=True) as it:
        result = await ask(it.ada, "echo", text="kept", channel=it.channel)
        await save(it.ada, result, "one")
        asked = await save(it.ada, result, "one")
        await it.home.bot.close()
        async with at_home(it.server, source, folder=tmp_path):
            assert "kept" in (await result_of(await use(it, it.ada, "one"))).content
            replaced = await it.ada.click(shown(asked), "Replace it")
            assert "is saved for you" in shown(replaced).content
