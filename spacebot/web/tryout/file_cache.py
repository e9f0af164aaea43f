"""The files of try-out results: stored for a while, under names that nobody can guess."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from spacebot.web import headers

MEBIBYTE = 1024 * 1024

# Only what a browser shows without running anything is served inline, under a
# type of our choice; HTML, SVG and all the rest are downloads.
IMAGE_TYPES: Mapping[str, str] = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
AUDIO_TYPES: Mapping[str, str] = {
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
}
VIDEO_TYPES: Mapping[str, str] = {
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
INLINE_TYPES: Mapping[str, str] = {**IMAGE_TYPES, **AUDIO_TYPES, **VIDEO_TYPES}


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A file of `size` bytes in the cache since `kept_at` (monotonic seconds)."""

    key: str
    name: str
    path: Path
    size: int
    kept_at: float

    @property
    def kind(self) -> str:
        """How the message shows it: "picture", "sound", "film" or "file"."""
        suffix = Path(self.name).suffix.lower()
        kinds = (("picture", IMAGE_TYPES), ("sound", AUDIO_TYPES), ("film", VIDEO_TYPES))
        return next((kind for kind, suffixes in kinds if suffix in suffixes), "file")

    @property
    def media_type(self) -> str:
        """The content type it is served under."""
        return INLINE_TYPES.get(Path(self.name).suffix.lower(), "application/octet-stream")

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that keep a Space's content from running in the page's origin."""
        return headers.file_headers(quote(self.name, safe=""), inline=self.kind != "file")


class FileCache:
    """Copies of files; the oldest are deleted after `seconds` or beyond `room` bytes in all."""

    def __init__(self, seconds: float = 3600, room: int = 512 * MEBIBYTE) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="spacebot-tryout-")
        self._seconds = seconds
        self._room = room
        self._kept: dict[str, CachedFile] = {}
        self._lock = Lock()

    def keep(self, path: Path, name: str) -> CachedFile:
        """Copy the file at `path` and give it a key. Blocks: it copies."""
        key = secrets.token_urlsafe(24)
        copy = Path(self._folder.name) / key
        shutil.copyfile(path, copy)
        kept = CachedFile(key, name, copy, copy.stat().st_size, time.monotonic())
        with self._lock:
            self._kept[key] = kept
            self._sweep()
        return kept

    def find(self, key: str) -> CachedFile | None:
        """The file stored under `key`, or None if it is gone."""
        with self._lock:
            self._sweep()
            return self._kept.get(key)

    def close(self) -> None:
        """Delete everything."""
        with self._lock:
            self._kept.clear()
        self._folder.cleanup()

    def _sweep(self) -> None:
        total = sum(kept.size for kept in self._kept.values())
        for kept in list(self._kept.values()):
            if time.monotonic() - kept.kept_at < self._seconds and total <= self._room:
                return
            kept.path.unlink(missing_ok=True)
            del self._kept[kept.key]
            total -= kept.size
