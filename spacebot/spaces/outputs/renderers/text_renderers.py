"""Renderers of written values: text, markdown, code, JSON, labels.

They raise TypeError for a value of another shape, which is then rendered by its shape.
"""

# ruff: noqa: ARG002 - every renderer has the same signature

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from spacebot.spaces.outputs import markdown, text
from spacebot.spaces.outputs.files import RenderContext, Rendered, is_uri, join_parts
from spacebot.spaces.outputs.values import holds_files, label_of, parse_json_text, plain_value
from spacebot.wording import clip

# How much of a text is shown if the whole text goes into a file.
_PREVIEW_LENGTH = 600
_MAX_JSON_LENGTH = 1500
_MAX_JSON_LINES = 40

_CODE_SUFFIXES = {
    "python": ".py",
    "javascript": ".js",
    "typescript": ".ts",
    "html": ".html",
    "css": ".css",
    "json": ".json",
    "markdown": ".md",
    "latex": ".tex",
    "shell": ".sh",
    "yaml": ".yaml",
    "dockerfile": ".dockerfile",
    "c": ".c",
    "cpp": ".cpp",
    "r": ".r",
    "jinja2": ".j2",
    "sql": ".sql",
}


class PlainRenderer:
    """Text, numbers and choices, shown as they are."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if holds_files(value) or is_uri(value) or isinstance(value, dict):
            raise TypeError("no plain value")
        raw = plain_value(value)
        return Rendered(text.escape(raw), source=raw, suffix=".txt")


class ChoiceRenderer:
    """A radio, dropdown or checkbox group: labels if the values have any."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        values = value if isinstance(value, list) else [value]
        raw = ", ".join(label_of(one, place.props.get("choices")) for one in values)
        return Rendered(text.escape(raw), source=raw, suffix=".txt")


class MonospaceRenderer:
    """A value that people copy: a colour, a path."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        return Rendered(text.code(plain_value(value)), source=plain_value(value), suffix=".txt")


class MarkdownRenderer:
    """Markdown in Discord's dialect; pictures inside it become attachments."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        written, pictures = markdown.from_markdown(_string(value))
        return _with_pictures(written, pictures, value, ".md", place)


class HtmlRenderer:
    """HTML as text; a page without words, or a page in a frame, is attached."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        written, pictures = markdown.from_html(_string(value))
        shown = _with_pictures(written, pictures, value, ".html", place)
        drawn = re.search(r"<(?:svg|canvas|iframe[^<>]+srcdoc)", value, re.IGNORECASE)
        if drawn or (not shown and re.search(r"<(?:script|iframe|img|object)", value)):
            page = place.write(value, ".html")
            return join_parts([shown, page])
        return shown


class CodeRenderer:
    """Code in a block of its language."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if not isinstance(value, str):
            return JsonRenderer()(value, place)
        language = str(place.props.get("language") or "")
        return Rendered(
            text.fence(value, language) if value.strip() else "",
            source=value,
            suffix=_CODE_SUFFIXES.get(language, ".txt"),
        )


class JsonRenderer:
    """JSON in a code block, attached if it is long; a single string is a chat's answer."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if isinstance(value, str):
            value = parse_json_text(value)
        if isinstance(value, str):
            return MarkdownRenderer()(value, place)
        if holds_files(value):
            raise TypeError("files in JSON")
        if (said := _chat_answer(value)) is not None:
            return said if isinstance(said, Rendered) else MarkdownRenderer()(said, place)
        if isinstance(value, bool | int | float):
            return PlainRenderer()(value, place)
        raw = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        lines = raw.split("\n")
        if len(raw) <= _MAX_JSON_LENGTH and len(lines) <= _MAX_JSON_LINES:
            return Rendered(text.fence(raw, "json"), source=raw, suffix=".json")
        preview = clip("\n".join(lines[:20]), _PREVIEW_LENGTH) + "\n…"
        whole = place.write(raw, ".json")
        return join_parts([Rendered(text.fence(preview, "json")), whole])


class LabelRenderer:
    """A class, or several with their confidence as bars."""

    _BAR = 16
    _MOST = 15

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if not isinstance(value, dict):
            return Rendered(text.bold(plain_value(value)))
        confidences = value.get("confidences") or []
        if not confidences:
            return Rendered(text.bold(plain_value(value.get("label"))))
        rows = [
            (clip(plain_value(one["label"]), 30), float(one.get("confidence") or 0))
            for one in confidences[: self._MOST]
        ]
        room = max(text.width(name) for name, _ in rows)
        lines = [
            f"{name}{' ' * (room - text.width(name))}  {self._bar(part)}  {part:4.0%}"
            for name, part in rows
        ]
        left = len(confidences) - len(rows)
        lines += [f"… and {left} more"] if left > 0 else []
        return Rendered(text.fence("\n".join(lines)))

    def _bar(self, part: float) -> str:
        full = round(self._BAR * min(1.0, max(0.0, part)))
        return "█" * full + "░" * (self._BAR - full)


class HighlightedTextRenderer:
    """Text whose marked parts are bold, each followed by its class."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        parts = value if isinstance(value, list) else value["value"]
        return Rendered("".join(map(self._part, parts)))

    def _part(self, part: Any) -> str:
        token, mark = (
            (part.get("token"), part.get("class_or_confidence"))
            if isinstance(part, dict)
            else (part[0], part[1])
        )
        token = "" if token is None else str(token)
        if mark is None or not token.strip():
            return text.escape(token)
        before, after = token[: -len(token.lstrip())], token[len(token.rstrip()) :]
        label = f"{mark:.2f}" if isinstance(mark, float) else str(mark)
        return f"{before}**{text.escape(token.strip())}** {text.code(label)}{after}"


class DialogueRenderer:
    """Lines of several speakers."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if isinstance(value, str):
            return PlainRenderer()(value, place)
        return Rendered(
            "\n".join(
                f"{text.bold(str(one['speaker']))}: {text.escape(one['text'])}" for one in value
            )
        )


def _chat_answer(value: Any) -> str | Rendered | None:
    """Return what a gr.ChatInterface answers other than by a string, and None for other JSON.

    Its files are paths that the Space does not hand out.
    """
    messages = value if isinstance(value, list) else [value]
    if not messages or not all(map(_is_message, messages)):
        return None
    parts = [one.get("text") or one.get("content") or "" for one in messages]
    kept = [path for one in messages for path in one.get("files") or ()]
    written = "\n\n".join(part for part in parts if part)
    if not kept:
        return written
    names = ", ".join(text.code(str(path).rpartition("/")[2]) for path in kept)
    note = text.small(f"The Space did not provide {names}.")
    shown = markdown.from_markdown(written)[0]
    return Rendered("\n".join(filter(None, [shown, note])), source=written, suffix=".md")


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if set(value) == {"text", "files"}:
        return isinstance(value["text"], str) and isinstance(value["files"], list)
    return value.get("role") == "assistant" and isinstance(value.get("content"), str)


def _with_pictures(
    written: str,
    pictures: Iterable[tuple[str, str]],
    source: str,
    suffix: str,
    place: RenderContext,
) -> Rendered:
    parts = [place.write_uri(uri, alt) for uri, alt in pictures]
    shown = join_parts([Rendered(written), *parts])
    return Rendered(shown.text, shown.files, source, suffix)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, not {type(value).__name__}")
    return value
