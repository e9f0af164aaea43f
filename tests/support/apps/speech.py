"""The signature of a speech Space such as openai/whisper: `/transcribe`, sound in, text out.

The real Space runs a model; this one measures what it was sent: a sound's seconds and
its pitch, told as words, so that each text belongs to its sound alone.
"""

from __future__ import annotations

import av
import gradio as gr
import numpy as np

RATE = 16_000


def samples(path: str) -> np.ndarray:
    """A sound, decoded to its end: mono floats at RATE."""
    resampler = av.AudioResampler("flt", "mono", RATE)
    with av.open(path) as container:
        frames = [
            part.to_ndarray()[0]
            for frame in container.decode(audio=0)
            for part in resampler.resample(frame)
        ]
    return np.concatenate(frames)


def pitch(sound: np.ndarray) -> float:
    """The strongest frequency of a sound, in Hz."""
    strength = np.abs(np.fft.rfft(sound * np.hanning(sound.size)))
    return float(strength.argmax() * RATE / sound.size)


def transcribe(inputs: str | None, task: str) -> str:
    """Transcribe a sound, or translate it."""
    if inputs is None:
        raise gr.Error("No audio file submitted! Please upload or record an audio file.")
    sound = samples(inputs)
    said = f"{sound.size / RATE:.1f} seconds at {pitch(sound):.0f} Hz"
    return said if task == "transcribe" else said.upper()


def build() -> gr.Interface:
    """Build the app."""
    return gr.Interface(
        transcribe,
        inputs=[
            gr.Audio(sources=["microphone", "upload"], type="filepath", label="Audio"),
            gr.Radio(["transcribe", "translate"], label="Task", value="transcribe"),
        ],
        outputs=gr.Textbox(label="Transcript"),
        title="Whisper",
        api_name="transcribe",
        flagging_mode="never",
        analytics_enabled=False,
    )
