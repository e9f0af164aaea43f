"""The answers of `/find` as a message: what each Space is, and a select to try one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import discord
from discord import ui

from spacebot.engine.space_finder import Answer, FileKind, Findings, SpaceQuery
from spacebot.models import SpaceListing
from spacebot.spaces.outputs.text import code, escape, plain_line, small
from spacebot.wording import clip

TRY = "Try one…"
# Escaping may double a text: ten answers still fit into an embed's 6,000 characters.
MAX_TITLE, MAX_DESCRIPTION, MAX_NAME, MAX_VALUE = 60, 120, 120, 420
NOTHING_FOUND = (
    "Nothing found for {wish}. Try other words: say what you have and what you want to get. If "
    "you know a Space, use `/run`."
)
ODD_FILE = "{file} is not a picture, sound, video or text, so you have to try what accepts it."
PROBLEM = "This list has no Spaces from Hugging Face: {}"


def findings_message(menu: str, query: SpaceQuery, found: Findings) -> dict[str, Any]:
    """The message that shows what was found."""
    notes = _notes(query, found.problem)
    if not found.answers:
        return {"content": found.problem or _nothing_found(query)}
    embed = discord.Embed(title=clip(f"For: {escape(plain_line(query.text, 100))}", 256))
    for number, answer in enumerate(found.answers, 1):
        name = clip(f"{number}. {escape(_title(answer))}", MAX_NAME)
        embed.add_field(name=name, value=_value(answer), inline=False)
    view = ui.View(timeout=None)
    options = [_option(*one) for one in enumerate(found.answers, 1)]
    view.add_item(ui.Select(custom_id=f"find:{menu}", options=options, placeholder=TRY))
    view.stop()
    return {"content": "\n".join(map(small, notes)) or None, "embed": embed, "view": view}


def _nothing_found(query: SpaceQuery) -> str:
    said = NOTHING_FOUND.format(wish=code(clip(query.text, 100)))
    return "\n".join((said, *map(small, _notes(query, ""))))


def _notes(query: SpaceQuery, problem: str) -> Iterator[str]:
    if problem:
        yield PROBLEM.format(problem)
    if query.kind is FileKind.FILE:
        yield ODD_FILE.format(file=code(clip(query.file_name, 100)))


def _title(answer: Answer) -> str:
    return plain_line(answer.title, MAX_TITLE) or answer.space


def _value(answer: Answer) -> str:
    """A few lines about an answer, within Discord's limit for a field."""
    lines = [" · ".join(_facts(answer))]
    if said := _description(answer):
        lines.append(escape(plain_line(said, MAX_DESCRIPTION)))
    if answer.takes:
        lines.append(f"Takes {answer.takes}, returns {answer.gives}.")
    return clip("\n".join(lines), MAX_VALUE)


def _description(answer: Answer) -> str:
    if answer.command and answer.endpoint:
        return answer.endpoint.description
    return answer.listing.description or answer.listing.category if answer.listing else ""


def _facts(answer: Answer) -> Iterator[str]:
    if answer.command:
        yield f"{code(answer.command)}, a command here"
    listing = answer.listing
    if listing is None:
        return
    yield f"[{escape(listing.space)}](<https://huggingface.co/spaces/{listing.space}>)"
    yield f"by {escape(listing.author)}"
    yield f"♥ {listing.likes}"
    if hardware := _hardware(listing):
        yield hardware
    if listing.runs:
        yield "running"
    elif listing.sleeps:
        yield "asleep: its first job wakes it"


def _hardware(listing: SpaceListing) -> str:
    """A Space's hardware, in words."""
    if listing.on_zero_gpu:
        return "ZeroGPU"
    name = escape(plain_line(listing.hardware, 20))
    return "CPU" if name.startswith("cpu") else f"GPU {name}" if name else ""


def _option(number: int, answer: Answer) -> discord.SelectOption:
    return discord.SelectOption(
        label=clip(f"{number}. {_title(answer)}", 100),
        value=str(number),
        description=clip(answer.command or answer.space, 100),
    )
