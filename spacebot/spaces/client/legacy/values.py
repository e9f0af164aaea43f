"""Values of Gradio 3 ↔ those of current versions. Pure.

Gradio 3 writes a file as `{name, data, is_file}`, where data is a `data:` address unless the file
is on the Space; a picture is that address alone.
"""

from __future__ import annotations

import base64
import io
import json
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from spacebot.errors import InputError
from spacebot.spaces.client.files.uploads import META, TOO_LARGE, is_file, map_items
from spacebot.spaces.outputs.values import is_update

# The size of one message to a Space, in bytes: its server accepts no more.
MOST_SENT = 16 << 20
# A mask takes three bytes a pixel, here and on the Space.
MAX_PIXELS = 20_000_000


def from_legacy(value: Any, component: str) -> Any:
    """A component's output as the same component of a current Gradio writes it."""
    if is_update(value):
        inner = {"value": from_legacy(value["value"], component)} if "value" in value else {}
        return {**value, **inner}
    convert = _RECEIVED.get(component, _files)
    try:
        return None if value is None else convert(value)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        # A shape that no version documents: only its files are recognized.
        return _files(value)


def to_legacy(data: Sequence[Any], parts: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    """The arguments of a call as Gradio 3 takes them, each for its component."""
    return tuple(_written(value, part) for value, part in zip(data, parts, strict=True))


def payload(data: Sequence[Any], parts: Sequence[Mapping[str, Any]], **about: Any) -> str:
    """A call as Gradio 3 takes it; raises `InputError` if it is too long."""
    text = json.dumps({"data": to_legacy(data, parts), **about})
    if len(text) > MOST_SENT:
        raise InputError(TOO_LARGE)
    return text


def _written(value: Any, part: Mapping[str, Any]) -> Any:
    if part["type"] == "highlightedtext" and isinstance(value, list):
        return [*map(_span, value)]
    if part["type"] == "image" and is_file(value):
        return _picture(value, part["props"])
    return _with_old_files(value)


def _span(value: Any) -> Any:
    """One piece of a highlighted text as a pair; anything else unchanged."""
    if isinstance(value, Mapping) and {"token", "class_or_confidence"} <= value.keys():
        return [value["token"], value["class_or_confidence"]]
    return _with_old_files(value)


def _with_old_files(value: Any) -> Any:
    return _old_file(value) if is_file(value) else map_items(value, _with_old_files)


def _picture(file: Mapping[str, Any], props: Mapping[str, Any]) -> Any:
    """A picture's `data:` address, with an empty mask if it is for drawing on."""
    picture = file.get("url") or file["path"]
    for_drawing = props.get("tool") == "sketch" and props.get("source") in ("upload", "webcam")
    # A picture that is on the Space cannot be measured here.
    if not (for_drawing and _is_data(picture)):
        return picture
    return {"image": picture, "mask": empty_mask(picture)}


def empty_mask(picture: str) -> str:
    """A black picture of the same size, both as `data:` addresses; raises `InputError`."""
    width, height = _size(picture)
    if width * height > MAX_PIXELS:
        raise InputError(
            f"The picture has {width * height / 1_000_000:.0f} megapixels; a Space of this old "
            f"version of Gradio can be sent {MAX_PIXELS // 1_000_000}. Choose a smaller one."
        )
    out = io.BytesIO()
    Image.new("RGB", (width, height)).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def _size(picture: str) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2]))) as read:
            return read.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError("The picture cannot be read. Choose another one.") from error


def as_described(value: Any, schema: Any) -> Any:
    """A file as its parameter's schema wants it: a Video of Gradio 4 comes with subtitles."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    is_video = isinstance(properties, Mapping) and {"video", "subtitles"} <= properties.keys()
    return {"video": value, "subtitles": None} if is_video and is_file(value) else value


def mark_files(value: Any) -> Any:
    """A value whose files are marked as files, as Gradio does from 4.2x on."""
    if isinstance(value, Mapping):
        is_unmarked = {"path", "url", "orig_name"} <= value.keys() and "meta" not in value
        if is_unmarked and isinstance(value["path"], str):
            return {**value, "meta": META}
    return map_items(value, mark_files)


def _old_file(file: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: file[key] for key in _KEPT if file.get(key) is not None}
    if _is_data(file.get("url")):
        return {**rest, "name": file["path"], "data": file["url"], "is_file": False}
    return {**rest, "name": file["path"], "data": None, "is_file": True}


_KEPT = ("orig_name", "mime_type", "alt_text", "size")


def _is_data(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("data:")


def _is_old_file(value: Mapping[str, Any]) -> bool:
    by_name = bool(value.get("is_file")) and isinstance(value.get("name"), str)
    return by_name or ("name" in value and _is_data(value.get("data")))


def _file(value: Any) -> Any:
    """One file, in any of the ways Gradio 3 writes it."""
    if isinstance(value, str):
        if not _is_data(value):
            return {"path": value, "meta": META}
        kind = value[5:80].partition(";")[0].partition(",")[0]
        name = f"file{mimetypes.guess_extension(kind) or ''}"
        return {"path": name, "url": value, "mime_type": kind, "meta": META}
    if not _is_old_file(value):
        raise TypeError("no file")
    rest = {key: value[key] for key in _KEPT if value.get(key) is not None}
    if value.get("is_file"):
        return {**rest, "path": value["name"], "meta": META}
    return {**rest, **_file(value["data"]), "path": str(value["name"] or "file"), "meta": META}


def _files(value: Any) -> Any:
    """Any value, with its files as a current Gradio writes them."""
    is_old = isinstance(value, Mapping) and _is_old_file(value)
    return _file(value) if is_old else map_items(value, _files)


def _media(value: Any) -> Any:
    return [*map(_file, value)] if isinstance(value, list) else _file(value)


def _image(value: Any) -> Any:
    # A sketch is a picture and a mask; the background is not used otherwise.
    return _file(value["image"] if isinstance(value, Mapping) and "image" in value else value)


def _video(value: Any) -> Any:
    # With subtitles, it is a pair.
    return _file(value[0] if isinstance(value, list) else value)


def _gallery(value: Any) -> Any:
    pairs = [one if isinstance(one, list) else [one, None] for one in value]
    return [{"image": _file(media), "caption": caption} for media, caption in pairs]


def _highlighted(value: Any) -> Any:
    return [{"token": token, "class_or_confidence": kind} for token, kind in value]


def _annotated(value: Any) -> Any:
    picture, marks = value
    marks = [{"image": _file(mask), "label": label} for mask, label in marks]
    return {"image": _file(picture), "annotations": marks}


_RECEIVED: dict[str, Callable[[Any], Any]] = {
    "annotatedimage": _annotated,
    "audio": _media,
    "file": _media,
    "gallery": _gallery,
    "highlightedtext": _highlighted,
    "image": _image,
    "model3d": _media,
    "uploadbutton": _media,
    "video": _video,
}
