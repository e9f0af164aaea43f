"""Files on their way to Discord: safe names, right extensions, small enough, or else a link."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import mimetypes
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from spacebot.models import File, OutgoingFile
from spacebot.spaces.outputs import shrink, text
from spacebot.wording import clip, file_size

MAX_REQUEST_BYTES = 25 * 1024 * 1024 - 64 * 1024
"""The bytes that one message's files may have together: Discord takes requests of 25 MiB."""
MAX_ALT_LENGTH = 1024

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".bmp", ".tiff", ".svg"}
)

# The first bytes of each kind of file, and its extension. Discord decides by the extension.
_SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n"), ".png"),
    (re.compile(rb"\xff\xd8\xff"), ".jpg"),
    (re.compile(rb"GIF8[79]a"), ".gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), ".webp"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), ".wav"),
    (re.compile(rb"RIFF....AVI ", re.DOTALL), ".avi"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), ".avif"),
    (re.compile(rb"....ftypM4A", re.DOTALL), ".m4a"),
    (re.compile(rb"....ftypqt", re.DOTALL), ".mov"),
    (re.compile(rb"....ftyp", re.DOTALL), ".mp4"),
    (re.compile(rb"ID3|\xff[\xfa\xfb\xf2\xf3]"), ".mp3"),
    (re.compile(rb"\xff[\xf1\xf9]"), ".aac"),
    (re.compile(rb"fLaC"), ".flac"),
    (re.compile(rb"OggS"), ".ogg"),
    (re.compile(rb"\x1aE\xdf\xa3"), ".webm"),
    (re.compile(rb"glTF"), ".glb"),
    (re.compile(rb"%PDF-"), ".pdf"),
    (re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<svg[\s>]"), ".svg"),
)
# Suffixes for the same content as the suffix of the signature.
_SAME_TYPE_SUFFIXES = {
    ".jpg": {".jpeg", ".jpe", ".jfif"},
    ".mp4": {".m4v", ".m4a", ".mov", ".3gp"},
    ".ogg": {".opus", ".oga", ".ogv"},
    ".webm": {".mkv", ".mka", ".weba"},
    ".pdf": {".ai"},
}
# Pictures and sounds that Discord does not display or play.
_NOT_PLAYED = {".bmp", ".tif", ".tiff", ".aif", ".aiff", ".au", ".caf"}
_DATA_URI = re.compile(r"data:(?P<mime>[\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*?(?P<base64>;base64)?,")
_SNIFFED_BYTES = 512
_NOT_FETCHED = "It could not be fetched from the Space."


@dataclass(frozen=True, slots=True)
class Rendered:
    """What one value shows: safe markdown, files, and the raw text in case it is too long.

    `suffix` is the extension of a file that holds `source`.
    """

    text: str = ""
    files: tuple[OutgoingFile, ...] = ()
    source: str = ""
    suffix: str = ".md"

    def __bool__(self) -> bool:
        return bool(self.text.strip() or self.files)


def join_parts(parts: Iterable[Rendered], separator: str = "\n") -> Rendered:
    """Return several parts as one, in order."""
    parts = [part for part in parts if part]
    return Rendered(
        separator.join(part.text for part in parts if part.text),
        tuple(attached for part in parts for attached in part.files),
        separator.join(part.source or part.text for part in parts if part.text),
        parts[0].suffix if len(parts) == 1 else ".md",
    )


@dataclass(slots=True)
class AttachmentWriter:
    """Creates attachments of at most `limit` bytes each, writing new files to `folder`.

    Without a folder it writes nothing and uses only files that are already here; without
    `notes`, it does not mention the others.
    """

    folder: Path | None
    limit: int
    alt: str = ""
    notes: bool = True
    names: set[str] = field(default_factory=set)

    def add(self, file: File, stem: str, alt: str = "", *, played: bool = False) -> Rendered:
        """Return a file as an attachment, `played` ones as Discord shows them; or a sentence."""
        if file.path is None or not file.path.is_file():
            return self._note(file, stem, text.escape(file.problem or _NOT_FETCHED), ": ")
        path, suffix = file.path, suffix_of(file.path, file.name)
        fits = self._fitting(path, suffix, played)
        if fits is None:
            size = file_size(path.stat().st_size)
            return self._note(file, stem, f"too large to post here ({size}).", " is ")
        if fits != path:
            path, suffix = fits, fits.suffix
        name = self.name(Path(file.name or path.name).stem, suffix, stem)
        return Rendered(files=(OutgoingFile(path, name, self._alt(suffix, alt)),))

    def write(self, data: bytes | str, stem: str, suffix: str, alt: str = "") -> Rendered:
        """Return bytes, or text as UTF-8, as an attachment."""
        if self.folder is None:
            return Rendered()
        path = self._new(suffix)
        path.write_bytes(data.encode(errors="replace") if isinstance(data, str) else data)
        return self.add(File(f"{stem}{suffix}", path), stem, alt)

    def write_uri(self, uri: str, stem: str, alt: str = "") -> Rendered:
        """Return the content of a `data:` address as an attachment."""
        found = decode_uri(uri)
        if found is None:
            return Rendered()
        data, mime = found
        suffix = sniff_suffix(data[:_SNIFFED_BYTES]) or mimetypes.guess_extension(mime) or ".bin"
        return self.write(data, stem, suffix, alt)

    def name(self, wanted: str, suffix: str, stem: str) -> str:
        """Return a file name that is safe, meaningful and unique."""
        if re.fullmatch(r"(?:image|audio|video|file|output|tmp\w*|[0-9a-f]{16,})?", wanted):
            wanted = stem
        base = safe_stem(wanted) or safe_stem(stem) or "result"
        name, number = f"{base}{suffix}", 1
        while name.casefold() in self.names:
            number += 1
            name = f"{base}-{number}{suffix}"
        self.names.add(name.casefold())
        return name

    def _note(self, file: File, stem: str, reason: str, between: str) -> Rendered:
        """Return the sentence about a file that is not posted."""
        if not self.notes:
            return Rendered()
        return Rendered(f"{text.bold(file.name or stem)}{between}{reason}{_where(file)}")

    def _alt(self, suffix: str, alt: str) -> str:
        alt = (alt or self.alt) if suffix in IMAGE_SUFFIXES else ""
        return clip(text.clean(alt), MAX_ALT_LENGTH)

    def _fitting(self, path: Path, suffix: str, played: bool) -> Path | None:
        """Return the file or a smaller version of it, or None if it stays too large."""
        small = path.stat().st_size <= self.max_file_bytes
        if self.folder is None or (small and not (played and suffix in _NOT_PLAYED)):
            return path if small else None
        made = shrink.shrink(path, suffix, self._new(""), self.max_file_bytes)
        return made or (path if small else None)

    @property
    def max_file_bytes(self) -> int:
        """The bytes that one file may have, here and in one request."""
        return min(self.limit, MAX_REQUEST_BYTES)

    def _new(self, suffix: str) -> Path:
        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in self.folder.iterdir())
        while (path := self.folder / f"made-{number}{suffix}").exists():
            number += 1
        return path


@dataclass(frozen=True, slots=True)
class RenderContext:
    """What a renderer works with: the component's `props`, and where its files go.

    `stem` names files that have no telling name of their own.
    """

    attachments: AttachmentWriter
    stem: str
    props: Mapping[str, Any] = field(default_factory=dict)

    def add(self, file: File, alt: str = "", *, played: bool = False) -> Rendered:
        """Return a file as an attachment, or the sentence that replaces it."""
        return self.attachments.add(file, self.stem, alt, played=played)

    def write(self, data: bytes | str, suffix: str, alt: str = "") -> Rendered:
        """Return bytes, or text as UTF-8, as an attachment."""
        return self.attachments.write(data, self.stem, suffix, alt)

    def write_uri(self, uri: str, alt: str = "") -> Rendered:
        """Return the content of a `data:` address as an attachment."""
        return self.attachments.write_uri(uri, self.stem, alt)


def safe_stem(name: str) -> str:
    """Return a file name without path, ending, spoiler mark and anything odd; at most 60 long."""
    stem = re.split(r"[\\/]", name)[-1]
    stem = re.sub(r"[^\w.-]+", "-", stem)
    stem = re.sub(r"^(?:SPOILER_)+", "", stem.strip("-._ "), flags=re.IGNORECASE)
    return stem[:60].strip("-._ ")


def sniff_suffix(head: bytes) -> str | None:
    """Return the extension that a file's first bytes call for, if they are conclusive."""
    return next((suffix for pattern, suffix in _SIGNATURES if pattern.match(head)), None)


def suffix_of(path: Path, name: str) -> str:
    """Return the right extension of a file: by its content if that is conclusive,
    else by its name."""
    with path.open("rb") as stream:
        found = sniff_suffix(stream.read(_SNIFFED_BYTES))
    named_suffix = Path(name).suffix.lower() or path.suffix.lower()
    if not re.fullmatch(r"\.\w{1,12}", named_suffix, re.ASCII):
        named_suffix = ""
    if found is None or named_suffix == found or named_suffix in _SAME_TYPE_SUFFIXES.get(found, ()):
        return named_suffix
    return found


def decode_uri(uri: str) -> tuple[bytes, str] | None:
    """Return the bytes and the MIME type of a `data:` address, or None if it is broken."""
    match = _DATA_URI.match(uri)
    if match is None:
        return None
    content = uri[match.end() :]
    try:
        data = base64.b64decode(content) if match["base64"] else unquote_to_bytes(content)
    except (binascii.Error, ValueError):
        return None
    return data, match["mime"] or "text/plain"


def is_uri(value: object) -> bool:
    """Say whether a value is a `data:` address."""
    return isinstance(value, str) and _DATA_URI.match(value) is not None


def _where(file: File) -> str:
    if not file.url or not is_public(file.url):
        return ""
    return (
        f" Get it from the Space: {text.link(file.url)}"
        " (the link works until the Space restarts or clears the file)."
    )


def is_public(url: str) -> bool:
    """Say whether an address can be opened from elsewhere, as far as it shows."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        local = (".local", ".localhost", ".internal", ".lan", ".home", ".test", ".invalid")
        return "." in host.strip(".") and not host.rstrip(".").endswith(local)
