"""The follower: real jobs on a real Space, shown on surfaces that do all that surfaces may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest

from spacebot.discord_bot.delivery import GONE_REFUSALS, Refusal, refusal_of
from spacebot.discord_bot.delivery.refusals import REFUSAL_BY_CODE
from spacebot.engine import follow, job_text
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.follow import CloseAction, Follower, ShowResult, Surface, SurfaceClosed
from spacebot.engine.jobs import JobHandle, JobManager, rendering
from spacebot.engine.store import Store
from spacebot.errors import (
    JobCancelled,
    JobInterrupted,
    SpacebotError,
    SpaceRaised,
    SpaceStopped,
    StoreError,
)
from spacebot.models import Job, JobEnding, Outcome, Reply, Requester, Source
from spacebot.spaces.client import Connection, Network
from spacebot.web.tryout.surface import PageSurface
from tests.support.asking import ask
from tests.support.bot_in_loop import described
from tests.support.conversations import lab


class Seen(Surface):
    """Records its calls. `answer` is what `show` returns."""

    def __init__(self, jobs: JobManager, answer: ShowResult | Exception = ShowResult.YES) -> None:
        super().__init__(jobs, "test")
        self.answer = answer
        self.shown = 0
        self.texts: list[str] = []
        self.errors: list[BaseException] = []
        self.notes: list[bool] = []
        self.is_closed = False
        self.first = asyncio.Event()

    @property
    def closed(self) -> bool:
        return self.is_closed

    async def show(self, running: JobHandle, preview: Reply | None) -> ShowResult:
        self.shown += 1
        self.first.set()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def deliver(self, running: JobHandle, outcome: Outcome) -> None:
        self.texts += [reply.text for reply in outcome.replies]
        self.notes.append(self.saved)

    async def fail(self, error: BaseException) -> None:
        self.errors.append(error)


@pytest.fixture
async def jobs(served: Callable[[str], str], tmp_path: Path) -> AsyncIterator[JobManager]:
    sources = [Source(served("fast"), name="fast"), Source(served("trouble"), name="trouble")]
    async with Network() as network, Store.in_folder(tmp_path) as store:
        catalogue = Catalogue(sources, network, folder=tmp_path)
        jobs = JobManager(catalogue, store, folder=tmp_path)
        await catalogue.start()
        await described(catalogue)
        yield jobs
        await jobs.close()
        await catalogue.close()


def asked(jobs: JobManager, name: str, **arguments: Any) -> Job:
    """A job of this endpoint."""
    endpoints = [one for space in jobs.catalogue.spaces for one in space.endpoints]
    endpoint = next(one for one in endpoints if one.api_name == name)
    return Job("0" * 12, endpoint, Requester("1", "<@1>"), arguments)


async def test_a_result_is_delivered_and_the_job_settled(jobs: JobManager) -> None:
    surface = Seen(jobs)
    assert await Follower(surface, asked(jobs, "/echo", text="hi")).run() is None
    assert ("hi" in surface.texts[0], surface.errors) == (True, [])
    assert (jobs.running, jobs.metrics.count(JobEnding.DONE)) == ((), 1)


async def test_a_failure_is_told_once_and_returned(jobs: JobManager) -> None:
    surface = Seen(jobs)
    error = await Follower(surface, asked(jobs, "/told", text="no")).run()
    assert isinstance(error, SpaceRaised)
    assert (surface.errors, surface.texts) == ([error], [])
    assert jobs.metrics.count(JobEnding.FAILED) == 1


async def test_what_was_streamed_is_posted_with_a_failure(
    served: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _be_patient(monkeypatch)
    async with lab(tmp_path, trouble=served("trouble")) as home:
        command = "trouble file_midway"
        failed = await ask(home.ada, command, channel=home.channel, seconds=120)
        assert "It broke midway." in failed.content
        assert [one.data for one in failed.attachments] == [b"half of it"]


async def test_a_failed_preview_costs_no_file_of_the_last_one(
    jobs: JobManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    _be_patient(monkeypatch)
    kept: list[tuple[Reply | None, list[bytes]]] = []

    async def gone(*_: Any, **__: Any) -> None:
        raise SpaceStopped

    class Keeping(Seen):
        async def fail(self, error: BaseException) -> None:
            assert self.running is not None
            for _ in range(2):
                assert self.running.partial is not None
                reply = await self.streamed(self.preview_limit)
                assert reply is not None
                kept.append((reply, [file.path.read_bytes() for file in reply.files]))
                # The next preview fails.
                self.running.partial = replace(self.running.partial)
                monkeypatch.setattr(Connection, "localize", gone)

    await Follower(Keeping(jobs), asked(jobs, "/file_midway")).run()
    assert [files for _, files in kept] == [[b"half of it"]] * 2


def _be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a preview the time that a slow machine needs."""
    monkeypatch.setattr(follow, "STREAMED_TIMEOUT", 60.0)
    monkeypatch.setattr(rendering, "PREVIEW_TIMEOUT", 60)


@pytest.mark.parametrize("answer", [ShowResult.NEVER, ValueError("a bug")])
async def test_where_nothing_can_be_shown_it_is_not_tried_again(
    jobs: JobManager, answer: ShowResult | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    surface = Seen(jobs, answer)
    assert await Follower(surface, asked(jobs, "/sleep", seconds=3)).run() is None
    assert (surface.shown, len(surface.texts)) == (1, 1)
    bugs = [one for one in caplog.records if "because of a bug" in one.message]
    assert len(bugs) == isinstance(answer, ValueError)


async def test_deleting_the_message_cancels_the_job(jobs: JobManager) -> None:
    surface = Seen(jobs, ShowResult.DELETED)
    error = await Follower(surface, asked(jobs, "/sleep", seconds=60)).run()
    assert isinstance(error, JobCancelled)
    assert "Its message was deleted." in str(surface.errors[0])
    assert jobs.metrics.count(JobEnding.CANCELLED) == 1


async def test_a_surface_that_fails_to_tell_costs_no_other_job(
    jobs: JobManager, caplog: pytest.LogCaptureFixture
) -> None:
    class Mute(Seen):
        async def deliver(self, running: JobHandle, outcome: Outcome) -> None:
            raise ValueError("no")

        async def fail(self, error: BaseException) -> None:
            raise ValueError("nor this")

    error = await Follower(Mute(jobs), asked(jobs, "/echo", text="hi")).run()
    assert str(error) == "no"
    assert (jobs.running, jobs.metrics.count(JobEnding.FAILED)) == ((), 1)
    assert any("could not be told" in one.message for one in caplog.records)


async def test_a_job_outlives_its_client_and_is_told_by_the_next(jobs: JobManager) -> None:
    class Moving(Seen):
        def move(self, client: Any) -> None:
            self.is_closed = client is None

    surface = Moving(jobs)
    following = asyncio.create_task(Follower(surface, asked(jobs, "/sleep", seconds=4)).run())
    await surface.first.wait()
    surface.is_closed = True
    assert isinstance(await following, SurfaceClosed)
    running, go_on = await jobs.left.get()
    # The client after that is closed too, before the job ends.
    await go_on(None)
    assert (await jobs.left.get())[0] is running
    await go_on(object())
    assert (len(surface.texts), surface.errors, jobs.running) == (1, [], ())


@pytest.mark.parametrize(
    ("leaving", "ending"),
    [
        (CloseAction.PUT_OFF, None),
        (CloseAction.LOSE, JobEnding.LOST),
        (CloseAction.CANCEL, JobEnding.CANCELLED),
    ],
)
async def test_a_job_that_is_not_handed_over_stops_with_its_surface(
    jobs: JobManager, leaving: CloseAction, ending: JobEnding | None
) -> None:
    surface = Seen(jobs)
    surface.leaving = leaving
    job = asked(jobs, "/sleep", seconds=60)
    following = asyncio.create_task(Follower(surface, job).run())
    await surface.first.wait()
    running = jobs.find(job.id)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    assert running is not None
    with pytest.raises((JobInterrupted, JobCancelled)):
        await running.result()
    assert (surface.texts, surface.errors, jobs.running, jobs.left.qsize()) == ([], [], (), 0)
    ended = {one for one in JobEnding if jobs.metrics.count(one)}
    assert ended == ({ending} if ending else set())


async def test_if_the_store_fails_the_answer_arrives_and_says_so(jobs: JobManager) -> None:
    class Storing(Seen):
        async def prepare(self, job: Job) -> Mapping[str, Any]:
            await self.save(self._fails())
            return await super().prepare(job)

        async def _fails(self) -> None:
            raise StoreError("The disk is full.")

    surface = Storing(jobs)
    assert await Follower(surface, asked(jobs, "/echo", text="hi")).run() is None
    assert (len(surface.texts), surface.notes, surface.errors) == (1, [False], [])


class Answered:
    """The part of a Discord response that discord.py's errors read."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.reason = "said"


def refused(status: int, code: int = 0) -> discord.HTTPException:
    answered: Any = Answered(status)
    return discord.HTTPException(answered, {"code": code, "message": "no"})


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        *((refused(400, code), refusal) for code, refusal in REFUSAL_BY_CODE.items()),
        (refused(413), Refusal.TOO_LARGE),
        (refused(429), Refusal.PASSING),
        (refused(503), Refusal.PASSING),
        (refused(400), Refusal.INVALID),
        (refused(404), Refusal.OTHER),
        (ConnectionResetError(), Refusal.PASSING),
        (FileNotFoundError(), Refusal.OTHER),
        (ValueError(), Refusal.OTHER),
    ],
    ids=str,
)
def test_a_refusal_has_one_meaning(error: Exception, refusal: Refusal) -> None:
    assert refusal_of(error) is refusal


def test_what_may_pass_is_not_gone() -> None:
    assert not GONE_REFUSALS & {
        Refusal.PASSING,
        Refusal.TOO_LARGE,
        Refusal.FILTERED,
        Refusal.MODERATED,
    }


async def test_a_bug_in_a_job_of_the_page_is_logged_once(
    jobs: JobManager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def start(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(jobs, "start", start)
    job, steps = asked(jobs, "/echo", text="hi"), list[Any]()
    await Follower(PageSurface(jobs, job, steps.append), job).run()
    # The page shows the error and does not log it again: it is no bug in the page.
    (told,) = steps
    assert type(told) is SpacebotError
    assert job_text.describe_failure(told) == job_text.describe_failure(ZeroDivisionError())
    assert [one.message for one in caplog.records if one.exc_info] == [
        f"job {job.id} failed because of a bug"
    ]
