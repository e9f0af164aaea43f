"""The signature of huggingface-projects/transformers-musicgen: `/predict`, sound and film out.

The real Space runs a model; this one plays the embedded Space's tunes, so that
the sound is real, the film plays, and both follow prompt and seed.
"""

from __future__ import annotations

import gradio as gr
import numpy as np

from spacebot.demo import music
from tests.support.apps.media import film, new_file

SECONDS = 3.0


def generate(prompt: str, seed: float | None) -> tuple[tuple[int, np.ndarray], str]:
    """Generate music from a prompt and a seed."""
    tune = music.compose(prompt, int(seed or 0), SECONDS)
    waveform = film(tune.mean(axis=1), new_file(".mp4"))
    return (music.SAMPLE_RATE, (tune * 32_767).astype(np.int16)), waveform


def build() -> gr.Interface:
    """Build the app."""
    return gr.Interface(
        generate,
        inputs=[
            gr.Textbox(label="Prompt", placeholder="piano music"),
            gr.Slider(0, 10_000, value=0, step=1, label="Seed"),
        ],
        outputs=[
            gr.Audio(label="Generated Music", format="wav"),
            gr.Video(label="Waveform"),
        ],
        title="MusicGen",
        api_name="predict",
        flagging_mode="never",
        analytics_enabled=False,
    )
