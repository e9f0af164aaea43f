"""Running jobs: from the values given to the messages to post."""

from __future__ import annotations

import asyncio
import html
import logging
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacebot import inputs, outputs
from spacebot.catalogue import Catalogue
from spacebot.errors import Cancelled, SpacebotError, SpaceError, SpaceSilent
from spacebot.jobs.admission import Admission, Limits, Turn
from spacebot.models import File, Job, Outcome, Progress, Reply, Stage
from spacebot.spaces import Partial, Result, Toast, Update

log = logging.getLogger(__name__)

# Drawing and shrinking pictures is work for a processor, of which there are few.
RENDERERS = 2


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds until a job is given up. `silence` is without any sign of life."""

    silence: float = 45.0
    in_all: float = 3600.0
    # How long what cannot have run yet is tried again, with pauses from 2 to 30 seconds.
    retry: float = 120.0


class Running:
    """One job under way. Iterate it for `Progress`, and last its `Outcome`.

    A slow reader is given the latest progress, not each one. Iterating raises
    the job's `SpacebotError`. Nothing is lost when nobody iterates; leaving the
    iteration early does not stop the job, `cancel` does.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        self.job = job
        self.folder = folder
        self.started = time.time()
        self.progress = Progress(Stage.WAITING)
        self.partial: Partial | None = None
        self.notes: list[str] = []
        self.began = False
        self.task: asyncio.Task[Outcome] | None = None
        self._changed = asyncio.Event()
        self._why_cancelled = ""

    def update(self, progress: Progress) -> None:
        """Take the latest progress, and wake whoever iterates."""
        self.progress = progress
        self._changed.set()

    def cancel(self) -> str:
        """Stop the job; returns a sentence that says what that does."""
        if self.task is None or self.task.done():
            return "This job has already ended."
        self._why_cancelled = _what_cancel_does(self)
        self.task.cancel()
        return self._why_cancelled

    async def result(self) -> Outcome:
        """Wait for the end; raises the job's `SpacebotError`."""
        assert self.task is not None
        try:
            return await asyncio.shield(self.task)
        except asyncio.CancelledError:
            if self.task.cancelled() and self._why_cancelled:
                raise Cancelled(self._why_cancelled) from None
            raise

    async def __aiter__(self) -> AsyncIterator[Progress | Outcome]:
        assert self.task is not None
        self.task.add_done_callback(lambda _: self._changed.set())
        while not self.task.done():
            yield self.progress
            await self._changed.wait()
            self._changed.clear()
        yield await self.result()


def _what_cancel_does(running: Running) -> str:
    if running.progress.stage in (Stage.WAITING, Stage.WAKING, Stage.SENDING):
        return "Cancelled before it was sent to the Space."
    if not running.began:
        return "Cancelled: taken out of the Space's queue."
    if running.job.endpoint.streams:
        return "Cancelled: the Space stops after the step it is at."
    return "Cancelled: the Space cannot be stopped in the middle, so its result is dropped."


class Jobs:
    """Runs jobs on the Spaces of a catalogue. All calls belong to one event loop.

    `folder` is where results live until they are posted; `cap` the bytes that
    one file of a result may have on its way here.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        folder: Path,
        limits: Limits | None = None,
        deadlines: Deadlines | None = None,
        cap: int = 200_000_000,
    ) -> None:
        self.catalogue = catalogue
        self.admission = Admission(limits or Limits())
        self.deadlines = deadlines or Deadlines()
        self.done = 0
        self.failed = 0
        self._cap = cap
        self._folder = folder
        self._running: set[Running] = set()
        self._pool = ThreadPoolExecutor(RENDERERS, thread_name_prefix="render")

    @property
    def running(self) -> frozenset[Running]:
        """The jobs under way, waiting ones included."""
        return frozenset(self._running)

    def start(self, job: Job, *, header: Callable[[], str] = str) -> Running:
        """Start a job; raises `InputError` for a value that cannot be taken, and `Refused`.

        `header` gives the line that the first message of the result begins with.
        """
        values = inputs.values(job.endpoint, job.given)
        endpoint = job.endpoint
        turn = self.admission.enter(endpoint.space, endpoint.api_name, job.asker.user)
        self._folder.mkdir(parents=True, exist_ok=True)
        running = Running(job, Path(tempfile.mkdtemp(prefix="job-", dir=self._folder)))
        self._running.add(running)
        running.task = asyncio.create_task(self._run(running, turn, values, header))
        running.task.add_done_callback(lambda task: self._ended(running, turn, task))
        return running

    def discard(self, running: Running) -> None:
        """Delete the files of a job whose result was posted."""
        shutil.rmtree(running.folder, ignore_errors=True)

    def upload_path(self, name: str) -> Path:
        """A new path for a file on its way to a Space; the suffix of `name` is kept."""
        self._folder.mkdir(parents=True, exist_ok=True)
        suffix = re.sub(r"[^.\w]", "", Path(name).suffix)[:12]
        return self._folder / f"upload-{uuid.uuid4().hex}{suffix}"

    async def close(self) -> None:
        """Stop every job and give the threads back."""
        for running in self._running:
            running.cancel()
        tasks = [running.task for running in self._running if running.task]
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def preview(self, running: Running, header: str) -> Reply | None:
        """What a streaming endpoint has given so far, as a message; None where nothing is."""
        partial = running.partial
        if partial is None:
            return None
        endpoint = running.job.endpoint
        connection = self.catalogue.connections[endpoint.space]
        values = connection.visible(endpoint.api_name, partial.values)
        values = await connection.localize(values, running.folder, cap=running.job.file_limit)
        return outputs.preview(endpoint, values, header=header)

    def _ended(self, running: Running, turn: Turn, task: asyncio.Task[Outcome]) -> None:
        self._running.discard(running)
        self.admission.leave(turn)
        if task.cancelled():
            outcome = "cancelled"
        elif (error := task.exception()) is not None:
            outcome = type(error).__name__
            self.failed += 1
            self._log_failure(running, error)
        else:
            outcome = "done"
            self.done += 1
        if outcome != "done":
            self.discard(running)
        endpoint = running.job.endpoint
        log.info(
            "job %s %s%s %s waited=%.1fs ran=%.1fs",
            running.job.id,
            endpoint.space,
            endpoint.api_name,
            outcome,
            (turn.sent or time.monotonic()) - turn.entered,
            time.monotonic() - turn.sent if turn.sent else 0.0,
        )

    def _log_failure(self, running: Running, error: BaseException) -> None:
        if isinstance(error, SpacebotError):
            cause = type(error.__cause__).__name__ if error.__cause__ else ""
            log.warning("job %s failed: %s %s", running.job.id, type(error).__name__, cause)
        else:
            log.error("job %s met a bug", running.job.id, exc_info=error)

    async def _run(
        self, running: Running, turn: Turn, values: dict[str, Any], header: Callable[[], str]
    ) -> Outcome:
        try:
            async with asyncio.timeout(self.deadlines.in_all):
                await self._turn(running, turn)
                raw = await self._attempts(running, turn, values)
                running.update(Progress(Stage.FETCHING))
                ran = time.monotonic() - turn.sent
                replies, shown = await self._render(running, raw, header())
        except TimeoutError as error:
            minutes = round(self.deadlines.in_all / 60)
            raise SpaceSilent(
                f"This job took longer than {minutes} minutes, so it was given up. "
                "Try smaller values."
            ) from error
        return Outcome(replies, waited=turn.sent - turn.entered, ran=ran, values=tuple(shown))

    async def _turn(self, running: Running, turn: Turn) -> None:
        """Wait in line here, saying at which place."""
        while not turn.granted.is_set():
            rank, size = self.admission.rank(turn)
            running.update(Progress(Stage.WAITING, rank=rank, size=size))
            try:
                await asyncio.wait_for(turn.granted.wait(), 1.0)
            except TimeoutError:
                continue

    async def _attempts(self, running: Running, turn: Turn, values: dict[str, Any]) -> list[Any]:
        """Run on the Space, again where it cannot have run yet and trying again can help."""
        pause, deadline = 2.0, time.monotonic() + self.deadlines.retry
        while True:
            try:
                return await self._once(running, turn, values)
            except SpaceError as error:
                safe = error.safe or not running.began or running.job.endpoint.repeatable
                if not (error.again and safe) or time.monotonic() + pause > deadline:
                    raise
                log.info("job %s tries again: %s", running.job.id, type(error).__name__)
                running.began = False
                running.update(Progress(Stage.WAKING, note=str(error)))
            await asyncio.sleep(pause)
            pause = min(2 * pause, 30.0)

    async def _once(self, running: Running, turn: Turn, values: dict[str, Any]) -> list[Any]:
        job = running.job
        connection = self.catalogue.connections[job.endpoint.space]
        updates = connection.run(
            job.endpoint.api_name,
            values,
            key=job.conversation or job.asker.user,
            stateful=job.endpoint.stateful,
            silence=self.deadlines.silence,
        )
        result: list[Any] = []
        async for update in updates:
            if isinstance(update, Result):
                result = update.values
            else:
                self._take(running, turn, update)
        return connection.visible(job.endpoint.api_name, result)

    def _take(self, running: Running, turn: Turn, update: Update) -> None:
        """Keep what an update says, for whoever looks at the job next."""
        match update:
            case Toast():
                running.notes.append(update.text)
                note = html.unescape(update.text)[:200]
                running.update(replace(running.progress, note=note))
            case Partial():
                running.partial = update
                running.began = True
                running.update(replace(running.progress, stage=Stage.RUNNING))
            case Progress():
                if update.stage is Stage.RUNNING:
                    running.began = True
                    self.admission.started(turn)
                running.update(update)

    async def _render(
        self, running: Running, values: list[Any], header: str
    ) -> tuple[tuple[Reply, ...], list[Any]]:
        job = running.job
        connection = self.catalogue.connections[job.endpoint.space]
        local = await connection.localize(values, running.folder, cap=self._cap)

        def render() -> tuple[Reply, ...]:
            return outputs.render(
                job.endpoint,
                local,
                header=header,
                folder=running.folder,
                file_limit=job.file_limit,
                alt=inputs.thread_title(job.endpoint, job.given),
                notes=running.notes,
            )

        if not _has_files(local):
            return render(), local
        return await asyncio.get_running_loop().run_in_executor(self._pool, render), local


def _has_files(value: Any) -> bool:
    """Whether a file is anywhere in JSON-like values, or text that may hold one."""
    if isinstance(value, dict):
        return any(map(_has_files, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_files, value))
    return isinstance(value, File) or (isinstance(value, str) and len(value) > 4000)
