"""What the outputs show → messages within Discord's limits."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spacebot.models import Attached, Endpoint, File, Output, Reply
from spacebot.outputs import text
from spacebot.outputs.files import (
    REQUEST_LIMIT,
    Attachments,
    Place,
    Shown,
    is_uri,
    missing,
    safe_stem,
    too_large,
)
from spacebot.outputs.renderers import is_unseen, show

# Discord has a limit of 10 files a message.
_FILES = 10
# More messages than this would flood a channel; the rest goes into one file.
MESSAGES = 3
_MOST_FILES = 40
_TEXT_MOST = 20_000
_BEGINNING = 1400
# What a preview looks at: characters of a text, entries of a list at either end, levels.
_ENDING, _FEW, _DEEP = 6000, 25, 20
_NOTES = 3
_NOTES_READ = 20
_NOTE = 200
_KINDS = {
    "textbox": "Text",
    "markdown": "Text",
    "image": "Picture",
    "gallery": "Pictures",
    "audio": "Sound",
    "video": "Video",
    "file": "File",
    "model3d": "3D model",
    "label": "Result",
    "dataframe": "Table",
    "plot": "Plot",
    "chatbot": "Answer",
    "code": "Code",
    "json": "Data",
}
_PATH = re.compile(r"(/[^\s/]+)+/?|[A-Za-z]:\\\S+")
_UNCONVERTED = "The rest of the result could not be shown. Its files are here as they came."
_NOTHING = "Done. The Space returned nothing to show."


@dataclass(frozen=True, slots=True)
class _Section:
    """What one output shows, under its label where there are several."""

    label: str
    shown: Shown


@dataclass(slots=True)
class _Draft:
    """One message in the making."""

    text: str = ""
    files: list[Attached] = field(default_factory=list)
    size: int = 0

    def takes(self, attached: Attached) -> bool:
        """Say whether one more file has room."""
        size = attached.path.stat().st_size
        return len(self.files) < _FILES and self.size + size <= REQUEST_LIMIT

    def add(self, attached: Attached) -> None:
        """Take one more file."""
        self.files.append(attached)
        self.size += attached.path.stat().st_size


def render(
    endpoint: Endpoint,
    values: Sequence[Any],
    *,
    header: str,
    folder: Path,
    file_limit: int,
    alt: str = "",
    notes: Sequence[str] = (),
    most: int = MESSAGES,
) -> tuple[Reply, ...]:
    """Return the messages that show an endpoint's outputs, under `header` (safe markdown).

    Files in `values` are `models.File`s; `file_limit` is the bytes that one may
    have where the answer goes; `alt` describes pictures without a caption; `notes`
    are what the Space said on the way. What has to be written goes to `folder`, and so
    does a text that would take more than `most` messages.
    """
    attachments = Attachments(folder, file_limit, alt)
    sections = _few_files(list(_sections(endpoint, values, attachments)), attachments, endpoint)
    opening = "\n".join(filter(None, [header, *_said(notes, alone=not sections)]))
    drafts = _packed(opening, sections)
    if sum(bool(draft.text) for draft in drafts) > most:
        drafts = _packed(opening, _shortened(sections, attachments, endpoint))
    return tuple(Reply(draft.text, tuple(draft.files)) for draft in drafts)


def unconverted(
    endpoint: Endpoint, files: Sequence[File], *, header: str, file_limit: int
) -> tuple[Reply, ...]:
    """Return the messages that bring a result's files as they came; nothing is read or made."""
    attachments, stem = Attachments(None, file_limit), safe_stem(endpoint.name) or "result"
    parts = [_as_it_came(file, stem, attachments) for file in files[:_MOST_FILES]]
    left = len(files) - len(parts)
    notes = [Shown(text.small(_UNCONVERTED))]
    notes += [Shown(text.small(f"{left} more files were returned than fit here."))] if left else []
    drafts = _packed(header, [_Section("", part) for part in (*notes, *parts)])
    return tuple(Reply(draft.text, tuple(draft.files)) for draft in drafts)


def _as_it_came(file: File, stem: str, attachments: Attachments) -> Shown:
    """Return a file as an attachment, or the sentence that stands in its place."""
    if added := attachments.add(file, stem):
        return added
    if file.path is None or not file.path.is_file():
        return missing(file, stem)
    return too_large(file, stem, file.path.stat().st_size)


def preview(
    endpoint: Endpoint, values: Sequence[Any], *, header: str, limit: int = text.MESSAGE_LIMIT
) -> Reply:
    """Return what a streaming endpoint gave so far as one message: the end of a long text."""
    attachments = Attachments(None, REQUEST_LIMIT)
    sections = list(_sections(endpoint, values, attachments))
    written = "\n\n".join(filter(None, (section.shown.text for section in sections)))
    draft = _Draft()
    for section in sections:
        for attached in filter(draft.takes, section.shown.files):
            draft.add(attached)
    room = max(0, limit - len(header) - 60)
    body = text.split(text.tail(written, room), max(room, 100))[:1]
    return Reply("\n".join(filter(None, [header, *body]))[:limit], tuple(draft.files))


def ending(value: Any, depth: int = 0) -> Any:
    """Return what a preview needs of a value: the ends of texts, the first and last of lists."""
    if isinstance(value, str):
        return value if is_uri(value) else value[-_ENDING:]
    if depth > _DEEP:
        return None
    if isinstance(value, Mapping):
        return {key: ending(one, depth + 1) for key, one in list(value.items())[:_FEW]}
    if isinstance(value, list | tuple):
        kept = value if len(value) <= 2 * _FEW else [*value[:_FEW], *value[-_FEW:]]
        return [ending(one, depth + 1) for one in kept]
    return value


def _sections(
    endpoint: Endpoint, values: Sequence[Any], attachments: Attachments
) -> Iterator[_Section]:
    """Yield what each output shows, without those that show nothing."""
    shown, hidden, unseen = [], [], []
    for number, value in enumerate(values):
        known = number < len(endpoint.outputs)
        output = endpoint.outputs[number] if known else Output(f"Output {number + 1}", "")
        place = Place(attachments, _stem(endpoint, output, values), _props(output, value))
        part = _bounded(show(_unwrapped(value), output.component, place))
        if part and _is_hidden(output, value):
            # One that only holds a path is of no use to anybody.
            is_path = _PATH.fullmatch(str(_unwrapped(value)))
            hidden += [] if is_path else [(_label(output, number), part)]
        elif part:
            shown.append((_label(output, number), part))
        elif is_unseen(output.component) and (part := show(_unwrapped(value), "", place)):
            # What a page holds for itself, as a timer's pace: an answer where it is the only one.
            unseen.append((_label(output, number), _bounded(part)))
    shown = shown or hidden or unseen
    for label, part in shown:
        yield _Section(label, _labelled(label, part) if len(shown) > 1 else part)


def _props(output: Output, value: Any) -> Mapping[str, Any]:
    """Return an output's properties, with those that its value sets anew (`gr.BarPlot(x=…)`)."""
    if isinstance(value, Mapping) and value.get("__type__") == "update":
        return {**output.props, **value}
    return output.props


def _is_hidden(output: Output, value: Any) -> bool:
    """Whether the page does not show an output, and this value does not make it appear."""
    appears = isinstance(value, Mapping) and value.get("visible") is True
    return output.props.get("visible") is False and not appears


def _bounded(part: Shown) -> Shown:
    """Return a part whose text is no longer than is worth splitting; `source` keeps the whole."""
    if len(part.text) <= _TEXT_MOST:
        return part
    return replace(part, text=part.text[:_TEXT_MOST], source=part.source or part.text)


def _unwrapped(value: Any) -> Any:
    """Return what an update sets (`gr.update`), and None for one that only changes looks."""
    if isinstance(value, Mapping):
        if value.get("__type__") == "update":
            return value.get("value")
        if value and set(value) <= {"visible", "interactive"}:
            return None
    return value


def _stem(endpoint: Endpoint, output: Output, values: Sequence[Any]) -> str:
    """Return the name of a file that has none of its own."""
    if len(values) > 1 and not _is_vague(output.label):
        return safe_stem(output.label.lower()) or safe_stem(endpoint.name) or "result"
    return safe_stem(endpoint.name) or "result"


def _label(output: Output, number: int) -> str:
    """Return an output's label, or what it is where Gradio made the label up."""
    if not _is_vague(output.label):
        return output.label.strip()
    return _KINDS.get(output.component.lower()) or f"Output {number + 1}"


def _is_vague(label: str) -> bool:
    """Say whether a label is one that Gradio makes up for an output without any."""
    return re.fullmatch(r"(?:value|output|parameter)?[\s_]?\d*", label.strip(), re.I) is not None


def _labelled(label: str, part: Shown) -> Shown:
    """Return a part under its label; files are named there, since they stand below the text."""
    head = text.bold(text.shorten(label, 100))
    names = ", ".join(text.code(attached.name) for attached in part.files[:_FILES])
    more = ", …" if len(part.files) > _FILES else ""
    if not part.text:
        return replace(part, text=f"{head}: {names}{more}")
    short = "\n" not in part.text and len(part.text) <= 200 and not part.text.startswith("#")
    return replace(part, text=f"{head}: {part.text}" if short else f"{head}\n{part.text}")


def _said(notes: Sequence[str], *, alone: bool) -> list[str]:
    """Return the lines under the header: the Space's notes, and that there is nothing else."""
    plain = (text.said(note, _NOTE) for note in notes[-_NOTES_READ:])
    unique = list(dict.fromkeys(filter(None, plain)))[-_NOTES:]
    lines = [text.small(f"The Space says: {text.escape(one)}") for one in unique]
    return [_NOTHING, *lines] if alone else lines


def _packed(opening: str, sections: Sequence[_Section]) -> list[_Draft]:
    """Put sections into as few messages as keep their order."""
    drafts = [_Draft(part) for part in text.split(opening)] or [_Draft()]
    for number, section in enumerate(sections):
        _put_text(drafts, section.shown.text, first=number == 0)
        for attached in section.shown.files:
            if not drafts[-1].takes(attached):
                drafts.append(_Draft())
            drafts[-1].add(attached)
    return [draft for draft in drafts if draft.text or draft.files]


def _put_text(drafts: list[_Draft], written: str, *, first: bool) -> None:
    """Add text to the last message, and to new ones as needed."""
    if not written:
        return
    last = drafts[-1]
    separator = "\n" if first else "\n\n"
    together = f"{last.text}{separator}{written}" if last.text else written
    if len(together) <= text.MESSAGE_LIMIT:
        last.text = together
    elif not first and len(written) <= text.MESSAGE_LIMIT:
        drafts.append(_Draft(written))
    else:
        last.text, *rest = text.split(together)
        drafts.extend(map(_Draft, rest))


def _shortened(
    sections: Sequence[_Section], attachments: Attachments, endpoint: Endpoint
) -> list[_Section]:
    """Return the beginnings of long texts, and the whole of all texts as a file."""
    long = [section for section in sections if len(section.shown.text) > 500]
    room = max(100, _BEGINNING // max(1, len(long)))
    beginnings = [
        replace(one, shown=replace(one.shown, text=_beginning(one.shown.text, room)))
        for one in sections
    ]
    whole, suffix = _whole(sections)
    name = safe_stem(endpoint.name) or "answer"
    file = attachments.write(whole, name, suffix)
    where = f"is in {text.code(file.files[0].name)}." if file.files else "is too long for Discord."
    note = text.small(f"The whole text ({len(whole):,} characters) {where}")
    written = "\n\n".join(one.shown.text for one in beginnings if one.shown.text)
    head = text.split(written, _BEGINNING + 200)[0]
    first = Shown(f"{head}\n{note}", file.files)
    return [
        _Section("", first),
        *(replace(one, shown=Shown("", one.shown.files)) for one in sections),
    ]


def _beginning(written: str, room: int) -> str:
    if len(written) <= max(500, room):
        return written
    head = text.split(written, room)[0]
    # A heading with nothing below it says nothing.
    return re.sub(r"\n#{1,3} [^\n]*$", "", head).rstrip() + "\n…"


def _whole(sections: Sequence[_Section]) -> tuple[str, str]:
    """Return all texts as they came, and the ending of a file that holds them."""
    texts = [section for section in sections if section.shown.text]
    if len(texts) == 1:
        return texts[0].shown.source or texts[0].shown.text, texts[0].shown.suffix
    parts = (f"## {one.label}\n\n{one.shown.source or one.shown.text}" for one in texts)
    return "\n\n".join(parts), ".md"


def _few_files(
    sections: list[_Section], attachments: Attachments, endpoint: Endpoint
) -> list[_Section]:
    """Return the sections with no more files than a channel bears, the rest in a ZIP file."""
    every = [attached for section in sections for attached in section.shown.files]
    if len(every) <= _MOST_FILES:
        return sections
    kept = {id(attached) for attached in every[: _MOST_FILES - 1]}
    rest = every[_MOST_FILES - 1 :]
    trimmed = [
        replace(
            one,
            shown=replace(one.shown, files=tuple(a for a in one.shown.files if id(a) in kept)),
        )
        for one in sections
    ]
    return [*trimmed, _Section("", _zipped(rest, attachments, endpoint))]


def _zipped(rest: Sequence[Attached], attachments: Attachments, endpoint: Endpoint) -> Shown:
    """Return files as one ZIP file, or a sentence where that is too large as well."""
    assert attachments.folder is not None
    path = attachments.folder / "more.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for attached in rest:
            archive.write(attached.path, attached.name)
    if path.stat().st_size > attachments.most:
        return Shown(text.small(f"{len(rest)} more files were returned than fit here."))
    name = attachments.name("more", ".zip", safe_stem(endpoint.name) or "more")
    note = text.small(f"The other {len(rest)} files are in {text.code(name)}.")
    return Shown(note, (Attached(path, name),))
