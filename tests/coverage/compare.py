"""Whether a message carries what a direct call returned.

The formatting that Discord needs is undone, or the value is looked for inside it;
files are equal by their bytes, or by their decoded pixels and samples. This
knows nothing of how `spacebot.spaces.outputs` does its work.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from PIL import Image, UnidentifiedImageError

TEXTS = (".txt", ".md", ".json", ".csv", ".html", ".py", ".js", ".css", ".svg", ".sql", ".ts")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".svg")
RATE = 16_000
BROUGHT = "coverage-files-"


@dataclass(frozen=True)
class Answer:
    """What a person sees: the texts of the messages, in order, and their files."""

    texts: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = ()

    @cached_property
    def said(self) -> str:
        """All texts, attached ones included."""
        return "\n".join([*self.texts, *self.attached])

    @property
    def attached(self) -> Iterator[str]:
        """The attached texts."""
        for name, data in self.files:
            if name.endswith(TEXTS):
                yield data.decode("utf-8-sig", errors="replace")

    @cached_property
    def bare(self) -> str:
        """The texts without any formatting."""
        return bare(self.said)

    @cached_property
    def numbers(self) -> list[float]:
        """The numbers in the texts."""
        found = re.findall(r"-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?", self.said.replace("\\", ""))
        return [float(text.replace(",", "")) for text in found]

    @property
    def pictures(self) -> list[bytes]:
        """The attached pictures."""
        return [data for name, data in self.files if name.endswith(PICTURES)]

    @property
    def failed(self) -> str:
        """The line that reports the failure, or nothing."""
        lines = (line for text in self.texts for line in text.split("\n"))
        return next((line for line in lines if line.startswith(("❌", "✏️", "⏳", "🛑"))), "")


def bare(text: str) -> str:
    """A text without spaces and markup."""
    text = re.sub(r"^```[\w+#-]*$", "", text, flags=re.M)
    text = re.sub(r"<(https?://[^>\s]+)>", r"\1", text)
    text = text.translate(QUOTES)
    return re.sub(r"[\s\\\u200b*_`~#>|•·…\-–—]+", "", text).casefold()


QUOTES = str.maketrans("“”‘’", "\"\"''")


def difference(component: str, value: Any, answer: Answer, choices: Mapping[Any, str]) -> str:
    """Why the answer does not carry a value of this component; empty if it does."""
    if isinstance(value, Mapping) and value.get("__type__") == "update":
        value = value.get("value")
    if value is None or (isinstance(value, str | list | tuple | dict) and not value):
        return ""
    for path in paths(FILES.get(component, lambda whole: whole)(value)):
        if not _has_file(path, answer):
            return f"the file {path.suffix} is not in the answer"
    check = CHECKS.get(component)
    if check is not None and (why := check(value, answer)) is not None:
        return why
    return _anything(value, answer, choices)


def is_brought(value: Any) -> bool:
    """Whether this is the path of a file that gradio_client downloaded."""
    named = isinstance(value, str) and BROUGHT in value and len(value) < 500
    return named and Path(value).is_file()


def paths(value: Any) -> Iterator[Path]:
    """The files that gradio_client downloaded into `BROUGHT`, not other paths in the value."""
    if is_brought(value):
        yield Path(value)
    elif isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from paths(one)


def _has_file(path: Path, answer: Answer) -> bool:
    wanted = path.read_bytes()
    if any(data == wanted for _, data in answer.files):
        return True
    return any(_alike(wanted, data) for _, data in answer.files)


def _alike(one: bytes, other: bytes) -> bool:
    """Whether two files show the same pixels or sound, up to what compression loses."""
    a, b = _pixels(one), _pixels(other)
    if a is not None and b is not None:
        return a.shape == b.shape and float(np.abs(a - b).mean()) < 4
    a, b = _samples(one), _samples(other)
    if a is None or b is None or abs(a.size - b.size) > 0.05 * max(a.size, b.size) + 2000:
        return False
    return abs(float(np.sqrt((a**2).mean())) - float(np.sqrt((b**2).mean()))) < 0.02


def _pixels(data: bytes) -> np.ndarray | None:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("RGBA"), np.int16)
    except (UnidentifiedImageError, OSError, ValueError):
        return None


def _samples(data: bytes) -> np.ndarray | None:
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if container.streams.video:
                return None
            resampler = av.AudioResampler("flt", "mono", RATE)
            frames = [f for raw in container.decode(audio=0) for f in resampler.resample(raw)]
            return np.concatenate([frame.to_ndarray().ravel() for frame in frames])
    except (av.error.FFmpegError, IndexError, ValueError):
        return None


def _anything(value: Any, answer: Answer, choices: Mapping[Any, str]) -> str:
    """Look for every text and number of a value, anywhere in the answer."""
    if isinstance(value, bool):
        words = ("yes", "true") if value else ("no", "false")
        return "" if any(word in answer.bare for word in words) else "the yes or no is missing"
    if isinstance(value, int | float):
        return _number(value, answer)
    if isinstance(value, str):
        if is_brought(value):
            return ""
        label = choices.get(value, value)
        return "" if bare(value) in answer.bare or bare(label) in answer.bare else _missing(value)
    if isinstance(value, Mapping):
        kept = [v for k, v in value.items() if k not in HIDDEN_KEYS and v is not None]
        return next(filter(None, (_anything(one, answer, choices) for one in kept)), "")
    if isinstance(value, list | tuple):
        return next(filter(None, (_anything(one, answer, choices) for one in value)), "")
    return ""


HIDDEN_KEYS = ("type", "__type__", "metadata", "alt_text", "mime_type", "meta", "_type")


def _number(value: float, answer: Answer) -> str:
    close = any(math.isclose(value, n, rel_tol=1e-4, abs_tol=1e-9) for n in answer.numbers)
    return "" if close or bare(str(value)) in answer.bare else f"the number {value} is missing"


def _missing(value: str) -> str:
    return f"the text is missing: {value[:60]!r}"


# Formulas are drawn as Unicode, and emoji names as emoji.
MATH = re.compile(r"\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|:[a-z_]+:", re.S)


def _rich(value: Any, answer: Answer) -> str | None:
    """Markdown and HTML: the words in their order, and the pictures inside."""
    if not isinstance(value, str):
        return None
    page = BeautifulSoup(MarkdownIt("commonmark").enable("table").render(value), "html.parser")
    for hidden in page(["script", "style", "svg", "iframe", "template"]):
        hidden.decompose()
    text = MATH.sub(" ", page.get_text(" "))
    here = iter(re.findall(r"[^\W_]+", re.sub(r"[\\\u200b]", "", answer.said).casefold()))
    words = re.findall(r"[^\W_]+", text.casefold())
    lost = next((word for word in words if word not in here), None)
    if lost is not None and value not in answer.attached:
        return f"a word of the text is missing: {lost!r}"
    shown = re.search(r"data:image/|<(svg|canvas|iframe|video|audio|img)", value)
    if not words and shown and not answer.files:
        return "what the HTML draws is missing"
    return ""


def _json(value: Any, answer: Answer) -> str | None:
    if isinstance(value, str):
        return _rich(value, answer)
    if said := chat_of(value):
        return _chat(said, answer)
    found = [*answer.attached, *re.findall(r"```json\n(.*?)```", "\n".join(answer.texts), re.S)]
    for text in found:
        try:
            if json.loads(text.replace("\u200b", "")) == json.loads(json.dumps(value)):
                return ""
        except ValueError:
            continue
    return None


def chat_of(value: Any) -> list[Any]:
    """The messages that a chat function answers with, if it is one."""
    messages = value if isinstance(value, list) else [value]
    roles = [isinstance(one, Mapping) and "role" in one and "content" in one for one in messages]
    return messages if roles and all(roles) else []


def _table(value: Any, answer: Answer) -> str | None:
    if not isinstance(value, Mapping):
        return None
    rows = [list(map(_cell, row)) for row in value.get("data") or []]
    for text in answer.attached:
        read = [list(map(_cell, row)) for row in csv.reader(io.StringIO(text))]
        if read[1:] == rows:
            return ""
    cells = [cell for row in value.get("data") or [] for cell in row]
    lost = next((cell for cell in cells if not _has_cell(cell, answer)), None)
    return "" if lost is None else f"a cell is missing: {str(lost)[:40]!r}"


def _has_cell(cell: Any, answer: Answer) -> bool:
    if isinstance(cell, str) and cell:
        return bare(BeautifulSoup(cell, "html.parser").get_text()) in answer.bare
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _has_rounded(cell, answer)
    return True


def _has_rounded(value: float, answer: Answer) -> bool:
    return any(math.isclose(value, n, rel_tol=1e-3, abs_tol=1e-3) for n in answer.numbers)


def _cell(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    try:
        return f"{float(text):.9g}"
    except ValueError:
        return text


def _label(value: Any, answer: Answer) -> str | None:
    if not isinstance(value, Mapping):
        return None
    rows = [(value.get("label"), None)]
    rows += [(one["label"], one["confidence"]) for one in (value.get("confidences") or [])[:15]]
    for name, confidence in rows:
        if name is not None and bare(str(name)[:25]) not in answer.bare:
            return f"the class {name!r} is missing"
        percent = None if confidence is None else round(confidence * 100)
        if percent is not None and not any(abs(n - percent) <= 1 for n in answer.numbers):
            return f"the confidence of {name!r} is missing"
    return ""


def _marked(value: Any, answer: Answer) -> str | None:
    parts = value if isinstance(value, list) else value.get("value") or []
    for part in parts:
        token = part.get("token") if isinstance(part, Mapping) else part[0]
        mark = part.get("class_or_confidence") if isinstance(part, Mapping) else part[1]
        if token and bare(str(token)) not in answer.bare:
            return _missing(str(token))
        if isinstance(mark, str) and bare(mark) not in answer.bare:
            return f"the mark {mark!r} is missing"
    return ""


def _annotated(value: Any, answer: Answer) -> str | None:
    for one in value.get("annotations") or []:
        if bare(str(one.get("label"))) not in answer.bare:
            return f"the label {one.get('label')!r} is missing"
    return "" if answer.pictures else "the picture is missing"


def _plot(value: Any, answer: Answer) -> str | None:
    """A drawn plot cannot be compared; a plot that arrived as a picture can."""
    plot = value.get("plot") if isinstance(value, Mapping) else None
    if isinstance(plot, str) and plot.startswith("data:image"):
        data = base64.b64decode(plot.partition(",")[2])
        same = any(data == one or _alike(data, one) for one in answer.pictures)
        return "" if same else "the plot's picture is missing"
    return "" if answer.files else "the plot is missing"


def _chat(value: Any, answer: Answer) -> str | None:
    """The last answer: what was said after the person's last message."""
    if not isinstance(value, list):
        return None
    for content in _last_said(value):
        text = content.get("text") if isinstance(content, Mapping) else content
        if isinstance(text, str) and (why := _rich(text, answer)):
            return why
    return ""


def _last_said(value: Any) -> list[Any]:
    """What the app said after the person's last message, without its thoughts."""
    said: list[Any] = []
    thought: list[Any] = []
    for message in reversed(value):
        if isinstance(message, list | tuple):
            return [message[1]]
        if message.get("role") == "user":
            break
        contents = message.get("content")
        parts = contents if isinstance(contents, list) else [contents]
        if (message.get("metadata") or {}).get("title"):
            thought = [*parts, *thought]
        else:
            said = [*parts, *said]
    return said or thought


# Which files of a value are wanted as they are; the others are drawn, or were said before.
FILES: dict[str, Callable[[Any], Any]] = {
    "annotatedimage": lambda _: None,
    "imageeditor": lambda value: value.get("composite") or value.get("background"),
    "chatbot": _last_said,
}

Check = Callable[[Any, Answer], str | None]
CHECKS: dict[str, Check] = {
    "markdown": _rich,
    "html": _rich,
    "json": _json,
    "api": _json,
    "dataframe": _table,
    "label": _label,
    "highlightedtext": _marked,
    "annotatedimage": _annotated,
    "plot": _plot,
    "lineplot": _plot,
    "barplot": _plot,
    "scatterplot": _plot,
    "nativeplot": _plot,
    "chatbot": _chat,
}
