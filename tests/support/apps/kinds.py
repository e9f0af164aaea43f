"""Every kind of input and output that the first release covers, each echoed by its endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component


def _kinds() -> dict[str, tuple[Component, Component]]:
    """The input and the output of each endpoint, by the endpoint's name."""
    return {
        "text": (
            gr.Textbox(label="Text", info="Up to 20 characters", max_length=20),
            gr.Textbox(label="Same text"),
        ),
        "long_text": (gr.Textbox("first\nsecond", label="Text", lines=5), gr.Textbox(label="Out")),
        "number": (
            gr.Number(2.5, label="Number", minimum=-10, maximum=10),
            gr.Number(label="Same number"),
        ),
        "whole": (
            gr.Number(3, label="Whole number", precision=0, minimum=0, maximum=100),
            gr.Number(label="Same number", precision=0),
        ),
        "slider": (gr.Slider(0, 1, 0.5, step=0.25, label="Share"), gr.Number(label="Same share")),
        "steps": (gr.Slider(1, 50, 20, step=1, label="Steps"), gr.Slider(1, 50, label="Steps")),
        "checkbox": (gr.Checkbox(True, label="Tick"), gr.Checkbox(label="Ticked")),
        "radio": (
            gr.Radio([("Small one", "s"), ("Large one", "l")], value="s", label="Size"),
            gr.Radio([("Small one", "s"), ("Large one", "l")], label="Same size"),
        ),
        "dropdown": (
            gr.Dropdown([("One", 1), ("Two", 2), ("Three", 3)], value=2, label="Count"),
            gr.Dropdown([("One", 1), ("Two", 2), ("Three", 3)], label="Same count"),
        ),
        "image": (gr.Image(label="Picture", type="filepath"), gr.Image(label="Same picture")),
        "png": (gr.Image(label="Picture"), gr.Image(label="Same picture", format="png")),
        "audio": (gr.Audio(label="Sound", type="filepath"), gr.Audio(label="Same sound")),
        "video": (gr.Video(label="Film"), gr.Video(label="Same film")),
        "file": (
            gr.File(label="Paper", file_types=[".txt", ".pdf"]),
            gr.File(label="Same paper"),
        ),
        "any_file": (gr.File(label="Anything"), gr.File(label="Same thing")),
    }


def both(prompt: str, picture: str | None, strength: float) -> tuple[str, str | None, float]:
    """Give back a text, a picture that may be missing, and a number."""
    return prompt.upper(), picture, strength


def _named(name: str) -> Callable:
    def echo(value: Any) -> Any:
        return value

    echo.__doc__ = f"Give back the {name.replace('_', ' ')}."
    return echo


def build() -> gr.Blocks:
    """Build the app: one endpoint a kind, and /both with three at once."""
    with gr.Blocks(title="Kinds", analytics_enabled=False) as blocks:
        for name, (given, shown) in _kinds().items():
            gr.Button(f"Echo {name}").click(_named(name), given, shown, api_name=name)
        prompt, picture = gr.Textbox(label="Prompt"), gr.Image(label="Picture", type="filepath")
        strength = gr.Slider(0, 1, 0.8, label="Strength")
        shown = [gr.Textbox(label="Loud"), gr.Image(label="Picture"), gr.Number(label="Strength")]
        gr.Button("Both").click(both, [prompt, picture, strength], shown, api_name="both")
    return blocks.queue(default_concurrency_limit=20)
