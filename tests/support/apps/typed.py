"""Functions with typed values and no components, and functions that want a sign-in."""

from typing import Literal

import gradio as gr
from gradio.events import api


def describe(
    name: str,
    age: int | None = None,
    tags: list[str] | None = None,
    kind: Literal["cat", "dog"] = "cat",
    nickname: str | None = None,
) -> str:
    """Describe an animal."""
    return f"{name}, {age!r}, {tags!r}, {kind}, {nickname!r}"


def statistics(numbers: list[float], digits: int = 2) -> dict[str, float]:
    """Mean and span of numbers."""
    mean = sum(numbers) / len(numbers)
    return {"mean": round(mean, digits), "span": round(max(numbers) - min(numbers), digits)}


def build() -> gr.Blocks:
    """The app."""

    def publish(text: str, token: gr.OAuthToken) -> str:
        return text

    def greet(text: str, profile: gr.OAuthProfile) -> str:
        return text

    def draw(text: str, token: gr.OAuthToken | None) -> str:
        return f"{text} without a sign-in: {token is None}"

    with gr.Blocks(title="Typed", analytics_enabled=False) as demo:
        api(describe, api_name="describe")
        api(statistics, api_name="statistics")
        text, out = gr.Textbox(label="Text"), gr.Textbox(label="Out")
        for function in (publish, greet, draw):
            gr.Button(function.__name__.title()).click(function, text, out)
    return demo
