"""Words for people, from what an app's author wrote: plain text and legal names."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from itertools import count
from typing import Any

from spacebot.spaces.outputs.text import strip_tags

MAX_NAME_LENGTH = 32
MAX_DESCRIPTION_LENGTH = 100
# How much of a text is read, in characters: no label, hint or description shows more.
MAX_TEXT_READ = 10_000

# Discord allows these marks in names because Thai and Devanagari cannot be
# written without them; discord.py lists the same ranges in its own check.
_MARKS = re.compile(
    "[\u0e31-\u0e3a\u0e47-\u0e4e\u0900-\u0903\u093a-\u093c\u093e-\u094f\u0955-\u0957\u0962\u0963]"
)
# A Space wrote the texts that these are matched against: each takes linear time.
_LEAKED = re.compile(r"__i18n__(\{[^{}]*\})")
# As in a browser, an unclosed comment or script continues to the end.
_LINK = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()]|\([^()]*\))*\)")
_MARKUP = re.compile(r"\*\*|__|`+|^[ \t]*(?:#{1,6}|>|[-*+])\s+|(?<!\w)\*|\*(?!\w)", re.M)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SENTENCE = re.compile(r"(?<=[^\W\d_]{2}[.!?])\s+|(?<=[)\]\"'][.!?])\s+|(?<=[。！？])|\n\s*\n")


def plain_text(value: Any, translations: Mapping[str, Any] | None = None) -> str:
    """One line of plain text: HTML, Markdown and untranslated texts resolved."""
    text = translated(value, translations or {})[:MAX_TEXT_READ]
    text = strip_tags(text)
    text = _MARKUP.sub("", _LINK.sub(r"\1", text))
    text = "".join(char for char in text if char in "\n\t" or char.isprintable())
    return " ".join(text.split())


def translated(value: Any, translations: Mapping[str, Any]) -> str:
    """The English text of a label that may be a dict of languages or a leaked translation key."""
    if isinstance(value, Mapping):
        if "key" in value:
            return _by_key(str(value["key"]), translations)
        return str(value.get("en") or next(iter(value.values()), "") or "")
    if value is None or isinstance(value, bool):
        return ""
    return _LEAKED.sub(lambda leak: _unleaked(leak, translations), str(value)[:MAX_TEXT_READ])


def _unleaked(leak: re.Match[str], translations: Mapping[str, Any]) -> str:
    try:
        return translated(json.loads(leak[1]), translations)
    except (ValueError, RecursionError):
        return ""


def _by_key(key: str, translations: Mapping[str, Any]) -> str:
    languages = [translations.get("en"), *translations.values()]
    for texts in languages:
        if isinstance(texts, Mapping) and isinstance(texts.get(key), str):
            return texts[key]
    # Keys with a dot are Gradio's own ("common.submit"), translated only in the browser.
    return "" if "." in key else key.replace("_", " ")


def first_sentence(text: str, limit: int = MAX_DESCRIPTION_LENGTH) -> str:
    """The first sentence, cut at a word with an ellipsis if it is over `limit`."""
    return shorten(plain_text(_SENTENCE.split(text[:MAX_TEXT_READ].strip(), maxsplit=1)[0]), limit)


def shorten(text: str, limit: int = MAX_DESCRIPTION_LENGTH) -> str:
    """`text` in at most `limit` characters, cut at a word with an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    at_word = head.rpartition(" ")[0]
    return (at_word if len(at_word) > limit // 2 else head).rstrip(" ,;:-–—") + "…"


def legal_name(text: str, fallback: str = "space") -> str:
    """`text` as Discord accepts it for a command or an option: 1–32 letters and digits of any
    script, `-` and `_`, in lower case if the script has case."""
    for candidate in (text, fallback):
        if name := _legal(candidate):
            return name
    return "space"


def _legal(text: str) -> str:
    # Lower case can restore what NFKC decomposed ("İ"), so this runs twice.
    text = unicodedata.normalize("NFKC", text[: 10 * MAX_NAME_LENGTH]).lower()
    text = unicodedata.normalize("NFKC", text).lower()
    kept = "".join(_legal_char(char) for char in text)
    kept = re.sub(r"_*-+_*", "-", re.sub(r"_+", "_", kept)).strip("-_")
    return _cut(kept, MAX_NAME_LENGTH)


def _legal_char(char: str) -> str:
    if char.isalnum() or char == "-" or _MARKS.match(char):
        return char if char == char.lower() else ""
    # An apostrophe or an accent without a letter to join would split a word.
    if char in "'’`´" or unicodedata.category(char) in ("Mn", "Mc", "Cf", "Sk"):
        return ""
    return "_"


def _cut(name: str, limit: int) -> str:
    if len(name) <= limit:
        return name
    head = name[: limit + 1]
    at_word = head[: max(head.rfind("_"), head.rfind("-"), 0)]
    return (at_word if len(at_word) > limit // 2 else head[:limit]).strip("-_")


def unique_name(name: str, taken: Collection[str]) -> str:
    """`name`, or with the first of `_2`, `_3` … that is not among `taken`."""
    return UniqueNames(taken).add(name)


class UniqueNames:
    """Names that are unique.

    Their numbers keep counting, since an app may use the same name thousands of times.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._next: dict[tuple[str, int], int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def add(self, name: str) -> str:
        """`name`, or with the first of `_2`, `_3` … that is free; it is taken from now on."""
        if name in self._taken:
            name = next(filter(None, (self._numbered(name, digits) for digits in count(1))))
        self._taken.add(name)
        return name

    def _numbered(self, name: str, digits: int) -> str:
        """`name` with the first free number of this many digits, or nothing."""
        head = _cut(name, MAX_NAME_LENGTH - digits - 1)
        number = self._next.get((head, digits), max(2, 10 ** (digits - 1)))
        while number < 10**digits and f"{head}_{number}" in self._taken:
            number += 1
        self._next[head, digits] = number
        return f"{head}_{number}" if number < 10**digits else ""


def spaced_words(identifier: str) -> str:
    """The words of an identifier: `generateImage`, `generate_image` → `generate image`."""
    return " ".join(_CAMEL.sub(" ", identifier.strip("/")).replace("_", " ").split())
