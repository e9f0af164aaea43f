"""What forms and buttons are for: more settings than a command takes, seeds, passwords, files."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import gradio as gr

SIZES = [("Small one", "s"), ("Large one", "l")]
TAGS = ["red", "green", "blue"]
STYLES = [f"style {number}" for number in range(1, 13)]


def many(prompt: str, *settings: Any) -> str:
    """Tell every setting."""
    return json.dumps({"prompt": prompt, "settings": settings})


def draw(prompt: str, seed: float, randomize: bool, steps: float) -> str:
    """Draw words with a seed."""
    return f"{prompt} seed={int(seed)} random={randomize} steps={int(steps)}"


def mixed(prompt: str, size: str, tags: list[str], style: str, loud: bool, notes: str) -> str:
    """Tell what was chosen."""
    return json.dumps([prompt, size, tags, style, loud, notes])


def login(prompt: str, key: str) -> str:
    """Tell how long the key is."""
    return f"{prompt} with a key of {len(key)}"


async def slow(prompt: str) -> str:
    """Answer after a while."""
    await asyncio.sleep(20)
    return prompt


def odd(path: str) -> dict[str, Any]:
    """Return what gradio_client takes for a file, with a path of the caller's choice."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def tell(data: dict[str, Any]) -> str:
    """Tell the path that came."""
    return f"the path is {data['path']}"


def join(first: str | None, second: str | None, caption: str) -> str:
    """Tell which files came."""
    sizes = [Path(path).stat().st_size if path else None for path in (first, second)]
    return f"{caption}: {sizes}"


def build() -> gr.Blocks:
    """Build the app: /many (30 settings), /draw, /mixed, /login, /join."""
    with gr.Blocks(title="Studio", analytics_enabled=False) as blocks:
        out = gr.Textbox(label="Out")
        prompt = gr.Textbox(label="Prompt")
        numbers = [
            gr.Slider(0, 100, number, step=1, label=f"Setting {number}") for number in range(30)
        ]
        gr.Button("Many").click(many, [prompt, *numbers], out, api_name="many")
        seed = gr.Slider(0, 1000, 7, step=1, label="Seed")
        randomize = gr.Checkbox(True, label="Randomize seed")
        steps = gr.Slider(1, 50, 20, step=1, label="Steps")
        gr.Button("Draw").click(draw, [prompt, seed, randomize, steps], out, api_name="draw")
        choices = [
            gr.Radio(SIZES, value="s", label="Size"),
            gr.CheckboxGroup(TAGS, value=["red"], label="Tags"),
            gr.Dropdown(STYLES, value="style 2", label="Style"),
            gr.Checkbox(False, label="Loud"),
            gr.Textbox("as before", label="Notes", lines=3),
        ]
        gr.Button("Mixed").click(mixed, [prompt, *choices], out, api_name="mixed")
        key = gr.Textbox(label="Key", type="password")
        gr.Button("Login").click(login, [prompt, key], out, api_name="login")
        gr.Button("Slow").click(slow, prompt, out, api_name="slow")
        path, data = gr.Textbox(label="Path"), gr.JSON(label="Data")
        gr.Button("Odd").click(odd, path, data, api_name="odd")
        gr.Button("Tell").click(tell, data, out, api_name="tell")
        files = [gr.File(label="First"), gr.File(label="Second")]
        caption = gr.Textbox("none", label="Caption")
        gr.Button("Join").click(join, [*files, caption], out, api_name="join")
    return blocks.queue(default_concurrency_limit=20)
