"""A page with nothing on it that anybody could call."""

from __future__ import annotations

import gradio as gr


def build() -> gr.Blocks:
    """Build the app."""
    with gr.Blocks(title="Picture frame", analytics_enabled=False) as blocks:
        gr.Markdown("# Only to look at")
    return blocks
