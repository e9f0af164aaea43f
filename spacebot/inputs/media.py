"""Components that wrap attached files in something: editors, galleries, text with files."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacebot.inputs.base import clip, name_of, option, refuse
from spacebot.inputs.files import SLOTS, Attachment, file_data, slots
from spacebot.inputs.text import longest, needs_text
from spacebot.models import Option, OptionType, Parameter


class Gallery(Attachment):
    """Several pictures (or films, where the Space takes them), each without a caption."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        return slots(self, parameter, SLOTS)

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {"video" if self.is_video(file.name) else "image": file, "caption": None}
            for file in self.files(parameter, given)
        ]


class Editor(Attachment):
    """An ImageEditor: the picture is its background; a mask, drawn elsewhere, its layer.

    The composite is the picture too, as the page of the Space sends it; the mask
    is for those that fill in what was painted over.
    """

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        (picture,) = slots(self, parameter, 1)
        mask = option(
            self,
            parameter,
            OptionType.ATTACHMENT,
            "a mask: its painted parts",
            name=name_of(parameter, "_mask"),
            required=False,
            file_types=picture.file_types,
        )
        return (picture, mask)

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> dict[str, Any]:
        name = name_of(parameter)
        if name not in given:
            raise refuse(name, "is needed with its mask: attach the picture too.")
        types = self.accepted(parameter)
        masks = [file_data(key, file, types) for key, file in given.items() if key != name]
        picture = file_data(name, given[name], types)
        return {"background": picture, "layers": masks, "composite": picture}


class Pair(Attachment):
    """An ImageSlider: two pictures, of which either may be missing."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        return slots(self, parameter, 2)

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> list[Any]:
        pair: list[Any] = [None, None]
        for name, file in given.items():
            second = name != name_of(parameter)
            pair[second] = file_data(name, file, self.accepted(parameter))
        return pair


class Annotated(Attachment):
    """An AnnotatedImage as input: the picture, without annotations."""

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> dict[str, Any]:
        (picture,) = self.files(parameter, given)
        return {"image": picture, "annotations": []}


class TextWithFiles(Attachment):
    """A MultimodalTextbox: a text and files, at least one of them where it is required."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        count = SLOTS if parameter.multiple else 1
        types = self.accepted(parameter)
        files = (
            option(
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
        words = option(
            self,
            parameter,
            OptionType.STRING,
            required=False,
            max_length=longest(parameter),
            long=parameter.lines > 1,
        )
        return (words, *files)

    def value(self, parameter: Parameter, given: Mapping[str, Any]) -> dict[str, Any]:
        name = name_of(parameter)
        text = str(given.get(name, ""))
        attached = {key: file for key, file in given.items() if key != name}
        if needs_text(parameter, text) and not attached:
            raise refuse(name, f"is empty: give it some text, or attach `{name}_file`.")
        if len(text) > (limit := longest(parameter)):
            raise refuse(
                name, f"is {len(text):,} characters long: at most {limit:,} are accepted here."
            )
        return {"text": text, "files": self.files(parameter, attached)}

    def blank(self, parameter: Parameter) -> dict[str, Any]:
        return {"text": "", "files": []}

    def default(self, parameter: Parameter) -> str:
        known = parameter.default
        return str(known.get("text", "")) if isinstance(known, dict) else str(known)


def file_name(parameter: Parameter, number: int) -> str:
    """The name of the option for a text's first ("chat_file") or further files."""
    return name_of(parameter, "_file" if number == 1 else f"_file_{number}")
