"""Every component of Gradio 6, as an input and as an output, each at its own endpoint."""

from __future__ import annotations

import csv
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component
from PIL import Image

from tests.support.apps.media import new_file, short_film

VOICES = [(f"Voice {number}", f"voice-{number:03}") for number in range(300)]
FRUITS = ["apple", "banana", "cherry", "date"]


def _offer(
    name: str,
    fn: Callable,
    inputs: Component | Sequence[Component] | None,
    outputs: Component | Sequence[Component] | None,
) -> None:
    gr.Button(name).click(fn, inputs, outputs, api_name=name)


def _echo(name: str) -> Callable:
    def echo(value: Any) -> Any:
        return value

    echo.__doc__ = f"Give back what the {name.replace('_', ' ')} holds."
    return echo


def _told(name: str) -> Callable:
    def told(value: Any) -> str:
        return repr(value)

    told.__doc__ = f"Tell in words what the {name.replace('_', ' ')} holds."
    return told


def _echoed() -> dict[str, tuple[Component, Component]]:
    """Inputs whose value goes straight to an output of the same kind."""
    return {
        "checkbox_group": (
            gr.CheckboxGroup(FRUITS, value=["date"], label="Fruits"),
            gr.CheckboxGroup(FRUITS, label="Same fruits"),
        ),
        "multiselect": (
            gr.Dropdown(FRUITS, multiselect=True, max_choices=2, label="Fruits"),
            gr.Dropdown(FRUITS, multiselect=True, label="Same fruits"),
        ),
        "voice": (
            gr.Dropdown(VOICES, value="voice-000", label="Voice"),
            gr.Dropdown(VOICES, label="Same voice"),
        ),
        "color": (gr.ColorPicker("#ff0000", label="Colour"), gr.ColorPicker(label="Same colour")),
        "datetime": (gr.DateTime(label="When", type="string"), gr.DateTime(label="Same time")),
        "date": (
            gr.DateTime(label="Day", include_time=False, type="string"),
            gr.DateTime(label="Same day", include_time=False),
        ),
        "code": (gr.Code("x = 1", language="python", label="Code"), gr.Code(language="python")),
        "json": (gr.JSON({"a": 1}, label="Data"), gr.JSON(label="Same data")),
        "dataframe": (
            gr.Dataframe([["Ada", 36]], headers=["name", "age"], type="array", label="Table"),
            gr.Dataframe(headers=["name", "age"], label="Same table"),
        ),
        "model3d": (gr.Model3D(label="Model"), gr.Model3D(label="Same model")),
        "gallery": (gr.Gallery(label="Pictures"), gr.Gallery(label="Same", format="png")),
        "files": (
            gr.File(file_count="multiple", label="Papers"),
            gr.File(file_count="multiple", label="Same papers"),
        ),
        "image_editor": (gr.ImageEditor(label="Sketch"), gr.ImageEditor(label="Same sketch")),
        "image_slider": (gr.ImageSlider(label="Pair"), gr.ImageSlider(label="Same pair")),
        "multimodal": (gr.MultimodalTextbox(label="Message"), gr.MultimodalTextbox(label="Same")),
        "chatbot": (gr.Chatbot(label="History"), gr.Chatbot(label="Same history")),
        "label": (gr.Label({"cat": 0.7, "dog": 0.3}, label="Kinds"), gr.Label(label="Same")),
        "markdown": (gr.Markdown("*x*", label="Text"), gr.Markdown(label="Same text")),
        "html": (gr.HTML("<b>x</b>", label="Text"), gr.HTML(label="Same text")),
    }


def _described() -> dict[str, Component]:
    """Inputs whose value is told in words."""
    return {
        "password": gr.Textbox(type="password", label="Password"),
        "email": gr.Textbox(type="email", label="Mail"),
        "custom_value": gr.Dropdown(FRUITS, allow_custom_value=True, value="fig", label="Fruit"),
        "upload_button": gr.UploadButton("Upload"),
        "highlighted": gr.HighlightedText([("Ada", "person")], label="Words"),
    }


def label() -> dict[str, float]:
    """Give a label with confidences."""
    return {"cat": 0.7, "dog": 0.25, "bird": 0.05}


def highlighted() -> list[tuple[str, str | None]]:
    """Give a text whose parts have kinds."""
    return [("Ada", "person"), (" wrote in ", None), ("London", "place")]


def annotated() -> tuple[Image.Image, list[tuple[Any, str]]]:
    """Give a picture with a box and a mask on it."""
    mask = np.zeros((80, 120))
    mask[10:40, 60:110] = 1
    return _picture("navy"), [((5, 5, 50, 60), "box"), (mask, "mask")]


def image_pair() -> tuple[Image.Image, Image.Image]:
    """Give two pictures to compare."""
    return _picture("navy"), _picture("teal")


def pictures() -> list[tuple[Image.Image, str]]:
    """Give twelve pictures with captions, more than one message holds."""
    return [(_picture(f"hsl({30 * n}, 70%, 50%)"), f"Picture {n + 1}") for n in range(12)]


def model() -> str:
    """Give a 3D model."""
    path = Path(new_file(".obj"))
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "utf-8")
    return str(path)


def markdown() -> str:
    """Give Markdown with a heading, a table, a link and math."""
    return (
        "# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[link](https://example.com), $x^2$\n\n"
        "```python\nprint(1)\n```"
    )


def html() -> str:
    """Give HTML."""
    return (
        "<h2>Title</h2><p>One <b>bold</b> word &amp; <a href='https://example.com'>a link</a></p>"
    )


def conversation() -> list[dict[str, Any]]:
    """Give a conversation whose last answer has a picture."""
    path = new_file(".png")
    _picture("teal").save(path)
    return [
        {"role": "user", "content": "Show me teal."},
        {"role": "assistant", "content": "Here it is."},
        {"role": "assistant", "content": {"path": path, "alt_text": "teal"}},
    ]


def table() -> list[list[Any]]:
    """Give a table of sixty rows."""
    return [[f"row {n}", n, n / 7] for n in range(60)]


def download() -> str:
    """Give a file to download."""
    path = new_file(".csv")
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table())
    return path


def native_plot() -> Any:
    """Give the rows of a line plot."""
    import pandas as pd  # Slow to import, and wanted here alone.

    return pd.DataFrame({"x": range(10), "y": [n * n for n in range(10)]})


def matplotlib_plot() -> Any:
    """Give a matplotlib figure."""
    figure = importlib.import_module("matplotlib.figure").Figure()
    figure.add_subplot().plot([1, 4, 9])
    return figure


def plotly_plot() -> Any:
    """Give a plotly figure."""
    plotly = importlib.import_module("plotly.graph_objects")
    return plotly.Figure(plotly.Scatter(x=[1, 2, 3], y=[1, 4, 9]))


def updates() -> tuple[dict, dict, None]:
    """Give an update with a value, one without, and nothing."""
    return gr.update(value="the value", visible=True), gr.update(visible=False), None


def hidden(prompt: str, model_size: str, rows: str) -> str:
    """Show what came in hidden parameters."""
    return f"{prompt}|{model_size}|{rows}"


def many(*values: Any) -> str:
    """Take thirty parameters and list them."""
    return ", ".join(str(value) for value in values)


def several(text: str) -> tuple[str, Image.Image, dict[str, float], str]:
    """Give a text, a picture, a label and a film at once."""
    return text[::-1], _picture("teal"), {"long": 0.6, "short": 0.4}, short_film(0.5)


def _picture(colour: str) -> Image.Image:
    return Image.new("RGB", (120, 80), colour)


def _produced() -> dict[str, tuple[Callable, Component]]:
    """Outputs that need no input."""
    return {
        "give_label": (label, gr.Label(label="Kinds", num_top_classes=3)),
        "give_highlighted": (highlighted, gr.HighlightedText(label="Words")),
        "give_annotated": (annotated, gr.AnnotatedImage(label="Marked", format="png")),
        "give_image_pair": (image_pair, gr.ImageSlider(label="Pair", format="png")),
        "give_gallery": (pictures, gr.Gallery(label="Pictures", format="png")),
        "give_model": (model, gr.Model3D(label="Model")),
        "give_markdown": (markdown, gr.Markdown(label="Text")),
        "give_html": (html, gr.HTML(label="Text")),
        "give_chat": (conversation, gr.Chatbot(label="Chat")),
        "give_table": (table, gr.Dataframe(headers=["name", "n", "share"], label="Table")),
        "give_download": (download, gr.DownloadButton("Download")),
        "give_line_plot": (native_plot, gr.LinePlot(x="x", y="y", label="Line")),
        "give_scatter_plot": (native_plot, gr.ScatterPlot(x="x", y="y", label="Points")),
        "give_bar_plot": (native_plot, gr.BarPlot(x="x", y="y", label="Bars")),
    }


def _offer_drawn() -> None:
    """Offer the plots whose library is installed."""
    for library, fn in (("matplotlib", matplotlib_plot), ("plotly", plotly_plot)):
        if importlib.util.find_spec(library):
            _offer(f"give_{library}", fn, None, gr.Plot(label="Plot"))


def _thirty() -> list[Component]:
    makers: tuple[Callable[[int], Component], ...] = (
        lambda n: gr.Number(n, label=f"Number {n}"),
        lambda n: gr.Slider(0, 100, n, step=1, label=f"Slider {n}"),
        lambda n: gr.Checkbox(n % 2 == 0, label=f"Tick {n}"),
        lambda n: gr.Textbox(f"text {n}", label=f"Text {n}"),
        lambda n: gr.Dropdown(FRUITS, value=FRUITS[n % 4], label=f"Fruit {n}"),
    )
    return [makers[n % 5](n) for n in range(30)]


def _offer_shapes() -> None:
    """Offer the endpoints whose shape is what is special about them."""
    _offer("updates", updates, None, [gr.Textbox(), gr.Textbox(), gr.Textbox()])
    quiet = [
        gr.Textbox("small", label="Model size", visible=False),
        gr.Textbox("12", label="Rows", visible=False),
    ]
    _offer("hidden", hidden, [gr.Textbox(label="Prompt"), *quiet], gr.Textbox(label="Out"))
    _offer("many", many, _thirty(), gr.Textbox(label="Out"))
    outputs = [gr.Textbox(label="Words"), gr.Image(format="png"), gr.Label(), gr.Video()]
    _offer("several", several, gr.Textbox(label="Text"), outputs)


def build() -> gr.Blocks:
    """Build the app: inputs by their name, outputs as give_…, and a few shapes."""
    with gr.Blocks(title="Everything", analytics_enabled=False) as blocks:
        for name, (given, shown) in _echoed().items():
            _offer(name, _echo(name), given, shown)
        for name, given in _described().items():
            _offer(name, _told(name), given, gr.Textbox(label="Told"))
        for name, (fn, shown) in _produced().items():
            _offer(name, fn, None, shown)
        _offer_drawn()
        _offer_shapes()
    return blocks.queue(default_concurrency_limit=20)
