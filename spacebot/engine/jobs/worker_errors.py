"""What a worker process wrote to its standard error, and why it ended, without its data."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator

MAX_BYTES, MAX_FRAMES = 16_384, 3
EXIT_SECONDS = 5.0
_FRAME = re.compile(r'\s*File "([^"]+)", line (\d+)(?:,)? in (\w+|<\w+>)')
# An error's text may contain a Space's or a member's words, so only its class is logged, except if
# a module is missing or the interpreter itself fails.
_ERROR = re.compile(r"([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit))(?:: .*)?")
_PLAIN = re.compile(r"Fatal Python error: [\w ]+|ModuleNotFoundError: No module named '[\w.]+'")


class ErrorTail:
    """Reads a process's standard error, so that the process never blocks, and
    keeps the end of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._tail = b""
        self._reader = threading.Thread(target=self._read, name="worker-errors", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as pipe:
            while chunk := os.read(pipe.fileno(), MAX_BYTES):
                self._tail = (self._tail + chunk)[-MAX_BYTES:]

    def why_it_ended(self) -> str:
        """Why a process stopped answering, for the log; blocks until it has ended."""
        try:
            code = self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return "the process closed its output"
        self._reader.join(EXIT_SECONDS)
        how = f"the process ended with {f'signal {-code}' if code < 0 else f'code {code}'}"
        return "; ".join([how, *causes_in(self._tail.decode(errors="replace"))])


def causes_in(text: str) -> Iterator[str]:
    """The code's part of a traceback: the error's class, and where it happened."""
    lines = text.splitlines()
    errors = [found[1] for line in lines if (found := _ERROR.fullmatch(line))]
    plain = [found[0][:200] for line in lines if (found := _PLAIN.search(line))]
    yield from plain[-1:] or errors[-1:]
    frames = [found.groups() for line in lines if (found := _FRAME.match(line))]
    # A traceback ends with the innermost frame; the interpreter's own report begins with it.
    fatal = bool(plain) and plain[-1].startswith("Fatal")
    for file, line, function in frames[:MAX_FRAMES] if fatal else frames[-MAX_FRAMES:]:
        yield f"{os.path.basename(file)}:{line} in {function}"
