"""Spaces that are killed, stopped, restarted, full or limited while they run jobs."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from aiohttp import web

from spacebot.engine.jobs import JobDeadlines, JobLimits
from spacebot.models import Source
from tests.e2e.conftest import discord
from tests.faults.conftest import Figures
from tests.faults.counting import all_final, answered, settled, twice
from tests.support.apps import Spawned
from tests.support.asking import ask, is_final, shown, until
from tests.support.bot_in_loop import at_home
from tests.support.clocks import set_clock
from tests.support.gradio_proxy import before
from tests.support.spaces_hub import Hosted, hub

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = 20
STOPPED = "The Space stopped while it worked on this, so the result is lost. Try again."
SILENT = "The Space stopped responding, so the bot stopped waiting. Try again later."


def long_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have jobs be under way for long: how long one is tried again is counted from a failure."""
    set_clock(monkeypatch, "spacebot.engine.jobs.runner", monotonic=lambda: time.monotonic() + 1000)


async def test_a_killed_space(trouble: Spawned, tmp_path: Path, figures: Figures):
    source = Source(trouble.url, name="trouble")
    async with discord() as place, at_home(place.server, source, folder=tmp_path) as home:
        seen = await asyncio.gather(
            *(
                place.ada.command("trouble hang", seconds=30 + number, channel=place.channel)
                for number in range(MANY)
            )
        )
        await asyncio.gather(*(until(one, "Working") for one in seen))
        trouble.kill()
        took = await all_final(seen, 20)
        told = sum(STOPPED in shown(one).content for one in seen)
        counts = {"answered": answered(seen), "twice": twice(seen, place.channel)}
        figures.note("Space killed under 20 jobs", **counts, seconds=round(took, 1))
        assert (told, counts) == (MANY, {"answered": MANY, "twice": 0})
        await asyncio.to_thread(trouble.restart)
        # The bot finds it again by itself.
        again = await ask(place.ada, "trouble hang", {"seconds": 0.1}, channel=place.channel)
        assert "awake" in again.content
        await settled(home)


async def test_a_stopped_space(trouble: Spawned, tmp_path: Path, figures: Figures):
    source, deadlines = Source(trouble.url, name="trouble"), JobDeadlines(silence=5)
    async with (
        discord() as place,
        at_home(place.server, source, folder=tmp_path, deadlines=deadlines) as home,
    ):
        seen = [
            await place.ada.command("trouble hang", seconds=30 + number, channel=place.channel)
            for number in range(3)
        ]
        await asyncio.gather(*(until(one, "Working") for one in seen))
        # 5 s of silence, 10 s of checks whether it is alive, then 5 s to cancel.
        trouble.stop()
        try:
            took = await all_final(seen, 60)
        finally:
            trouble.go_on()
        assert all(SILENT in shown(one).content for one in seen)
        counts = {"answered": answered(seen), "twice": twice(seen, place.channel)}
        figures.note("Space SIGSTOPped under 3 jobs, silence 5 s", **counts, seconds=round(took, 1))
        assert counts == {"answered": 3, "twice": 0}
        again = await ask(place.ada, "trouble hang", {"seconds": 0.1}, channel=place.channel)
        assert "awake" in again.content
        await settled(home)


@pytest.mark.usefixtures("quick")
async def test_a_restart_costs_only_what_runs(
    trouble: Spawned, tmp_path: Path, figures: Figures, monkeypatch: pytest.MonkeyPatch
):
    source = Source(trouble.url, name="trouble")
    async with discord() as place, at_home(place.server, source, folder=tmp_path):
        options = {"seconds": 30}
        first = await place.ada.command("trouble one_by_one", options, channel=place.channel)
        await until(first, "Working")
        queued = await place.ben.command(
            "trouble one_by_one", {"seconds": 0.2}, channel=place.channel
        )
        await until(queued, "In the Space's queue: 1 of 1")
        long_after(monkeypatch)
        await asyncio.to_thread(trouble.restart)
        await all_final([first, queued], 40)
        assert STOPPED in shown(first).content
        assert "awake" in shown(queued).content
        figures.note("Space restarted: 1 running told, 1 queued run again", twice=0)


@pytest.mark.usefixtures("quick")
async def test_a_repeatable_job_is_run_again(
    trouble: Spawned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = Source(trouble.url, name="trouble", repeatable=True)
    async with discord() as place, at_home(place.server, source, folder=tmp_path):
        seen = await place.ada.command("trouble hang", {"seconds": 3}, channel=place.channel)
        await until(seen, "Working")
        long_after(monkeypatch)
        trouble.kill()
        await until(seen, "Trying the Space again in 2 s (try 2)")
        await asyncio.to_thread(trouble.restart)
        assert "awake" in (await until(seen, "Done in", 40)).content


@pytest.mark.parametrize(
    ("status", "headers", "told", "least"),
    [
        (503, {}, "The Space's queue is full. Try again in a minute.", 2),
        (429, {"Retry-After": "3"}, "The Space limits how often it can be used. ", 3),
        (502, {}, "The Space is not answering now. Try again in a minute.", 2),
    ],
)
async def test_a_space_without_room(
    space, tmp_path: Path, figures: Figures, status: int, headers, told: str, least: float
):
    refused: list[float] = []

    def refuse(_: web.Request) -> web.StreamResponse:
        refused.append(time.monotonic())
        if len(refused) == 1:
            del proxy.answers["/queue/join"]
        return web.json_response({"detail": "no"}, status=status, headers=headers)

    async with (
        before(space("trouble")) as proxy,
        discord() as place,
        at_home(
            place.server,
            Source(proxy.url, name="trouble"),
            folder=tmp_path,
            deadlines=JobDeadlines(retry=5),
        ),
    ):
        proxy.answers["/queue/join"] = refuse
        began = time.monotonic()
        seen = await place.ada.command("trouble crowd", {"seconds": 0.1}, channel=place.channel)
        await until(seen, f"Trying the Space again in {least} s (try 2)")
        await seen.wait(is_final, 20)
        assert "runs" in shown(seen).content
        waited = time.monotonic() - began
        assert waited >= least
        figures.note(f"HTTP {status} once", answered=1, seconds=round(waited, 1))
        # It stays full: the message says so, after as long as the settings say.
        refused.extend([0.0])
        proxy.answers["/queue/join"] = refuse
        last = await ask(place.ada, "trouble crowd", {"seconds": 0.1}, channel=place.channel)
        assert told in last.content


async def test_what_may_have_run_is_not_run_again(space, tmp_path: Path):
    async with (
        before(space("trouble")) as proxy,
        discord() as place,
        at_home(place.server, Source(proxy.url, name="trouble"), folder=tmp_path),
    ):
        proxy.answers["/queue/join"] = lambda _: web.Response(status=504)
        last = await ask(place.ada, "trouble crowd", {"seconds": 0.1}, channel=place.channel)
        assert "The Space accepted the job but did not answer. Try again later." in last.content
        joins = [path for _, path, _ in proxy.requests if path.endswith("/queue/join")]
        assert len(joins) == 1


async def test_a_full_wait_in_the_spaces_queue(space, tmp_path: Path):
    source, deadlines = Source(space("trouble"), name="trouble"), JobDeadlines(queue=1)
    async with (
        discord() as place,
        at_home(place.server, source, folder=tmp_path, deadlines=deadlines),
    ):
        first = await place.ada.command("trouble one_by_one", {"seconds": 3}, channel=place.channel)
        await until(first, "Working")
        last = await ask(place.ben, "trouble one_by_one", {"seconds": 0}, channel=place.channel)
        assert (
            "This waited 1 s in the Space's own queue, so the bot stopped waiting." in last.content
        )
        # An abandoned job stays abandoned.
        assert not any("Trying the Space again" in version.content for version in last.history)
        await all_final([first], 10)


async def test_a_job_that_takes_too_long(space, tmp_path: Path):
    source, deadlines = Source(space("trouble"), name="trouble"), JobDeadlines(total=2)
    async with (
        discord() as place,
        at_home(
            place.server,
            source,
            folder=tmp_path,
            deadlines=deadlines,
            limits=JobLimits(per_space=1),
        ),
    ):
        seen = await place.ada.command("trouble hang", {"seconds": 9}, channel=place.channel)
        await until(seen, "Working")
        last = await ask(place.ben, "trouble hang", {"seconds": 9}, channel=place.channel)
        await all_final([seen])
        given_up = "This job took longer than 2 s, so the bot stopped waiting. Try "
        assert shown(seen).content.endswith(given_up + "smaller values.")
        assert given_up in last.content


async def test_a_paused_space_is_reported_at_once(space, tmp_path: Path):
    async with hub() as served, before(space("fast")) as proxy, discord() as place:
        served.spaces["owner/name"] = hosted = Hosted(proxy.url)
        source = Source("owner/name", name="fast")
        async with at_home(place.server, source, folder=tmp_path, hub=served.api) as home:
            hosted.stages = ["PAUSED"]
            proxy.answers["/app_id"] = lambda _: web.Response(status=503)
            home.catalogue.connections["owner/name"]._checked = 0.0
            last = await ask(place.ada, "fast echo", text="hi", channel=place.channel)
            assert "❌ The Space is paused by its owner." in last.content
            assert not any("Trying the Space again" in version.content for version in last.history)


async def test_a_space_with_no_room_to_tell_is_asked_again_and_runs_once(
    space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("spacebot.spaces.client.run.RETRY_PAUSES", (0.1, 0.1))
    refused: list[str] = []

    def refuse(request: web.Request) -> web.StreamResponse:
        refused.append(request.path)
        if len(refused) == 2:
            del proxy.answers["/queue/data"]
        return web.Response(status=(429, 503)[len(refused) % 2])

    async with (
        before(space("trouble")) as proxy,
        discord() as place,
        at_home(place.server, Source(proxy.url, name="trouble"), folder=tmp_path),
    ):
        proxy.answers["/queue/data"] = refuse
        last = await ask(place.ada, "trouble hang", {"seconds": 0.1}, channel=place.channel)
        assert "awake" in last.content
        refused.append("for good")
        proxy.answers["/queue/data"] = refuse
        last = await ask(place.ada, "trouble hang", {"seconds": 0.1}, channel=place.channel)
        told = "❌ The Space accepted the job, but is too busy to report on it. Try again in "
        assert told in last.content
        joins = [path for _, path, _ in proxy.requests if path.endswith("/queue/join")]
        # The last stream is opened and then dropped: the job is abandoned.
        assert (len(refused), len(joins)) == (7, 2)


async def test_a_sleeping_space_says_how_far_it_is(space, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("spacebot.spaces.client.hub.POLL_INTERVAL", 1.2)
    async with hub() as served, before(space("fast")) as proxy, discord() as place:
        served.spaces["owner/name"] = hosted = Hosted(proxy.url)
        source = Source("owner/name", name="fast")
        async with at_home(place.server, source, folder=tmp_path, hub=served.api) as home:
            # It falls asleep: the Hub's waiting page replaces the app.
            asleep = web.Response(status=503, text="sleeping")
            hosted.stages = ["SLEEPING"] * 2 + ["APP_STARTING"] * 3 + ["RUNNING"]
            proxy.answers["/app_id"] = lambda _: asleep
            home.catalogue.connections["owner/name"]._checked = 0.0
            seen = await place.ada.command("fast echo", text="hi", channel=place.channel)
            await until(seen, "💤 Reaching the Space · The Space was asleep and is being woken")
            await until(seen, "💤 Reaching the Space · The Space is starting")
            del proxy.answers["/app_id"]
            assert "hi" in (await until(seen, "Done in")).content
            # The next message tells how long it took last time.
            hosted.stages = ["SLEEPING"] * 3 + ["RUNNING"]
            home.catalogue.connections["owner/name"]._checked = 0.0
            proxy.answers["/app_id"] = lambda _: web.Response(status=503)
            seen = await place.ada.command("fast echo", text="ho", channel=place.channel)
            await until(seen, "💤 Reaching the Space, about ")
            del proxy.answers["/app_id"]
            await until(seen, "Done in")
