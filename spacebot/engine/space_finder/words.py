"""The words of a wish, comparable with those of a description."""

from __future__ import annotations

import re

from spacebot.spaces.inputs.components.base import fold

# How much of a text is read.
MAX_READ = 2000
_WORD = re.compile(r"[^\W_]{2,}")
# The longest first; what remains has at least `MIN_STEM` letters.
_ENDINGS = ("ations", "ation", "ings", "ing", "ers", "als", "er", "ed", "al", "es", "s", "e")
MIN_STEM = 3
_COMMON_WORDS = (
    "a about all an and any are as at be by can could do does for from get give how i if in into "
    "is it its like make me my of on or out please so some something that the their them then "
    "this to turn up use using want we what which will with would you your"
)
_COMMON = frozenset(_COMMON_WORDS.split())


def stems(text: str) -> frozenset[str]:
    """The stems of a text's telling words."""
    return frozenset(ordered_stems(text))


def ordered_stems(text: str) -> list[str]:
    """The stems of a text's telling words, each once, in their order."""
    words = _WORD.findall(fold(text[:MAX_READ]))
    return list(dict.fromkeys(stem(word) for word in words if word not in _COMMON))


def stem(word: str) -> str:
    """A word without its English ending: "removed", "remover", "remove" → "remov"."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= MIN_STEM:
            return word.removesuffix(ending)
    return word
