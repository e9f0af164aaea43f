"""Three hundred functions, of which one draws a picture from a prompt."""

from __future__ import annotations

import gradio as gr

COUNT = 300


def draw(prompt: str) -> str:
    """Draw a picture of what is asked for."""
    return f"a picture of {prompt}"


def build() -> gr.Blocks:
    """Build the app."""
    with gr.Blocks(title="Hundreds", analytics_enabled=False) as blocks:
        prompt, drawn = gr.Textbox(label="Prompt"), gr.Textbox(label="Drawn")
        gr.Button("Draw", variant="primary").click(draw, prompt, drawn, api_name="draw")
        for number in range(1, COUNT):
            given, told = gr.Number(label=f"Number {number}"), gr.Number(label=f"More {number}")

            def add(value: float, number: int = number) -> float:
                return value + number

            gr.Button(f"Add {number}").click(add, given, told, api_name=f"add_number_{number}x")
    return blocks
