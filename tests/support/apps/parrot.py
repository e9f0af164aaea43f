"""A multimodal ChatInterface: it tells of the words, and of the files, of this session."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

LINES = "\n".join(f"print('line {number:04} of a long program')" for number in range(120))
MANY = f"Here is a long program:\n\n```python\n{LINES}\n```\n\nThat was all of it."


def chat(message: dict[str, Any], history: list[dict[str, Any]], mood: str) -> Iterator[Any]:
    """Talk to a parrot, with pictures if you like."""
    before = sum(entry["role"] == "user" for entry in history)
    text = message["text"]
    if text == "paint":
        yield {"text": "Here it is.", "files": [_teal()]}
        return
    if text == "long":
        for end in range(0, len(MANY), 400):
            yield MANY[:end]
            time.sleep(0.15)
        yield MANY
        return
    if text == "fail":
        raise gr.Error("The parrot is asleep.")
    names = ", ".join(sorted(Path(path).name for path in message["files"])) or "no files"
    words = f"{mood}: {before} before. You said “{text}” with {names}.".split(" ")
    slow = text.startswith("slowly")
    for end in range(1, len(words) + 1):
        yield " ".join(words[:end])
        time.sleep(0.5 if slow else 0)


def _teal() -> str:
    with tempfile.NamedTemporaryFile(suffix=".png", delete=False) as file:
        Image.new("RGB", (32, 32), "teal").save(file)
    return file.name


def build() -> gr.ChatInterface:
    """Build the app: /chat with a message of text and files, and a mood."""
    return gr.ChatInterface(
        chat,
        multimodal=True,
        textbox=gr.MultimodalTextbox(file_count="multiple", file_types=["image", ".txt"]),
        additional_inputs=[gr.Textbox("Calm", label="Mood")],
        title="Parrot",
        api_name="chat",
        analytics_enabled=False,
        concurrency_limit=100,
    )
