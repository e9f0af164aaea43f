"""The files that a Space gets, started as Hugging Face starts them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from aiohttp import web

from spacebot.deploy import files
from tests.support import bare
from tests.support.listening import listening

SPACE = {
    "SYSTEM": "spaces",
    "SPACE_ID": "ada/bot",
    "SPACE_HOST": "ada-bot.hf.space",
    "SPACE_AUTHOR_NAME": "ada",
    "SPACE_REPO_NAME": "bot",
    "SPACE_TITLE": "Spacebot",
    "SPACE_CREATOR_USER_ID": "5f0000000000000000000000",
    # For `hf_oauth: true` in the README's header.
    "OAUTH_CLIENT_ID": "00000000-0000-0000-0000-000000000000",
    "OAUTH_CLIENT_SECRET": "loopback-secret",
    "OAUTH_SCOPES": "openid profile",
    "OPENID_PROVIDER_URL": "http://127.0.0.1:9",
    "GRADIO_ANALYTICS_ENABLED": "False",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    for name, path in files.needed_files().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, root / name)
    return root


@pytest.fixture
def port() -> int:
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))
        return sock.getsockname()[1]


def test_a_fresh_install_lacks_what_only_the_tests_need(tmp_path: Path) -> None:
    there = bare.brought(files.ROOT / "requirements.txt")
    assert {"gradio", "authlib", "sqlalchemy", "greenlet", "httpx2"} <= there
    assert not {"playwright", "pytest", "spaces", "av"} & there
    (tmp_path / "requirements.txt").write_text("sqlalchemy>=2.1\n")
    assert "greenlet" not in bare.brought(tmp_path / "requirements.txt")


@dataclass
class Running:
    """The program in a process of its own."""

    process: asyncio.subprocess.Process
    url: str

    async def health(self) -> httpx.Response:
        """Its /healthz, as soon as it answers."""
        async with httpx.AsyncClient() as client:
            for _ in range(3000):
                assert self.process.returncode is None, await self.output()
                try:
                    return await client.get(f"{self.url}/healthz", timeout=5)
                except httpx.TransportError:
                    # Often enough to catch the moment when it starts to listen.
                    await asyncio.sleep(0.02)
        raise AssertionError(await self.output())

    async def shows(self, text: str) -> str:
        """Wait until its page's sections contain a text, and return them."""
        async with httpx.AsyncClient() as client:
            for _ in range(200):
                if text in (shown := (await client.get(f"{self.url}/spacebot/status")).text):
                    return shown
                await asyncio.sleep(0.1)
        raise AssertionError(await self.output())

    async def output(self) -> str:
        """End it and return its whole output."""
        if self.process.returncode is None:
            self.process.kill()
        said, _ = await self.process.communicate()
        return said.decode()


@asynccontextmanager
async def started(clone: Path, port: int, **more: str) -> AsyncIterator[Running]:
    """`python app.py` among the Space's files, with nothing in the environment but a Space's."""
    home = clone.parent
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "app.py"),
        cwd=clone,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "GRADIO_SERVER_PORT": str(port)}
        | SPACE
        | more,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Running(process, f"http://127.0.0.1:{port}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def listens_everywhere(port: int) -> bool:
    """Whether the port is in use on 0.0.0.0, the only address reachable from outside."""
    with open("/proc/net/tcp") as table:
        rows = [line.split()[1:4] for line in table.readlines()[1:]]
    return any(local == f"00000000:{port:04X}" and state == "0A" for local, _, state in rows)


async def test_the_uploaded_files_run_as_a_space(clone: Path, port: int) -> None:
    bare.hide_the_rest(clone / "requirements.txt", clone.parent / "bare")
    async with started(clone, port, PYTHONPATH=str(clone.parent / "bare")) as it:
        health = await it.health()
        assert (health.status_code, health.json()) == (200, {"status": "ok"})
        assert listens_everywhere(port)
        async with httpx.AsyncClient() as client:
            page = await client.get(it.url)
        assert (page.status_code, "Spacebot" in page.text) == (200, True)
        # Visitors cannot open what only this machine serves.
        assert "127.0.0.1" not in await it.shows("Built-in Space")
        # As Hugging Face stops a Space.
        it.process.send_signal(signal.SIGTERM)
        said, _ = await asyncio.wait_for(it.process.communicate(), 30)
        assert it.process.returncode == 0, said.decode()
        assert " ERROR spacebot" not in said.decode()


@asynccontextmanager
async def zero_gpu() -> AsyncIterator[tuple[str, list[str]]]:
    """The server that the package `spaces` reports to on ZeroGPU: its address and the reports."""
    reports: list[str] = []

    async def report(request: web.Request) -> web.Response:
        reports.append(request.path)
        # Long enough that a second launch would report too.
        await asyncio.sleep(0.5)
        return web.Response(status=200 if len(reports) == 1 else 409)

    app = web.Application()
    app.router.add_post("/startup-report", report)
    async with listening(app) as address:
        yield address, reports


async def test_on_zero_gpu_it_reports_a_gpu_function_once(clone: Path, port: int) -> None:
    pytest.importorskip("spaces")
    async with zero_gpu() as (device, reports):
        hardware = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": device}
        async with started(clone, port, **hardware) as it:
            health = await it.health()
            assert (health.status_code, reports) == (200, ["/startup-report"])
            await it.shows("compose")
            assert reports == ["/startup-report"]


TWO_LAUNCHES = """
import threading
import gradio as gr
from spacebot import zerogpu
assert zerogpu.register()
together = threading.Barrier(2)
def launch():
    with gr.Blocks() as app:
        gr.Markdown("hello")
    together.wait()
    app.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    print("launched", flush=True)
threads = [threading.Thread(target=launch) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
import os
os._exit(0)
"""


async def test_two_launches_at_once_report_once() -> None:
    pytest.importorskip("spaces")
    async with zero_gpu() as (device, reports):
        hardware = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": device}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", "-c", TWO_LAUNCHES),
            cwd=files.ROOT,
            env={**os.environ, **hardware},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 90)
    assert (said.decode().count("launched"), len(reports)) == (2, 1), said.decode()


async def test_without_the_package_nothing_is_registered(tmp_path: Path) -> None:
    (tmp_path / "spaces.py").write_text("raise ImportError('not installed')\n")
    code = "from spacebot import zerogpu; print(zerogpu.register())"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", code),
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{files.ROOT}"},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert said == b"False\n"
