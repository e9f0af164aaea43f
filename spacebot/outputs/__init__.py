"""What Gradio gave → messages for Discord. Data in, data out: no network, no client."""

from spacebot.outputs.messages import preview, render
from spacebot.outputs.renderers import RENDERERS

__all__ = ["RENDERERS", "preview", "render"]
