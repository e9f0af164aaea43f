"""Turning outputs into messages within Discord's limits."""

from __future__ import annotations

import operator
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spacebot.models import Endpoint, File, OutgoingFile, Output, Reply
from spacebot.spaces.outputs import text
from spacebot.spaces.outputs.files import (
    MAX_REQUEST_BYTES,
    AttachmentWriter,
    RenderContext,
    Rendered,
    is_uri,
    safe_stem,
)
from spacebot.spaces.outputs.registry import is_invisible, render_value
from spacebot.spaces.outputs.values import is_update, updated_value
from spacebot.wording import clip

# Discord has a limit of 10 files a message.
_FILES_PER_MESSAGE = 10
# More messages than this would flood a channel; the rest goes into one file.
MAX_MESSAGES = 3
_MAX_FILES = 40
_MAX_TEXT_LENGTH = 20_000
_BEGINNING_LENGTH = 1400
# What a preview looks at: characters of a text, entries of a list at either end, levels.
_PREVIEW_TEXT_LENGTH, _PREVIEW_ITEMS, _PREVIEW_DEPTH = 6000, 25, 20
_MAX_NOTES = 3
_MAX_NOTES_READ = 20
_MAX_NOTE_LENGTH = 200
_PATH = re.compile(r"(/[^\s/]+)+/?|[A-Za-z]:\\\S+")
_UNCONVERTED = "The rest of the result could not be shown. Its files are attached unchanged."
_NOTHING = "Done. The Space returned nothing to show."


@dataclass(frozen=True, slots=True)
class _OutputSection:
    """What one output shows, under its label if there are several outputs."""

    label: str
    shown: Rendered


@dataclass(slots=True)
class _MessageDraft:
    """One message in the making."""

    text: str = ""
    files: list[OutgoingFile] = field(default_factory=list)
    size: int = 0

    def add(self, attached: OutgoingFile) -> bool:
        """Add a file; returns whether it fits."""
        size = self.size + attached.path.stat().st_size
        if len(self.files) == _FILES_PER_MESSAGE or size > MAX_REQUEST_BYTES:
            return False
        self.files.append(attached)
        self.size = size
        return True


def render(
    endpoint: Endpoint,
    outputs: Sequence[Any],
    *,
    header: str,
    folder: Path,
    file_limit: int,
    alt: str = "",
    notes: Sequence[str] = (),
    most: int = MAX_MESSAGES,
) -> tuple[Reply, ...]:
    """Return the messages that show an endpoint's outputs, under `header` (safe markdown).

    Files in `values` are `models.File`s; `file_limit` is the most bytes of one file
    in the answer's channel; `alt` describes pictures without a caption; `notes` are
    the Space's messages meanwhile. New files are written to `folder`, and so is a
    text that would take more than `most` messages.
    """
    attachments = AttachmentWriter(folder, file_limit, alt)
    sections = _limit_files(list(_sections(endpoint, outputs, attachments)), attachments, endpoint)
    opening = "\n".join(filter(None, [header, *_note_lines(notes, alone=not sections)]))
    drafts = _pack(opening, sections)
    if sum(bool(draft.text) for draft in drafts) > most:
        drafts = _pack(opening, _shorten_texts(sections, attachments, endpoint))
    return tuple(Reply(draft.text, tuple(draft.files)) for draft in drafts)


def render_unconverted(
    endpoint: Endpoint, files: Sequence[File], *, header: str, file_limit: int
) -> tuple[Reply, ...]:
    """Return messages with a result's files unchanged; nothing is read or converted."""
    attachments, stem = AttachmentWriter(None, file_limit), safe_stem(endpoint.name) or "result"
    parts = [attachments.add(file, stem) for file in files[:_MAX_FILES]]
    left = len(files) - len(parts)
    lines = [_UNCONVERTED, *([_more_files(left)] if left else [])]
    notes = [Rendered(text.small(line)) for line in lines]
    drafts = _pack(header, [_OutputSection("", part) for part in (*notes, *parts)])
    return tuple(Reply(draft.text, tuple(draft.files)) for draft in drafts)


def preview(
    endpoint: Endpoint, outputs: Sequence[Any], *, header: str, limit: int = text.MAX_MESSAGE_LENGTH
) -> Reply:
    """Return what a streaming endpoint has sent so far as one message: the end of a long text."""
    attachments = AttachmentWriter(None, MAX_REQUEST_BYTES, notes=False)
    sections = list(_sections(endpoint, outputs, attachments))
    written = "\n\n".join(filter(None, (section.shown.text for section in sections)))
    draft = _MessageDraft()
    for section in sections:
        for attached in section.shown.files:
            draft.add(attached)
    room = max(0, limit - len(header) - 60)
    body = text.split(text.tail(written, room), max(room, 100))[:1]
    return Reply("\n".join(filter(None, [header, *body]))[:limit], tuple(draft.files))


def trim_for_preview(value: Any, depth: int = 0) -> Any:
    """Return what a preview needs of a value: the ends of texts, the first and last of lists."""
    if isinstance(value, str):
        return value if is_uri(value) else value[-_PREVIEW_TEXT_LENGTH:]
    if depth > _PREVIEW_DEPTH:
        return None
    if isinstance(value, Mapping):
        return {
            key: trim_for_preview(one, depth + 1)
            for key, one in list(value.items())[:_PREVIEW_ITEMS]
        }
    if isinstance(value, list | tuple):
        kept = (
            value
            if len(value) <= 2 * _PREVIEW_ITEMS
            else [*value[:_PREVIEW_ITEMS], *value[-_PREVIEW_ITEMS:]]
        )
        return [trim_for_preview(one, depth + 1) for one in kept]
    return value


def _sections(
    endpoint: Endpoint, outputs: Sequence[Any], attachments: AttachmentWriter
) -> Iterator[_OutputSection]:
    """Yield what each output shows, without those that show nothing."""
    shown, hidden, unseen = [], [], []
    for number, value in enumerate(outputs):
        known = number < len(endpoint.outputs)
        output = endpoint.outputs[number] if known else Output("", "")
        place = RenderContext(attachments, _stem(endpoint, output, outputs), _props(output, value))
        part = _bound_text(render_value(_set_value(value), output.component, place))
        if part and _is_hidden(output, value):
            # A bare path is useless to anybody.
            is_path = _PATH.fullmatch(str(_set_value(value)))
            hidden += [] if is_path else [(_label(output), part)]
        elif part:
            shown.append((_label(output), part))
        elif is_invisible(output.component) and (
            part := render_value(_set_value(value), "", place)
        ):
            # State of the page, such as a timer's interval: shown only if there is nothing else.
            unseen.append((_label(output), _bound_text(part)))
    shown = shown or hidden or unseen
    for label, part in shown:
        yield _OutputSection(label, _with_label(label, part) if label and len(shown) > 1 else part)


def _props(output: Output, value: Any) -> Mapping[str, Any]:
    """Return an output's properties, including those that its value sets (`gr.BarPlot(x=…)`)."""
    return {**output.props, **value} if is_update(value) else output.props


def _is_hidden(output: Output, value: Any) -> bool:
    """Whether the page hides an output, from the start or by what this value changes."""
    changed = value.get("visible") if isinstance(value, Mapping) else None
    if is_update(value) and changed is not None:
        return changed in (False, "hidden")
    return output.props.get("visible") is False and changed is not True


def _bound_text(part: Rendered) -> Rendered:
    """Return a part whose text is short enough to split; `source` keeps the whole text."""
    if len(part.text) <= _MAX_TEXT_LENGTH:
        return part
    return replace(part, text=part.text[:_MAX_TEXT_LENGTH], source=part.source or part.text)


def _set_value(value: Any) -> Any:
    """Return the value that an update (`gr.update`) sets; None if it only changes looks."""
    only_looks = isinstance(value, Mapping) and value and value.keys() <= {"visible", "interactive"}
    return None if only_looks else updated_value(value)


def _stem(endpoint: Endpoint, output: Output, outputs: Sequence[Any]) -> str:
    """Return the name for a file without a name."""
    if len(outputs) > 1 and not _is_vague(output.label):
        named = output.label.lower().replace("/", " ")
        return safe_stem(named) or safe_stem(endpoint.name) or "result"
    return safe_stem(endpoint.name) or "result"


def _label(output: Output) -> str:
    """Return an output's label; empty if it has none, or if Gradio made it up."""
    return "" if _is_vague(output.label) else output.label.strip()


def _is_vague(label: str) -> bool:
    """Say whether Gradio made up this label, for an output without one."""
    return re.fullmatch(r"(?:value|output|parameter)?[\s_]?\d*", label.strip(), re.I) is not None


def _with_label(label: str, part: Rendered) -> Rendered:
    """Return a part under its label, with the names of its files, which follow the text."""
    head = text.bold(clip(label, 100))
    names = ", ".join(text.code(attached.name) for attached in part.files[:_FILES_PER_MESSAGE])
    more = ", …" if len(part.files) > _FILES_PER_MESSAGE else ""
    if not part.text:
        return replace(part, text=f"{head}: {names}{more}")
    short = "\n" not in part.text and len(part.text) <= 200 and not part.text.startswith("#")
    return replace(part, text=f"{head}: {part.text}" if short else f"{head}\n{part.text}")


def _note_lines(notes: Sequence[str], *, alone: bool) -> list[str]:
    """Return the lines under the header: the Space's notes, and that there is nothing else."""
    plain = (text.plain_line(note, _MAX_NOTE_LENGTH) for note in notes[-_MAX_NOTES_READ:])
    unique = list(dict.fromkeys(filter(None, plain)))[-_MAX_NOTES:]
    lines = [text.small(f"The Space says: {text.escape(one)}") for one in unique]
    return [_NOTHING, *lines] if alone else lines


def _pack(opening: str, sections: Sequence[_OutputSection]) -> list[_MessageDraft]:
    """Put sections into as few messages as keep their order."""
    drafts = [_MessageDraft(part) for part in text.split(opening)] or [_MessageDraft()]
    for number, section in enumerate(sections):
        _put_text(drafts, section.shown.text, first=number == 0)
        for attached in section.shown.files:
            if not drafts[-1].add(attached):
                drafts.append(_MessageDraft(files=[attached], size=attached.path.stat().st_size))
    return [draft for draft in drafts if draft.text or draft.files]


def _put_text(drafts: list[_MessageDraft], written: str, *, first: bool) -> None:
    """Add text to the last message, and to new ones as needed."""
    if not written:
        return
    last = drafts[-1]
    separator = "\n" if first else "\n\n"
    together = f"{last.text}{separator}{written}" if last.text else written
    if len(together) <= text.MAX_MESSAGE_LENGTH:
        last.text = together
    elif not first and len(written) <= text.MAX_MESSAGE_LENGTH:
        drafts.append(_MessageDraft(written))
    else:
        last.text, *rest = text.split(together)
        drafts.extend(map(_MessageDraft, rest))


def _shorten_texts(
    sections: Sequence[_OutputSection], attachments: AttachmentWriter, endpoint: Endpoint
) -> list[_OutputSection]:
    """Return the beginnings of long texts, and all texts in full as a file."""
    long = [section for section in sections if len(section.shown.text) > 500]
    room = max(100, _BEGINNING_LENGTH // max(1, len(long)))
    beginnings = [
        replace(one, shown=replace(one.shown, text=_beginning(one.shown.text, room)))
        for one in sections
    ]
    whole, suffix = _whole_text(sections)
    name = safe_stem(endpoint.name) or "answer"
    file = attachments.write(whole, name, suffix)
    where = f"is in {text.code(file.files[0].name)}." if file.files else "is too long for Discord."
    note = text.small(f"The whole text ({len(whole):,} characters) {where}")
    written = "\n\n".join(one.shown.text for one in beginnings if one.shown.text)
    head = text.split(written, _BEGINNING_LENGTH + 200)[0]
    first = Rendered(f"{head}\n{note}", file.files)
    return [
        _OutputSection("", first),
        *(replace(one, shown=Rendered("", one.shown.files)) for one in sections),
    ]


def _beginning(written: str, room: int) -> str:
    if len(written) <= max(500, room):
        return written
    head = text.split(written, room)[0]
    # A heading with nothing below it says nothing.
    return re.sub(r"\n#{1,3} [^\n]*$", "", head).rstrip() + "\n…"


def _whole_text(sections: Sequence[_OutputSection]) -> tuple[str, str]:
    """Return all texts unchanged, and the extension of a file for them."""
    texts = [section for section in sections if section.shown.text]
    if len(texts) == 1:
        return texts[0].shown.source or texts[0].shown.text, texts[0].shown.suffix
    heads = (f"## {one.label}\n\n" if one.label else "" for one in texts)
    parts = (one.shown.source or one.shown.text for one in texts)
    return "\n\n".join(map(operator.add, heads, parts)), ".md"


def _limit_files(
    sections: list[_OutputSection], attachments: AttachmentWriter, endpoint: Endpoint
) -> list[_OutputSection]:
    """Return the sections with no more files than a channel should get, the rest in a ZIP file."""
    every = [attached for section in sections for attached in section.shown.files]
    if len(every) <= _MAX_FILES:
        return sections
    kept = {id(attached) for attached in every[: _MAX_FILES - 1]}
    rest = every[_MAX_FILES - 1 :]
    trimmed = [
        replace(
            one,
            shown=replace(one.shown, files=tuple(a for a in one.shown.files if id(a) in kept)),
        )
        for one in sections
    ]
    return [*trimmed, _OutputSection("", _zip(rest, attachments, endpoint))]


def _more_files(count: int) -> str:
    return f"{count} more files were returned than fit here."


def _zip(
    rest: Sequence[OutgoingFile], attachments: AttachmentWriter, endpoint: Endpoint
) -> Rendered:
    """Return files as one ZIP file, or a sentence if that is too large as well."""
    assert attachments.folder is not None
    path = attachments.folder / "more.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for attached in rest:
            archive.write(attached.path, attached.name)
    if path.stat().st_size > attachments.max_file_bytes:
        return Rendered(text.small(_more_files(len(rest))))
    name = attachments.name("more", ".zip", safe_stem(endpoint.name) or "more")
    note = text.small(f"The other {len(rest)} files are in {text.code(name)}.")
    return Rendered(note, (OutgoingFile(path, name),))
