"""What a cancel reports at each stage of a job."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from spacebot.engine.jobs import JobDeadlines, JobLimits
from spacebot.engine.jobs.handle import JobHandle
from spacebot.engine.jobs.queue import JobQueue
from spacebot.engine.jobs.runner import JobRunner
from spacebot.errors import JobCancelled
from spacebot.models import Endpoint, Job, JobStage, Outcome, Progress, Requester

ENDPOINT = Endpoint("owner/name", "/run", "run", "")


async def never() -> Outcome:
    await asyncio.sleep(3600)
    raise AssertionError


def running(*, streams: bool = False) -> JobHandle:
    """A job that never ends."""
    job = Job("0" * 12, replace(ENDPOINT, streams=streams), Requester("1", "<@1>"), {})
    found = JobHandle(job, Path("nowhere"))
    found.task = asyncio.create_task(never())
    return found


@pytest.mark.parametrize(
    ("progress", "began", "streams", "said"),
    [
        (Progress(JobStage.WAITING), False, False, "Cancelled before it was sent to the Space."),
        (Progress(JobStage.WAKING), False, False, "Cancelled before it was sent to the Space."),
        (
            Progress(JobStage.WAKING, step=2),
            False,
            False,
            "Cancelled: the Space is not asked again.",
        ),
        (Progress(JobStage.SENDING), False, False, "Cancelled on its way to the Space."),
        (Progress(JobStage.QUEUED), False, False, "Cancelled before the Space started it."),
        (
            Progress(JobStage.RUNNING),
            True,
            True,
            "Cancelled: the Space stops after its current step.",
        ),
        (
            Progress(JobStage.RUNNING),
            True,
            False,
            "Cancelled: the Space cannot be stopped in the middle, so its result is dropped.",
        ),
        (
            Progress(JobStage.FETCHING),
            True,
            False,
            "Cancelled: the Space had finished, and its result is dropped.",
        ),
    ],
)
async def test_a_cancel_says_what_it_does(progress, began, streams, said):
    job = running(streams=streams)
    job.update(progress)
    job.began = began
    assert job.cancel() == said
    # A second press says the same, and nobody waits for a result.
    assert job.cancel("Again.") == said
    with pytest.raises(JobCancelled, match=said):
        await job.result()
    assert job.cancel() == "This job has already ended."


async def test_a_step_after_the_first_can_be_taken_out_of_the_queue():
    async def mark(_: JobHandle, __: bool) -> None:
        pass

    queue = JobQueue(JobLimits())
    turn = queue.enter("owner/name", "/run", "ada")
    pipeline = JobRunner(
        cast(Any, None), queue, JobDeadlines(), cap=1, mark=mark, results=cast(Any, None)
    )
    job = running()
    for stage in (JobStage.SENDING, JobStage.RUNNING, JobStage.SENDING, JobStage.QUEUED):
        pipeline._take(job, turn, Progress(stage))
    assert job.cancel() == "Cancelled before the Space started it."
    pipeline.close()
