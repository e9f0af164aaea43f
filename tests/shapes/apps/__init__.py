"""The apps by name. Each has a trait of real Spaces that a command must cope with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from tests.shapes.apps import chats, inputs, known, names, plumbing, popular

Builder = Callable[[], gr.Blocks]


@dataclass(frozen=True)
class Shape:
    """An app, and the Source that names it (`source` holds fields other than the Space)."""

    build: Builder
    space: str
    source: Mapping[str, Any] = field(default_factory=dict)


def _shapes(*modules: Any) -> dict[str, Shape]:
    shapes = {}
    for module in modules:
        for builder in module.APPS:
            shapes[builder.__name__] = Shape(builder, f"someone/{builder.__name__}")
    return shapes


SHAPES: dict[str, Shape] = _shapes(names, inputs, plumbing, chats, known, popular) | {
    "one_of_many": Shape(plumbing.three_hundred, "someone/Web-UI", {"endpoint": "/txt2img"}),
    "a_numbered_one": Shape(names.tabs, "someone/Toolbox", {"endpoint": "/predict_1"}),
    "renamed": Shape(
        known.musicgen, "huggingface-projects/musicgen", {"endpoint": "/predict", "name": "Music!"}
    ),
    "fixed": Shape(
        inputs.typed_choices, "someone/Sizes", {"fixed": {"size": "Large", "colours": ["r"]}}
    ),
    "plumbing_asked_for": Shape(
        plumbing.utilities, "someone/Utilities", {"endpoint": "/randomize_seed"}
    ),
    "by_address": Shape(names.untitled, "https://gpu-3.example.com/app"),
    "by_number": Shape(names.untitled, "http://127.0.0.1:7861"),
}
