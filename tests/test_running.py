"""What a cancel says that it did, by where the job stands."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from spacebot.errors import Cancelled
from spacebot.jobs import Deadlines, Limits
from spacebot.jobs.admission import Admission
from spacebot.jobs.pipeline import Pipeline
from spacebot.jobs.running import Running
from spacebot.models import Asker, Endpoint, Job, Outcome, Progress, Stage

ENDPOINT = Endpoint("owner/name", "/run", "run", "")


async def never() -> Outcome:
    await asyncio.sleep(3600)
    raise AssertionError


def running(*, streams: bool = False) -> Running:
    """A job that goes on for ever."""
    job = Job("0" * 12, replace(ENDPOINT, streams=streams), Asker("1", "<@1>"), {})
    found = Running(job, Path("nowhere"))
    found.task = asyncio.create_task(never())
    return found


@pytest.mark.parametrize(
    ("progress", "began", "streams", "said"),
    [
        (Progress(Stage.WAITING), False, False, "Cancelled before it was sent to the Space."),
        (Progress(Stage.WAKING), False, False, "Cancelled before it was sent to the Space."),
        (Progress(Stage.WAKING, step=2), False, False, "Cancelled: the Space is not asked again."),
        (Progress(Stage.SENDING), False, False, "Cancelled on its way to the Space."),
        (Progress(Stage.QUEUED), False, False, "Cancelled: taken out of the Space's queue."),
        (
            Progress(Stage.RUNNING),
            True,
            True,
            "Cancelled: the Space stops after the step it is at.",
        ),
        (
            Progress(Stage.RUNNING),
            True,
            False,
            "Cancelled: the Space cannot be stopped in the middle, so its result is dropped.",
        ),
        (
            Progress(Stage.FETCHING),
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
    with pytest.raises(Cancelled, match=said):
        await job.result()
    assert job.cancel() == "This job has already ended."


async def test_a_step_after_the_first_can_be_taken_out_of_the_queue():
    async def mark(_: Running, __: bool) -> None:
        pass

    admission = Admission(Limits())
    turn = admission.enter("owner/name", "/run", "ada")
    pipeline = Pipeline(
        cast(Any, None), admission, Deadlines(), cap=1, mark=mark, results=cast(Any, None)
    )
    job = running()
    for stage in (Stage.SENDING, Stage.RUNNING, Stage.SENDING, Stage.QUEUED):
        pipeline._take(job, turn, Progress(stage))
    assert job.cancel() == "Cancelled: taken out of the Space's queue."
    pipeline.close()
