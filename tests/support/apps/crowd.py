"""Endpoints for a crowd: each answer says what was asked, and what only this session knows."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import gradio as gr

from tests.support.apps.fast import echo
from tests.support.apps.stateful import chat, count
from tests.support.apps.studio import draw

# Jobs of /turn wait for the door, and are numbered in the order they go through it.
opened = asyncio.Event()
numbers = itertools.count(1)


async def door(open: bool) -> str:
    """Open or close the door."""
    (opened.set if open else opened.clear)()
    return "The door is open." if open else "The door is closed."


async def turn(words: str) -> str:
    """Go through the door, one at a time."""
    await opened.wait()
    return f"number {next(numbers)}: {words}"


def build() -> gr.Blocks:
    """Build the app: /echo, /draw, /count, /chat, /door, /turn."""
    with gr.Blocks(title="Crowd", analytics_enabled=False) as blocks:
        text, out = gr.Textbox(label="Text"), gr.Textbox(label="Out")
        many: Any = {"concurrency_limit": 500}
        gr.Button("Echo").click(echo, text, out, api_name="echo", **many)
        prompt, seed = gr.Textbox(label="Prompt"), gr.Slider(0, 2**31 - 1, 7, step=1, label="Seed")
        box, steps = gr.Checkbox(False, label="Randomize seed"), gr.Slider(1, 50, 20, label="Steps")
        gr.Button("Draw").click(draw, [prompt, seed, box, steps], out, api_name="draw", **many)
        step, total = gr.Number(1, label="Step", precision=0), gr.State(0)
        gr.Button("Count").click(count, [step, total], [out, total], api_name="count", **many)
        gr.Button("Door").click(door, gr.Checkbox(label="Open"), out, api_name="door")
        words = gr.Textbox(label="Words")
        gr.Button("Turn").click(turn, words, out, api_name="turn", concurrency_limit=1)
        gr.ChatInterface(chat, api_name="chat", analytics_enabled=False, **many)
    return blocks.queue(default_concurrency_limit=100)
