"""Which kind of input each of Gradio's components is: the table that a new kind joins."""

from __future__ import annotations

from spacebot.inputs.base import Input
from spacebot.inputs.data import Chat, Dialogue, Highlighted, Json, Label, Paths
from spacebot.inputs.dataframe import Table
from spacebot.inputs.files import MODELS, Attachment
from spacebot.inputs.media import Annotated, Editor, Gallery, Pair, TextWithFiles
from spacebot.inputs.moments import Moment
from spacebot.inputs.numbers import Checkbox, Number
from spacebot.inputs.picks import Pick, Picks
from spacebot.inputs.text import Colour, Text
from spacebot.inputs.typed import Typed
from spacebot.models import Parameter


def kind_of(parameter: Parameter) -> Input | None:
    """The kind of input that asks for this parameter, or None where nothing can."""
    if parameter.component == "dropdown" and parameter.multiple:
        return INPUTS["checkboxgroup"]
    return INPUTS.get(parameter.component)


INPUTS: dict[str, Input] = {
    "annotatedimage": Annotated("image"),
    "api": Typed(),
    "audio": Attachment("audio"),
    "chatbot": Chat(),
    "checkbox": Checkbox(),
    "checkboxgroup": Picks(),
    "code": Text(long=True),
    "colorpicker": Colour(),
    "dataframe": Table(),
    "datetime": Moment(),
    "dialogue": Dialogue(texts=True),
    "dropdown": Pick(),
    "file": Attachment(),
    "fileexplorer": Paths(texts=True),
    "gallery": Gallery("image", "video"),
    "highlightedtext": Highlighted(texts=True),
    "html": Text(long=True),
    "image": Attachment("image"),
    "imageeditor": Editor("image"),
    "imageslider": Pair("image"),
    "json": Json(),
    "label": Label(texts=True),
    "markdown": Text(long=True),
    "model3d": Attachment(*MODELS),
    "multimodaltextbox": TextWithFiles(),
    "number": Number(),
    "radio": Pick(),
    "slider": Number(stepped=True),
    "textbox": Text(),
    "uploadbutton": Attachment(),
    "video": Attachment("video"),
}

ASKABLE = frozenset(INPUTS)
