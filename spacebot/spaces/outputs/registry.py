"""One renderer for each of Gradio's output components: value → message parts.

To add one: a small class, and a line in `RENDERERS`, the table that ends the file.
"""

# ruff: noqa: ARG002 - every renderer has the same signature

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from spacebot.spaces.outputs import text
from spacebot.spaces.outputs.files import RenderContext, Rendered, is_uri, join_parts
from spacebot.spaces.outputs.renderers.annotated import AnnotatedImageRenderer
from spacebot.spaces.outputs.renderers.plots import NativePlotRenderer, PlotRenderer
from spacebot.spaces.outputs.renderers.tables import DataframeRenderer
from spacebot.spaces.outputs.renderers.text_renderers import (
    ChoiceRenderer,
    CodeRenderer,
    DialogueRenderer,
    HighlightedTextRenderer,
    HtmlRenderer,
    JsonRenderer,
    LabelRenderer,
    MarkdownRenderer,
    MonospaceRenderer,
    PlainRenderer,
)
from spacebot.spaces.outputs.values import as_list, files_in, holds_files, last_answer, texts_in


class Renderer(Protocol):
    """Renders one value, with the files and properties of its context.

    Raises TypeError, KeyError and the like for a value of another shape.
    """

    def __call__(self, value: Any, place: RenderContext) -> Rendered: ...


def render_value(value: Any, component: str, place: RenderContext) -> Rendered:
    """Return what one value shows, by its component, otherwise by its shape."""
    if value is None or (isinstance(value, str | list | tuple | dict) and not value):
        return Rendered()
    renderer = RENDERERS.get(component.lower(), ShapeRenderer())
    try:
        return renderer(value, place)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # A component may return a shape that its Gradio version never documented.
        return ShapeRenderer()(value, place)


def is_invisible(component: str) -> bool:
    """Say whether a component contains nothing for people."""
    return isinstance(RENDERERS.get(component.lower()), HiddenRenderer)


class ShapeRenderer:
    """An unknown component: text, files or JSON, whatever its value is."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if isinstance(value, str):
            if is_uri(value):
                return place.write_uri(value)
            return PlainRenderer()(value, place)
        if holds_files(value):
            beside = "\n".join(texts_in(value))
            parts = (place.add(file) for file in files_in(value))
            return join_parts([Rendered(text.escape(beside), source=beside), *parts])
        if isinstance(value, list | tuple | Mapping):
            return JsonRenderer()(value, place)
        return PlainRenderer()(value, place)


class FilesRenderer:
    """One file or several: unchanged, or as pictures, sounds and videos that are `played`."""

    def __init__(self, *, played: bool = False) -> None:
        self.played = played

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if not holds_files(value) and not isinstance(value, str):
            raise TypeError("no file")
        return join_parts(_media(value, place, played=self.played))


class GalleryRenderer:
    """Pictures and videos with their captions."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        parts, captions = [], []
        for number, item in enumerate(value, 1):
            media, caption = self._item(item)
            caption = str(caption or "").strip()
            parts += _media(media, place, caption)
            captions += [f"{number}\\. {text.escape(caption)}"] if caption else []
        return join_parts([Rendered("\n".join(captions)), *parts])

    def _item(self, item: Any) -> tuple[Any, Any]:
        if isinstance(item, dict):
            return item.get("image") or item.get("video"), item.get("caption")
        return (item[0], item[1]) if isinstance(item, list | tuple) else (item, None)


class ImageEditorRenderer:
    """An image editor: the picture that its layers compose."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if isinstance(value, dict):
            value = value.get("composite") or value.get("background") or value.get("layers")
        return join_parts(_media(value, place))


class MultimodalTextboxRenderer:
    """A multimodal text box: its text, then its files."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if not isinstance(value, dict):
            return MarkdownRenderer()(value, place)
        words = render_value(value.get("text"), "markdown", place)
        return join_parts([words, *_media(value.get("files"), place)])


class ChatbotRenderer:
    """A chat: its answer to the person's last message."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        said = last_answer(value)
        spoken = [one for one in said if not _is_aside(one)]
        parts = [
            self._content(content, place)
            for message in spoken or said
            for content in as_list(message.get("content"))
        ]
        return join_parts(parts, "\n\n")

    def _content(self, content: Any, place: RenderContext) -> Rendered:
        if isinstance(content, dict):
            if "text" in content and content.get("type", "text") == "text":
                content = content["text"]
            elif "component" in content:
                place = replace(place, props=content.get("props") or {})
                return render_value(content.get("value"), str(content["component"]), place)
        return render_value(content, "markdown", place)


class DataRenderer:
    """JSON; the messages that a chat function answers with, as a chat shows them."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        messages = value if isinstance(value, list) else [value]
        said = [isinstance(one, Mapping) and {"role", "content"} <= set(one) for one in messages]
        if said and all(said):
            return ChatbotRenderer()(messages, place)
        return JsonRenderer()(value, place)


class HiddenRenderer:
    """A component that contains nothing for people: state, a timer, a button."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        return Rendered()


def _media(
    value: Any, place: RenderContext, alt: str = "", *, played: bool = True
) -> list[Rendered]:
    """Return each file of a value; text in a file's place is an address or words."""
    if isinstance(value, str):
        if is_uri(value):
            return [place.write_uri(value, alt)]
        return [Rendered(text.escape(value), source=value)]
    return [place.add(file, alt, played=played) for file in files_in(value)]


def _is_aside(message: Mapping[str, Any]) -> bool:
    """Say whether a chat message is a thought or a tool's use, which have a title."""
    return bool((message.get("metadata") or {}).get("title"))


RENDERERS: dict[str, Renderer] = {
    "textbox": PlainRenderer(),
    "number": PlainRenderer(),
    "slider": PlainRenderer(),
    "checkbox": PlainRenderer(),
    "datetime": PlainRenderer(),
    "radio": ChoiceRenderer(),
    "dropdown": ChoiceRenderer(),
    "checkboxgroup": ChoiceRenderer(),
    "colorpicker": MonospaceRenderer(),
    "markdown": MarkdownRenderer(),
    "html": HtmlRenderer(),
    "code": CodeRenderer(),
    "json": DataRenderer(),
    "api": DataRenderer(),
    "paramviewer": JsonRenderer(),
    "label": LabelRenderer(),
    "highlightedtext": HighlightedTextRenderer(),
    "image": FilesRenderer(played=True),
    "audio": FilesRenderer(played=True),
    "video": FilesRenderer(played=True),
    "file": FilesRenderer(),
    "uploadbutton": FilesRenderer(),
    "downloadbutton": FilesRenderer(),
    "fileexplorer": FilesRenderer(),
    "model3d": FilesRenderer(),
    "imageslider": FilesRenderer(played=True),
    "gallery": GalleryRenderer(),
    "annotatedimage": AnnotatedImageRenderer(),
    "imageeditor": ImageEditorRenderer(),
    "plot": PlotRenderer(),
    "nativeplot": NativePlotRenderer(),
    "lineplot": NativePlotRenderer(),
    "barplot": NativePlotRenderer(),
    "scatterplot": NativePlotRenderer(),
    "dataframe": DataframeRenderer(),
    "chatbot": ChatbotRenderer(),
    "multimodaltextbox": MultimodalTextboxRenderer(),
    "dialogue": DialogueRenderer(),
    "state": HiddenRenderer(),
    "browserstate": HiddenRenderer(),
    "timer": HiddenRenderer(),
    "button": HiddenRenderer(),
    "clearbutton": HiddenRenderer(),
    "duplicatebutton": HiddenRenderer(),
    "loginbutton": HiddenRenderer(),
    "deeplinkbutton": HiddenRenderer(),
    "navbar": HiddenRenderer(),
    "dataset": HiddenRenderer(),
}
