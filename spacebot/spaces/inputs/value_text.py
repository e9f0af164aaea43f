"""What was asked for, on one line: for the header of a message and the name of a thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacebot.models import Endpoint, File, Parameter
from spacebot.spaces.inputs.components.base import name_of, one_line
from spacebot.spaces.inputs.form import group_by_parameter
from spacebot.spaces.inputs.registry import input_for
from spacebot.wording import clip

MAX_SUMMARY_LENGTH = 300
MAX_TITLE_LENGTH = 100
MASK = "•••"
WRITTEN_COMPONENTS = frozenset(
    {"textbox", "multimodaltextbox", "code", "markdown", "html", "dialogue"}
)

# Invisible; between two characters, it keeps a mention or a link from working.
ZERO_WIDTH_SPACE = "\u200b"


def summarize(
    endpoint: Endpoint, arguments: Mapping[str, Any], limit: int = MAX_SUMMARY_LENGTH
) -> str:
    """The entered values, as "prompt: piano music · seed: 4", escaped for markdown.

    At most `limit` characters; secrets are dots, files their names.
    """
    parts = [f"{name}: {text}" for name, text in describe_each(endpoint, arguments)]
    return escape_text(" · ".join(parts), limit)


def describe_each(endpoint: Endpoint, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each entered parameter, by its option's name, in plain words on one line."""
    for parameter, own in group_by_parameter(endpoint, arguments):
        words = [one_line(describe_value(parameter, one)) for one in own.values()]
        if text := ", ".join(word for word in words if word):
            yield next(iter(own)), text


def describe_value(parameter: Parameter, one: Any) -> str:
    """One entered value in plain words."""
    if parameter.secret:
        return MASK
    kind = input_for(parameter)
    if isinstance(one, File) or kind is None:
        return one.name if isinstance(one, File) else str(one)
    return kind.shown(parameter, one)


def thread_title(endpoint: Endpoint, arguments: Mapping[str, Any]) -> str:
    """A thread's name, 1–100 characters: its main text, otherwise the command's name."""
    for parameter, own in group_by_parameter(endpoint, arguments):
        text = own.get(name_of(parameter))
        if (
            parameter.component in WRITTEN_COMPONENTS
            and not parameter.secret
            and isinstance(text, str)
        ):
            title = title_of(text)
            if title:
                return title
    return title_of(endpoint.name) or "result"


def title_of(text: str) -> str:
    """The text as a title: on one line, cut after a word, empty if nothing is visible."""
    line = one_line(text)
    if not any(ch.isprintable() and not ch.isspace() for ch in line):
        return ""
    if len(line) <= MAX_TITLE_LENGTH:
        return line
    cut = line[: MAX_TITLE_LENGTH - 1].rpartition(" ")[0]
    return (
        clip(line, MAX_TITLE_LENGTH)
        if len(cut) < MAX_TITLE_LENGTH // 2
        else cut.rstrip(" ,;:-") + "…"
    )


def escape_text(text: str, limit: int) -> str:
    """The text with every mark of Discord's disarmed, cut to `limit` characters."""
    marks = [escape_mark(text, place) for place in range(len(text))]
    if sum(map(len, marks)) <= limit:
        return "".join(marks)
    length, kept = 1, []
    for each in marks:
        length += len(each)
        if length > limit:
            break
        kept.append(each)
    return "".join(kept).rstrip() + "…"


def escape_mark(text: str, place: int) -> str:
    """One character of the text, so that it starts no markdown, mention or link."""
    one = text[place]
    after = text[place + 1 : place + 5].casefold()
    if one in "\\*_~`|<>[]()#-":
        return "\\" + one
    # "://" makes a link; "discord.gg/…" is an invitation even without it.
    breaks = one == "@" or (one == ":" and after[:1] == "/")
    breaks = breaks or (one == "." and after.startswith(("gg/", "com/", "me/")))
    return one + ZERO_WIDTH_SPACE if breaks else one
