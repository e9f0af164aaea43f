"""Running jobs: from the values given to the messages to post."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacebot import inputs, outputs
from spacebot.catalogue import Catalogue
from spacebot.errors import QuotaExceeded, Refused, SpaceBusy, SpaceError, SpaceSilent
from spacebot.jobs.admission import Admission, Limits, Turn
from spacebot.jobs.history import History
from spacebot.jobs.kept import Kept
from spacebot.jobs.metrics import Metrics
from spacebot.jobs.pauses import Pauses
from spacebot.jobs.records import result_of, to_record
from spacebot.jobs.running import Running
from spacebot.models import File, Job, Outcome, Progress, Reply, Stage
from spacebot.outputs import MESSAGE_LIMIT, MESSAGES
from spacebot.spaces import Partial, Result, Toast, Update
from spacebot.store import State, Store

log = logging.getLogger(__name__)

# Drawing and shrinking pictures is work for a processor, of which there are few.
RENDERERS = 2
# A conversation is there to be read; the longest answers still become a file.
CHAT_MESSAGES = 8


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds until a job is given up.

    `queue` is in the Space's own queue, `silence` without any sign of life,
    `in_all` from start to end. `retry` is how long what cannot have run yet is
    tried again, with pauses from 2 to 30 seconds.
    """

    queue: float = 1800.0
    silence: float = 45.0
    in_all: float = 3600.0
    retry: float = 120.0


class Jobs:
    """Runs jobs on the Spaces of a catalogue. All calls belong to one event loop.

    `folder` is where results live until they are posted, and what was attached
    for as long as its job is kept; `cap` the bytes that one file of a result may
    have on its way here. Whoever starts a job ends it with `settle`, once what
    came of it was told.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        *,
        folder: Path,
        limits: Limits | None = None,
        deadlines: Deadlines | None = None,
        cap: int = 200_000_000,
    ) -> None:
        self.catalogue = catalogue
        self.store = store
        self.admission = Admission(limits or Limits())
        self.deadlines = deadlines or Deadlines()
        self.metrics = Metrics()
        self.metrics.running.set_function(lambda: self.admission.running)
        self.metrics.waiting.set_function(lambda: self.admission.waiting)
        self.history = History()
        self.pauses = Pauses(folder / "paused.json")
        self.answered = False
        self.done = 0
        self.failed = 0
        self._cap = cap
        self._results = folder / "results"
        self._uploads = folder / "uploads"
        self.kept = Kept(catalogue, store, self.upload_path)
        self._running: dict[str, Running] = {}
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._pool = ThreadPoolExecutor(RENDERERS, thread_name_prefix="render")
        # Results that a killed process had not posted yet: nobody will.
        shutil.rmtree(self._results, ignore_errors=True)
        self._results.mkdir(parents=True)

    @property
    def running(self) -> tuple[Running, ...]:
        """The jobs that are not settled yet, waiting ones included."""
        return tuple(self._running.values())

    def find(self, job: str) -> Running | None:
        """The job under way with this id."""
        return self._running.get(job)

    async def start(
        self, job: Job, *, header: Callable[[], str] = str, kept: bool = False
    ) -> Running:
        """Start a job; raises `InputError` for a value that cannot be taken, and `Refused`.

        `header` gives the line that the first message of the result begins with.
        The job is written down first, unless it is `kept` already or has no place.
        """
        if self._closing:
            raise Refused("The bot is being restarted. Try again in a minute.")
        self.pauses.check(job.endpoint)
        values = await self._values(job)
        turn = self.admission.enter(job.endpoint.space, job.endpoint.api_name, job.asker.user)
        try:
            running = Running(job, self._new_folder())
            connection = self.catalogue.connections[job.endpoint.space]
            # Sent at once, it is written down as sent: one write instead of two.
            running.sent = turn.granted.is_set() and connection.is_open
            await self._write_down(running, kept)
        except BaseException:
            self.admission.leave(turn)
            raise
        self._running[job.id] = running
        self._idle.clear()
        running.task = asyncio.create_task(self._run(running, turn, values, header))
        running.task.add_done_callback(lambda _: self.admission.leave(turn))
        running.task.add_done_callback(lambda task: self._ended(running, task))
        return running

    def _ended(self, running: Running, task: asyncio.Task[Outcome]) -> None:
        """Keep why a job failed."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            job = running.job
            command = job.command or job.endpoint.name
            self.history.failed(command, job.endpoint.space, error)

    async def _values(self, job: Job) -> dict[str, Any]:
        if not _has_files(job.given):
            return inputs.values(job.endpoint, job.given)
        # An attached table is read: of a few MB, that takes a while.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, inputs.values, job.endpoint, job.given)

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="job-", dir=self._results))

    async def _write_down(self, running: Running, kept: bool) -> None:
        if not running.job.place:
            return
        state = State.SENT if running.sent else State.WAITING
        if not kept:
            await self.store.add(to_record(running.job, state))
        elif running.sent:
            await self.store.mark(running.job.id, state=state)

    async def settle(self, running: Running, state: str, *, posted: float = 0.0) -> None:
        """End a job whose outcome was told: count it, log it, and delete its files.

        `state` is one of `store.State`'s ends; WAITING or SENT leave it kept as
        it is, for the next start. `posted` is the seconds that posting took.
        """
        job = running.job
        self._running.pop(job.id, None)
        shutil.rmtree(running.folder, ignore_errors=True)
        if not self._running:
            self._idle.set()
        if state in (State.WAITING, State.SENT):
            log.info("job %s %s kept for the next start", job.id, job.command)
            return
        self.done += state == State.DONE
        self.failed += state == State.FAILED
        self.answered |= state == State.DONE and bool(job.place)
        if state in (State.DONE, State.FAILED):
            self.history.ended(done=state == State.DONE, ran=running.ran)
        timing = {"waited": running.waited, "ran": running.ran, "posted": posted}
        self.metrics.ended(job.endpoint.space, state, **timing)
        log.info(
            "job %s %s on %s%s: %s, waited %.1f s, ran %.1f s, posted in %.1f s",
            *(job.id, job.command, job.endpoint.space, job.endpoint.api_name, state),
            *timing.values(),
        )
        if job.place:
            await self.store.mark(
                job.id, state=state, ended=time.time(), result=result_of(running.values)
            )

    def upload_path(self, job: str, name: str) -> Path:
        """A path for a file on its way to a Space, kept as long as its job."""
        folder = self._uploads / job
        # A folder for each, since the Space is told the file's own name.
        number = len(list(folder.iterdir())) if folder.exists() else 0
        place = folder / str(number)
        place.mkdir(parents=True)
        return place / (re.sub(r"[^\w.() -]", "_", Path(name).name)[-100:].strip(". ") or "file")

    async def trim(self, *, most: int, days: float) -> None:
        """Forget all but the `most` newest ended jobs of the last `days`, with their files."""
        forgotten = await self.store.trim(most=most, older=time.time() - days * 86400)
        for job in forgotten:
            shutil.rmtree(self._uploads / job, ignore_errors=True)

    async def close(self, grace: float = 0.0) -> None:
        """Take no new jobs, give the running ones `grace` seconds, interrupt the rest."""
        self._closing = True
        tasks = [running.task for running in self.running if running.task]
        if tasks and grace:
            await asyncio.wait(tasks, timeout=grace)
        for running in self.running:
            running.interrupt()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def drained(self, seconds: float) -> None:
        """Wait until every job is settled, `seconds` at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    async def preview(
        self, running: Running, header: str, *, limit: int = MESSAGE_LIMIT
    ) -> Reply | None:
        """What a streaming endpoint has given so far, as a message; None where nothing is.

        Of a longer text it is the last `limit` characters.
        """
        partial = running.partial
        if partial is None:
            return None
        endpoint = running.job.endpoint
        connection = self.catalogue.connections[endpoint.space]
        values = connection.visible(endpoint.api_name, partial.values)
        values = await connection.localize(values, running.folder, cap=running.job.file_limit)
        return outputs.preview(endpoint, values, header=header, limit=limit)

    async def _run(
        self, running: Running, turn: Turn, values: dict[str, Any], header: Callable[[], str]
    ) -> Outcome:
        try:
            async with asyncio.timeout(self.deadlines.in_all):
                await self._turn(running, turn)
                running.waited = turn.sent - turn.entered
                running.values = await self._attempts(running, turn, values)
                running.ran = time.monotonic() - turn.sent
                running.update(Progress(Stage.FETCHING))
                replies = await self._render(running, running.values, header())
        except TimeoutError as error:
            minutes = round(self.deadlines.in_all / 60)
            raise SpaceSilent(
                f"This job took longer than {minutes} minutes, so it was given up. "
                "Try smaller values."
            ) from error
        return Outcome(replies, running.waited, running.ran, tuple(running.values))

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
                # A quota comes back in hours: whoever asked is told at once.
                soon = error.again and not isinstance(error, QuotaExceeded)
                if not (soon and safe) or time.monotonic() + pause > deadline:
                    raise
                log.info("job %s tries again: %s", running.job.id, type(error).__name__)
                running.began = False
                running.update(Progress(Stage.WAKING, note=str(error)))
            await asyncio.sleep(pause)
            pause = min(2 * pause, 30.0)

    async def _once(self, running: Running, turn: Turn, values: dict[str, Any]) -> list[Any]:
        job = running.job
        connection = self.catalogue.connections[job.endpoint.space]
        if not running.sent:
            if not connection.is_open:
                running.update(Progress(Stage.WAKING))
                await connection.ready()
            if job.place:
                await self.store.mark(job.id, state=State.SENT)
            running.sent = True
        updates = connection.run(
            job.endpoint.api_name,
            values,
            key=job.conversation or job.asker.user,
            stateful=job.endpoint.stateful,
            silence=self.deadlines.silence,
        )
        result: list[Any] = []
        queueing = asyncio.timeout(self.deadlines.queue)
        try:
            async with queueing, contextlib.aclosing(updates):
                async for update in updates:
                    if isinstance(update, Result):
                        result = update.values
                    else:
                        self._take(running, turn, update)
                    if running.began:
                        queueing.reschedule(None)
        except TimeoutError as error:
            if not queueing.expired():
                raise
            minutes = round(self.deadlines.queue / 60)
            raise SpaceBusy(
                f"This waited {minutes} minutes in the Space's own queue, so it was given up. "
                "Try again when fewer people use the Space."
            ) from error
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

    async def _render(self, running: Running, values: list[Any], header: str) -> tuple[Reply, ...]:
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
                most=CHAT_MESSAGES if job.conversation else MESSAGES,
            )

        if not _is_work(local):
            return render()
        return await asyncio.get_running_loop().run_in_executor(self._pool, render)


def _is_work(values: list[Any]) -> bool:
    """Whether rendering takes a while: there are files, or there is much of it."""
    return _has_files(values) or len(json.dumps(values, default=str)) > 4000


def _has_files(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_files, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_files, value))
    return isinstance(value, File)
