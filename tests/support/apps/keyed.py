"""A chat that takes an API key and stores nothing: each answer names its key."""

from __future__ import annotations

from typing import Any

import gradio as gr

Messages = list[dict[str, Any]]


def chat(message: str, history: Messages, key: str) -> tuple[str, Messages]:
    """Answer, and say whose key paid for it."""
    said = f"{message}: paid with {key or 'no key'}."
    return "", [
        *history,
        {"role": "user", "content": message},
        {"role": "assistant", "content": said},
    ]


def build() -> gr.Blocks:
    """Build the app: /chat (message, history, an optional password)."""
    with gr.Blocks(title="Keyed", analytics_enabled=False) as blocks:
        history = gr.Chatbot(label="History")
        message = gr.Textbox(label="Message")
        key = gr.Textbox("", label="API key", type="password")
        message.submit(chat, [message, history, key], [message, history], api_name="chat")
    return blocks.queue(default_concurrency_limit=20)
