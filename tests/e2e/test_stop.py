"""Stopping the program: what it says, whom it tells, and that nothing delays it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from spacebot import __version__
from tests.e2e.conftest import discord
from tests.support import program
from tests.support.asking import until
from tests.support.program import ROOT, running

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_second_signal_ends_it_at_once(space, tmp_path: Path):
    env = {"STOP_SECONDS": "60"}
    async with (
        discord() as place,
        running(tmp_path, place.server, space("trouble"), env=env, ends=130) as started,
    ):
        seen = await place.ada.command("trouble hang", seconds=60, channel=place.channel)
        await until(seen, "Working")
        started.process.send_signal(signal.SIGINT)
        told = "Stopping: running jobs have 60 s to finish. Press Ctrl+C again to stop at once."
        await started.until(lambda: told in started.log)
        assert await started.stop(signal.SIGINT) < 2
        assert "Stopped at once." in started.log


async def test_it_says_when_it_has_stopped(space, tmp_path: Path):
    async with discord() as place, running(tmp_path, place.server, space("fast")) as started:
        await started.stop(signal.SIGINT)
        assert started.process.returncode == 0
        assert "Stopping: running jobs have 4 s to finish." in started.log
        assert started.log.rstrip().endswith("Spacebot has stopped.")


async def test_a_job_of_the_try_out_does_not_hold_up_the_stop(space, tmp_path: Path):
    async with (
        discord() as place,
        running(tmp_path, place.server, space("trouble"), env={"TRYOUT": "1"}) as started,
    ):
        headers = {"X-Spacebot-Session": "0" * 32, "Origin": started.url}
        async with httpx.AsyncClient(base_url=started.url, timeout=60) as client:
            route = "/spacebot/tryout/run?command=trouble%20hang"
            form = {"seconds": (None, "60")}
            async with client.stream("POST", route, headers=headers, files=form) as answer:
                assert answer.status_code == 200
                said = ""
                stopping: asyncio.Task[float] | None = None
                # The process may end before it has closed the stream behind its last event.
                with contextlib.suppress(httpx.RemoteProtocolError):
                    async for line in answer.aiter_lines():
                        said += line
                        if stopping is None and "Working" in said:
                            stopping = asyncio.create_task(started.stop())
        assert "Spacebot is stopping, so this was cancelled." in said
        assert stopping is not None
        assert await stopping < program.STOP


@pytest.mark.parametrize(
    ("argument", "said"), [("--version", f"Spacebot {__version__}\n"), ("--help", "usage: app.py")]
)
async def test_the_command_line_does_what_it_says(argument: str, said: str):
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "app.py", argument], cwd=ROOT, capture_output=True
    )
    assert ran.returncode == 0
    assert ran.stdout.decode().startswith(said)
