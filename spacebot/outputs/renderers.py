"""One renderer for each of Gradio's output components: its value → what is shown.

To add one: a small class, and a line in `RENDERERS`, the table that ends the file.
"""

# ruff: noqa: ARG002 - every renderer has the same signature

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from spacebot.outputs import text
from spacebot.outputs.annotated import Annotated
from spacebot.outputs.files import Place, Shown, is_uri, joined
from spacebot.outputs.plots import NativePlot, Plot
from spacebot.outputs.tables import Dataframe
from spacebot.outputs.values import files_in, holds_files, listed, texts_in
from spacebot.outputs.written import (
    Chosen,
    Code,
    Dialogue,
    Highlighted,
    Html,
    Json,
    Label,
    Markdown,
    Mono,
    Plain,
)


class Renderer(Protocol):
    """Turns one value into what is shown, with the files and properties of its place.

    Raises TypeError, KeyError and their like for a value of another shape.
    """

    def __call__(self, value: Any, place: Place) -> Shown: ...


def show(value: Any, component: str, place: Place) -> Shown:
    """Return what one value shows, by its component or else by its shape."""
    if value is None or (isinstance(value, str | list | tuple | dict) and not value):
        return Shown()
    renderer = RENDERERS.get(component.lower(), ByShape())
    try:
        return renderer(value, place)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        # A component may return a shape that its Gradio version never documented.
        return ByShape()(value, place)


def is_unseen(component: str) -> bool:
    """Say whether a component holds nothing for people."""
    return isinstance(RENDERERS.get(component.lower()), Nothing)


class ByShape:
    """A component that is not known: text, files or JSON, whatever its value is."""

    def __call__(self, value: Any, place: Place) -> Shown:
        if isinstance(value, str):
            if is_uri(value):
                return place.write_uri(value)
            return Plain()(value, place)
        if holds_files(value):
            beside = "\n".join(texts_in(value))
            parts = (place.add(file) for file in files_in(value))
            return joined([Shown(text.escape(beside), source=beside), *parts])
        if isinstance(value, list | tuple | Mapping):
            return Json()(value, place)
        return Plain()(value, place)


class Files:
    """One file or several, as they are."""

    def __call__(self, value: Any, place: Place) -> Shown:
        if not holds_files(value) and not isinstance(value, str):
            raise TypeError("no file")
        return joined(_media(value, place, played=False))


class Media:
    """A picture, sound or video, or several."""

    def __call__(self, value: Any, place: Place) -> Shown:
        if not holds_files(value) and not isinstance(value, str):
            raise TypeError("no file")
        return joined(_media(value, place))


class Gallery:
    """Pictures and videos with their captions."""

    def __call__(self, value: Any, place: Place) -> Shown:
        parts, captions = [], []
        for number, item in enumerate(value, 1):
            media, caption = self._item(item)
            caption = str(caption or "").strip()
            parts += _media(media, place, caption)
            captions += [f"{number}\\. {text.escape(caption)}"] if caption else []
        return joined([Shown("\n".join(captions)), *parts])

    def _item(self, item: Any) -> tuple[Any, Any]:
        if isinstance(item, dict):
            return item.get("image") or item.get("video"), item.get("caption")
        return (item[0], item[1]) if isinstance(item, list | tuple) else (item, None)


class Editor:
    """An image editor: the picture that its layers give together."""

    def __call__(self, value: Any, place: Place) -> Shown:
        if isinstance(value, dict):
            value = value.get("composite") or value.get("background") or value.get("layers")
        return joined(_media(value, place))


class TextAndFiles:
    """A multimodal text box: its text, then its files."""

    def __call__(self, value: Any, place: Place) -> Shown:
        if not isinstance(value, dict):
            return Markdown()(value, place)
        words = show(value.get("text"), "markdown", place)
        return joined([words, *_media(value.get("files"), place)])


class Chat:
    """A chat: what was said last, after the person's own last message."""

    def __call__(self, value: Any, place: Place) -> Shown:
        said = list(self._answer(value))
        spoken = [one for one in said if not _is_aside(one)]
        parts = [
            self._content(content, place)
            for message in spoken or said
            for content in listed(message.get("content"))
        ]
        return joined(parts, "\n\n")

    def _answer(self, value: Any) -> list[Mapping[str, Any]]:
        """Return the messages after the last of the user's."""
        if value and isinstance(value[-1], list | tuple):
            return [{"content": value[-1][1]}]
        said: list[Mapping[str, Any]] = []
        for message in reversed(value):
            if message.get("role") == "user":
                break
            said.insert(0, message)
        return said

    def _content(self, content: Any, place: Place) -> Shown:
        if isinstance(content, dict):
            if "text" in content and content.get("type", "text") == "text":
                content = content["text"]
            elif "component" in content:
                place = replace(place, props=content.get("props") or {})
                return show(content.get("value"), str(content["component"]), place)
        return show(content, "markdown", place)


class Data:
    """JSON; the messages that a chat function answers with, as a chat shows them."""

    def __call__(self, value: Any, place: Place) -> Shown:
        messages = value if isinstance(value, list) else [value]
        said = [isinstance(one, Mapping) and {"role", "content"} <= set(one) for one in messages]
        if said and all(said):
            return Chat()(messages, place)
        return Json()(value, place)


class Nothing:
    """A component that holds nothing for people: state, a timer, a button."""

    def __call__(self, value: Any, place: Place) -> Shown:
        return Shown()


def _media(value: Any, place: Place, alt: str = "", *, played: bool = True) -> list[Shown]:
    """Return each file of a value; text in a file's place is an address or words."""
    if isinstance(value, str):
        if is_uri(value):
            return [place.write_uri(value, alt)]
        return [Shown(text.escape(value), source=value)]
    return [place.add(file, alt, played=played) for file in files_in(value)]


def _is_aside(message: Mapping[str, Any]) -> bool:
    """Say whether a chat message is a thought or a tool's use, which have a title."""
    return bool((message.get("metadata") or {}).get("title"))


RENDERERS: dict[str, Renderer] = {
    "textbox": Plain(),
    "number": Plain(),
    "slider": Plain(),
    "checkbox": Plain(),
    "datetime": Plain(),
    "radio": Chosen(),
    "dropdown": Chosen(),
    "checkboxgroup": Chosen(),
    "colorpicker": Mono(),
    "markdown": Markdown(),
    "html": Html(),
    "code": Code(),
    "json": Data(),
    "api": Data(),
    "paramviewer": Json(),
    "label": Label(),
    "highlightedtext": Highlighted(),
    "image": Media(),
    "audio": Media(),
    "video": Media(),
    "file": Files(),
    "uploadbutton": Files(),
    "downloadbutton": Files(),
    "fileexplorer": Files(),
    "model3d": Files(),
    "imageslider": Media(),
    "gallery": Gallery(),
    "annotatedimage": Annotated(),
    "imageeditor": Editor(),
    "plot": Plot(),
    "nativeplot": NativePlot(),
    "lineplot": NativePlot(),
    "barplot": NativePlot(),
    "scatterplot": NativePlot(),
    "dataframe": Dataframe(),
    "chatbot": Chat(),
    "multimodaltextbox": TextAndFiles(),
    "dialogue": Dialogue(),
    "state": Nothing(),
    "browserstate": Nothing(),
    "timer": Nothing(),
    "button": Nothing(),
    "clearbutton": Nothing(),
    "duplicatebutton": Nothing(),
    "loginbutton": Nothing(),
    "deeplinkbutton": Nothing(),
    "navbar": Nothing(),
    "dataset": Nothing(),
}
