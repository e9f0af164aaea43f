"""Files that people attach: their kind is checked before anything is uploaded."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any

from spacebot.models import File, Option, OptionType, Parameter, Upload
from spacebot.spaces.inputs.components.base import Input, make_option, name_of, quote, refuse
from spacebot.wording import clip

# Several files are several attachments; Discord's form takes up to 10 in one field.
FILE_SLOTS = 5

# What `mimetypes` may not know, since it reads the tables of the machine it runs on.
MIME_TYPES = mimetypes.MimeTypes(filenames=())
for _extension, _kind in {
    ".avif": "image/avif",
    ".flac": "audio/flac",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".heic": "image/heic",
    ".m4a": "audio/mp4",
    ".md": "text/markdown",
    ".mkv": "video/x-matroska",
    ".obj": "model/obj",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".ply": "model/ply",
    ".splat": "model/splat",
    ".stl": "model/stl",
    ".webp": "image/webp",
}.items():
    MIME_TYPES.add_type(_kind, _extension)

MODEL_SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".splat", ".stl")


class FileInput(Input):
    """One file, or several if the parameter takes them, of the kinds that it takes."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        return file_slots(self, parameter, FILE_SLOTS if parameter.multiple else 1)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> Any:
        files = self.files(parameter, arguments)
        return files if parameter.multiple else files[0]

    def shown(self, parameter: Parameter, value: Any) -> str:
        return value.name if isinstance(value, File) else str(value)

    def accepted(self, parameter: Parameter) -> tuple[str, ...]:
        """The categories ("image") and extensions (".csv") it takes; empty for any file."""
        types = parameter.file_types or self.kinds
        return () if "file" in types else tuple(types)

    def is_video(self, name: str) -> bool:
        """Whether a file with this name is a video."""
        return (MIME_TYPES.guess_type(name.casefold())[0] or "").startswith("video/")

    def files(self, parameter: Parameter, arguments: Mapping[str, Any]) -> list[Upload]:
        """The attached files in order, each checked for its kind."""
        return [to_upload(name, file, self.accepted(parameter)) for name, file in arguments.items()]


def file_slots(kind: FileInput, parameter: Parameter, count: int) -> tuple[Option, ...]:
    """Attachment options: the first as required as the parameter, the others optional."""
    types = kind.accepted(parameter)
    hint = "" if not types else clip(", ".join(types), 40)
    first = make_option(kind, parameter, OptionType.ATTACHMENT, hint, file_types=types)
    return (
        first,
        *(
            make_option(
                kind,
                parameter,
                OptionType.ATTACHMENT,
                f"file {number}",
                name=name_of(parameter, f"_{number}"),
                required=False,
                file_types=types,
            )
            for number in range(2, count + 1)
        ),
    )


def to_upload(name: str, file: Any, types: tuple[str, ...] = ()) -> Upload:
    """The attached file, to be uploaded; raises InputError for a wrong kind."""
    if not isinstance(file, File):
        raise refuse(name, f"takes a file, attached: you gave {quote(file)}.")
    if file.path is None or file.folder is None:
        why = file.problem or "it did not arrive; attach it again"
        raise refuse(name, f"could not be read, {quote(file.name)}: {why}")
    if types and not is_one_of(file, types):
        raise refuse(name, f"takes {describe_types(types)}: you gave {quote(file.name)}.")
    return Upload(file.path, file.folder, file.name)


def is_kind(name: str, mime: str | None, types: tuple[str, ...]) -> bool:
    """Whether a file of this name is of these categories or extensions; none means any."""
    return not types or is_one_of(File(name, mime=mime), types)


def is_one_of(file: File, types: tuple[str, ...]) -> bool:
    """Whether a file is of these categories or extensions.

    The name decides, since Gradio itself looks at nothing else; Discord's content type counts only
    if the name says nothing.
    """
    name = file.name.casefold()
    kind = MIME_TYPES.guess_type(name)[0] or (file.mime or "").partition(";")[0]
    # Some write "pdf" for ".pdf", and "image/png" for a category.
    wanted = [each.casefold().removeprefix(".") for each in types]
    return any(
        name.endswith(f".{each}") or f"{kind}/".startswith(f"{each.removesuffix('/*')}/")
        for each in wanted
    )


def describe_types(types: tuple[str, ...]) -> str:
    """ "an image or a .csv file", for a sentence."""
    words = [CATEGORY_NAMES.get(each, f"a {each} file") for each in types]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


CATEGORY_NAMES = {
    "image": "an image",
    "audio": "an audio file",
    "video": "a video",
    "text": "a text file",
}
