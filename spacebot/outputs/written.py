"""Renderers of what is written: text, markdown, code, JSON, labels.

They raise TypeError for a value of another shape, which is then shown by its shape.
"""

# ruff: noqa: ARG002 - every renderer has the same signature

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from spacebot.outputs import markdown, text
from spacebot.outputs.files import Place, Shown, is_uri, joined
from spacebot.outputs.values import holds_files, label_of, parsed, words

# What is shown of a text that goes into a file.
_PREVIEW = 600
_JSON_MOST = 1500
_JSON_LINES = 40

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


class Plain:
    """Text, numbers and choices, shown as they are."""

    def __call__(self, value: Any, place: Place) -> Shown:
        if holds_files(value) or is_uri(value) or isinstance(value, dict):
            raise TypeError("no plain value")
        raw = words(value)
        return Shown(text.escape(raw), source=raw, suffix=".txt")


class Chosen:
    """A radio, dropdown or checkbox group: labels where the values have any."""

    def __call__(self, value: Any, place: Place) -> Shown:
        values = value if isinstance(value, list) else [value]
        raw = ", ".join(label_of(one, place.props.get("choices")) for one in values)
        return Shown(text.escape(raw), source=raw, suffix=".txt")


class Mono:
    """A value that people copy: a colour, a path."""

    def __call__(self, value: Any, place: Place) -> Shown:
        return Shown(text.code(words(value)), source=words(value), suffix=".txt")


class Markdown:
    """Markdown in Discord's dialect; pictures inside it become attachments."""

    def __call__(self, value: Any, place: Place) -> Shown:
        written, pictures = markdown.from_markdown(_string(value))
        return _with_pictures(written, pictures, value, ".md", place)


class Html:
    """HTML as text; a page without words, or a page in a frame, is attached."""

    def __call__(self, value: Any, place: Place) -> Shown:
        written, pictures = markdown.from_html(_string(value))
        shown = _with_pictures(written, pictures, value, ".html", place)
        drawn = re.search(r"<(?:svg|canvas|iframe[^<>]+srcdoc)", value, re.IGNORECASE)
        if drawn or (not shown and re.search(r"<(?:script|iframe|img|object)", value)):
            page = place.write(value, ".html")
            return joined([shown, page])
        return shown


class Code:
    """Code in a block of its language."""

    def __call__(self, value: Any, place: Place) -> Shown:
        if not isinstance(value, str):
            return Json()(value, place)
        language = str(place.props.get("language") or "")
        return Shown(
            text.fence(value, language) if value.strip() else "",
            source=value,
            suffix=_CODE_SUFFIXES.get(language, ".txt"),
        )


class Json:
    """JSON in a block, attached where it is long; a lone string is a chat's answer."""

    def __call__(self, value: Any, place: Place) -> Shown:
        if isinstance(value, str):
            value = parsed(value)
        if isinstance(value, str):
            return Markdown()(value, place)
        if holds_files(value):
            raise TypeError("files in JSON")
        if (said := _said(value)) is not None:
            return said if isinstance(said, Shown) else Markdown()(said, place)
        if isinstance(value, bool | int | float):
            return Plain()(value, place)
        raw = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        lines = raw.split("\n")
        if len(raw) <= _JSON_MOST and len(lines) <= _JSON_LINES:
            return Shown(text.fence(raw, "json"), source=raw, suffix=".json")
        preview = text.shorten("\n".join(lines[:20]), _PREVIEW) + "\n…"
        whole = place.write(raw, ".json")
        return joined([Shown(text.fence(preview, "json")), whole])


class Label:
    """A class, or several with their confidence as bars."""

    _BAR = 16
    _MOST = 15

    def __call__(self, value: Any, place: Place) -> Shown:
        if not isinstance(value, dict):
            return Shown(text.bold(words(value)))
        confidences = value.get("confidences") or []
        if not confidences:
            return Shown(text.bold(words(value.get("label"))))
        rows = [
            (text.shorten(words(one["label"]), 30), float(one.get("confidence") or 0))
            for one in confidences[: self._MOST]
        ]
        room = max(text.width(name) for name, _ in rows)
        lines = [
            f"{name}{' ' * (room - text.width(name))}  {self._bar(part)}  {part:4.0%}"
            for name, part in rows
        ]
        left = len(confidences) - len(rows)
        lines += [f"… and {left} more"] if left > 0 else []
        return Shown(text.fence("\n".join(lines)))

    def _bar(self, part: float) -> str:
        full = round(self._BAR * min(1.0, max(0.0, part)))
        return "█" * full + "░" * (self._BAR - full)


class Highlighted:
    """Text whose marked parts are bold, each followed by its class."""

    def __call__(self, value: Any, place: Place) -> Shown:
        parts = value if isinstance(value, list) else value["value"]
        return Shown("".join(map(self._part, parts)))

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


class Dialogue:
    """Lines of several speakers."""

    def __call__(self, value: Any, place: Place) -> Shown:
        if isinstance(value, str):
            return Plain()(value, place)
        return Shown(
            "\n".join(
                f"{text.bold(str(one['speaker']))}: {text.escape(one['text'])}" for one in value
            )
        )


def _said(value: Any) -> str | Shown | None:
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
    note = text.small(f"The Space did not hand over {names}.")
    shown = markdown.from_markdown(written)[0]
    return Shown("\n".join(filter(None, [shown, note])), source=written, suffix=".md")


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
    place: Place,
) -> Shown:
    parts = [place.write_uri(uri, alt) for uri, alt in pictures]
    shown = joined([Shown(written), *parts])
    return Shown(shown.text, shown.files, source, suffix)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, not {type(value).__name__}")
    return value
