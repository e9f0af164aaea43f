"""One job's way: in line here, on the Space, and back as messages to post."""

from __future__ import annotations

import asyncio
import contextlib
import html
import logging
import math
import re
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from spacebot import inputs, outputs, words
from spacebot.catalogue import Catalogue
from spacebot.errors import (
    DiskFull,
    EndpointGone,
    QuotaExceeded,
    SpaceBusy,
    SpaceError,
    SpaceRaised,
    SpaceSilent,
    SpaceUnreadable,
)
from spacebot.jobs.admission import Admission, Turn
from spacebot.jobs.rendering import Rendering, is_light
from spacebot.jobs.results import SIZE, Results
from spacebot.jobs.running import Running
from spacebot.models import Outcome, Progress, Reply, Stage
from spacebot.outputs import MESSAGE_LIMIT, MESSAGES
from spacebot.outputs.values import files_in
from spacebot.settings import Settings
from spacebot.spaces import Connection, PageRan, Partial, Recalled, Result, Toast, Update

log = logging.getLogger(__name__)

# What is kept of the messages that a Space shows on the way: characters of each, and how many.
NOTE, NOTES = 2000, 20
# A conversation is there to be read; the longest answers still become a file.
CHAT_MESSAGES = 8
# The pauses between tries, in seconds, where the Space asks for none of its own.
PAUSE_FIRST, PAUSE_MOST = 2.0, 30.0
Mark = Callable[[Running, bool], Awaitable[None]]


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

    @classmethod
    def of(cls, settings: Settings) -> Deadlines:
        """The deadlines that the owner set."""
        return cls(
            queue=settings.queue_seconds,
            silence=settings.silence_seconds,
            in_all=settings.job_seconds,
            retry=settings.retry_seconds,
        )


class Pipeline:
    """Takes jobs from the values given to the messages to post.

    `cap` is the bytes that one file of a result may have on its way here;
    `mark(running, sent)` writes down that a job goes to its Space, or is back;
    `results` gives a folder in memory while the disk is full.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        admission: Admission,
        deadlines: Deadlines,
        *,
        cap: int,
        mark: Mark,
        results: Results,
    ) -> None:
        self.catalogue = catalogue
        self.admission = admission
        self.deadlines = deadlines
        self._cap = cap
        self._mark = mark
        self._results = results
        self._rendering = Rendering()

    def close(self) -> None:
        """End the threads and processes."""
        self._rendering.close()

    def _connection(self, running: Running) -> Connection:
        space = running.job.endpoint.space
        if space not in self.catalogue.connections:
            # A job that waited for a restart, after which the owner names other Spaces.
            raise EndpointGone("This Space is no longer offered here. Type / to see what there is.")
        return self.catalogue.connections[space]

    async def run(self, running: Running) -> Outcome:
        """Run a job to its end; raises `SpacebotError`."""
        deadline = asyncio.timeout(self.deadlines.in_all)
        try:
            async with deadline:
                return await self._run(running)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            then = "smaller values" if running.began else "again when fewer people use the Space"
            raise SpaceSilent(
                f"This job took longer than {words.duration(self.deadlines.in_all)}, so it was "
                f"given up. Try {then}."
            ) from error

    async def _run(self, running: Running) -> Outcome:
        if running.prepare is not None:
            given = await running.prepare(running.job)
            running.job = replace(running.job, given=given)
        values = await self._values(running)
        endpoint, user = running.job.endpoint, running.job.asker.turns
        turn = self.admission.enter(endpoint.space, endpoint.api_name, user)
        try:
            await self._turn(running, turn)
            running.values = await self._attempts(running, turn, values)
        except SpaceRaised as error:
            error.empty = inputs.left_empty(endpoint, running.job.given)
            raise
        finally:
            if turn.sent:
                running.ran = time.monotonic() - turn.sent
            self.admission.leave(turn)
        running.update(Progress(Stage.FETCHING))
        replies = await self._render(running, running.values, running.header)
        timing, values = (running.waited, running.ran), tuple(running.values)
        return Outcome(replies, *timing, values, running.page_ran)

    async def _values(self, running: Running) -> dict[str, Any]:
        job = running.job
        if not any(files_in(job.given)):
            return inputs.values(job.endpoint, job.given)
        # An attached table is read: of a few MB, that takes a while.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._rendering.pool, inputs.values, job.endpoint, job.given
        )

    async def _turn(self, running: Running, turn: Turn) -> None:
        """Wait in line here, saying at which place."""
        while not turn.granted.is_set():
            rank, size = self.admission.rank(turn)
            running.update(Progress(Stage.WAITING, rank=rank, size=size))
            # Not `wait_for`: in Python 3.11 it loses a cancel that comes with the turn.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await turn.granted.wait()
        running.waited = turn.sent - turn.entered

    async def _attempts(self, running: Running, turn: Turn, values: dict[str, Any]) -> list[Any]:
        """Run on the Space, again where it cannot have run yet and trying again can help."""
        tries, deadline = 1, math.inf
        while True:
            try:
                return await self._once(running, turn, values)
            except Recalled:
                await self._unsent(running)
                self.admission.back(turn)
                await self._turn(running, turn)
            except SpaceError as error:
                if tries == 1:
                    # From the first failure on: a job may have been in a queue for long by then.
                    deadline = time.monotonic() + self.deadlines.retry
                pause = error.wait or min(PAUSE_FIRST * 2 ** (tries - 1), PAUSE_MOST)
                safe = error.safe or running.job.endpoint.repeatable
                # A quota comes back in hours: whoever asked is told at once.
                soon = error.again and not isinstance(error, QuotaExceeded)
                if not (soon and safe) or time.monotonic() + pause > deadline:
                    raise
                log.info("job %s tries again: %s", running.job.id, type(error).__name__)
                await self._unsent(running)
                tries += 1
                why = re.sub(r" Try again\b.*", "", str(error))
                running.update(Progress(Stage.WAKING, step=tries, eta=pause, note=why))
                await asyncio.sleep(pause)

    async def _unsent(self, running: Running) -> None:
        """Note that the Space has not got the job after all."""
        running.sent = running.began = False
        running.partial = None
        await self._mark(running, False)

    async def _once(self, running: Running, turn: Turn, values: dict[str, Any]) -> list[Any]:
        job, connection = running.job, self._connection(running)
        await self._reach(running, connection)
        running.sent = True
        await self._mark(running, True)
        updates = connection.run(
            job.endpoint.api_name,
            values,
            key=job.conversation or job.asker.user,
            stateful=job.endpoint.stateful,
            before=job.endpoint.before,
            failing=job.endpoint.failing,
            after=job.endpoint.after,
            page=job.endpoint,
            silence=self.deadlines.silence,
            recall=turn.recalled,
        )
        result = Result([])
        queueing = asyncio.timeout_at(self._queue_deadline())
        try:
            async with queueing, contextlib.aclosing(updates):
                async for update in updates:
                    if isinstance(update, Result):
                        result = update
                    else:
                        self._take(running, turn, update)
                    if running.began:
                        queueing.reschedule(None)
                    elif queueing.when() is None:
                        queueing.reschedule(self._queue_deadline())
        except TimeoutError as error:
            if not queueing.expired():
                raise
            raise SpaceBusy(
                f"This waited {words.duration(self.deadlines.queue)} in the Space's own queue, so "
                "it was given up. Try again when fewer people use the Space."
            ).for_good() from error
        return [*connection.visible(job.endpoint.api_name, result.values), *result.shown]

    def _queue_deadline(self) -> float:
        return asyncio.get_running_loop().time() + self.deadlines.queue

    async def _reach(self, running: Running, connection: Connection) -> None:
        """Have the Space reached, saying what is known of how long that takes."""
        if not connection.is_open:
            running.update(Progress(Stage.WAKING))
        reaching = asyncio.ensure_future(connection.ready())
        try:
            while not (await asyncio.wait({reaching}, timeout=1.0))[0]:
                hub = connection.hub
                running.update(Progress(Stage.WAKING, note=hub.news, eta=hub.left))
        finally:
            reaching.cancel()
        reaching.result()

    def _take(self, running: Running, turn: Turn, update: Update) -> None:
        """Keep what an update says, for whoever looks at the job next."""
        match update:
            case Toast():
                said = update.text[:NOTE]
                running.notes = [*running.notes, said][-NOTES:]
                note = html.unescape(said)[:200]
                running.update(replace(running.progress, note=note))
            case PageRan():
                running.page_ran = update.labels
            case Partial():
                running.partial = update
                running.spoke.set()
                running.began = True
                running.update(replace(running.progress, stage=Stage.RUNNING))
            case Progress():
                if update.stage is Stage.SENDING:
                    # The next step of several begins in the Space's queue again.
                    running.began = False
                elif update.stage is Stage.RUNNING:
                    running.began = True
                    self.admission.started(turn)
                running.update(update)

    async def preview(self, running: Running, *, limit: int = MESSAGE_LIMIT) -> Reply | None:
        """What a streaming endpoint has given so far, as a message; None where nothing is.

        Of a longer text it is the last `limit` characters. The files live until
        the next preview.
        """
        partial = running.partial
        if partial is None or running.previewed[0] is partial:
            return running.previewed[1]
        endpoint, connection = running.job.endpoint, self._connection(running)
        values = outputs.ending(connection.visible(endpoint.api_name, partial.values))
        folder = running.folder / "preview"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        values = await connection.localize(values, folder, cap=running.job.file_limit)
        try:
            reply = await self._rendering.preview(
                endpoint, values, header=running.header, limit=limit
            )
        except SpaceUnreadable:
            # The job goes on, and its result may be another matter.
            reply = running.previewed[1]
        running.previewed = (partial, reply)
        return reply

    async def _render(self, running: Running, values: list[Any], header: str) -> tuple[Reply, ...]:
        """The messages of a result: on a full disk through memory, else without its files."""
        with contextlib.suppress(DiskFull), DiskFull.told():
            return await self._rendered(running, values, header, cap=self._cap)
        shutil.rmtree(running.folder, ignore_errors=True)
        room = 0
        with contextlib.suppress(DiskFull):
            running.folder, room = self._results.in_memory(), SIZE
        with DiskFull.told():
            return await self._rendered(running, values, header, cap=room, full=True)

    async def _rendered(
        self, running: Running, values: list[Any], header: str, *, cap: int, full: bool = False
    ) -> tuple[Reply, ...]:
        job = running.job
        connection = self._connection(running)
        is_light(values)  # raises where it is nested too deeply
        local = await connection.localize(values, running.folder, cap=cap, full=full)
        return await self._rendering.render(
            job.endpoint,
            local,
            header=header,
            folder=running.folder,
            file_limit=job.file_limit,
            alt=inputs.thread_title(job.endpoint, job.given),
            notes=running.notes,
            most=CHAT_MESSAGES if job.conversation and job.endpoint.chats else MESSAGES,
        )
