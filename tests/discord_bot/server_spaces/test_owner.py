"""What the owner sees of the Spaces that servers added, and can do to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from spacebot.engine.admin import Admin
from spacebot.errors import InputError
from spacebot.models import AddedSpaceStatus, BotPhase, BotStatus, ServerStatus, Status
from spacebot.web import render
from tests.support.server_spaces import Town, told, town

Served = Callable[[str], str]


def admin(lab: Town) -> Admin:
    """The owner's view of the bot."""
    guilds = lab.place.server.guilds
    return Admin(lab.home.jobs, lab.home.catalogue, lambda guild: guilds[int(guild)].name)


async def test_the_owner_sees_them_by_server_and_removes_one_everywhere(
    served: Served, tmp_path: Path
):
    spaces = {"ada/fast": served("fast"), "ben/fast": served("fast")}
    async with town(tmp_path, spaces) as lab:
        guild, channel = lab.other()
        await lab.space("add", {"space": "ada/fast", "name": "quick"})
        await lab.space("add", {"space": "ben/fast", "name": "swift"})
        await lab.space("pause", {"name": "swift"})
        added = {"space": "ada/fast", "name": "fast"}
        await told(await lab.mod.command("space add", added, channel=channel))
        owner = admin(lab)
        status = await owner.status()
        assert set(status.servers) == {
            ServerStatus("Elsewhere", (AddedSpaceStatus("/fast", "ada/fast"),)),
            ServerStatus(
                "Lab",
                (
                    AddedSpaceStatus("/swift", "ben/fast", paused=True),
                    AddedSpaceStatus("/quick", "ada/fast"),
                ),
            ),
        }
        assert lab.home.catalogue.added is not None
        totals = await lab.home.catalogue.added.totals()
        page = Status(BotStatus(BotPhase.CONNECTED), server_spaces=totals)
        shown = "".join(part.html for part in render.sections(page, token=True, hosted=False))
        assert "2 servers added 3 Spaces of their own; 1 paused." in " ".join(shown.split())
        assert "ada/fast" not in shown
        view = render.owner(page, status, "").html
        assert 'data-act="remove-space" data-target="ada/fast"' in view
        assert 'data-act="block" data-target="ben"' in view
        assert "2 servers" in await owner.act("remove-space", "ada/fast")
        await lab.place.server.wait(
            lambda _: (lab.commands(), lab.commands(guild)) == (["swift"], []), 10
        )
        with pytest.raises(InputError, match="No server has this Space"):
            await owner.act("remove-space", "ada/fast")


async def test_what_the_owner_blocks_stays_blocked_after_a_restart(served: Served, tmp_path: Path):
    async with town(tmp_path, {"ada/fast": served("fast")}) as lab:
        owner = admin(lab)
        await owner.act("block", "ada")
        assert (await owner.status()).blocked == ("ada",)
        assert "blocked this Space" in await lab.space("add", {"space": "ada/fast"})
        with pytest.raises(InputError, match="Name a Space"):
            await owner.act("block", "/")
    async with town(tmp_path, {"ada/fast": served("fast")}) as lab:
        owner = admin(lab)
        status = await owner.status()
        page = Status(BotStatus(BotPhase.CONNECTED))
        assert 'data-act="unblock"' not in render.owner(page, status, "").html
        assert status.blocked == ("ada",)
        assert "blocked this Space" in await lab.space("add", {"space": "ada/fast"})
        await owner.act("unblock", "ada")
        assert (await lab.space("add", {"space": "ada/fast"})).startswith("✅")
