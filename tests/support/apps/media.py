"""Real sound and film for the tests, made without ffmpeg."""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import numpy as np

RATE = 32_000


def new_file(suffix: str) -> str:
    """The path of a new empty file."""
    with tempfile.NamedTemporaryFile(suffix=suffix, delete=False) as file:
        return file.name


def film(tune: np.ndarray, path: str, size: tuple[int, int] = (320, 160), fps: int = 8) -> str:
    """Write an mp4 (H.264, AAC) of a mono tune at RATE whose waveform fills as it plays."""
    width, height = size
    wave = _waveform(tune, width, height)
    frames = max(1, int(tune.size / RATE * fps))
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for number in range(frames):
            picture = np.full((height, width, 3), 24, np.uint8)
            played = np.arange(width) < width * (number + 1) / frames
            picture[wave & played] = (249, 115, 22)
            picture[wave & ~played] = (120, 113, 108)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        sound = av.AudioFrame.from_ndarray(tune.astype(np.float32)[None, :], "fltp", "mono")
        sound.sample_rate = RATE
        container.mux(audio.encode(sound))
        container.mux(audio.encode())
    return path


def _waveform(tune: np.ndarray, width: int, height: int) -> np.ndarray:
    """Which pixels (height, width) the waveform covers."""
    columns = np.array_split(np.abs(tune), width)
    tops = np.array([column.max(initial=0) for column in columns]) * height / 2
    return np.abs(np.arange(height) - height / 2)[:, None] <= tops[None, :]


def short_film(seconds: float = 1.0) -> str:
    """A short film with a falling tone, at a new path."""
    time = np.arange(int(seconds * RATE)) / RATE
    return film(0.5 * np.sin(2 * np.pi * (660 - 110 * time) * time), new_file(".mp4"))


def streams(path: str | Path) -> set[str]:
    """What a media file holds, decoded to its end: {"audio"}, {"audio", "video"}."""
    found = set()
    with av.open(str(path)) as container:
        for stream in container.streams:
            container.seek(0)
            if any(True for _ in container.decode(stream)):
                found.add(stream.type)
    return found
