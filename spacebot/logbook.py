"""The last lines of the log, for the owner to download; no secret is ever among them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from threading import Lock

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LINES = 2000
HIDDEN = "•••"


class Redacting(logging.Formatter):
    """Formats a record, tracebacks included, without any of the secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(FORMAT)
        # The longest first: one may be a part of another.
        self._secrets = sorted({one for one in secrets if len(one) >= 6}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return self.redact(super().format(record))

    def redact(self, text: str) -> str:
        """A text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


class Logbook(logging.Handler):
    """Keeps the last `lines` records, formatted, in memory."""

    def __init__(self, lines: int = LINES) -> None:
        super().__init__()
        self._kept: deque[str] = deque(maxlen=lines)
        self._keeping = Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        with self._keeping:
            self._kept.append(self.format(record))

    def text(self) -> str:
        """All that is kept, oldest first."""
        with self._keeping:
            return "".join(f"{line}\n" for line in self._kept)


def start(level: str, secrets: Iterable[str]) -> Logbook:
    """Log to stderr and to the returned book, both without `secrets`."""
    formatter = Redacting(secrets)
    book = Logbook()
    root = logging.getLogger()
    root.setLevel(level)
    for handler in (logging.StreamHandler(), book):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    return book
