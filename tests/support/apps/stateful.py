"""What a Space keeps by session: a counter in gr.State, and a chat's history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr


def count(step: int, total: int) -> tuple[str, int]:
    """Add to this session's total."""
    total += int(step)
    return f"total {total}", total


def chat(message: str, history: list[dict[str, Any]]) -> Iterator[str]:
    """Tell how many messages came before, and repeat this one, word by word."""
    before = sum(entry["role"] == "user" for entry in history)
    words = f"{before} before. You said: {message}".split(" ")
    for end in range(1, len(words) + 1):
        yield " ".join(words[:end])


def build() -> gr.Blocks:
    """Build the app: /count and /chat."""
    with gr.Blocks(title="Stateful", analytics_enabled=False) as blocks:
        total = gr.State(0)
        step = gr.Number(1, label="Step", precision=0)
        shown = gr.Textbox(label="Total")
        gr.Button("Count").click(count, [step, total], [shown, total], api_name="count")
        gr.ChatInterface(chat, api_name="chat", analytics_enabled=False)
    return blocks.queue(default_concurrency_limit=100)
