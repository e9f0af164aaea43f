"""The Spaces that servers added survive a restart, and cost nothing until somebody uses them."""

from __future__ import annotations

import io
import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from spacebot.discord_bot.server_spaces.guild_registration import pack, unpack
from tests.e2e.conftest import Place, discord
from tests.support.asking import ask, is_final, shown
from tests.support.automations import picture
from tests.support.bot_in_loop import at_home
from tests.support.loopback import NotSendable, User
from tests.support.program import running
from tests.support.server_spaces import told, town
from tests.support.spaces_hub import Hosted, hub

Served = Callable[[str], str]


def commands(place: Place) -> list[str]:
    return [command["name"] for command in place.server.commands.all(place.guild.id)]


def moderator(place: Place) -> User:
    mod = place.server.add_user("mod")
    place.guild.add_member(mod, "manage_guild")
    return mod


async def try_a_wish(place: Place) -> None:
    """Find a Space for a picture, try it, and get the picture in black and white."""
    wish, file = "make my picture black and white", ("cat.png", picture("teal"), "image/png")
    found = await place.ada.command("find", wish=wish, file=file, channel=place.channel)
    await found.wait(is_final, 60)
    form = await place.ada.choose(shown(found), "1. gray")
    seen = await place.ada.submit(form)
    await seen.wait(is_final, 60)
    assert f"**Said**: note: {wish}" in shown(seen).content
    (gray,) = shown(seen).attachments
    assert Image.open(io.BytesIO(gray.data)).mode == "L"


async def test_from_a_wish_to_a_command_of_the_server_that_outlives_a_sigkill(
    served: Served, tmp_path: Path
):
    async with discord() as place, hub() as there:
        there.spaces["ada/fast"] = Hosted(served("fast"))
        there.spaces["ada/gray"] = Hosted(served("monochrome"), about="black and white pictures")
        mod, other = moderator(place), place.server.add_guild("Elsewhere", place.ada)
        outside = other.add_text_channel("there")
        spaces = f"own={served('fast')}"
        env = {"HF_ENDPOINT": there.url}
        async with running(tmp_path, place.server, spaces, env, ends=-signal.SIGKILL) as program:
            await try_a_wish(place)
            added = {"space": "ada/fast", "name": "quick"}
            seen = await mod.command("space add", added, channel=place.channel)
            assert "/quick" in await told(seen)
            seen = await mod.command("limits jobs", per_day=2, channel=place.channel)
            assert "Saved" in await told(seen)
            before = await ask(place.ada, "quick echo", text="before", channel=place.channel)
            assert "before" in before.content
            program.process.send_signal(signal.SIGKILL)
            program.process.wait(10)
        await place.server.wait(lambda server: not server.gateway.ready, 10)
        asked, written = len(there.authorizations), place.server.commands.writes
        async with running(tmp_path, place.server, spaces, env):
            after = await ask(place.ada, "quick echo", text="after", channel=place.channel)
            assert "after" in after.content
            with pytest.raises(NotSendable, match="no command 'quick'"):
                await place.ada.command("quick echo", text="x", channel=outside)
            # The Hub was asked once: for the job. Nothing was registered again.
            assert len(there.authorizations) - asked == 1
            assert place.server.commands.writes == written
            # The job before the kill counts; other members have their own counts.
            seen = await place.ada.command("quick echo", text="third", channel=place.channel)
            assert "2 jobs for today" in shown(seen).content
            other_s = await ask(place.ben, "quick echo", text="theirs", channel=place.channel)
            assert "theirs" in other_s.content


async def test_a_list_that_was_not_registered_before_a_kill_is_at_the_next_start(
    served: Served, tmp_path: Path
):
    async with town(tmp_path, {"ada/fast": served("fast")}) as lab:
        await lab.space("add", {"space": "ada/fast", "name": "quick"})
        row = (await lab.rows())[0]
        store = lab.home.jobs.store.server_spaces
        payload = await store.payload(row.id)
        assert payload is not None
        # As after a process that died between the row and Discord's response.
        await store.note(row.guild, pending=True)
        twin = replace(row, id=uuid.uuid4().hex[:12], name="late", endpoint="/echo")
        await store.add(twin, pack({**unpack(payload), "name": "late"}))
        assert lab.commands() == ["quick"]
        server, guild = lab.place.server, lab.guild
        await lab.home.bot.close()
        async with at_home(server, folder=tmp_path, hub=lab.hub.api, commands=False):
            await server.wait(lambda _: sorted(lab.commands(guild)) == ["late", "quick"], 10)


async def test_a_server_that_added_the_bot_again_while_it_was_off_is_registered(
    served: Served, tmp_path: Path
):
    async with town(tmp_path, {"ada/fast": served("fast")}) as lab:
        await lab.space("add", {"space": "ada/fast", "name": "quick"})
        await lab.home.bot.close()
        lab.guild.remove_bot()
        lab.guild.add_bot()
        lab.guild.joined_at += 1
        async with at_home(lab.place.server, folder=tmp_path, hub=lab.hub.api, commands=False):
            await lab.place.server.wait(lambda _: lab.commands() == ["quick"], 10)


async def test_thousands_of_added_spaces_cost_nothing_at_the_start(served: Served, tmp_path: Path):
    async with town(tmp_path, {"ada/fast": served("fast")}) as lab:
        await lab.space("add", {"space": "ada/fast", "name": "quick"})
        (row,) = await lab.rows()
        store = lab.home.jobs.store.server_spaces
        payload = await store.payload(row.id)
        assert payload is not None
        guilds = [lab.place.server.add_guild(f"Lab {number}") for number in range(60)]
        for guild in guilds:
            await store.note(str(guild.id), digest="d", registered=time.time() + 60)
            for name in ("one", "two", "three"):
                twin = replace(row, id=uuid.uuid4().hex[:12], name=name, guild=str(guild.id))
                await store.add(twin, payload)
        await lab.home.bot.close()
        requests = len(lab.place.server.requests)
        asked = len(lab.hub.authorizations)
        async with at_home(lab.place.server, folder=tmp_path, hub=lab.hub.api) as home:
            assert (await home.jobs.store.server_spaces.totals()).spaces == 181
            # No Space was read, no list was opened, no command was built.
            assert len(lab.hub.authorizations) == asked
            made = list(lab.place.server.requests)[requests:]
            assert [one.path for one in made if "/guilds/" in one.path] == []
            assert home.bot.tree.get_commands(guild=lab.guild) == []
