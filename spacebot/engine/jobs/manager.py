"""The unfinished jobs: started, stored, counted, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Collection, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from spacebot.engine.accounts import Accounts
from spacebot.engine.admission import Admission, Ask
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs.archive import JobArchive
from spacebot.engine.jobs.ending import ending_of
from spacebot.engine.jobs.handle import RESTARTING, JobHandle, Prepare
from spacebot.engine.jobs.history import JobHistory
from spacebot.engine.jobs.metrics import JobMetrics
from spacebot.engine.jobs.pauses import PausedEndpoints
from spacebot.engine.jobs.queue import JobLimits, JobQueue
from spacebot.engine.jobs.records import storable_result, to_record
from spacebot.engine.jobs.result_files import ResultFolders
from spacebot.engine.jobs.runner import JobDeadlines, JobRunner
from spacebot.engine.jobs.uploads import UploadFolders, check_room
from spacebot.engine.store import RecordState, Store
from spacebot.errors import AgeRestricted, DiskFull, JobInterrupted, LimitReached, SpacebotError
from spacebot.models import NO_ACCOUNT, Account, Job, JobEnding, Outcome, Reply
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH

log = logging.getLogger(__name__)

# How long after a file arrives its job is written down at the latest, in seconds.
UPLOAD_GRACE = 3600.0
# Called with how a job ended and the error that ended it.
EndingListener = Callable[[Job, JobEnding, BaseException | None], None]
# Continues a job with the client that can show it.
JobContinuation = Callable[[Any], Coroutine[Any, Any, None]]


class JobManager:
    """Runs jobs on the Spaces of a catalogue. All calls belong to one event loop.

    `folder` holds results until they are posted, and attachments for as long as their job is
    stored. `cap` limits the bytes of one downloaded result file. The code that starts a job ends it
    with `settle`, once the outcome was shown.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        *,
        folder: Path,
        accounts: Accounts | None = None,
        limits: JobLimits | None = None,
        deadlines: JobDeadlines | None = None,
        cap: int = 200_000_000,
    ) -> None:
        self.catalogue = catalogue
        self.store = store
        self.accounts = accounts
        self.queue = JobQueue(limits or JobLimits())
        # What servers allow their members, checked before a job is stored.
        self.admission = Admission(store, self.queue.running_in)
        self.queue.server_limit = lambda server: self.admission.of(server).running
        self.deadlines = deadlines or JobDeadlines()
        self.metrics = JobMetrics(catalogue.connections)
        self.metrics.running.set_function(lambda: self.queue.running)
        self.metrics.waiting.set_function(lambda: self.queue.waiting)
        self.history = JobHistory()
        self.pauses = PausedEndpoints(folder / "paused.json")
        self.answered = False
        # The number of this process among those that share the database.
        self.process: Callable[[], int | None] = lambda: None
        self._listeners: list[EndingListener] = []
        self._results = ResultFolders(folder / "results")
        self.uploads = UploadFolders(folder / "uploads")
        self.archive = JobArchive(catalogue, store, self.uploads.path, accounts)
        self._running: dict[str, JobHandle] = {}
        self._ours: set[str] = set()
        # What continues jobs whose client was closed, with the next client, and those jobs.
        self.left: asyncio.Queue[tuple[JobHandle, JobContinuation]] = asyncio.Queue()
        # Set once no more jobs are accepted: what is stored is for the next start.
        self.closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._runner = JobRunner(
            catalogue,
            self.queue,
            self.deadlines,
            cap=cap,
            mark=self._mark,
            results=self._results,
            accounts=accounts,
        )

    @property
    def running(self) -> tuple[JobHandle, ...]:
        """The jobs that are not settled yet, including waiting ones."""
        return tuple(self._running.values())

    @property
    def job_ids(self) -> frozenset[str]:
        """The jobs that this process handles, as opposed to those an earlier one left."""
        return frozenset(self._ours)

    def find(self, job: str) -> JobHandle | None:
        """The unfinished job with this id."""
        return self._running.get(job)

    async def start(
        self,
        job: Job,
        *,
        header: str = "",
        prepare: Prepare | None = None,
    ) -> JobHandle:
        """Start a job.

        Raises `JobInterrupted` if the bot is stopping and the job is stored for the next start.
        Raises `LimitReached` if it is not stored, the command is paused, or unfinished jobs hold
        too many files, and `AgeRestricted` if its answer may not appear there. All other errors are
        raised by the handle that this returns (see there for `header` and `prepare`).
        """
        if self.closing and job.stored:
            raise JobInterrupted(RESTARTING)
        try:
            await self._check_age(job)
            await self._check_blocked(job)
            self._check_open(job)
        except SpacebotError as error:
            self.count(job, error)
            raise
        running = JobHandle(job, self._results.path(), header=header, prepare=prepare)
        self._running[job.id] = running
        self._ours.add(job.id)
        # A job of an earlier process. This process's own jobs were admitted when they were stored.
        self.admission.note(job.id, Ask.of_job(job))
        self._idle.clear()
        running.task = asyncio.create_task(self._run(running))
        return running

    async def _check_age(self, job: Job) -> None:
        """Raise `AgeRestricted` where minors may be, however the job came about."""
        ref, space = job.message_ref, job.endpoint.space
        if ref is not None and ref.nsfw:
            return
        marked, added = job.endpoint.nsfw, self.catalogue.added
        if added and ref and ref.guild and space not in self.catalogue.connections:
            # A server's moderators decide, even if the Space is used other than by their command.
            hub_id = job.endpoint.hub_id
            marked = marked or await added.marks(str(ref.guild), space, hub_id)
        if marked:
            raise AgeRestricted

    def _check_open(self, job: Job) -> None:
        if self.closing:
            raise LimitReached("The bot is restarting. Try again in a minute.")
        self.pauses.check(job.endpoint)
        check_room(job, (one.job for one in self._running.values()), self.queue.limits)

    async def _check_blocked(self, job: Job) -> None:
        """Raise `SpaceNotAllowed` if the owner blocked the Space, also under a former name."""
        endpoint, on_demand = job.endpoint, self.catalogue.on_demand
        if on_demand and endpoint.space not in self.catalogue.connections:
            await on_demand.policy.refresh()
            on_demand.policy.check_blocked(endpoint.space, endpoint.hub_id)

    async def _run(self, running: JobHandle) -> Outcome:
        # There may be no room for its attachments.
        with DiskFull.translate_errors():
            return await self._runner.run(running)

    async def account(
        self, key: str | None, user: str = "", guild: str | int | None = None
    ) -> Account:
        """The Hugging Face account with this key; for None, a member's own in a server.

        Raises `HubTokenRefused` if its token can no longer be read.
        """
        if self.accounts is None:
            return NO_ACCOUNT
        if key is None:
            return await self.accounts.choose(user, guild)
        return await self.accounts.get(key)

    def count(self, job: Job, error: BaseException | None, *, ran: float = 0.0) -> JobEnding:
        """Count how a job ended, by the error that ended it."""
        ending, space = ending_of(error), job.endpoint.space
        self.metrics.ended(space, ending)
        self.history.ended(ending, ran=ran)
        if error is not None and ending is JobEnding.FAILED:
            self.history.failed(job.command or job.endpoint.name, space, error)
        for tell in self._listeners:
            tell(job, ending, error)
        return ending

    def subscribe(self, tell: EndingListener) -> Callable[[], None]:
        """Call `tell` for every job that ends; returns a function that stops that."""
        self._listeners.append(tell)
        return partial(self._listeners.remove, tell)

    def admit(self, job: Job, jobs: int = 1, *, places: Collection[str] = ()) -> None:
        """Count a job that is about to be stored, as `jobs` jobs of its member.

        Raises `LimitReached` or `NotAllowed` if its server does not allow it; `places` are those of
        a conversation (see `Ask`).
        """
        try:
            self.admission.admit(job.id, Ask.of_job(job, jobs=jobs, places=places))
        except SpacebotError as error:
            self.count(job, error)
            raise

    async def keep(self, job: Job) -> None:
        """Store a job that is `stored`, so that it outlives the process; admit it first.

        If the database fails, the job runs without being stored.
        """
        self._ours.add(job.id)
        counting = self.admission.write(job.id)
        if job.stored:
            record = to_record(job, RecordState.WAITING, self.process())
            saving = self.store.saved(self.store.add(record))
            await asyncio.gather(saving, counting)
        else:
            await counting

    @property
    def trouble(self) -> str:
        """What is wrong with the database or the disk, as a sentence; empty if nothing is."""
        return self.store.trouble or (str(DiskFull()) if self._results.is_full else "")

    async def drop(self, job: Job, ending: JobEnding) -> None:
        """End a stored job that never started; its values stay, for editing them."""
        await self.admission.ended(job.id, counts=ending is JobEnding.DONE)
        if job.stored:
            await self.note(job.id, **_known_columns(job, ending.value), ended=time.time())
        self._ours.discard(job.id)

    def release(self, job: str) -> None:
        """Stop handling a stored job, and leave it to the next recovery."""
        self._ours.discard(job)

    async def forget(self, job: Job) -> None:
        """Delete a stored job that never started because its requester took it back."""
        await self.admission.ended(job.id, counts=False)
        await self.store.saved(self.store.forget(job.id))
        self._ours.discard(job.id)

    async def note_known(self, job: Job, state: str) -> None:
        """Record how far a stored job is, and what is known about it by now."""
        if job.stored:
            # A question that is asked again may have been another process's.
            await self.note(job.id, **_known_columns(job, state), process=self.process())

    async def note(self, job: str, **values: Any) -> None:
        """Change columns of a stored job; a database failure is only logged."""
        await self.store.saved(self.store.mark(job, **values))

    async def _mark(self, running: JobHandle, sent: bool) -> None:
        """Record that a job goes to its Space, and what is known about it by now."""
        running.noted = True
        self.admission.sent(running.job.id, sent)
        state = RecordState.SENT if sent else RecordState.WAITING
        await self.note_known(running.job, state)

    async def settle(
        self, running: JobHandle, error: BaseException | None = None, *, posted: float = 0.0
    ) -> None:
        """End a job whose outcome was shown: count it, log it, and delete its files.

        `error` is what was shown instead of a result; `posted` how many seconds posting took.
        """
        job = running.job
        if running.abandoned:
            return
        ending = self.count(job, error, ran=running.run_seconds)
        self.answered |= ending is JobEnding.DONE and job.stored
        timing = {"waited": running.wait_seconds, "ran": running.run_seconds, "posted": posted}
        if running.run_seconds:
            self.metrics.took(job.endpoint.space, ending, **timing)
        log.info(
            "job %s %s on %s%s: %s, waited %.1f s, ran %.1f s, posted in %.1f s",
            *(job.id, job.command or "try-out", job.endpoint.space, job.endpoint.api_name, ending),
            *timing.values(),
        )
        try:
            await self.admission.ended(job.id, counts=ending is not JobEnding.REJECTED)
            if job.stored:
                await self._note_end(running, ending)
        finally:
            # Until now its buttons found its values here.
            self._let_go(running)
            self._ours.discard(job.id)

    async def _note_end(self, running: JobHandle, ending: JobEnding) -> None:
        job, state = running.job, ending.value
        known = {"state": state} if running.noted else _known_columns(job, state)
        await self.note(job.id, **known, **_result_columns(running), ended=time.time())

    def put_off(self, running: JobHandle) -> None:
        """Leave a job as it is stored, for the next start."""
        self._let_go(running)
        self._ours.discard(running.job.id)
        log.info("job %s %s waits for the next start", running.job.id, running.job.command)

    async def lose(self, job: Job) -> None:
        """End a job of an earlier process whose requester was told that it is lost."""
        self.count(job, JobInterrupted())
        await self.admission.ended(job.id)
        await self.note(job.id, state=JobEnding.LOST.value, ended=time.time())

    def _let_go(self, running: JobHandle) -> None:
        """Remove a job from the unfinished ones, and delete its files."""
        self._running.pop(running.job.id, None)
        if running.folder.exists():
            shutil.rmtree(running.folder, ignore_errors=True)
        if not self._running:
            self._idle.set()

    def leave(self, running: JobHandle, go_on: JobContinuation) -> None:
        """Leave a job to the next client, in `left`, unless the bot is stopping."""
        if running.task is not None and not running.task.cancelled():
            log.info("job %s continues, and the next connection shows it", running.job.id)
            self.left.put_nowait((running, go_on))

    def abandon(self) -> None:
        """Leave every stored job to the process that replaces this one, and tell nobody."""
        ours = self.store.abandon_jobs()
        for running in self.running:
            if running.job.stored and running.job.id not in ours and running.task is not None:
                running.abandoned = True
                running.task.cancel()
                self._let_go(running)
                self._ours.discard(running.job.id)

    async def trim(self, *, most: int, days: float) -> None:
        """Delete ended jobs, with their files, except the `most` newest of the last `days`.

        Also delete the questions of conversations last used before then. Older starred jobs stay,
        without their files.
        """
        older = time.time() - days * 86400
        forgotten = await self.store.chats.trim(older=older)
        forgotten += await self.store.trim(most=most, older=older)
        await self.store.descriptions.trim(older=older)
        await self.admission.trim()
        await asyncio.to_thread(self.uploads.delete, forgotten)
        # Also files whose job was never stored or was taken back, but not those just arriving.
        old = await asyncio.to_thread(self.uploads.since_before, time.time() - UPLOAD_GRACE)
        known = await self.store.known(old, since=older) | self._ours
        await asyncio.to_thread(self.uploads.delete, set(old) - known)

    async def close(self, grace: float = 0.0) -> None:
        """Accept no new jobs, give the running ones `grace` seconds, interrupt the rest."""
        self.closing = True
        tasks = [running.task for running in self.running if running.task]
        if tasks and grace:
            await asyncio.wait(tasks, timeout=grace)
        for running in self.running:
            running.interrupt()
        await asyncio.gather(*tasks, return_exceptions=True)
        while not self.left.empty():
            running, _ = self.left.get_nowait()
            self.put_off(running)
        self._runner.close()

    async def drained(self, seconds: float) -> None:
        """Wait until every job is settled, for `seconds` at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)

    async def preview(self, running: JobHandle, *, limit: int = MAX_MESSAGE_LENGTH) -> Reply | None:
        """What a streaming endpoint has sent so far (see `JobRunner.preview`)."""
        return await self._runner.preview(running, limit=limit)


def _known_columns(job: Job, state: str) -> dict[str, Any]:
    """What is known about a job by now, as columns."""
    record = to_record(job, state)
    names = ("state", "arguments", "message_ref", "message", "account")
    return {name: getattr(record, name) for name in names}


def _result_columns(running: JobHandle) -> dict[str, Any]:
    """A job's result, as columns; a question's answer is in its turn."""
    if running.job.turn is not None:
        return {"turn": running.job.turn}
    outputs = storable_result(running.outputs)
    return {"result": outputs, "page_ran": list(running.page_ran)}
