"""Attachments of unfinished jobs: limited for each person and in total."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spacebot.discord_bot.delivery.attachments import fetch_attachment
from spacebot.engine.jobs import JobLimits
from spacebot.errors import InputError, LimitReached
from spacebot.models import File, Job, Requester, Source
from tests.e2e.conftest import discord
from tests.faults.counting import all_final, settled
from tests.support.asking import ask, shown, until
from tests.support.bot_in_loop import Home, at_home

pytestmark = pytest.mark.asyncio(loop_scope="session")

FULL = "The bot's space for files of unfinished jobs is full (2 kB). Try again in a few"
NO_ROOM = "Your unfinished jobs leave no room for these files: the limit is 1 kB in total."
# No job ever starts.
NEVER = JobLimits(per_space=0, files_per_user=1000, files_in_all=1800)


def attached(size: int) -> dict[str, Any]:
    """The options of a command that takes a file."""
    return {"anything": ("a.bin", bytes(size))}


def stored(folder: Path) -> int:
    """The bytes of all downloaded files."""
    files = [one for one in (folder / "uploads").rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files)


async def test_waiting_jobs_hold_so_many_bytes_of_files(
    space: Callable[[str], str], tmp_path: Path
):
    source = Source(space("kinds"), name="kinds")
    async with (
        discord() as place,
        at_home(place.server, source, folder=tmp_path, limits=NEVER) as home,
    ):

        async def waiting(user: Any, size: int) -> Any:
            options = attached(size)
            seen = await user.command("kinds any_file", options, channel=place.channel)
            await until(seen, "In line here")
            return seen

        first = await waiting(place.ada, 600)
        refused = await ask(place.ada, "kinds any_file", attached(600), channel=place.channel)
        assert NO_ROOM in refused.content
        assert stored(tmp_path) == 600
        # It does not affect anyone else, nor her own jobs without files.
        others = [await waiting(place.ben, 1000)]
        text = await place.ada.command("kinds text", text="x", channel=place.channel)
        await until(text, "In line here")
        cleo = place.server.add_user("cleo")
        guild = place.channel.guild
        assert guild is not None
        guild.add_member(cleo)
        refused = await ask(cleo, "kinds any_file", attached(600), channel=place.channel)
        assert FULL in refused.content
        assert stored(tmp_path) == 1600
        # A job that ended or was rejected frees its room.
        await place.ada.click(shown(first), "Cancel")
        await all_final([first])
        others += [await waiting(cleo, 600), text]
        for seen, user in zip(others, (place.ben, cleo, place.ada), strict=True):
            await user.click(shown(seen), "Cancel")
        await all_final(others)
        await settled(home)


async def test_the_visitors_of_the_try_out_share_one_room(
    space: Callable[[str], str], tmp_path: Path
):
    source = Source(space("kinds"), name="kinds")
    async with (
        discord() as place,
        at_home(place.server, source, folder=tmp_path, limits=NEVER) as home,
    ):
        first = await home.jobs.start(visit(home, 600))
        with pytest.raises(LimitReached, match="no room for these files"):
            await home.jobs.start(visit(home, 600))
        small = await home.jobs.start(visit(home, 400))
        for running in (first, small):
            running.cancel()
            await home.jobs.settle(running)
        await home.jobs.settle(await home.jobs.start(visit(home, 1000)))


def visit(home: Home, size: int) -> Job:
    """A job of a new visitor with an attached file of this size."""
    (found,) = home.jobs.catalogue.spaces
    endpoint = next(one for one in found.endpoints if one.api_name == "/any_file")
    requester = Requester(f"tryout:{secrets.token_hex(4)}", "you", share="tryout")
    return Job(secrets.token_hex(4), endpoint, requester, {"anything": File("a", size=size)})


async def test_a_file_of_untold_size_is_measured_when_it_comes(
    space: Callable[[str], str], tmp_path: Path
):
    source = Source(space("kinds"), name="kinds")
    async with discord() as place, at_home(place.server, source, folder=tmp_path) as home:
        said = place.ada.say("", channel=place.channel, files=[("a.bin", bytes(600))])
        (found,) = home.jobs.catalogue.spaces
        endpoint = replace(found.endpoints[0], max_file_size=500)
        file = File("a.bin", url=said.attachments[0].url)
        with pytest.raises(InputError, match="600 bytes: this Space accepts at most 500"):
            await fetch_attachment(home.bot, home.jobs, "job", endpoint, file)
        assert stored(tmp_path) == 0
        came = await fetch_attachment(
            home.bot, home.jobs, "job", replace(endpoint, max_file_size=600), file
        )
        assert came.size == stored(tmp_path) == 600
