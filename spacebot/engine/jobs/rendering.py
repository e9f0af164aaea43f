"""Converting results into messages, in processes that are killed if it takes too long."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import spacebot
from spacebot.engine.jobs.worker_errors import ErrorTail
from spacebot.errors import DiskFull, SpaceUnreadable
from spacebot.models import Endpoint, File, OutgoingFile, Reply
from spacebot.spaces import outputs
from spacebot.spaces.outputs.values import files_in

log = logging.getLogger(__name__)

# Drawing and shrinking pictures keeps a processor busy, and there are few.
MAX_WORKERS = 2
# Deadlines in seconds: for a result, for a preview, and for an idle process to end.
RESULT_TIMEOUT, PREVIEW_TIMEOUT, IDLE_TIMEOUT = 30, 5, 60
# Results up to this many characters and items are converted at once, on the event loop.
MAX_INLINE_SIZE = 1000
# For HTML, LaTeX and nested quotes, conversion time does not follow from length.
_MARKUP = re.compile(r"[<$\\]|[>*_\[\]`]{8}")
# No answer meant for people is nested this deeply.
MAX_DEPTH = 100
# Where the package is, so that a worker finds it whatever folder the bot was started in.
_ROOT = Path(str(spacebot.__file__)).parents[1]
# None of the bot's settings, so no token. A thread for each processor would reserve memory that
# nothing here needs.
_ENVIRONMENT = {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"}
UNREADABLE = "The Space sent something unreadable. Try other values, or look at the Space's page."


class RenderPool:
    """At most two worker processes, started when needed and ended when idle.

    All calls belong to one event loop.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="render")
        self._slots = asyncio.Semaphore(MAX_WORKERS)
        self._idle: list[tuple[_RenderWorker, asyncio.TimerHandle]] = []
        self._busy: set[_RenderWorker] = set()

    def close(self) -> None:
        """End the processes and threads."""
        for _, ending in self._idle:
            ending.cancel()
        for worker in [*self._busy, *(worker for worker, _ in self._idle)]:
            worker.kill()
            worker.reap()
        self._idle.clear()
        # A process that is ending still has to be reaped; any other call fails at once.
        self.pool.shutdown(wait=False)

    def warm(self) -> None:
        """Load the converter of Markdown in a thread: on the event loop it would take 70 ms."""
        if "markdownify" not in sys.modules:
            self.pool.submit(importlib.import_module, "markdownify")

    async def render(
        self, endpoint: Endpoint, values: list[Any], **options: Any
    ) -> tuple[Reply, ...]:
        """The messages that `outputs.render` makes.

        If that fails, they hold the result's files unconverted; raises `SpaceUnreadable` if there
        are none.
        """
        try:
            return await self._render(endpoint, values, options)
        except SpaceUnreadable:
            if not (files := list(files_in(values))):
                raise
            some = {name: options[name] for name in ("header", "file_limit")}
            return outputs.render_unconverted(endpoint, files, **some)

    async def _render(
        self, endpoint: Endpoint, values: list[Any], options: dict[str, Any]
    ) -> tuple[Reply, ...]:
        if is_light(values):
            with _translate_errors():
                return outputs.render(endpoint, values, **options)
        return await self._ask("render", endpoint, values, options, RESULT_TIMEOUT)

    async def preview(self, endpoint: Endpoint, values: list[Any], **options: Any) -> Reply:
        """The message that `outputs.preview` makes; raises `SpaceUnreadable`."""
        if is_light(values):
            with _translate_errors():
                return outputs.preview(endpoint, values, **options)
        return (await self._ask("preview", endpoint, values, options, PREVIEW_TIMEOUT))[0]

    async def _ask(
        self, call: str, endpoint: Endpoint, values: list[Any], options: Any, seconds: int
    ) -> tuple[Reply, ...]:
        # Parameters may hold thousands of choices, and do not matter for the outputs.
        slim = replace(endpoint, parameters=(), constants={}, then=(), before=())
        request = (call, (slim, values), options, seconds + 5)
        loop = asyncio.get_running_loop()
        async with self._slots:
            worker = self._worker()
            self._busy.add(worker)
            answer: dict[str, Any] = {"error": "no answer", "ends": True}
            try:
                async with asyncio.timeout(seconds):
                    answer = await loop.run_in_executor(self.pool, worker.ask, request)
            except TimeoutError:
                log.warning("a result took more than %d s to convert", seconds)
            finally:
                self._busy.discard(worker)
                if answer["ends"]:
                    self._end(worker)
                else:
                    self._rest(worker)
        return _replies(answer)

    def _worker(self) -> _RenderWorker:
        """An idle process, or a new one."""
        while self._idle:
            worker, ending = self._idle.pop()
            ending.cancel()
            if worker.alive:
                return worker
            self._end(worker)
        return _RenderWorker()

    def _rest(self, worker: _RenderWorker) -> None:
        """Have a process wait for the next request, for a while."""
        ending = asyncio.get_running_loop().call_later(IDLE_TIMEOUT, self._end, worker)
        self._idle.append((worker, ending))

    def _end(self, worker: _RenderWorker) -> None:
        """End a process without waiting for that."""
        self._idle = [one for one in self._idle if one[0] is not worker]
        worker.kill()
        with contextlib.suppress(RuntimeError):  # closed meanwhile, which ended it
            self.pool.submit(worker.reap)


@contextlib.contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn a renderer's failure into the Space's error, as a worker does."""
    try:
        yield
    except Exception as error:
        if DiskFull.is_meant_by(error):
            raise DiskFull from error
        log.warning("a result could not be converted", exc_info=True)
        raise SpaceUnreadable(UNREADABLE) from error


class _RenderWorker:
    """One process of `spacebot.spaces.outputs.worker`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "spacebot.spaces.outputs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            start_new_session=True,
        )
        self._errors = ErrorTail(self._process)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer; blocks. `ends` says that it was the last."""
        sink, source = self._process.stdin, self._process.stdout
        assert sink is not None
        assert source is not None
        try:
            # It is written as it is pickled, so other threads run meanwhile. Without a memo, which
            # only matters for shared objects, a long result takes less memory.
            pickler = pickle.Pickler(sink, protocol=5)
            pickler.fast = True
            pickler.dump(request)
            sink.flush()
            return json.loads(source.readline())
        except (OSError, ValueError):
            return {"error": self._errors.why_it_ended(), "ends": True}

    def kill(self) -> None:
        """Kill the process at once, with everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def reap(self) -> None:
        """Wait until a killed process has ended, and close its pipes; blocks for a moment."""
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            # The unsent rest is of no use.
            with contextlib.suppress(OSError):
                pipe.close()


def _replies(made: dict[str, Any]) -> tuple[Reply, ...]:
    if made.get("full"):
        raise DiskFull
    if "error" in made:
        log.warning("a result could not be converted: %s", made["error"])
        raise SpaceUnreadable(UNREADABLE)
    return tuple(
        Reply(
            one["text"],
            tuple(OutgoingFile(Path(path), name, alt) for path, name, alt in one["files"]),
        )
        for one in made["messages"]
    )


def is_light(value: Any) -> bool:
    """Whether a result is small enough to convert at once.

    Raises `SpaceUnreadable` if it is nested too deeply.
    """
    left, waiting = MAX_INLINE_SIZE, [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise SpaceUnreadable(UNREADABLE)
        if isinstance(one, File) or (
            isinstance(one, str) and _MARKUP.search(one[:MAX_INLINE_SIZE])
        ):
            return False
        if isinstance(one, Mapping):
            waiting += [(part, depth + 1) for part in islice(one.values(), MAX_INLINE_SIZE)]
        elif isinstance(one, list | tuple):
            waiting += [(part, depth + 1) for part in one[:MAX_INLINE_SIZE]]
        left -= len(one) + 1 if isinstance(one, str | list | tuple | Mapping) else 1
        if left < 0:
            return False
    return True
