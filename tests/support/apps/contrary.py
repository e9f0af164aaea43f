"""Inputs whose bounds contradict each other, as after a slip in an app's code."""

from __future__ import annotations

import gradio as gr


def walk(steps: float, speed: float, whole: float) -> str:
    """Walk a number of steps."""
    return f"{steps:g} steps at {speed:g}, {whole:g}"


def build() -> gr.Blocks:
    """Build the app: /walk."""
    with gr.Blocks(analytics_enabled=False) as app:
        inputs = [
            gr.Number(12, label="Steps"),
            gr.Number(1, label="Speed"),
            gr.Number(3, label="Whole", precision=0),
        ]
        # The Space itself no longer has to accept the values that it describes.
        inputs[0].minimum, inputs[0].maximum = 10, 0
        inputs[1].minimum, inputs[1].maximum = 9, 5
        inputs[2].minimum, inputs[2].maximum = 0.2, 0.8
        for one in inputs:
            one._constructor_args[0] |= {"minimum": one.minimum, "maximum": one.maximum}
        gr.Button("Walk").click(walk, inputs, gr.Textbox(label="Told"), api_name="walk")
    return app
