"""Lengths, sizes and times as people read them."""

from __future__ import annotations


def clip(text: str, length: int) -> str:
    """The text, ending in "…" if it had to be cut."""
    return text if len(text) <= length else text[: max(0, length - 1)].rstrip() + "…"


def file_size(count: int) -> str:
    """A number of bytes: "250 bytes", "12 kB", "3.4 MB"."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def short_time(seconds: float) -> str:
    """Seconds: "0.24 s", "3.1 s", "45 s", "12 min"."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
