"""The shape of the Falcon chat: a ChatInterface with settings and one history a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from spacebot.demo import talk


def chat(
    message: str,
    history: list[dict[str, Any]],
    instructions: str,
    temperature: float,
    top_p: float,
) -> Iterator[str]:
    """Chat with a falcon that remembers this session."""
    text = talk.answer(message, talk.said_before(history))
    if "loud" in instructions.lower():
        text = text.upper()
    words = text.split(" ")
    for end in range(1, len(words) + 1):
        yield " ".join(words[:end])


def build() -> gr.ChatInterface:
    """Build the app: /chat with instructions, temperature and top-p."""
    return gr.ChatInterface(
        chat,
        additional_inputs=[
            gr.Textbox("Be helpful.", label="Instructions", lines=3),
            gr.Slider(0.1, 5.0, 0.8, step=0.1, label="Temperature"),
            gr.Slider(0.1, 0.99, 0.9, step=0.01, label="Top p"),
        ],
        title="Falcon-Chat",
        api_name="chat",
        analytics_enabled=False,
        concurrency_limit=20,
    )
