"""Values from Gradio's own components, as they are shown: none is made up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import BaseModel

from spacebot.models import Endpoint, File, Output, Reply, Source
from spacebot.spaces import outputs
from spacebot.spaces.schema import read_space

NOISE = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
TABLE = pd.DataFrame({"year": [2024, 2025, 2026], "sold": [3, 5.5, 4], "who": ["a", "b", "a"]})
MESSAGES = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "Hello **you**"},
    gr.ChatMessage(role="assistant", content=gr.Image(value=NOISE)),
]
MASK = np.zeros((60, 80))
MASK[10:30, 10:40] = 1

ROWS: dict[str, tuple[Callable[[], Any], Any, str, list[str]]] = {
    "textbox": (gr.Textbox, "a_b", "a\\_b", []),
    "number": (gr.Number, 2.0, "2", []),
    "slider": (gr.Slider, 0.5, "0.5", []),
    "checkbox": (gr.Checkbox, True, "Yes", []),
    "radio": (lambda: gr.Radio([("Big", 1), ("Small", 2)]), 2, "Small", []),
    "dropdown": (lambda: gr.Dropdown(["a", "b"], multiselect=True), ["a", "b"], "a, b", []),
    "checkboxgroup": (lambda: gr.CheckboxGroup(["a", "b"]), ["b"], "b", []),
    "datetime": (gr.DateTime, "2026-11-22 10:00:00", "2026-11-22 10:00:00", []),
    "colorpicker": (gr.ColorPicker, "#00ff00", "`#00ff00`", []),
    "markdown": (gr.Markdown, "# Title\n*x*", "# Title\n\n*x*", []),
    "html": (gr.HTML, "<h2>T</h2><ul><li>x</ul>", "## T\n\n- x", []),
    "code": (lambda: gr.Code(language="python"), "x = 1", "```python\nx = 1\n```", []),
    "json": (gr.JSON, {"a": 1}, '```json\n{\n  "a": 1\n}\n```', []),
    "label": (gr.Label, {"cat": 0.5, "dog": 0.25}, "cat  ████████░░░░░░░░   50%", []),
    "highlightedtext": (
        gr.HighlightedText,
        [("Ada", "PER"), (" is here", None)],
        "**Ada** `PER` is here",
        [],
    ),
    "dialogue": (gr.Dialogue, [{"speaker": "A", "text": "hi"}], "**A**: hi", []),
    "image": (gr.Image, NOISE, "", ["x.webp"]),
    "gallery": (gr.Gallery, [(NOISE, "cat"), NOISE], "1\\. cat", ["x.webp", "x-2.webp"]),
    "annotatedimage": (
        gr.AnnotatedImage,
        (NOISE, [(MASK, "cat"), ((1, 1, 20, 20), "dog")]),
        "Marked in the picture: cat, dog",
        ["x.png"],
    ),
    "imageslider": (gr.ImageSlider, (NOISE, NOISE), "", ["x.webp", "x-2.webp"]),
    "imageeditor": (
        gr.ImageEditor,
        {"background": NOISE, "layers": [], "composite": NOISE},
        "",
        ["x.webp"],
    ),
    "audio": (gr.Audio, (8000, np.zeros(800, dtype=np.int16)), "", ["x.wav"]),
    "dataframe": (gr.Dataframe, TABLE, "year  sold  who", []),
    "lineplot": (lambda: gr.LinePlot(x="year", y="sold", color="who"), TABLE, "", ["x.png"]),
    "barplot": (lambda: gr.BarPlot(x="who", y="sold", y_aggregate="sum"), TABLE, "", ["x.png"]),
    "scatterplot": (
        lambda: gr.ScatterPlot(x="year", y="sold", x_lim=[2020, None]),
        TABLE,
        "",
        ["x.png"],
    ),
    "chatbot": (gr.Chatbot, MESSAGES, "Hello **you**", ["x.webp"]),
    "multimodaltextbox": (gr.MultimodalTextbox, {"text": "look"}, "look", []),
    "paramviewer": (gr.ParamViewer, {"x": {"type": "int"}}, '"type": "int"', []),
}


def brought(value: Any) -> Any:
    """Replace the files of a value with ours, as if downloaded from a Space."""
    if isinstance(value, dict):
        if "path" in value and (value.get("meta") or {}).get("_type") == "gradio.FileData":
            path = Path(value["path"])
            return File(value.get("orig_name") or path.name, path, path.stat().st_size)
        return {key: brought(one) for key, one in value.items()}
    return [brought(one) for one in value] if isinstance(value, list | tuple) else value


def returned(component: Any, value: Any) -> tuple[Any, dict[str, Any]]:
    """Return what a client gets for a value, and the component's properties."""
    made = component.postprocess(value)
    if isinstance(made, BaseModel):
        made = made.model_dump()
    return brought(json.loads(json.dumps(made))), component.get_config()


def show(component: Any, kind: str, value: Any, folder: Path) -> Reply:
    """Render the one output of a component."""
    arguments, props = returned(component, value)
    made = (Output("Out", kind, props),)
    (reply,) = outputs.render(
        Endpoint("o/s", "/x", "x", "", outputs=made),
        [arguments],
        header="H",
        folder=folder,
        file_limit=10 << 20,
    )
    return reply


@pytest.mark.parametrize("kind", ROWS)
def test_component(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    make, value, words, names = ROWS[kind]
    reply = show(make(), kind, value, tmp_path / "made")
    assert words in reply.text
    assert [attached.name for attached in reply.files] == names
    for attached in reply.files:
        if attached.path.suffix in (".png", ".webp"):
            with Image.open(attached.path) as picture:
                picture.verify()


def test_every_renderer_for_people_is_shown_here():
    without = {"state", "browserstate", "timer", "dataset", "navbar", "nativeplot", "api", "plot"}
    files = {"video", "file", "uploadbutton", "downloadbutton", "fileexplorer", "model3d"}
    buttons = {name for name in outputs.RENDERERS if name.endswith("button")}
    assert set(outputs.RENDERERS) - without - files - buttons == set(ROWS)


def ran(page: gr.Blocks, api_name: str, folder: Path) -> bytes:
    """The picture of a page's endpoint, described and rendered like a Space's."""
    space = read_space(
        Source("o/s", endpoint=api_name), page.get_config_file(), page.get_api_info()
    )
    (found,) = space.endpoints
    function = next(one for one in page.fns.values() if one.api_name == api_name)
    made = asyncio.run(page.process_api(function, []))["data"]
    values = brought(json.loads(json.dumps(made, default=lambda one: one.model_dump())))
    (reply,) = outputs.render(found, values, header="H", folder=folder, file_limit=10 << 20)
    (attached,) = reply.files
    return attached.path.read_bytes()


@pytest.mark.parametrize("plot", [gr.BarPlot, gr.LinePlot, gr.ScatterPlot])
def test_a_plot_that_an_event_describes_is_that_plot(plot: type[gr.BarPlot], tmp_path: Path):
    axes: dict[str, Any] = {"x": "who", "y": "sold", "color": "year", "title": "Sales"}
    with gr.Blocks(analytics_enabled=False) as page:
        whole, bare = plot(**axes), plot()
        gr.on([page.load], lambda: TABLE, None, whole, api_name="whole")
        gr.on([page.load], lambda: plot(TABLE, **axes), None, bare, api_name="described")
        gr.on([page.load], lambda: TABLE, None, bare, api_name="bare")
    pictures = {name: ran(page, name, tmp_path / name) for name in ("whole", "described", "bare")}
    assert pictures["whole"] == pictures["described"]
    # Without its axes, it would show the first two columns.
    assert pictures["whole"] != pictures["bare"]


def test_an_event_sets_a_code_s_language(tmp_path: Path):
    shown = (Output("Out", "code", {"language": None}),)
    value = json.loads(json.dumps(gr.update(value="x = 1", language="python")))
    (reply,) = outputs.render(
        Endpoint("o/s", "/x", "x", "", outputs=shown), [value],
        header="H", folder=tmp_path, file_limit=10 << 20,
    )  # fmt: skip
    assert "```python" in reply.text
