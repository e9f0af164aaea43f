"""Files that people attach: their kind is checked before anything is uploaded."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import Any

from spacebot.inputs.base import Input, clip, name_of, option, quoted, refuse
from spacebot.models import File, Option, OptionType, Parameter, Upload

# Several files are several attachments; Discord's form takes up to 10 in one field.
SLOTS = 5

# What `mimetypes` may not know, since it reads the tables of the machine it runs on.
KINDS = mimetypes.MimeTypes(filenames=())
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
    KINDS.add_type(_kind, _extension)

MODELS = (".glb", ".gltf", ".obj", ".ply", ".splat", ".stl")


class Attachment(Input):
    """One file, or several where the parameter takes them, of the kinds that it takes."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        return slots(self, parameter, SLOTS if parameter.multiple else 1)

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> Any:
        files = self.files(parameter, given)
        return files if parameter.multiple else files[0]

    def shown(self, parameter: Parameter, given: Any) -> str:
        return given.name if isinstance(given, File) else str(given)

    def accepted(self, parameter: Parameter) -> tuple[str, ...]:
        """The categories ("image") and extensions (".csv") it takes; empty for any file."""
        types = parameter.file_types or self.kinds
        return () if "file" in types else tuple(types)

    def is_video(self, name: str) -> bool:
        """Whether a file of this name is a film."""
        return (KINDS.guess_type(name.casefold())[0] or "").startswith("video/")

    def files(self, parameter: Parameter, given: Mapping[str, Any]) -> list[Upload]:
        """The files that were attached, in the order given, each checked for its kind."""
        return [file_data(name, file, self.accepted(parameter)) for name, file in given.items()]


def slots(kind: Attachment, parameter: Parameter, count: int) -> tuple[Option, ...]:
    """Attachment options: the first as required as the parameter, the further ones never."""
    types = kind.accepted(parameter)
    hint = "" if not types else clip(", ".join(types), 40)
    first = option(kind, parameter, OptionType.ATTACHMENT, hint, file_types=types)
    return (
        first,
        *(
            option(
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


def file_data(name: str, file: Any, types: tuple[str, ...] = ()) -> Upload:
    """The attached file, to be uploaded; raises InputError for a wrong kind."""
    if not isinstance(file, File):
        raise refuse(name, f"takes a file, attached: you gave {quoted(file)}.")
    if file.path is None or file.folder is None:
        why = file.problem or "it did not arrive; attach it again"
        raise refuse(name, f"could not be read, {quoted(file.name)}: {why}")
    if types and not is_one_of(file, types):
        raise refuse(name, f"takes {listed(types)}: you gave {quoted(file.name)}.")
    return Upload(file.path, file.folder, file.name)


def is_kind(name: str, mime: str | None, types: tuple[str, ...]) -> bool:
    """Whether a file of this name is of these categories or extensions; none means any."""
    return not types or is_one_of(File(name, mime=mime), types)


def is_one_of(file: File, types: tuple[str, ...]) -> bool:
    """Whether a file is of these categories or extensions.

    The name counts first, since Gradio itself looks at nothing else; what Discord
    says of the content counts only where the name says nothing.
    """
    name = file.name.casefold()
    kind = KINDS.guess_type(name)[0] or (file.mime or "").partition(";")[0]
    # Some write "pdf" for ".pdf", and "image/png" where a category is asked for.
    wanted = [each.casefold().removeprefix(".") for each in types]
    return any(
        name.endswith(f".{each}") or f"{kind}/".startswith(f"{each.removesuffix('/*')}/")
        for each in wanted
    )


def listed(types: tuple[str, ...]) -> str:
    """ "an image or a .csv file", for a sentence."""
    words = [CATEGORIES.get(each, f"a {each} file") for each in types]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


CATEGORIES = {
    "image": "an image",
    "audio": "an audio file",
    "video": "a video",
    "text": "a text file",
}
