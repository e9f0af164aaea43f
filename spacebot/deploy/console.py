"""The command's output: plain lines that cannot contain a secret."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from getpass import getpass

# Shorter values would turn ordinary words into dots; no token is this short.
MIN_SECRET_LENGTH = 6
HUB_TOKEN = re.compile(r"\bhf_\w{8,}")


class Console:
    """Standard output and input. Every line passes through `hide`."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self.interactive = sys.stdin.isatty()

    def keep_secret(self, values: Iterable[str]) -> None:
        """Hide these values from now on."""
        self._secrets |= {value for value in values if len(value) >= MIN_SECRET_LENGTH}

    def hide(self, text: str) -> str:
        """The text without any secret."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "•••")
        return HUB_TOKEN.sub("•••", text)

    def say(self, text: str) -> None:
        """Print a line and flush it, even if the output is a file."""
        print(self.hide(text), flush=True)

    def complain(self, text: str) -> None:
        """Print a line to standard error."""
        print(self.hide(text), file=sys.stderr, flush=True)

    def ask_secret(self, question: str) -> str:
        """Read a line without showing it in the terminal."""
        value = getpass(question).strip()
        self.keep_secret([value])
        return value

    def agrees(self, question: str) -> bool:
        """Whether the answer is yes; just Enter counts as yes."""
        return input(question).strip().lower() in ("", "y", "yes")
