"""Converting Gradio's outputs into messages for Discord: no network, no client."""

from spacebot.spaces.outputs.messages import (
    MAX_MESSAGES,
    preview,
    render,
    render_unconverted,
    trim_for_preview,
)
from spacebot.spaces.outputs.registry import RENDERERS
from spacebot.spaces.outputs.text import MAX_MESSAGE_LENGTH
