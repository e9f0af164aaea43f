"""Shrinking files that are too large for Discord, if that loses little."""

from __future__ import annotations

import logging
from pathlib import Path

import soundfile
from PIL import Image, ImageOps

log = logging.getLogger(__name__)

_IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tiff", ".tif", ".avif"}
_AUDIO_SUFFIXES = {".wav", ".flac", ".aif", ".aiff", ".au", ".caf"}
_SCALES_AND_QUALITIES = ((1.0, 92), (1.0, 85), (0.75, 85), (0.5, 85), (0.35, 80))
# The longest side that WebP can have.
_MAX_WEBP_SIDE = 16383
_BLOCK_FRAMES = 1 << 16
# A pixel takes four bytes, several times over: larger pictures are not read.
_MAX_PIXELS = 20_000_000
# Encoding takes some 25 bytes a pixel on top.
_MAX_ENCODED_PIXELS = 6_000_000


def open_picture(path: Path) -> Image.Image:
    """Open a picture, a large JPEG smaller; raises ValueError and OSError for too many pixels."""
    picture = Image.open(path)
    part = 1
    while picture.width * picture.height > _MAX_PIXELS * part * part and part < 8:
        part *= 2
    if part > 1:
        picture.draft(None, (picture.width // part, picture.height // part))
    if picture.width * picture.height > _MAX_PIXELS:
        picture.close()
        raise ValueError(f"a picture of more than {_MAX_PIXELS // 1_000_000} megapixels")
    return picture


def shrink(path: Path, suffix: str, target: Path, limit: int) -> Path | None:
    """Return a smaller version of at most `limit` bytes beside `target`, or None."""
    try:
        if suffix in _IMAGE_SUFFIXES:
            return _picture(path, target.with_suffix(".webp"), limit)
        if suffix in _AUDIO_SUFFIXES:
            return _sound(path, target.with_suffix(".mp3"), limit)
    except (
        OSError,
        ValueError,
        Image.DecompressionBombError,
        MemoryError,
        soundfile.SoundFileError,
    ) as exc:
        log.info("a %s file could not be made smaller: %s", suffix, type(exc).__name__)
    return None


def _picture(path: Path, target: Path, limit: int) -> Path | None:
    """Write a still picture as WebP, with lower quality and then fewer pixels."""
    with open_picture(path) as picture:
        if getattr(picture, "is_animated", False):
            return None
        ImageOps.exif_transpose(picture, in_place=True)
        mode = "RGBA" if picture.has_transparency_data else "RGB"
        picture = picture if picture.mode == mode else picture.convert(mode)
    return _smaller(picture, target, limit)


def _smaller(picture: Image.Image, target: Path, limit: int) -> Path | None:
    if (scale := (_MAX_ENCODED_PIXELS / (picture.width * picture.height)) ** 0.5) < 1:
        picture.thumbnail((int(picture.width * scale) + 1, int(picture.height * scale) + 1))
    for scale, quality in _SCALES_AND_QUALITIES:
        scale = min(scale, _MAX_WEBP_SIDE / max(picture.size))
        size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
        smaller = picture if size == picture.size else picture.resize(size)
        smaller.save(target, "WEBP", quality=quality)
        if target.stat().st_size <= limit:
            return target
    return None


def _sound(path: Path, target: Path, limit: int) -> Path | None:
    """Write sound as MP3, which Discord plays everywhere, block by block."""
    with soundfile.SoundFile(path) as source:
        form = {"samplerate": source.samplerate, "channels": source.channels}
        with soundfile.SoundFile(target, "w", format="MP3", **form) as sink:
            for block in source.blocks(_BLOCK_FRAMES, dtype="float32"):
                sink.write(block)
    return target if target.stat().st_size <= limit else None
