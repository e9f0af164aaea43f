"""Results that hold several things: a gallery of pictures, and many files."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from PIL import Image

from tests.support.apps.media import new_file


def pictures(count: float) -> list[Image.Image]:
    """Give so many pictures, each 10 pixels wider than the one before."""
    return [Image.new("RGB", (10 * number, 10), "teal") for number in range(1, int(count) + 1)]


def turn(picture: Image.Image) -> Image.Image:
    """Turn a picture on its side."""
    return picture.transpose(Image.Transpose.ROTATE_90)


def files(count: float) -> list[str]:
    """Give so many files, each with its number."""
    paths = [Path(new_file(".txt")) for _ in range(int(count))]
    for number, path in enumerate(paths):
        path.write_text(f"file {number}", "utf-8")
    return [str(path) for path in paths]


def build() -> gr.Blocks:
    """Build the app: /pictures, /turn, /files."""
    with gr.Blocks(title="Album", analytics_enabled=False) as blocks:
        count = gr.Number(3, label="Count", precision=0)
        gallery = gr.Gallery(label="Pictures", format="png")
        gr.Button("Pictures").click(pictures, count, gallery, api_name="pictures")
        picture = gr.Image(label="Picture", type="pil", format="png")
        gr.Button("Turn").click(turn, picture, picture, api_name="turn")
        gr.Button("Files").click(files, count, gr.Files(label="Files"), api_name="files")
    return blocks.queue(default_concurrency_limit=20)
