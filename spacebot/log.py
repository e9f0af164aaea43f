"""The last lines of the log, for the owner to download, without any secret."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterable
from threading import Lock

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
MAX_LINES = 2000
MASK = "•••"
# A member's token is not a setting: anything that looks like a token is hidden.
HUB_TOKEN = re.compile(r"\bhf_\w{10,}")
# At DEBUG they log everything that Discord sends: prompts, and what members type into forms.
VERBOSE_LIBRARIES = ("discord.gateway", "discord.http", "discord.webhook")


class RedactingFormatter(logging.Formatter):
    """Formats a record, tracebacks included, without any of the secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__(LOG_FORMAT)
        # The longest first: a secret may be part of another.
        self._secrets = sorted({one for one in secrets if len(one) >= 6}, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        return self.redact(super().format(record))

    def redact(self, text: str) -> str:
        """A text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return HUB_TOKEN.sub(MASK, text)


class LogBuffer(logging.Handler):
    """Keeps the last `lines` records, formatted, in memory."""

    def __init__(self, lines: int = MAX_LINES) -> None:
        super().__init__()
        self._kept: deque[str] = deque(maxlen=lines)
        self._keeping = Lock()

    def emit(self, record: logging.LogRecord) -> None:
        with self._keeping:
            self._kept.append(self.format(record))

    def text(self) -> str:
        """All stored lines, oldest first."""
        with self._keeping:
            return "".join(f"{line}\n" for line in self._kept)


def start_logging(level: str, secrets: Iterable[str]) -> LogBuffer:
    """Log to stderr and to the returned buffer, both without `secrets`."""
    formatter = RedactingFormatter(secrets)
    book = LogBuffer()
    root = logging.getLogger()
    root.setLevel(level)
    for library in VERBOSE_LIBRARIES:
        logging.getLogger(library).setLevel(max(root.level, logging.INFO))
    for handler in (logging.StreamHandler(), book):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    return book
