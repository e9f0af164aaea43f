"""A real Gradio app with every component accepts what `inputs` makes of people's values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.components import Component
from gradio_client import Client, handle_file
from PIL import Image

from spacebot.models import Choice, File
from spacebot.spaces import inputs
from spacebot.spaces.client.files.uploads import with_uploads
from tests.spaces.inputs.test_inputs import choices, endpoint, parameter
from tests.support.apps import serve

# Gradio leaves the picture files that it passes on as paths to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning"
)


@dataclass
class Try:
    """A component, the options that a member sets, and what the app's function then gets."""

    name: str
    build: Callable[[], Component]
    arguments: dict[str, Any]
    got: Any
    fields: dict[str, Any] = field(default_factory=dict)


def named(*names: str) -> Callable[[Any], bool]:
    """A check that paths of these file names arrived, wherever in the value they are."""

    def check(value: Any) -> bool:
        return [Path(path).name for path in paths(value)] == list(names)

    return check


def paths(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [path for one in value for path in paths(one)]
    return [value] if isinstance(value, str) and Path(value).is_file() else []


SIZES = [("Small one", 1), ("Large one", 2), ("None at all", None)]
PICKED = tuple(Choice(label, value) for label, value in SIZES)
PICTURE, SOUND, FILM = File("cat.png"), File("a.wav"), File("a.mp4")
PAPER = File("a.csv")

TRIES = [
    Try("textbox", gr.Textbox, {"it": "a cat"}, "a cat"),
    Try("textbox", gr.Textbox, {}, ""),
    Try("code", gr.Code, {"it": "print(1)"}, "print(1)"),
    Try("markdown", gr.Markdown, {"it": "# hi"}, "# hi"),
    Try("html", gr.HTML, {"it": "<b>hi</b>"}, "<b>hi</b>"),
    Try("number", gr.Number, {"it": 0.25}, 0.25),
    Try("number", gr.Number, {}, None),
    Try("number", lambda: gr.Number(precision=0), {"it": 7}, 7, {"precision": 0}),
    Try(
        "slider",
        lambda: gr.Slider(0, 2**63 - 1, step=1),
        {"it": "9223372036854775807"},
        2**63 - 1,
        {"minimum": 0, "maximum": 2**63 - 1, "step": 1},
    ),
    Try("slider", lambda: gr.Slider(3, 9), {}, 3, {"minimum": 3, "maximum": 9}),
    Try("checkbox", gr.Checkbox, {"it": True}, True),
    Try("checkbox", gr.Checkbox, {}, False),
    Try("radio", lambda: gr.Radio(SIZES), {"it": "large one"}, 2, {"choices": PICKED}),
    Try("dropdown", lambda: gr.Dropdown(SIZES), {"it": "Small one"}, 1, {"choices": PICKED}),
    Try("dropdown", lambda: gr.Dropdown(SIZES), {"it": "None at all"}, None, {"choices": PICKED}),
    Try(
        "dropdown",
        lambda: gr.Dropdown(["a"], allow_custom_value=True),
        {"it": "b"},
        "b",
        {"choices": choices("a"), "custom": True},
    ),
    Try(
        "dropdown",
        lambda: gr.Dropdown(SIZES, multiselect=True),
        {"it": "Large one, Small one"},
        [2, 1],
        {"choices": PICKED, "multiple": True},
    ),
    Try(
        "checkboxgroup",
        lambda: gr.CheckboxGroup(["a, b", "c"]),
        {"it": "c; a, b"},
        ["c", "a, b"],
        {"choices": choices("a, b", "c")},
    ),
    Try("checkboxgroup", lambda: gr.CheckboxGroup(["a"]), {}, [], {"choices": choices("a")}),
    Try("colorpicker", gr.ColorPicker, {"it": "teal"}, "#008080"),
    Try(
        "datetime",
        lambda: gr.DateTime(type="timestamp", timezone="Europe/Paris"),
        {"it": "2026-05-04 15:00"},
        1777899600.0,
        {"props": {"timezone": "Europe/Paris"}},
    ),
    Try(
        "datetime",
        lambda: gr.DateTime(type="string", include_time=False),
        {"it": "4 May 2026"},
        "2026-05-04",
        {"props": {"include_time": False}},
    ),
    Try("image", lambda: gr.Image(type="filepath"), {"it": PICTURE}, named("cat.png")),
    Try("image", lambda: gr.Image(type="filepath"), {}, None),
    Try("audio", lambda: gr.Audio(type="filepath"), {"it": SOUND}, named("a.wav")),
    Try("video", gr.Video, {"it": FILM}, named("a.mp4")),
    Try("file", gr.File, {"it": PAPER}, named("a.csv")),
    Try(
        "file",
        lambda: gr.File(file_count="multiple", file_types=["image", ".csv"]),
        {"it": PAPER, "it_3": PICTURE},
        named("a.csv", "cat.png"),
        {"multiple": True, "file_types": ("image", ".csv")},
    ),
    Try("uploadbutton", gr.UploadButton, {"it": PAPER}, named("a.csv")),
    Try("model3d", gr.Model3D, {"it": File("a.glb")}, named("a.glb")),
    Try(
        "gallery",
        lambda: gr.Gallery(type="filepath"),
        {"it": PICTURE, "it_2": FILM},
        named("cat.png", "a.mp4"),
        {"multiple": True},
    ),
    Try(
        "imageeditor",
        lambda: gr.ImageEditor(type="filepath"),
        {"it": PICTURE, "it_mask": File("mask.png")},
        named("cat.png", "mask.png", "cat.png"),
    ),
    Try(
        "imageslider",
        lambda: gr.ImageSlider(type="filepath"),
        {"it": PICTURE, "it_2": File("mask.png")},
        named("cat.png", "mask.png"),
    ),
    Try("annotatedimage", gr.AnnotatedImage, {"it": PICTURE}, named("cat.png")),
    Try(
        "multimodaltextbox",
        lambda: gr.MultimodalTextbox(file_count="multiple"),
        {"it": "look", "it_file": PICTURE, "it_file_2": PAPER},
        named("cat.png", "a.csv"),
        {"multiple": True},
    ),
    Try("multimodaltextbox", gr.MultimodalTextbox, {}, {"text": "", "files": []}),
    Try("dataframe", lambda: gr.Dataframe(type="array"), {"it_file": PAPER}, [["Ann", 41]]),
    Try(
        "dataframe",
        lambda: gr.Dataframe(type="pandas"),
        {"it": "name,age; Ann,41"},
        {"name": {0: "Ann"}, "age": {0: 41}},
    ),
    Try("dataframe", lambda: gr.Dataframe(type="array"), {}, []),
    Try("json", gr.JSON, {"it": '{"a": [1]}'}, {"a": [1]}),
    Try("label", gr.Label, {"it": "cat"}, "cat"),
    Try(
        "highlightedtext",
        gr.HighlightedText,
        {"it": "so it is"},
        [{"token": "so it is", "class_or_confidence": None}],
    ),
    Try(
        "dialogue",
        lambda: gr.Dialogue(speakers=["Ann", "Bob"]),
        {"it": "Ann: hi; Bob: ho"},
        "[Ann] hi\n[Bob] ho",
    ),
    Try(
        "fileexplorer",
        lambda: gr.FileExplorer(root_dir="tests/support/apps"),
        {"it": "media.py"},
        named("media.py"),
    ),
    Try("chatbot", gr.Chatbot, {}, []),
]


def plain(value: Any) -> Any:
    return value.to_dict() if hasattr(value, "to_dict") else value


@pytest.fixture(scope="module")
def seen() -> list[Any]:
    return []


@pytest.fixture(scope="module")
def client(seen: list[Any]) -> Iterator[Client]:
    with gr.Blocks(analytics_enabled=False) as blocks:
        for number, one in enumerate(TRIES):
            gr.Button().click(seen.append, one.build(), None, api_name=f"try_{number}")
    with serve(blocks, show_error=True) as url:
        yield Client(url, verbose=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attached")
    for name in ("cat.png", "mask.png"):
        Image.new("RGB", (8, 8), "red").save(folder / name)
    (folder / "a.csv").write_text("name,age\nAnn,41\n")
    for name in ("a.wav", "a.mp4", "a.glb"):
        (folder / name).write_bytes(b"never decoded here")
    return folder


def brought(one: Any, folder: Path) -> Any:
    return File(one.name, path=folder / one.name, folder=folder) if isinstance(one, File) else one


@pytest.mark.parametrize("number", range(len(TRIES)), ids=[one.name for one in TRIES])
def test_a_gradio_app_takes_it(number: int, client: Client, seen: list[Any], folder: Path) -> None:
    one = TRIES[number]
    whole = endpoint(parameter(one.name, **one.fields))
    arguments = {name: brought(value, folder) for name, value in one.arguments.items()}
    values = inputs.values(whole, arguments)
    value = with_uploads(values["it"], lambda one: handle_file(str(one.path)))
    client.predict(value, api_name=f"/try_{number}")
    got = plain(seen.pop())
    if callable(one.got):
        assert one.got(got), got
    else:
        assert (got, type(got)) == (one.got, type(one.got))


def test_every_kind_was_tried() -> None:
    # gr.api is a function without components; its values are JSON, as those of gr.JSON.
    assert {one.name for one in TRIES} == inputs.ASKABLE - {"api"}
