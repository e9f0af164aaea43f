"""Renders in its own process: pickled requests on standard input, JSON lines on the output.

A Space's values can take any time and memory to convert, so this process can be killed.
Its answers are JSON: even if it is compromised, it cannot run code in the bot.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from spacebot.errors import DiskFull
from spacebot.models import Reply
from spacebot.spaces.outputs.messages import preview, render

# The memory limit in bytes, enforced by the system; Vega-Lite drawings have their own limit.
# 290,000 JSON objects, near the most that is taken, fail at 320 MiB and are converted at 400.
MAX_MEMORY_BYTES = 400 << 20
# A process that once needed more than this ends after its answer, to give the memory back.
MAX_IDLE_MEMORY_BYTES = 120 << 20
CALLS = {"render": render, "preview": preview}


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests (name, arguments, options, seconds) until there are no more."""
    while True:
        try:
            name, arguments, options, seconds = pickle.load(requests)
        except EOFError:
            return
        _alarm(seconds)
        answer = _answer(name, arguments, options)
        ends = _peak() > MAX_IDLE_MEMORY_BYTES
        answers.write(json.dumps({**answer, "ends": ends}).encode() + b"\n")
        answers.flush()
        _alarm(0)
        if ends:
            return


def _answer(name: str, arguments: Sequence[Any], options: dict[str, Any]) -> dict[str, Any]:
    try:
        replies = CALLS[name](*arguments, **options)
        messages = [_written(one) for one in ([replies] if name == "preview" else replies)]
        return {"messages": messages}
    except (Exception, MemoryError) as error:
        full = DiskFull.is_meant_by(error)
        return {"error": f"{type(error).__name__}: {error}"[:300], "full": full}


def _alarm(seconds: int) -> None:
    """End this process after so many seconds if nobody else does; 0 cancels that."""
    if sys.platform != "win32":
        signal.alarm(seconds)


def _written(reply: Reply) -> dict[str, Any]:
    files = [[str(one.path), one.name, one.description] for one in reply.files]
    return {"text": reply.text, "files": files}


def _peak() -> int:
    """Return the peak memory of this process, in bytes."""
    # Not `ru_maxrss`, which starts at the value of the parent process.
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
    return 0


def _limit() -> None:
    """Limit the memory, if the system can; this process's children may raise the limit again."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY_BYTES, hard))


if __name__ == "__main__":
    _limit()
    answering = os.fdopen(os.dup(1), "wb")
    # Output that a library prints must not mix with the answers.
    os.dup2(2, 1)
    main(sys.stdin.buffer, answering)
