"""An app behind a user name and a password: serve it with `auth=LOGIN`."""

from __future__ import annotations

import gradio as gr
from PIL import Image

LOGIN = ("studio", "s3cret/p@ss word")


def paint(colour: str, request: gr.Request) -> tuple[str, Image.Image]:
    """A picture, for anyone who is logged in."""
    return f"for {request.username}", Image.new("RGB", (64, 64), colour)


def build() -> gr.Interface:
    """Make the app."""
    return gr.Interface(
        paint,
        gr.ColorPicker("#3366ff", label="Colour"),
        [gr.Textbox(label="Whose"), gr.Image(label="Picture")],
        api_name="paint",
    )
