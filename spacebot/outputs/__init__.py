"""What Gradio gave → messages for Discord. Data in, data out: no network, no client."""

from spacebot.outputs.messages import MESSAGES, ending, preview, render, unconverted
from spacebot.outputs.renderers import RENDERERS
from spacebot.outputs.text import MESSAGE_LIMIT

__all__ = ["MESSAGES", "MESSAGE_LIMIT", "RENDERERS", "ending", "preview", "render", "unconverted"]
