"""Pictures, sounds, videos, texts: what a file is, what a wish asks for, what an endpoint does."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable

from spacebot.engine import recipes
from spacebot.engine.space_finder.words import stems
from spacebot.models import Endpoint, OptionType
from spacebot.spaces import inputs
from spacebot.spaces.inputs.form import fields


class FileKind(enum.StrEnum):
    """What a file is to a member; FILE is anything else."""

    PICTURE = "picture"
    SOUND = "sound"
    VIDEO = "video"
    TEXT = "text"
    FILE = "file"


def kind_of(name: str, mime: str | None) -> FileKind:
    """A file's kind, by its name, otherwise by its content type on Discord."""
    for kind, types in FILE_TYPES.items():
        if inputs.is_kind(name, mime, types):
            return kind
    return FileKind.FILE


def kinds_named(text: str) -> frozenset[FileKind]:
    """The kinds that a text mentions."""
    return kinds_of_words(stems(text))


def kinds_of_words(found: Collection[str]) -> frozenset[FileKind]:
    """The kinds that stems of words stand for."""
    return frozenset(kind for kind, words in KIND_STEMS.items() if not words.isdisjoint(found))


def kinds_taken(endpoint: Endpoint) -> frozenset[FileKind]:
    """What an endpoint takes; FILE if it takes any kind of file."""
    files = (one for one in fields(endpoint)[0] if one.type is OptionType.ATTACHMENT)
    taken = {kind for option in files for kind in _kinds_of_types(option.file_types)}
    if recipes.text_option(endpoint) is not None:
        taken.add(FileKind.TEXT)
    return frozenset(taken)


def _kinds_of_types(types: Iterable[str]) -> set[FileKind]:
    return {kind_of(f"a{one}", None) if one[:1] == "." else _category(one) for one in types} or {
        FileKind.FILE
    }


def _category(file_type: str) -> FileKind:
    """The kind of a category ("image") or MIME type ("image/png")."""
    category = file_type.casefold().partition("/")[0]
    return next((kind for kind, types in FILE_TYPES.items() if category in types), FileKind.FILE)


def kinds_given(endpoint: Endpoint) -> frozenset[FileKind]:
    """What an endpoint returns."""
    return frozenset(OUTPUT_KINDS.get(one.component, FileKind.TEXT) for one in endpoint.outputs)


def in_words(kinds: Collection[FileKind]) -> str:
    """Kinds in a sentence: "a picture and a text"."""
    *first, last = [f"a {kind}" for kind in FileKind if kind in kinds] or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


FILE_TYPES: dict[FileKind, tuple[str, ...]] = {
    FileKind.PICTURE: ("image",),
    FileKind.SOUND: ("audio",),
    FileKind.VIDEO: ("video",),
    FileKind.TEXT: ("text", ".json", ".pdf", ".docx", ".odt", ".rtf", ".epub"),
}
OUTPUT_KINDS: dict[str, FileKind] = {
    **dict.fromkeys(
        ("annotatedimage", "gallery", "image", "imageeditor", "imageslider", "plot"),
        FileKind.PICTURE,
    ),
    **dict.fromkeys(("downloadbutton", "file", "model3d"), FileKind.FILE),
    "audio": FileKind.SOUND,
    "video": FileKind.VIDEO,
}
KIND_STEMS: dict[FileKind, frozenset[str]] = {
    FileKind.PICTURE: stems(
        "picture pic image img photo photograph portrait drawing painting sketch art artwork "
        "illustration logo icon avatar colorize upscale inpaint ocr vision"
    ),
    FileKind.SOUND: stems(
        "sound audio song music melody voice speech speak recording podcast tts transcribe "
        "transcription singing vocal instrumental beat"
    ),
    FileKind.VIDEO: stems("video film movie clip animation animate footage gif"),
    FileKind.TEXT: stems(
        "text document story poem essay article summarize summary translate translation write "
        "letter pdf code chat question"
    ),
}
