"""Everything that can go wrong on a Space, each on purpose at its own endpoint."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
from gradio.components import Component

from tests.support.apps.media import new_file

PINGS = "@everyone @here <@1> <@&2> hello"


class Crowd:
    """How many jobs run side by side: now, and the most that ever did."""

    def __init__(self) -> None:
        self.now = self.most = self.runs = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.runs += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


def told(text: str) -> str:
    """Raise a gr.Error with this text."""
    raise gr.Error(text)


def told_html() -> str:
    """Raise a gr.Error that holds HTML."""
    raise gr.Error('The model is <b>full</b>. <a href="https://example.com/help">Get help</a>.')


def told_quota() -> str:
    """Raise the error of a ZeroGPU quota that is used up."""
    raise gr.Error(
        "You have exceeded your free ZeroGPU quota (60s requested vs. 12s left). "
        "Try again in 1:23:45",
        title="ZeroGPU quota exceeded",
    )


def crash() -> str:
    """Raise a plain exception."""
    raise RuntimeError("secret detail of the Space")


async def hang(seconds: float) -> str:
    """Say nothing for some seconds."""
    await asyncio.sleep(seconds)
    return "awake"


async def alone(seconds: float) -> str:
    """Say nothing for some seconds, one job at a time.

    A function of its own: Gradio counts all that share one by the lowest limit among them.
    """
    return await hang(seconds)


def block(seconds: float) -> str:
    """Keep a worker thread for some seconds; a cancel does not stop it."""
    time.sleep(seconds)
    return "done"


def steps(count: int, seconds: float) -> Iterator[str]:
    """Stream a step each few seconds; a cancel stops it after the current one."""
    for step in range(int(count)):
        time.sleep(seconds)
        yield f"step {step + 1}"


def raise_midway(count: int) -> Iterator[str]:
    """Stream some steps, and then raise a gr.Error."""
    for step in range(int(count)):
        yield f"step {step + 1}"
    raise gr.Error("It broke midway.")


def nothing() -> None:
    """Return nothing where a text was promised."""


def no_output(text: str) -> None:
    """Take a text and have no output at all."""


def update_only() -> dict:
    """Return an update without a value."""
    return gr.update(visible=True)


async def warned() -> None:
    """Show a warning as a toast, and return nothing."""
    gr.Warning("The picture was empty, so there is nothing to show.")
    # Clients keep only the latest message, so it stands a moment before the end.
    await asyncio.sleep(0.3)


def pings() -> str:
    """Return a text that would ping everyone."""
    return PINGS


def huge(characters: int) -> str:
    """Return a long text in paragraphs, with a block of code."""
    paragraph = "The quick brown fox jumps over the lazy dog near the river bank. " * 4
    text = "```python\n" + "print('a line of code')\n" * 20 + "```\n\n"
    text += f"{paragraph}\n\n" * (int(characters) // len(paragraph) + 1)
    return text[: int(characters)]


def big_file(megabytes: float) -> str:
    """Return a file of random bytes, which nothing can make smaller."""
    path = new_file(".bin")
    with open(path, "wb") as file:
        file.write(secrets.token_bytes(int(megabytes * 1024 * 1024)))
    return path


def two_files(megabytes: float) -> list[str]:
    """Return a small file, and a big one beside it."""
    small = new_file(".txt")
    with open(small, "w", encoding="utf-8") as file:
        file.write("small")
    return [small, big_file(megabytes)]


def many_files(count: float) -> list[str]:
    """Return so many small files, which hold their numbers."""
    paths = [new_file(".txt") for _ in range(int(count))]
    for number, path in enumerate(paths, 1):
        with open(path, "w", encoding="utf-8") as file:
            file.write(str(number))
    return paths


def die(seconds: float) -> None:
    """End the whole process without a word, after some seconds."""
    time.sleep(seconds)
    os._exit(1)


def file_midway() -> Iterator[str]:
    """Stream a file, and then raise a gr.Error."""
    path = new_file(".txt")
    Path(path).write_text("half of it", encoding="utf-8")
    yield path
    raise gr.Error("It broke midway.")


def build() -> gr.Blocks:
    """Build the app; /crowd counts its jobs, and /crowd_most tells the count."""
    crowd = Crowd()

    async def together(seconds: float) -> str:
        """Count this job among those running."""
        with crowd:
            await asyncio.sleep(seconds)
        return f"{crowd.runs} runs"

    def most() -> str:
        """Tell how many ran side by side at most, and how many ran in all."""
        return f"{crowd.most} of {crowd.runs}"

    with gr.Blocks(title="Trouble", analytics_enabled=False) as blocks:
        _offer_errors()
        _offer_waits()
        _offer_outputs()
        _offer("crowd", together, [gr.Number(1, label="Seconds")], gr.Textbox(label="Out"))
        _offer("crowd_most", most, [], gr.Textbox(label="Out"))
        _offer("die", die, [gr.Number(0, label="Seconds")], gr.Textbox(label="Out"))
        with gr.Tab("Single file"):
            _offer("one_by_one", alone, [gr.Number(1, label="Seconds")], gr.Textbox(), limit=1)
    return blocks.queue(default_concurrency_limit=500)


def _offer(
    name: str,
    fn: Callable,
    inputs: list[Component],
    output: Component | None,
    limit: int | None = 500,
) -> None:
    gr.Button(name).click(fn, inputs, output, api_name=name, concurrency_limit=limit)


def _offer_errors() -> None:
    _offer("told", told, [gr.Textbox("No.", label="Text")], gr.Textbox())
    for name, fn in (("told_html", told_html), ("told_quota", told_quota), ("crash", crash)):
        _offer(name, fn, [], gr.Textbox(label="Out"))
    _offer("file_midway", file_midway, [], gr.File(label="Out"))
    _offer("raise_midway", raise_midway, [gr.Number(2, label="Count")], gr.Textbox(label="Out"))


def _offer_waits() -> None:
    for name, fn in (("hang", hang), ("block", block)):
        _offer(name, fn, [gr.Number(5, label="Seconds")], gr.Textbox(label="Out"))
    numbers = [gr.Number(5, label="Count", precision=0), gr.Number(1, label="Seconds")]
    _offer("steps", steps, [*numbers], gr.Textbox(label="Out"))


def _offer_outputs() -> None:
    for name, fn in (
        ("nothing", nothing),
        ("update_only", update_only),
        ("warned", warned),
        ("pings", pings),
    ):
        _offer(name, fn, [], gr.Textbox(label="Out"))
    _offer("no_output", no_output, [gr.Textbox(label="Text")], None)
    _offer("huge", huge, [gr.Number(5000, label="Characters")], gr.Textbox(label="Out"))
    _offer("big_file", big_file, [gr.Number(12, label="MB")], gr.File(label="Out"))
    _offer("two_files", two_files, [gr.Number(12, label="MB")], gr.File(file_count="multiple"))
    _offer("many_files", many_files, [gr.Number(12, label="Count")], gr.File(file_count="multiple"))
