"""Fair admission, on a real Space that runs one job at a time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from spacebot.engine.jobs import JobLimits
from spacebot.models import Source
from tests.e2e.conftest import discord
from tests.faults.conftest import Figures
from tests.faults.counting import all_final, answered, settled, twice
from tests.support.apps import Spawned
from tests.support.asking import ask, is_final, shown, until
from tests.support.bot_in_loop import at_home
from tests.support.loopback import Interaction

pytestmark = pytest.mark.asyncio(loop_scope="session")

LONG = 1.5


async def test_one_user_with_fifty_jobs_delays_another_by_no_more_than_one(
    trouble: Spawned, tmp_path: Path, figures: Figures
):
    source = Source(trouble.url, name="trouble")
    async with discord() as place, at_home(place.server, source, folder=tmp_path) as home:

        async def asked(number: int) -> Interaction:
            seconds = LONG + number / 1000
            return await place.ada.command(
                "trouble one_by_one", {"seconds": seconds}, channel=place.channel
            )

        many = []
        # The first jobs arrive one after another, so that their order is known.
        for number in range(3):
            many.append(await asked(number))
            await until(many[-1], "\n-# ")
        many += await asyncio.gather(*map(asked, range(3, 50)))
        await until(many[0], "Working")
        await until(many[-1], "In line here: ")
        # The worst moment: one runs, and one more was sent as a probe.
        await asyncio.sleep(0.3)
        before, began = answered(many), time.monotonic()
        seen = await place.ben.command("trouble one_by_one", {"seconds": 0}, channel=place.channel)
        await seen.wait(is_final, 20)
        delay = time.monotonic() - began
        assert "awake" in shown(seen).content
        figures.note(
            f"A user with 50 jobs of {LONG} s, another with one", delay_seconds=round(delay, 2)
        )
        assert answered(many) <= before + 1
        # Recalled and waiting jobs are still in order, and run once.
        await all_final(many[:3], 20)
        for one in many[3:]:
            refs = {running.job.message_ref: running for running in home.jobs.running}
            next(refs[ref] for ref in refs if ref and ref.message == shown(one).id).cancel()
        await all_final(many, 20)
        assert all("awake" in shown(one).content for one in many[:3])
        assert (answered(many), twice(many, place.channel)) == (50, 0)
        await settled(home)


async def test_a_full_line_is_refused_with_its_limit(space, tmp_path: Path):
    limits = JobLimits(per_space=1, waiting_per_user=1)
    source = Source(space("trouble"), name="trouble")
    async with (
        discord() as place,
        at_home(place.server, source, folder=tmp_path, limits=limits) as home,
    ):
        options = {"seconds": 5}
        first = await place.ada.command("trouble hang", options, channel=place.channel)
        await until(first, "Working")
        second = await place.ada.command("trouble hang", options, channel=place.channel)
        await until(second, "In line here: 1 of 1")
        third = await ask(place.ada, "trouble hang", options, channel=place.channel)
        assert third.content.endswith(
            "⏳ You have 1 job waiting, the maximum for one person. Try again when one of them "
            "is done."
        )
        pressed = await place.ada.click(shown(second), "Cancel")
        assert shown(pressed).content == "Cancelled before it was sent to the Space."
        await all_final([first, second], 20)
        await settled(home)


async def test_cancelling_takes_a_job_out_of_the_spaces_queue(space, tmp_path: Path):
    source = Source(space("trouble"), name="trouble")
    async with discord() as place, at_home(place.server, source, folder=tmp_path) as home:
        first = await place.ada.command("trouble one_by_one", {"seconds": 5}, channel=place.channel)
        await until(first, "Working")
        queued = await place.ben.command(
            "trouble one_by_one", {"seconds": 30}, channel=place.channel
        )
        await until(queued, "In the Space's queue: 1 of 1")
        pressed = await place.ben.click(shown(queued), "Cancel")
        assert shown(pressed).content == "Cancelled before the Space started it."
        await all_final([first, queued], 20)
        assert "awake" in shown(first).content
        # Nothing blocks the next job.
        began = time.monotonic()
        await ask(place.ada, "trouble one_by_one", {"seconds": 0}, channel=place.channel)
        assert time.monotonic() - began < 3
        await settled(home)
