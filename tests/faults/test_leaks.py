"""Nothing leaks: threads, tasks, sessions, files; and what the owner sees."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from sqlalchemy import event

from spacebot import __version__
from spacebot.engine.jobs import JobDeadlines
from spacebot.models import Source
from tests.e2e.conftest import discord
from tests.faults.conftest import Figures
from tests.faults.counting import all_final, answered, held, held_at_rest, settled, twice
from tests.support.apps import serve
from tests.support.asking import ask, is_final, shown, until
from tests.support.bot_in_loop import at_home
from tests.support.program import ROOT, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROMPT = "nobody-may-read-this"
ROUND = 20


async def test_nothing_leaks(space, tmp_path: Path, figures: Figures, caplog):
    sources = [
        Source(space("fast"), name="fast"),
        Source(space("trouble"), name="trouble"),
        Source(space("kinds"), name="kinds"),
    ]
    caplog.set_level(logging.INFO, "spacebot")
    deadlines = JobDeadlines(silence=60, retry=0)
    async with (
        discord() as place,
        at_home(place.server, *sources, folder=tmp_path, deadlines=deadlines) as home,
    ):

        async def one(number: int) -> None:
            kind = number % 5
            if kind == 0:
                await ask(place.ada, "fast echo", text=f"{PROMPT} {number}", channel=place.channel)
            elif kind == 1:
                await ask(place.ben, "fast file", channel=place.channel)
            elif kind == 2:
                await ask(place.ada, "trouble told", {"text": f"{number}"}, channel=place.channel)
            elif kind == 3:
                seen = await place.ben.command(
                    "trouble steps", {"count": 50, "seconds": 0.2}, channel=place.channel
                )
                await until(seen, "\nstep")
                await place.ben.click(shown(seen), "Cancel")
                await seen.wait(is_final, 10)
            else:
                attached = ("a.txt", b"x" * 1000)
                await ask(place.ada, "kinds any_file", anything=attached, channel=place.channel)

        async def a_round(first: int) -> None:
            await asyncio.gather(*(one(number) for number in range(first, first + ROUND)))
            await settled(home)

        # The first round starts what stays: pools and keep-alive connections.
        await a_round(0)
        before = held(home)
        for first in (100, 200):
            await a_round(first)
        after = await held_at_rest(home, before)
        figures.note(f"{2 * ROUND} jobs of five kinds", before=before, after=after)
        assert after.beyond(before) == {}
        assert after.results == 0
        # Attachments live as long as the history; without one, they are deleted.
        uploads = tmp_path / "uploads"
        assert len(list(uploads.iterdir())) == 3 * ROUND // 5
        # And orphaned files, except those that may be arriving.
        for name, age in (("0123456789ab", 2 * 3600), ("ba9876543210", 0)):
            (uploads / name).mkdir()
            old = time.time() - age
            os.utime(uploads / name, (old, old))
        await home.jobs.trim(most=0, days=30)
        assert [one.name for one in uploads.iterdir()] == ["ba9876543210"]
        _check_log(caplog, home.jobs.metrics.text().decode())


def _check_log(caplog: pytest.LogCaptureFixture, metrics: str) -> None:
    """One log line per job, without prompts and names; the metrics agree."""
    lines = [
        one.getMessage() for one in caplog.records if one.name == "spacebot.engine.jobs.manager"
    ]
    ended = [
        re.fullmatch(
            r"job [0-9a-f]{12} /(\w+ \w+) on http://127[^ ]*: (\w+), "
            r"waited [\d.]+ s, ran [\d.]+ s, posted in [\d.]+ s",
            line,
        )
        for line in lines
    ]
    assert len(ended) == 3 * ROUND
    assert all(ended), lines
    outcomes = [match[2] for match in ended if match]
    assert {one: outcomes.count(one) for one in set(outcomes)} == {
        "done": 3 * ROUND * 3 // 5,
        "failed": 3 * ROUND // 5,
        "cancelled": 3 * ROUND // 5,
    }
    assert PROMPT not in caplog.text
    cancelled = rf'spacebot_jobs_total\{{outcome="cancelled",space="http:.*\}} {3 * ROUND // 5}\.0'
    assert re.search(cancelled, metrics)
    assert "spacebot_jobs_running 0.0" in metrics
    assert PROMPT not in metrics


async def test_a_full_disk_costs_nobody_the_answer(space, tmp_path: Path, figures: Figures, caplog):
    source = Source(space("fast"), name="fast")
    async with discord() as place, at_home(place.server, source, folder=tmp_path) as home:
        engine = home.jobs.store._engine
        assert engine is not None
        async with engine.connect() as connection:
            pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()

        def bound(connection: Any, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count={pages}")

        # Each connection has its own limit.
        event.listen(engine.sync_engine, "checkout", bound)
        text = "y" * 3000
        seen = await asyncio.gather(
            *(
                place.ada.command("fast echo", text=f"{n} {text}", channel=place.channel)
                for n in range(10)
            )
        )
        await all_final(seen, 20)
        await settled(home)
        assert all(any("y" * 100 in v.content for v in shown(one).history[1:]) for one in seen)
        refused = "the database accepts no writes"
        assert any(refused in one.getMessage() for one in caplog.records)
        assert not any(text in one.getMessage() for one in caplog.records)
        figures.note("Disk full", answered=answered(seen), twice=twice(seen))
        pages = 1_000_000


DASHBOARD = ROOT / "docs/grafana-dashboard.json"


async def test_metrics_are_on_the_page(space, tmp_path: Path):
    spaces = f"fast={space('fast')}"
    async with discord() as place, running(tmp_path, place.server, spaces) as program:
        await ask(place.ada, "fast echo", text=PROMPT, channel=place.channel)
        await asyncio.sleep(0.2)
        await program.until_page("Connected")
        answer = await program.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert re.search(r'spacebot_jobs_total\{outcome="done",space=".*"\} 1\.0', answer.text)
        assert 'part="waited"' in answer.text
        for of_shard in ("spacebot_gateway_up", "spacebot_servers"):
            assert f'{of_shard}{{shard="0"}} 1.0' in answer.text
        assert 'spacebot_state{state="connected"} 1.0' in answer.text
        assert f'version="{__version__}"' in answer.text
        # The dashboard's metrics exist, and it shows all of ours.
        there = set(re.findall(r"^# TYPE (\w+) ", answer.text, re.MULTILINE))
        names = r"\b((?:spacebot|process|python)_\w+?)(?:_bucket)?(?=[{,])"
        shown = set(re.findall(names, DASHBOARD.read_text()))
        assert shown - there == set()
        ours = {name for name in there if re.match(r"spacebot_(?!\w+_created$)", name)}
        assert ours - shown == set()
        assert PROMPT not in answer.text
        assert PROMPT not in program.log


async def test_a_stream_shows_its_latest_picture(tmp_path: Path):
    def pictures(count: float):
        for number in range(int(count)):
            time.sleep(1)
            yield Image.new("RGB", (32 + number, 32), (number * 20, 0, 0))

    with gr.Blocks(analytics_enabled=False) as blocks:
        out = gr.Image(format="png")
        gr.Button("Go").click(pictures, gr.Number(8), out, api_name="pictures")
    with serve(blocks.queue()) as url:
        async with (
            discord() as place,
            at_home(place.server, Source(url, name="pictures"), folder=tmp_path) as home,
        ):
            seen = await place.ada.command("pictures", channel=place.channel)
            await seen.wait(lambda one: shown(one).attachments and not is_final(one), 20)
            await until(seen, "Done in", 20)
            previews = [v for v in shown(seen).history if v.attachments]
            sizes = [len(version.attachments) for version in previews]
            assert len(previews) >= 3
            assert set(sizes) == {1}
            widths = [int.from_bytes(v.attachments[0].data[16:20], "big") for v in previews]
            assert widths == sorted(set(widths))
            assert widths[-1] == 39
            await settled(home)
