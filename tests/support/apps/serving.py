"""How a test Space is served: in this process, or in one of its own."""

from __future__ import annotations

import asyncio
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

# What `serve` is serving, to find out why a Space does not answer.
SERVED: dict[str, gr.Blocks] = {}


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def build(space: str | ModuleType | gr.Blocks) -> gr.Blocks:
    """The app itself, or the app that this module (or the module of this name) builds."""
    if isinstance(space, gr.Blocks):
        return space
    if isinstance(space, str):
        space = importlib.import_module(f"tests.support.apps.{space}")
    return space.build()


def launch(blocks: gr.Blocks, port: int, **options: Any) -> str:
    """Serve an app on loopback without waiting; returns its address without a trailing slash."""
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
    SERVED[url] = blocks
    try:
        yield url
    finally:
        del SERVED[url]
        blocks.close(verbose=False)


def queue_states() -> str:
    """The state of the queues that hold jobs: limits, slots, and where each task is."""
    lines: list[str] = []
    for url, blocks in list(SERVED.items()):
        queue = blocks._queue
        per_function = list(queue.event_queue_per_concurrency_id.values())
        if not any(one.queue or one.current_concurrency for one in per_function):
            continue
        slots = sum(job is not None for job in queue.active_jobs)
        lines.append(
            f"{blocks.title} at {url}: stopped={queue.stopped} "
            f"slots={slots}/{len(queue.active_jobs)} locked={queue.delete_lock.locked()}"
        )
        lines += [
            f"  waiting={len(one.queue)} running={one.current_concurrency}/{one.concurrency_limit}"
            for one in per_function
            if one.queue or one.current_concurrency
        ]
        for server in getattr(blocks.server, "servers", []):
            lines += [f"  {line}" for line in task_lines(server.get_loop())]
    return "\n".join(lines)


def task_lines(loop: asyncio.AbstractEventLoop) -> list[str]:
    """A line for each task of an event loop, which may run in another thread."""
    lines = []
    for task in asyncio.all_tasks(loop):
        frames = task.get_stack(limit=1)
        at = f"{frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else "?"
        lines.append(f"{getattr(task.get_coro(), '__qualname__', task)} at {at}")
    return lines


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
        """SIGKILL: it is gone at once, without a goodbye."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """SIGSTOP: its connections stay open and nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT: it continues where it was stopped."""
        self.process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start the same again on the same port; returns when it answers."""
        self.kill()
        self.process = _start(self.name, self.port)
        self.wait()

    def wait(self, seconds: float = 60) -> None:
        """Wait until it answers; TimeoutError after `seconds`, RuntimeError if it ended."""
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
