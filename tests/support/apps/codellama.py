"""The shape of the CodeLlama chat: `/chat` takes the history as a chatbot value and returns it.

The Space stores nothing: the caller sends the earlier messages. It writes real Python
that runs, chosen by the words of the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

PROGRAMS = {
    "fibonacci": "def fibonacci(n: int) -> int:\n    a, b = 0, 1\n    for _ in range(n):\n"
    "        a, b = b, a + b\n    return a",
    "prime": "def is_prime(n: int) -> bool:\n"
    "    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))",
    "reverse": "def reverse(text: str) -> str:\n    return text[::-1]",
}
Messages = list[dict[str, Any]]


def chat(
    message: str, history: Messages, system_prompt: str, max_new_tokens: float, temperature: float
) -> Iterator[tuple[str, Messages]]:
    """Write code, going by what was said before."""
    if not message.strip():
        raise gr.Error("Say what the code should do.")
    asked = [*history, {"role": "user", "content": message}]
    words = _reply(message, history, system_prompt).split(" ")[: int(max_new_tokens)]
    for end in range(1, len(words) + 1):
        yield "", [*asked, {"role": "assistant", "content": " ".join(words[:end])}]


def _reply(message: str, history: Messages, system_prompt: str) -> str:
    before = sum(entry["role"] == "user" for entry in history)
    lowered = message.lower()
    code = next((code for word, code in PROGRAMS.items() if word in lowered), None)
    opening = f"{system_prompt} " if system_prompt else ""
    opening += f"Answer {before + 1}."
    if code is None:
        return f"{opening} I know programs for: {', '.join(PROGRAMS)}."
    return f"{opening} Here it is:\n\n```python\n{code}\n```"


def build() -> gr.Blocks:
    """Build the app: /chat (message, history, settings) → (empty box, history)."""
    with gr.Blocks(title="CodeLlama", analytics_enabled=False) as blocks:
        history = gr.Chatbot(label="History")
        message = gr.Textbox(label="Message", placeholder="Write a function that …")
        system = gr.Textbox("", label="System prompt")
        tokens = gr.Slider(1, 4096, 256, step=1, label="Max new tokens")
        temperature = gr.Slider(0, 1, 0.3, label="Temperature")
        message.submit(
            chat,
            [message, history, system, tokens, temperature],
            [message, history],
            api_name="chat",
        )
        gr.Button("Clear").click(lambda: [], None, history, api_name="clear")
    return blocks.queue(default_concurrency_limit=20)
