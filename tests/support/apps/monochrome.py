"""Turns a picture black and white, as a Space of the Hub that a member finds."""

from __future__ import annotations

import gradio as gr
from PIL import Image, ImageOps


def gray(photo: Image.Image, note: str = "") -> tuple[Image.Image, str]:
    """Make a picture black and white."""
    return ImageOps.grayscale(photo), f"note: {note}"


def build() -> gr.Blocks:
    """Build the app: /gray (photo, note) → (picture, text)."""
    return gr.Interface(
        gray,
        [gr.Image(type="pil", label="Photo"), gr.Textbox(label="Note")],
        [gr.Image(format="png", label="Black and white"), gr.Textbox(label="Said")],
        title="Monochrome",
        api_name="gray",
        analytics_enabled=False,
    ).queue(default_concurrency_limit=20)
