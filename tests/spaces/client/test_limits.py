"""Spaces that limit requests, or rarely send heartbeats."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import gradio as gr
import httpx2
import pytest
from aiohttp import web
from huggingface_hub.errors import HfHubHTTPError

from spacebot.errors import SpaceBusy, SpaceSilent
from spacebot.models import File, JobStage, Progress, Source
from spacebot.spaces.client import Connection, Network, Result
from spacebot.spaces.client.error_mapping import MAX_PAUSE, connect_error, retry_after
from spacebot.spaces.client.transport.updates import Update
from tests.support.apps import Spawned, serve, spawn
from tests.support.clocks import set_clock
from tests.support.hostile_space import hostile

# What Cloudflare sends instead of the Space that it protects.
PAGE = (
    "<!DOCTYPE html><html><head><title>Access denied | cdn used Cloudflare</title></head>"
    "<body><h1>Error 1015</h1><p>You are being rate limited</p></body></html>"
)

CLOCKS = ("spacebot.spaces.client.connection", "spacebot.spaces.client.transport.rate_limit")


def limited(headers: dict[str, str], times: int = 1000):
    """Answers of Cloudflare, that many times; then Gradio's own."""
    left = times

    async def answer(request: web.Request) -> web.Response:
        nonlocal left
        left -= 1
        if left < 0:
            return web.Response(body=b"x")
        return web.Response(status=429, text=PAGE, content_type="text/html", headers=headers)

    return answer


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120), ("0", 0), ("", 0), ("-5", 0), ("soon", 0), ("1.5", 0), ("nan", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Wed, 99 Oct 2015", 0),
    ],
)  # fmt: skip
def test_a_pause_is_a_number_or_a_date(header: str, seconds: float):
    assert retry_after(header) == seconds


def test_a_date_is_as_far_as_it_is_away():
    then = datetime.now(UTC) + timedelta(seconds=90)
    assert 85 <= retry_after(format_datetime(then, usegmt=True)) <= 91
    assert 85 <= retry_after(format_datetime(then.replace(tzinfo=None))) <= 91


async def ended(updates: AsyncIterator[Update]) -> list[Update]:
    """Every update of a job."""
    return [one async for one in updates]


@pytest.mark.parametrize("path", ["config", "info", "join", "data"])
async def test_a_limit_is_told_with_its_pause(path: str, caplog: pytest.LogCaptureFixture):
    async with hostile() as space, Network() as network:
        connection = Connection(Source(space.url), network)
        space.answers[path] = limited({"Retry-After": "120"})
        updates = connection.run("/take", {"in_0": "x"}, key="a", stateful=False)
        try:
            with pytest.raises(SpaceBusy, match=r"Try again in 2 min\.$") as caught:
                await ended(updates)
        finally:
            await connection.close()
    assert caught.value.wait == 120
    assert "1015" not in f"{caught.value}{caplog.text}{caught.value.__cause__!r}"


async def test_a_space_that_limits_is_left_alone_until_its_pause_is_over(monkeypatch):
    async with hostile() as space, Network() as network:
        connection = Connection(Source(space.url), network)
        space.answers["config"] = limited({"Retry-After": "600"})
        try:
            for _ in range(3):
                with pytest.raises(SpaceBusy, match=r"Try again in 10 min\.$"):
                    await connection.ready()
            assert Counter(space.asked)["/config"] == 1
            del space.answers["config"]
            later = time.monotonic() + 601
            set_clock(monkeypatch, *CLOCKS, monotonic=lambda: later)
            await connection.ready()
        finally:
            await connection.close()


async def test_a_limit_on_the_look_at_its_process_is_no_restart(monkeypatch):
    monkeypatch.setattr("spacebot.spaces.client.connection.CHECK_TTL", -1)
    async with hostile() as space, Network() as network:
        connection = Connection(Source(space.url), network)
        try:
            client = await connection.ready()
            space.answers["app_id"] = limited({})
            assert await connection.ready() is client
        finally:
            await connection.close()


@pytest.mark.parametrize(
    ("header", "problem"),
    [("1", ""), ("3600", "the Space limits how often it can be asked")],
)
async def test_a_file_waits_for_a_short_pause(tmp_path: Path, header: str, problem: str):
    async with hostile() as space, Network() as network:
        connection = Connection(Source(space.url), network)
        space.answers["file=a"] = limited({"Retry-After": header}, times=1)
        try:
            await connection.ready()
            named = {"path": "a", "meta": {"_type": "gradio.FileData"}}
            (file,) = await connection.localize([named], tmp_path, cap=1000)
        finally:
            await connection.close()
    assert isinstance(file, File)
    assert (file.problem or "") == problem
    assert bool(file.path) is not bool(problem)


@pytest.mark.parametrize(
    ("header", "told"),
    [("300", "5 min"), ("7200", "2 h"), ("9" * 40, f"{MAX_PAUSE / 3600:.0f} h"), ("x", "a minute")],
)
def test_a_limit_of_the_hub_is_told_without_its_page(header: str, told: str):
    request = httpx2.Request("GET", "https://huggingface.co/api/spaces/a/b")
    head = {"Retry-After": header, "Content-Type": "text/html"}
    response = httpx2.Response(429, headers=head, text=PAGE, request=request)
    ours = connect_error(HfHubHTTPError("429", response=response))
    assert isinstance(ours, SpaceBusy)
    assert str(ours) == (f"Hugging Face is rate-limiting this bot. Try again in {told}.")


def work(seconds: float) -> str:
    """Work silently: Gradio sends its first heartbeat after 15 s."""
    time.sleep(seconds)
    return f"worked {seconds} s"


async def test_a_space_that_works_in_silence_does_not_time_out():
    app = gr.Interface(work, gr.Number(), gr.Textbox(), api_name="work")
    with serve(app) as url:
        async with Network() as network:
            connection = Connection(Source(url), network)
            try:
                updates = connection.run(
                    "/work", {"seconds": 2.5}, key="a", stateful=False, silence=0.5
                )
                seen = [one async for one in updates]
            finally:
                await connection.close()
    assert seen[-1] == Result(["worked 2.5 s"])


async def test_a_space_that_answers_nothing_at_all_times_out(monkeypatch):
    monkeypatch.setattr("spacebot.spaces.client.transport.app_process.ALIVE_TIMEOUT", 0.5)

    async def watch(connection: Connection, app: Spawned) -> None:
        job = connection.run("/hang", {"seconds": 60}, key="a", stateful=False, silence=1.0)
        async for one in job:
            if isinstance(one, Progress) and one.stage is JobStage.RUNNING:
                app.stop()

    with spawn("trouble") as app:
        async with Network() as network:
            connection = Connection(Source(app.url), network)
            try:
                with pytest.raises(SpaceSilent):
                    await watch(connection, app)
            finally:
                app.go_on()
                await connection.close()
