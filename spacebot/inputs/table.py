"""Which kind of input each of Gradio's components is: the table that a new kind joins."""

from __future__ import annotations

from spacebot.inputs.base import Input
from spacebot.inputs.files import MODELS, Attachment
from spacebot.inputs.numbers import Checkbox, Number
from spacebot.inputs.picks import Pick, Picks
from spacebot.inputs.text import Colour, Text
from spacebot.models import Parameter


def kind_of(parameter: Parameter) -> Input | None:
    """The kind of input that asks for this parameter, or None where nothing can."""
    if parameter.component == "dropdown" and parameter.multiple:
        return INPUTS["checkboxgroup"]
    return INPUTS.get(parameter.component)


INPUTS: dict[str, Input] = {
    "audio": Attachment("audio"),
    "checkbox": Checkbox(),
    "checkboxgroup": Picks(),
    "code": Text(long=True),
    "colorpicker": Colour(),
    "dropdown": Pick(),
    "file": Attachment(),
    "html": Text(long=True),
    "image": Attachment("image"),
    "markdown": Text(long=True),
    "model3d": Attachment(*MODELS),
    "number": Number(),
    "radio": Pick(),
    "slider": Number(stepped=True),
    "textbox": Text(),
    "uploadbutton": Attachment(),
    "video": Attachment("video"),
}

ASKABLE = frozenset(INPUTS)
