"""Endpoints that cost the Space almost nothing, to measure everything in front of it."""

from __future__ import annotations

import asyncio
import functools
import secrets
import time
from collections.abc import AsyncIterator

import gradio as gr

from tests.support.apps.media import new_file


async def echo(text: str) -> str:
    """Give the text back at once."""
    return text


async def sleep(seconds: float) -> str:
    """Sleep, and tell when it ended (epoch seconds)."""
    await asyncio.sleep(seconds)
    return f"{time.time():.3f}"


async def progress(
    seconds: float,
    steps: float,
    bar: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio looks for it as the default
) -> str:
    """Report so many steps in so many seconds."""
    for step in range(int(steps)):
        bar((step, int(steps)), desc=f"step {step + 1}")
        await asyncio.sleep(seconds / steps)
    return "done"


async def stream(words: float, pause: float) -> AsyncIterator[str]:
    """Stream so many words, with a pause of so many seconds between."""
    text = ""
    for word in range(int(words)):
        text += f"word{word} "
        yield text
        await asyncio.sleep(pause)


@functools.cache
def _nine_megabytes() -> str:
    path = new_file(".bin")
    with open(path, "wb") as file:
        file.write(secrets.token_bytes(9 * 1024 * 1024))
    return path


async def file() -> str:
    """Return the same file of 9 MiB each time."""
    return _nine_megabytes()


def build() -> gr.Blocks:
    """Build the app: /echo, /sleep, /progress, /stream, /file."""
    _nine_megabytes()
    with gr.Blocks(title="Fast", analytics_enabled=False) as blocks:
        out, seconds = gr.Textbox(label="Out"), gr.Number(2, label="Seconds")
        text, steps = gr.Textbox(label="Text"), gr.Number(10, label="Steps")
        words, pause = gr.Number(20, label="Words"), gr.Number(0.05, label="Pause")
        gr.Button("Echo").click(echo, text, out, api_name="echo", concurrency_limit=1000)
        gr.Button("Sleep").click(sleep, seconds, out, api_name="sleep", concurrency_limit=6000)
        gr.Button("Progress").click(
            progress, [seconds, steps], out, api_name="progress", concurrency_limit=6000
        )
        gr.Button("Stream").click(
            stream, [words, pause], out, api_name="stream", concurrency_limit=6000
        )
        gr.Button("File").click(file, None, gr.File(), api_name="file", concurrency_limit=1000)
    return blocks.queue(default_concurrency_limit=6000)
