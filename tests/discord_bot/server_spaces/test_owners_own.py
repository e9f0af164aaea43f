"""A Space of the settings runs with HF_TOKEN: no server can add it to get around the owner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spacebot.models import Source
from tests.e2e.conftest import discord
from tests.support.asking import ask, until
from tests.support.bot_in_loop import Home, at_home
from tests.support.server_spaces import told
from tests.support.spaces_hub import TOKEN, Hosted, hub

Served = Callable[[str], str]
OWN = "one of this bot's own Spaces"


async def test_moderators_cannot_add_what_the_settings_name(served: Served, tmp_path: Path):
    async with discord() as place, hub() as there:
        there.spaces["ada/fast"] = Hosted(served("fast"))
        there.spaces["ada/asleep"] = Hosted(served("fast"), ["PAUSED"])
        mod = place.server.add_user("mod")
        place.guild.add_member(mod, "manage_guild")

        async def add(**options: str) -> str:
            return await told(await mod.command("space add", options, channel=place.channel))

        async def rows(home: Home) -> list[str]:
            found = await home.jobs.store.server_spaces.of(str(place.guild.id))
            return [row.name for row in found]

        bot = {"folder": tmp_path, "hub": there.api}
        async with at_home(place.server, **bot):
            assert "/quick" in await add(space="ada/fast", endpoint="/sleep", name="quick")
        sources = Source("ada/fast", "/echo", "own"), Source("ada/asleep", "/echo", "later")
        async with at_home(place.server, *sources, token=TOKEN, **bot) as home:
            for space in ("ada/fast", "Ada/FAST", "ada/asleep"):
                assert OWN in await add(space=space, endpoint="/sleep", name="mine")
            assert await rows(home) == ["quick"]
            # Added before the owner named the Space: it does not run with HF_TOKEN now.
            seen = await place.ada.command("quick", seconds=1, channel=place.channel)
            assert OWN in await told(seen)
            # Not described yet: /run does not offer all of it either.
            seen = await place.ada.command("run", space="ada/asleep", channel=place.channel)
            await until(seen, OWN)
            answer = await ask(place.ada, "own", text="hello", channel=place.channel)
            assert "hello" in answer.content
