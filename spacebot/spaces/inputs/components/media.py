"""Components that wrap attached files in something: editors, galleries, text with files."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacebot.models import Option, OptionType, Parameter
from spacebot.spaces.inputs.components.base import make_option, name_of, refuse
from spacebot.spaces.inputs.components.files import FILE_SLOTS, FileInput, file_slots, to_upload
from spacebot.spaces.inputs.components.text import check_length, max_text_length, needs_text
from spacebot.wording import clip


class GalleryInput(FileInput):
    """Several pictures (or videos, if the Space takes them), each without a caption."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        return file_slots(self, parameter, FILE_SLOTS)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {"video" if self.is_video(file.name) else "image": file, "caption": None}
            for file in self.files(parameter, arguments)
        ]


class ImageEditorInput(FileInput):
    """An ImageEditor: the picture is its background; a mask, drawn elsewhere, its layer.

    The composite is the picture too, as the Space's page sends it; the mask is for inpainting.
    """

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        (picture,) = file_slots(self, parameter, 1)
        mask = make_option(
            self,
            parameter,
            OptionType.ATTACHMENT,
            "a mask: its painted parts",
            name=name_of(parameter, "_mask"),
            required=False,
            file_types=picture.file_types,
        )
        return (picture, mask)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> dict[str, Any]:
        name = name_of(parameter)
        if name not in arguments:
            raise refuse(name, "is needed with its mask: attach the picture too.")
        types = self.accepted(parameter)
        masks = [to_upload(key, file, types) for key, file in arguments.items() if key != name]
        picture = to_upload(name, arguments[name], types)
        return {"background": picture, "layers": masks, "composite": picture}


class ImageSliderInput(FileInput):
    """An ImageSlider: two pictures, either of which may be missing."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        return file_slots(self, parameter, 2)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> list[Any]:
        pair: list[Any] = [None, None]
        for name, file in arguments.items():
            second = name != name_of(parameter)
            pair[second] = to_upload(name, file, self.accepted(parameter))
        return pair


class AnnotatedImageInput(FileInput):
    """An AnnotatedImage as input: the picture, without annotations."""

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> dict[str, Any]:
        (picture,) = self.files(parameter, arguments)
        return {"image": picture, "annotations": []}


class MultimodalTextboxInput(FileInput):
    """A MultimodalTextbox: a text and files, at least one of them if it is required."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        count = FILE_SLOTS if parameter.multiple else 1
        types = self.accepted(parameter)
        files = (
            make_option(
                self,
                parameter,
                OptionType.ATTACHMENT,
                f"file {number}" if number > 1 else clip(", ".join(types) or "file", 40),
                name=file_name(parameter, number),
                required=False,
                default=None,
                file_types=types,
            )
            for number in range(1, count + 1)
        )
        words = make_option(
            self,
            parameter,
            OptionType.STRING,
            required=False,
            max_length=max_text_length(parameter),
            long=parameter.lines > 1,
        )
        return (words, *files)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> dict[str, Any]:
        name = name_of(parameter)
        text = str(arguments.get(name, ""))
        attached = {key: file for key, file in arguments.items() if key != name}
        if needs_text(parameter, text) and not attached:
            raise refuse(name, f"is empty: give it some text, or attach `{name}_file`.")
        return {
            "text": check_length(parameter, text),
            "files": self.files(parameter, attached),
        }

    def blank(self, parameter: Parameter) -> dict[str, Any]:
        return {"text": "", "files": []}

    def default(self, parameter: Parameter) -> str:
        known = parameter.default
        return str(known.get("text", "")) if isinstance(known, dict) else str(known)


def file_name(parameter: Parameter, number: int) -> str:
    """The name of the option for a text's first ("chat_file") or further files."""
    return name_of(parameter, "_file" if number == 1 else f"_file_{number}")
