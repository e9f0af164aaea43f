"""Thirty endpoints, more than one of Discord's commands has room for."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr


def tool(number: int) -> Callable[[str, float], str]:
    """One of the tools."""

    def use(words: str, strength: float) -> str:
        return f"tool {number} made {words} at {strength:g}"

    return use


def build() -> gr.Blocks:
    """Build the app: every tool with a text and a strength."""
    with gr.Blocks(title="Tools", analytics_enabled=False) as blocks:
        for number in range(30):
            words, strength = gr.Textbox(label="Words"), gr.Slider(0, 9, 4, label="Strength")
            button, made = gr.Button(f"Tool {number}"), gr.Textbox(label="Made")
            button.click(tool(number), [words, strength], made, api_name=f"tool_{number}")
    return blocks.queue(default_concurrency_limit=20)
