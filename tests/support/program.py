"""The real app.py in a process of its own, pointed at the loopback Discord."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from spacebot.settings import VARIABLES
from tests.support.apps import free_port
from tests.support.loopback import DiscordServer, bootstrap_code
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[2]
APP = ROOT / "app.py"
# How long everything may take to end after SIGTERM or SIGINT.
STOP = 10.0 * PATIENCE
VISITOR = {"X-Spacebot-Session": "0" * 32}
# Gradio leaves event loops open (`gradio.utils.safe_get_lock`); what the interpreter says as it
# frees one depends on the garbage collector.
UNCLOSED_LOOP = re.compile(
    r"Exception ignored in: <function BaseEventLoop\.__del__ .*?\nValueError: Invalid file "
    r"descriptor: -1\n",
    re.DOTALL,
)


@dataclass
class Program:
    """A started app.py: its log, its page, its end."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    log_path: Path
    secrets: tuple[str, ...] = ()
    prompts: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        """Everything it has written so far."""
        return self.log_path.read_text("utf-8", errors="replace")

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"http://127.0.0.1:{self.port}"

    async def get(self, path: str) -> httpx.Response:
        """Send a request to its page, as a visitor without cookies."""
        async with httpx.AsyncClient(trust_env=False, headers=VISITOR) as http:
            return await http.get(self.url + path, timeout=10)

    async def page(self) -> str:
        """All sections of the page, as HTML."""
        answer = await self.get("/spacebot/status")
        answer.raise_for_status()
        return "\n".join(html for _, _, html in answer.json())

    async def until(self, predicate: Callable[[], Any], seconds: float = 60) -> None:
        """Wait until something is true; AssertionError with the log otherwise."""
        deadline = time.monotonic() + seconds * PATIENCE
        while not predicate():
            ended = self.process.poll()
            if ended is not None or time.monotonic() > deadline:
                waited = f"{PATIENCE} × {seconds} s (ended: {ended})"
                raise AssertionError(f"not within {waited}:\n{self.log}")
            await asyncio.sleep(0.05)

    async def until_health(self, status: str, seconds: float = 30) -> dict[str, Any]:
        """Wait until /healthz says this ("ok", "failed", "retrying"); returns its whole answer."""
        deadline = time.monotonic() + seconds * PATIENCE
        told: dict[str, Any] = {}
        while time.monotonic() < deadline:
            try:
                answer = await self.get("/healthz")
                told = answer.json() | {"code": answer.status_code}
            except httpx.TransportError:
                told = {}  # it does not listen yet
            if told.get("status") == status:
                return told
            await asyncio.sleep(0.1)
        raise AssertionError(f"/healthz does not say {status!r} but {told}:\n{self.log}")

    async def until_page(self, text: str, seconds: float = 30) -> str:
        """Wait until the page contains a text; returns the page."""
        deadline = time.monotonic() + seconds * PATIENCE
        shown = ""
        while time.monotonic() < deadline:
            try:
                shown = await self.page()
            except httpx.TransportError:
                shown = "(no page)"  # it does not listen yet
            if text in shown:
                return shown
            await asyncio.sleep(0.1)
        raise AssertionError(f"{text!r} is not on the page:\n{shown}\n{self.log}")

    async def stop(self, number: int = signal.SIGTERM) -> float:
        """Stop it with a signal; returns the seconds that it took, which must be below `STOP`."""
        began = time.monotonic()
        self.process.send_signal(number)
        while self.process.poll() is None:
            if time.monotonic() - began > STOP:
                self.process.kill()
                raise AssertionError(f"it did not stop within {STOP} s:\n{self.log}")
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    def check_log(self) -> None:
        """No traceback, no secret and no prompt is in the log."""
        log = self.log
        assert "Traceback" not in UNCLOSED_LOOP.sub("", log), log
        assert "Task exception was never retrieved" not in log, log
        assert "was never awaited" not in log, log
        for hidden in (*self.secrets, *self.prompts):
            assert hidden not in log, f"{hidden!r} is in the log:\n{log}"


def environment(data: Path, port: int, arguments: Mapping[str, str]) -> dict[str, str]:
    """The environment of the program: only these settings are set."""
    ours = {variable.name for variable in VARIABLES} | {"SPACE_ID", "SPACE_HOST"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {
        "PYTHON_DOTENV_DISABLED": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DATA_DIR": str(data),
        "GRADIO_SERVER_PORT": str(port),
        **arguments,
    }


def start(
    folder: Path,
    env: Mapping[str, str],
    *,
    server: DiscordServer | None = None,
    app_py: Path = APP,
    before: str = "",
    python: Path | str = sys.executable,
) -> Program:
    """Start the program on this `python`; `before` is Python that runs before it."""
    folder.mkdir(parents=True, exist_ok=True)
    port = int(env.get("GRADIO_SERVER_PORT") or free_port())
    data = Path(env.get("DATA_DIR") or folder / "data")
    boot = bootstrap_code(server) if server else "pass"
    code = "\n".join(
        [
            "import warnings; warnings.simplefilter('ignore')",
            boot,
            before,
            "import runpy, sys",
            f"sys.argv = [{str(app_py)!r}]",
            f"runpy.run_path({str(app_py)!r}, run_name='__main__')",
        ]
    )
    log = folder / "program.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [python, "-c", code],
            env=environment(data, port, env),
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    secrets = tuple(env[name] for name in ("DISCORD_TOKEN", "HF_TOKEN") if env.get(name))
    return Program(process, port, data, log, secrets)


@asynccontextmanager
async def running(
    folder: Path,
    server: DiscordServer | None,
    spaces: str = "",
    env: Mapping[str, str] | None = None,
    *,
    app_py: Path = APP,
    before: str = "",
    python: Path | str = sys.executable,
    ready: bool = True,
    clean: bool = True,
    ends: int = 0,
) -> AsyncIterator[Program]:
    """Run the program until the block ends, then stop it by SIGTERM and check how it `ends`."""
    arguments = {"SPACES": spaces, "DISCORD_TOKEN": server.token if server else "", **(env or {})}
    program = start(folder, arguments, server=server, app_py=app_py, before=before, python=python)
    try:
        if ready and server:
            await program.until(lambda: server.registered_commands and server.gateway.ready)
        yield program
        if program.process.poll() is None:
            await program.stop()
        assert program.process.returncode == ends, program.log
        if clean:
            program.check_log()
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.process.wait(10)


def refused(folder: Path, env: Mapping[str, str], *, app_py: Path = APP) -> tuple[int, str]:
    """Start the program when it refuses to; returns its exit code and its output."""
    program = start(folder, env, app_py=app_py)
    try:
        code = program.process.wait(30 * PATIENCE)
    finally:
        program.process.kill()
    return code, program.log
