"""Which inputs are required, for the ways that apps leave them empty."""

from typing import Any

import gradio as gr
import pytest

from spacebot.models import Choice, Parameter, Source
from spacebot.spaces.schema import read_space
from spacebot.spaces.schema.required import ParameterDraft, is_empty, required

AB = (Choice("a", "a"), Choice("b", "b"))


def text(
    label: str = "Text", value: Any = None, description: str = "", **facts: Any
) -> ParameterDraft:
    return draft("textbox", label, value, description=description, **facts)


def draft(
    kind: str, label: str = "", value: Any = None, *, description: str = "", **facts: Any
) -> ParameterDraft:
    choices = AB if kind in ("radio", "dropdown") else ()
    parameter = Parameter(
        name="x", label=label, component=kind, description=description, choices=choices,
        default=value,
    )  # fmt: skip
    return ParameterDraft(parameter, value, **facts)


def tall(label: str) -> ParameterDraft:
    return ParameterDraft(Parameter(name="x", label=label, component="textbox", lines=8))


def file(*types: str) -> ParameterDraft:
    return ParameterDraft(Parameter(name="x", label="File", component="file", file_types=types))


CASES = {
    "a prompt": ([text()], [True]),
    "a prompt with an example": ([text(value="a cat")], [False]),
    "a prompt whose placeholder speaks of a seed": ([text(description="a seed grows")], [True]),
    "two texts without values": ([text(), text("Context")], [True, False]),
    "a short text and a long one": ([text(), tall("Text")], [False, True]),
    "two texts of a function without a page": (
        [text(coded=True), text(coded=True)], [True, True]),
    "two texts, the second of them blank": ([text(value=""), text("Notes", "")], [True, False]),
    "a negative prompt": ([text(), text("Negative prompt")], [True, False]),
    "a hint": ([text(), text("Style", description="Leave blank for none.")], [True, False]),
    "a hint in Chinese": ([text(), text("风格（可选）")], [True, False]),
    "a prompt and a melody": ([text(), draft("audio", "Melody")], [True, False]),
    "a picture and a question": ([draft("image"), text("Question")], [True, False]),
    "a question before its picture": ([text("Question"), draft("image")], [False, True]),
    "a picture and a text": ([draft("image"), text("文本")], [True, False]),
    "a picture and how to change it": ([draft("image"), text("指令")], [True, True], "image"),
    "pictures and how to change one": (
        [draft("gallery"), text("Consigne"), text("Autre")], [True, True, False], "imageslider"),
    "a picture and how its film goes on": (
        [draft("image"), text("Prompt")], [True, False], "video"),
    "a voice and what it says": ([draft("audio"), text("Texte")], [True, True], "audio"),
    "a picture and a text that is blank on purpose": (
        [draft("image"), text("文本", "")], [True, False], "image"),
    "a question about a text": ([text("Context"), text("Question")], [True, False]),
    "a prompt and a number": ([text("提示词"), draft("number", "种子")], [True, False]),
    "a number and a picture": ([draft("number", "Largeur"), draft("image")], [False, True]),
    "a date and a text that the page holds": (
        [draft("datetime", "Depuis"), text("Titre", "AAPL")], [False, False]),
    "a date alone": ([draft("datetime", "Jour")], [True]),
    "two numbers of a function without a page": (
        [text(coded=True), draft("number", coded=True)], [True, True]),
    "a question and a picture that may help": (
        [text("Question"), draft("image", "Image (optional)")], [True, False]),
    "a picture alone, told to be optional": ([draft("image", "Image (optional)")], [True]),
    "a picture that the function does without": ([draft("image", own_default=True)], [False]),
    "a face and a body": ([draft("image", "Face"), draft("image", "Body")], [True, True]),
    "a person to dress and a garment": ([draft("imageeditor", "Human"), draft("image", "Garment")],
                                        [True, True]),
    "a picture and its mask": ([draft("image", "Image"), draft("image", "Mask")], [True, False]),
    "sound or film": ([draft("audio", "Sound"), draft("video", "Film")], [True, False]),
    "a table of blanks": ([draft("dataframe", value={"data": [["", ""]]})], [True]),
    "numbers": ([draft("number"), draft("number", "Seed"), draft("number", value=0)],
                [True, False, False]),
    "a choice": ([draft("radio"), draft("radio", value="a")], [True, False]),
    "folded away": ([text(), text("Prompt 2", aside=True)], [True, False]),
    "hidden": ([text(), draft("audio", hidden=True)], [True, False]),
    "only settings": ([draft("slider", value=1), draft("checkbox", value=False)], [False, False]),
    "a history alone": ([draft("chatbot")], [True]),
    "a history that greets": ([draft("chatbot", value=[{"role": "assistant"}])], [True]),
    "a prompt and a picture to paint into": ([text(), draft("imageeditor")], [True, True]),
    "a model of one's own": ([text("Model path"), text()], [False, True]),
    "a picture, or a file that may be one": ([draft("image"), file("image", ".pdf")],
                                             [False, False]),
    "a picture and a table": ([draft("image"), file(".csv")], [True, False]),
    "a message of text and files": ([draft("multimodaltextbox", value={"text": "", "files": []})],
                                    [True]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_required_inputs(case: str):
    drafts, needed, *gives = CASES[case]
    assert required(drafts, gives) == needed


def test_fields_that_the_page_shows_in_turn_are_not_required():
    with gr.Blocks(analytics_enabled=False) as page:
        kind = gr.Radio(["Text", "Image"], value="Text", label="Kind")
        text, image = gr.Textbox(label="Text"), gr.Image(label="Image", visible=False)
        kind.change(
            lambda one: (gr.Textbox(visible=one == "Text"), gr.Image(visible=one == "Image")),
            *(kind, [text, image]), api_visibility="private",
        )  # fmt: skip
        gr.Button("Go").click(lambda *given: str(given), [kind, text, image], gr.Textbox())
    (found,) = read_space(Source("x/y"), page.get_config_file(), page.get_api_info()).endpoints
    assert [(one.label, one.required) for one in found.parameters] == [
        ("Kind", False), ("Text", False), ("Image", False)
    ]  # fmt: skip


@pytest.mark.parametrize("value", [None, "", [], [[]], {}, {"text": "", "files": []}])
def test_what_holds_nothing(value: Any):
    assert is_empty(value)


@pytest.mark.parametrize("value", [0, False, "x", [0], {"path": "x"}, {"text": "", "files": ["x"]}])
def test_what_holds_something(value: Any):
    assert not is_empty(value)
