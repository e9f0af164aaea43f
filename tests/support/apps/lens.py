"""A multimodal chat by history: words and pictures go in, a picture comes back beside the words.

`/look` takes a message and the history; `/turn`, and `/greeted` with a greeting and settings,
a history that ends with the person's message, as hand-made chats in two steps do.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from PIL import Image, ImageOps

Messages = list[dict[str, Any]]


def look(message: dict[str, Any], history: Messages) -> tuple[None, Messages]:
    """Look at pictures, and turn their colours round."""
    said: Messages = [{"role": "user", "content": {"path": path}} for path in message["files"]]
    if message["text"]:
        said.append({"role": "user", "content": message["text"]})
    return None, _answered([*history, *said])


def turn(history: Messages) -> Messages:
    """Turn the colours of all pictures so far round."""
    return _answered(history)


def say(message: str, history: Messages) -> tuple[str, Messages]:
    """Put what somebody says into the history."""
    return "", [*history, {"role": "user", "content": message}]


def greeted(manner: str, history: Messages) -> Messages:
    """Tell how many messages there were."""
    words = f"{manner}: {len(history)} messages so far."
    return [*history, {"role": "assistant", "content": words}]


def _answered(history: Messages) -> Messages:
    pictures = [
        part["path"] if "path" in part else part["file"]["path"]
        for entry in history
        if entry["role"] == "user"
        for part in (entry["content"] if isinstance(entry["content"], list) else [entry["content"]])
        if isinstance(part, dict) and ("path" in part or "file" in part)
    ]
    asked = sum(entry["role"] == "assistant" for entry in history)
    words = f"Answer {asked + 1}: I have seen {len(pictures)} pictures."
    if not pictures:
        return [*history, {"role": "assistant", "content": words}]
    turned = ImageOps.invert(Image.open(pictures[-1]).convert("RGB"))
    content = [words, gr.Image(turned, format="png")]
    return [*history, {"role": "assistant", "content": content}]


def build() -> gr.Blocks:
    """Build the app: /look (message, history) → (box, history), /turn (history) → history."""
    with gr.Blocks(title="Lens", analytics_enabled=False) as blocks:
        history = gr.Chatbot(label="Talk")
        message = gr.MultimodalTextbox(label="Message", file_count="multiple")
        message.submit(look, [message, history], [message, history], api_name="look")
        gr.Button("Turn").click(turn, history, history, api_name="turn")
        greeting = gr.Chatbot([{"role": "assistant", "content": "Hello!"}], label="Greeted")
        words, manner = gr.Textbox(label="Words"), gr.Textbox("Calm", label="System prompt")
        said = words.submit(say, [words, greeting], [words, greeting], api_name="say")
        said.then(greeted, [manner, greeting], greeting, api_name="greeted")
    return blocks.queue(default_concurrency_limit=20)
