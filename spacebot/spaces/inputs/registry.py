"""Which kind of input each of Gradio's components is: the table that a new kind is added to."""

from __future__ import annotations

from spacebot.models import Parameter
from spacebot.spaces.inputs.components.base import Input
from spacebot.spaces.inputs.components.choices import ChoiceInput, MultipleChoiceInput
from spacebot.spaces.inputs.components.data import (
    ChatbotInput,
    DialogueInput,
    FileExplorerInput,
    HighlightedTextInput,
    JsonInput,
    LabelInput,
)
from spacebot.spaces.inputs.components.dataframe import DataframeInput
from spacebot.spaces.inputs.components.dates import DateTimeInput
from spacebot.spaces.inputs.components.files import MODEL_SUFFIXES, FileInput
from spacebot.spaces.inputs.components.media import (
    AnnotatedImageInput,
    GalleryInput,
    ImageEditorInput,
    ImageSliderInput,
    MultimodalTextboxInput,
)
from spacebot.spaces.inputs.components.numbers import CheckboxInput, NumberInput
from spacebot.spaces.inputs.components.text import ColourInput, TextboxInput
from spacebot.spaces.inputs.components.typed_values import TypedInput


def input_for(parameter: Parameter) -> Input | None:
    """The kind of input that asks for this parameter, or None if nothing can."""
    if parameter.component == "dropdown" and parameter.multiple:
        return INPUTS["checkboxgroup"]
    return INPUTS.get(parameter.component)


INPUTS: dict[str, Input] = {
    "annotatedimage": AnnotatedImageInput("image"),
    "api": TypedInput(),
    "audio": FileInput("audio"),
    "chatbot": ChatbotInput(),
    "checkbox": CheckboxInput(),
    "checkboxgroup": MultipleChoiceInput(),
    "code": TextboxInput(long=True),
    "colorpicker": ColourInput(),
    "dataframe": DataframeInput(),
    "datetime": DateTimeInput(),
    "dialogue": DialogueInput(texts=True),
    "dropdown": ChoiceInput(),
    "file": FileInput(),
    "fileexplorer": FileExplorerInput(texts=True),
    "gallery": GalleryInput("image", "video"),
    "highlightedtext": HighlightedTextInput(texts=True),
    "html": TextboxInput(long=True),
    "image": FileInput("image"),
    "imageeditor": ImageEditorInput("image"),
    "imageslider": ImageSliderInput("image"),
    "json": JsonInput(),
    "label": LabelInput(texts=True),
    "markdown": TextboxInput(long=True),
    "model3d": FileInput(*MODEL_SUFFIXES),
    "multimodaltextbox": MultimodalTextboxInput(),
    "number": NumberInput(),
    "radio": ChoiceInput(),
    "slider": NumberInput(stepped=True),
    "textbox": TextboxInput(),
    "uploadbutton": FileInput(),
    "video": FileInput("video"),
}

ASKABLE = frozenset(INPUTS)
