"""The same values for both sides: as gradio_client takes them, and as a person types them."""

from __future__ import annotations

import json
import wave
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gradio_client import handle_file
from PIL import Image

from spacebot.models import Option, OptionType, Parameter
from spacebot.spaces.inputs.components.menu import menu_of
from tests.support.apps.media import short_film

TEXT = "Hello there, 3 cats"
UNTYPED = (None, "", [], {})


class Media:
    """Small files of each kind in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        gradient = np.linspace(0, 255, 96 * 64 * 3).reshape(64, 96, 3).astype(np.uint8)
        Image.fromarray(gradient).save(folder / "picture.png")
        with wave.open(str(folder / "sound.wav"), "wb") as sound:
            sound.setparams((1, 2, 16_000, 0, "NONE", ""))
            tone = np.sin(np.arange(8_000) / 16_000 * 2 * np.pi * 440) * 12_000
            sound.writeframes(tone.astype("<i2").tobytes())
        Path(short_film(0.5)).rename(folder / "film.mp4")
        (folder / "shape.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
        (folder / "paper.txt").write_text("Three cats sat on a mat.\n")
        (folder / "table.csv").write_text("a,b\n1,2\n")
        (folder / "data.json").write_text('{"a": 1}\n')
        (folder / "paper.pdf").write_bytes(PDF)

    def file(self, kinds: Iterable[str]) -> Any:
        """A file of one of these kinds ("image", ".csv"), for gradio_client."""
        for kind in kinds:
            if kind in BY_KIND:
                return handle_file(self.folder / BY_KIND[kind])
            if kind.startswith("."):
                found = next((p for p in self.folder.iterdir() if p.suffix == kind), None)
                found = found or self.folder / f"paper{kind}"
                if not found.exists():
                    found.write_text("Three cats sat on a mat.\n")
                return handle_file(found)
        return handle_file(self.folder / "paper.txt")


BY_KIND = {"image": "picture.png", "audio": "sound.wav", "video": "film.mp4", "text": "paper.txt"}
MEDIA = {"image": "image", "audio": "audio", "video": "video", "model3d": ".obj"}
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]"
    b"/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


def direct(raw: Mapping[str, Any], props: Mapping[str, Any], media: Media) -> Any:
    """What gradio_client gets for a parameter of the API description."""
    kind = str(raw.get("component") or "").lower()
    if kind in MEDIA:
        return media.file([MEDIA[kind]])
    if kind in ("file", "uploadbutton"):
        one = media.file(props.get("file_types") or ())
        return [one] if props.get("file_count") in ("multiple", "directory") else one
    if kind in COMPOSED:
        return COMPOSED[kind](media.file(["image"]))
    if kind in ("textbox", "code", "markdown", "html"):
        return TEXT
    value = raw.get("example_input")
    if kind in ("number", "slider"):
        return _bounded(value, props)
    if kind == "dataframe":
        return _table(props)
    if kind == "datetime" and props.get("include_time") is False:
        return str(value)[:10]
    if kind in ("dropdown", "radio") and not props.get("choices"):
        return TEXT if props.get("allow_custom_value") else None
    if kind == "dropdown" and props.get("multiselect") and not isinstance(value, list):
        return [value]
    return value


COMPOSED = {
    "gallery": lambda picture: [{"image": picture, "caption": None}],
    "imageeditor": lambda picture: {"background": picture, "layers": [], "composite": picture},
    "imageslider": lambda picture: [picture, picture],
    "annotatedimage": lambda picture: {"image": picture, "annotations": []},
    "multimodaltextbox": lambda picture: {"text": TEXT, "files": [picture]},
    "chatbot": lambda _: [
        {"role": "user", "content": [{"type": "text", "text": TEXT}], "metadata": None,
         "options": None}
    ],
}  # fmt: skip


def _bounded(value: Any, props: Mapping[str, Any]) -> Any:
    low, high = props.get("minimum"), props.get("maximum")
    value = 3 if value is None else value
    value = max(value, low) if low is not None else value
    return min(value, high) if high is not None else value


def _table(props: Mapping[str, Any]) -> Any:
    heads = props.get("headers") or ["a", "b"]
    kinds = props.get("datatype") or "str"
    kinds = [kinds] * len(heads) if isinstance(kinds, str) else kinds
    cells = {"number": 4, "bool": True, "date": "2024-01-31"}
    row = [cells.get(kind, f"cell {n}") for n, kind in enumerate(kinds[: len(heads)])]
    row += ["x"] * (len(heads) - len(row))
    return {"headers": list(heads), "data": [row, row], "metadata": None}


def typed(parameter: Parameter, own: list[Option], value: Any) -> dict[str, Any]:
    """What a person enters for that value, by option name; empty if nothing can be entered."""
    if not own or value in UNTYPED:
        return {}
    main = own[0]
    files = [_upload(path) for path in _paths(value)]
    if parameter.component == "multimodaltextbox":
        slots = [option for option in own if option.type is OptionType.ATTACHMENT]
        attached = {slot.name: file for slot, file in zip(slots, files, strict=False)}
        return {**({main.name: value["text"]} if value["text"] else {}), **attached}
    if main.type is OptionType.ATTACHMENT:
        count = 2 if parameter.component == "imageslider" else len(files)
        if parameter.component == "imageeditor":
            count = 1
        return {slot.name: file for slot, file in zip(own[:count], files, strict=False)}
    if main.type is OptionType.BOOLEAN:
        return {main.name: bool(value)}
    if main.type is OptionType.INTEGER:
        return {main.name: int(value)}
    if main.type is OptionType.NUMBER:
        return {main.name: value}
    text = _words(parameter, value)
    return {main.name: text} if text else {}


def _words(parameter: Parameter, value: Any) -> str:
    kind = parameter.component
    if kind == "chatbot":
        return TEXT
    if kind in ("dropdown", "radio", "checkboxgroup"):
        values = value if isinstance(value, list) else [value]
        return ", ".join(map(menu_of(parameter).label, values))
    return value if isinstance(value, str) else json.dumps(value)


def _paths(value: Any) -> list[str]:
    if isinstance(value, dict) and "path" in value and "meta" in value:
        return [value["path"]]
    parts = value.values() if isinstance(value, dict) else value
    return [p for v in parts for p in _paths(v)] if isinstance(value, dict | list) else []


def _upload(path: str) -> tuple[str, bytes]:
    return Path(path).name, Path(path).read_bytes()
