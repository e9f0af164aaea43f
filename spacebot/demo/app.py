"""The embedded Space's page: five endpoints, and how it is served on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from spacebot.demo import music, painting, palette, talk

MAX_SEED = 2**31 - 1
FORMS = [
    ("Let the prompt decide", "auto"),
    ("Flowing lines", "flow"),
    ("Mountains", "mountains"),
    ("Waves", "waves"),
    ("Night sky", "sky"),
    ("Blossom", "bloom"),
]


@dataclass(frozen=True)
class DemoServer:
    """A Gradio app that this process serves; `url` has no trailing slash."""

    url: str
    blocks: gr.Blocks

    def close(self) -> None:
        """Stop serving; takes about 0.2 s and may be called twice."""
        self.blocks.close(verbose=False)


def compose(prompt: str, seed: int, seconds: int) -> tuple[int, np.ndarray]:
    """Compose a tune from a few words; the same words and seed give the same tune."""
    tune = music.compose(prompt, int(seed), seconds)
    return music.SAMPLE_RATE, (tune * np.iinfo(np.int16).max).astype(np.int16)


def paint(prompt: str, size: int, seed: int, form: str) -> Image.Image:
    """Paint a picture from a few words; the same words and seed give the same picture."""
    return painting.paint(prompt, int(size), int(seed), form)


def describe(picture: Image.Image | None) -> tuple[str, dict[str, float]]:
    """Describe a picture: its size, its light and its colours."""
    if picture is None:
        raise gr.Error("There is no picture to describe. Attach one and try again.")
    shares = palette.colour_shares(picture)
    return palette.describe(picture, shares), shares


async def chat(message: str, history: list[dict[str, Any]]) -> AsyncIterator[str]:
    """Chat; it remembers what you said and can do small sums. Say "help" to see what it can do."""
    words = talk.answer(message, talk.said_before(history)).split(" ")
    for count in range(1, len(words) + 1):
        yield " ".join(words[:count])
        await asyncio.sleep(min(0.04, 3 / len(words)))


async def slow(
    seconds: int,
    steps: int,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio looks for it as the default
) -> str:
    """Work for a while and show the progress, step by step."""
    for step in range(int(steps)):
        progress((step, int(steps)), unit="steps")
        await asyncio.sleep(seconds / steps)
    return f"Worked through {int(steps)} steps."


def build() -> gr.Blocks:
    """Build the app: /compose, /paint, /describe, /chat and /slow."""
    # Pictures and tunes are deleted an hour after they were made.
    with gr.Blocks(
        title="Demo", analytics_enabled=False, delete_cache=(600, 3600), fill_width=True
    ) as blocks:
        gr.Markdown("# Demo\nA Space that needs no download.")
        with gr.Tab("Compose"):
            _compose_tab()
        with gr.Tab("Paint"):
            _paint_tab()
        with gr.Tab("Describe"):
            _describe_tab()
        with gr.Tab("Chat"):
            gr.ChatInterface(
                chat,
                api_name="chat",
                api_description="Chat; it remembers what you said and can do small sums.",
                analytics_enabled=False,
                concurrency_limit=None,
            )
        with gr.Tab("Slow"):
            _slow_tab()
    # Music and pictures keep a processor busy, so few run side by side and the rest queue.
    return blocks.queue(default_concurrency_limit=4, max_size=None)


def _prompt(placeholder: str, info: str) -> gr.Textbox:
    return gr.Textbox(label="Prompt", placeholder=placeholder, info=info, max_length=500)


def _seed() -> gr.Number:
    info = "Each number gives its own result; the same number repeats it."
    return gr.Number(0, label="Seed", info=info, precision=0, minimum=0, maximum=MAX_SEED)


def _compose_tab() -> None:
    prompt = _prompt("calm piano in the rain", "Mood, instrument and style, in a few words")
    seed = _seed()
    seconds = gr.Slider(4, 30, 12, step=1, label="Seconds", info="How long the tune is")
    tune = gr.Audio(label="Tune", format="wav", interactive=False)
    gr.Button("Compose").click(compose, [prompt, seed, seconds], tune, api_name="compose")


def _paint_tab() -> None:
    prompt = _prompt("sunset over the mountains", "What to paint, and in which colours")
    size = gr.Slider(256, 1024, 768, step=64, label="Size", info="Width and height in pixels")
    seed = _seed()
    form = gr.Dropdown(FORMS, value="auto", label="Form", info="What kind of picture")
    picture = gr.Image(label="Picture", format="png", interactive=False)
    gr.Button("Paint").click(paint, [prompt, size, seed, form], picture, api_name="paint")


def _describe_tab() -> None:
    picture = gr.Image(label="Picture", type="pil", sources=["upload", "clipboard"])
    words = gr.Textbox(label="Description")
    colours = gr.Label(label="Colours", num_top_classes=5)
    gr.Button("Describe").click(describe, picture, [words, colours], api_name="describe")


def _slow_tab() -> None:
    seconds = gr.Slider(1, 60, 5, step=1, label="Seconds", info="How long the job takes")
    steps = gr.Slider(1, 100, 10, step=1, label="Steps", info="How often it reports progress")
    done = gr.Textbox(label="Result")
    gr.Button("Start").click(slow, [seconds, steps], done, api_name="slow", concurrency_limit=None)


def serve(host: str = "127.0.0.1") -> DemoServer:
    """Serve the app on a free port of `host`, beside whatever else this process serves."""
    blocks = build()
    # Gradio looks for jobs 1,000 times a second, and for progress 100 times.
    blocks._queue.sleep_when_free = 0.1
    blocks._queue.progress_update_sleep_when_free = 0.1
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    # Gradio's first choice, 7860, belongs to the page.
    _, url, _ = blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        max_file_size="25mb",
    )
    return DemoServer(url.rstrip("/"), blocks)
