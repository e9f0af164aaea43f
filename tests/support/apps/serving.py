"""How a test Space is served: in this process, or in one of its own."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import gradio as gr
import httpx


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def build(space: str | ModuleType | gr.Blocks) -> gr.Blocks:
    """The app itself, or the one that the module of that name (or that module) builds."""
    if isinstance(space, gr.Blocks):
        return space
    if isinstance(space, str):
        space = importlib.import_module(f"tests.support.apps.{space}")
    return space.build()


def launch(blocks: gr.Blocks, port: int, **options: Any) -> str:
    """Serve an app on loopback without waiting; gives its address without a trailing slash."""
    # Gradio would look into its queue a thousand times a second: with ten Spaces in one
    # process, threads that ask for the interpreter in turn are all that a slow machine does.
    blocks._queue.sleep_when_free = blocks._queue.progress_update_sleep_when_free = 0.02
    _, url, _ = blocks.launch(
        server_name="127.0.0.1",
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        **options,
    )
    return url.rstrip("/")


@contextlib.contextmanager
def serve(
    space: str | ModuleType | gr.Blocks, port: int | None = None, **options: Any
) -> Iterator[str]:
    """Serve a test Space in this process; `options` go to `Blocks.launch` (max_file_size …)."""
    blocks = build(space)
    url = launch(blocks, port or free_port(), **options)
    try:
        yield url
    finally:
        blocks.close(verbose=False)


@dataclass
class Spawned:
    """A test Space in a process of its own."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Its address, the same after a `restart`."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """SIGKILL: it is gone at once, and says goodbye to nobody."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """SIGSTOP: its connections stay open and nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT: it goes on where it was stopped."""
        self.process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start the same again on the same port; returns when it answers."""
        self.kill()
        self.process = _start(self.name, self.port)
        self.wait()

    def wait(self, seconds: float = 60) -> None:
        """Wait until it answers; TimeoutError after `seconds`, RuntimeError where it ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}")
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/config", timeout=2).is_success:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"{self.name} did not answer within {seconds} s")


def _start(name: str, port: int) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.support.apps",
        name,
        "--port",
        str(port),
    ]
    return subprocess.Popen(command, env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"})


@contextlib.contextmanager
def spawn(name: str, port: int | None = None) -> Iterator[Spawned]:
    """Serve a test Space in a process of its own, which takes about 4 s to start."""
    port = port or free_port()
    app = Spawned(name, port, _start(name, port))
    try:
        app.wait()
        yield app
    finally:
        app.kill()
