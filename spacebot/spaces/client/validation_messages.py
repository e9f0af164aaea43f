"""A Space's validation messages about rejected values, without their technical parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# The first line of gradio_client's and Pydantic's messages: "2 parameter(s) failed validation:".
COUNT = re.compile(
    r"\d+ (?:parameter\(s\) failed validation|validation errors? for [^\n]*?):?(?=\n|$)"
)
# What Pydantic adds for programmers, and the bullet before each line of gradio_client's.
_NOISE = re.compile(
    r"\[type=\w{1,60}, input_value=.*\]$|^\s*For further information visit \S+"
    r"|^- |^\s*Value error, "
)
# Gradio's name for a parameter whose name is unknown.
_NAMELESS = re.compile(r"^parameter_\d+: ")
_NAMED = re.compile(r"^(\w+): ", re.MULTILINE)
# How much of a refusal is read: checks, lines, characters of a line.
_CHECKS, _LINES, _LINE = 10, 40, 500


def validation_message(body: Any) -> str:
    """The text in the body of a 422, by Gradio's validators, FastAPI or Pydantic."""
    detail = body.get("detail") if isinstance(body, Mapping) else body
    if isinstance(detail, str):
        return clean_message(detail)
    checks = [one for one in detail if isinstance(one, Mapping)] if isinstance(detail, list) else []
    failed = [_check_message(one) for one in checks if one.get("is_valid") is not True]
    return clean_message("\n".join(filter(None, failed[:_CHECKS])))


def _check_message(check: Mapping[str, Any]) -> str:
    """One check's text, after the name of what it checked."""
    words = str(check.get("message") or check.get("msg") or "").strip()
    place = check.get("loc")
    name = check.get("parameter_name") or (place[-1] if isinstance(place, list) and place else "")
    return f"{name}: {words}" if words and name else words


def clean_message(words: str) -> str:
    """A check's message without counts, types, repeated inputs and links to manuals."""
    lines = (line[:_LINE] for line in words.splitlines()[:_LINES] if not COUNT.fullmatch(line))
    cleaned = (_NAMELESS.sub("", _NOISE.sub("", line)).strip() for line in lines)
    return "\n".join(filter(None, cleaned))


def with_options(words: str, options: Mapping[str, str]) -> str:
    """A message that names options instead of the parameters that its lines begin with."""
    return _NAMED.sub(lambda found: f"{options.get(found[1], found[1])}: ", words)
