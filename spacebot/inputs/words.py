"""What was asked for, in a line: for the head of a message and the name of a thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spacebot.inputs.base import clip, name_of, one_line
from spacebot.inputs.form import by_owner
from spacebot.inputs.table import kind_of
from spacebot.models import Endpoint, File, Parameter

DESCRIBED = 300
TITLE = 100
SECRET = "•••"
WRITTEN = frozenset({"textbox", "multimodaltextbox", "code", "markdown", "html", "dialogue"})

# Between two characters it keeps a mention or a link from being one, and is not seen.
GAP = "\u200b"


def describe(endpoint: Endpoint, given: Mapping[str, Any], limit: int = DESCRIBED) -> str:
    """What was given, as "prompt: piano music · seed: 4", in markdown that does nothing.

    At most `limit` characters; secrets are dots, files their names.
    """
    parts = [f"{name}: {text}" for name, text in told(endpoint, given)]
    return escaped(" · ".join(parts), limit)


def told(endpoint: Endpoint, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each parameter that was given, by its option's name, in plain words on one line."""
    for parameter, own in by_owner(endpoint, given):
        words = [one_line(shown(parameter, one)) for one in own.values()]
        if text := ", ".join(word for word in words if word):
            yield next(iter(own)), text


def shown(parameter: Parameter, one: Any) -> str:
    """One given value in plain words."""
    if parameter.secret:
        return SECRET
    kind = kind_of(parameter)
    if isinstance(one, File) or kind is None:
        return one.name if isinstance(one, File) else str(one)
    return kind.shown(parameter, one)


def thread_title(endpoint: Endpoint, given: Mapping[str, Any]) -> str:
    """A thread's name, 1–100 characters: the main text that was given, else the command's name."""
    for parameter, own in by_owner(endpoint, given):
        text = own.get(name_of(parameter))
        if parameter.component in WRITTEN and not parameter.secret and isinstance(text, str):
            title = title_of(text)
            if title:
                return title
    return title_of(endpoint.name) or "result"


def title_of(text: str) -> str:
    """The text as a title: on one line, cut after a word, empty where nothing shows."""
    line = one_line(text)
    if not any(ch.isprintable() and not ch.isspace() for ch in line):
        return ""
    if len(line) <= TITLE:
        return line
    cut = line[: TITLE - 1].rpartition(" ")[0]
    return clip(line, TITLE) if len(cut) < TITLE // 2 else cut.rstrip(" ,;:-") + "…"


def escaped(text: str, limit: int) -> str:
    """The text with every mark of Discord's disarmed, cut to `limit` characters."""
    marks = [mark(text, place) for place in range(len(text))]
    if sum(map(len, marks)) <= limit:
        return "".join(marks)
    length, kept = 1, []
    for each in marks:
        length += len(each)
        if length > limit:
            break
        kept.append(each)
    return "".join(kept).rstrip() + "…"


def mark(text: str, place: int) -> str:
    """One character of the text, so that it starts no markdown, mention or link."""
    one = text[place]
    after = text[place + 1 : place + 5].casefold()
    if one in "\\*_~`|<>[]()#-":
        return "\\" + one
    # "://" makes a link; "discord.gg/…" is an invitation even without it.
    breaks = one == "@" or (one == ":" and after[:1] == "/")
    breaks = breaks or (one == "." and after.startswith(("gg/", "com/", "me/")))
    return one + GAP if breaks else one
