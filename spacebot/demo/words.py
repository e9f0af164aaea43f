"""The meaning of a prompt's words, and the random numbers for a prompt and a seed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np

Value = TypeVar("Value")


def dice(prompt: str, seed: int) -> np.random.Generator:
    """A random generator that is the same for the same words and seed, on every machine."""
    digest = hashlib.sha256(f"{seed}|{prompt.strip().lower()}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def matches(prompt: str, table: Mapping[str, Value]) -> Iterator[Value]:
    """The values that the words of a prompt name, in the order of the words.

    A key is "beginning|beginning": of a word, or all of it if it has up to three letters ("run" is
    no part of "rune").
    """
    for word in re.findall(r"\w+", prompt.lower()):
        for beginnings, value in table.items():
            if any(_begins(word, beginning) for beginning in beginnings.split("|")):
                yield value


def _begins(word: str, beginning: str) -> bool:
    return word == beginning or (len(beginning) > 3 and word.startswith(beginning))
