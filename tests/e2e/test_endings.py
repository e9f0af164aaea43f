"""Each job's end is counted once, the same in metrics, plots and the list of failures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from spacebot.engine.admin import Admin
from spacebot.engine.jobs import ending_of
from spacebot.errors import InputError, JobCancelled, JobInterrupted, LimitReached, SpaceRaised
from spacebot.models import JobEnding, Source
from tests.e2e.conftest import discord
from tests.faults.counting import settled
from tests.support.asking import ask, is_final, shown
from tests.support.automations import lab as automated
from tests.support.automations import runs
from tests.support.bot_in_loop import Home, at_home
from tests.support.conversations import answer, spoken
from tests.support.conversations import lab as talking
from tests.support.loopback import Interaction

pytestmark = pytest.mark.asyncio(loop_scope="session")


def counted(home: Home) -> Counter[JobEnding]:
    """The jobs by their ends, on which every counter must agree."""
    metrics, spans = home.jobs.metrics, home.jobs.history.shown()[0]
    total = Counter({one: number for one in JobEnding if (number := metrics.count(one))})
    assert sum(span.done for span in spans) == total[JobEnding.DONE]
    assert sum(span.failed for span in spans) == total[JobEnding.FAILED]
    assert len(home.jobs.history.failures) == total[JobEnding.FAILED]
    known = home.catalogue.status(home.jobs.queue.counts)
    spaces = [metrics.with_timings(space) for space in known]
    assert sum(one.done for one in spaces) == total[JobEnding.DONE]
    assert sum(one.failed for one in spaces) == total[JobEnding.FAILED]
    exported: Counter[JobEnding] = Counter()
    for family in metrics.registry.collect():
        for sample in family.samples:
            if sample.name == "spacebot_jobs_total":
                exported[JobEnding(sample.labels["outcome"])] += int(sample.value)
    assert exported == total
    return total


async def working(seen: Interaction) -> None:
    """Wait until the Space works on it."""
    await seen.wait(lambda one: "Working" in shown(one).content, 10)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (None, JobEnding.DONE),
        (SpaceRaised("no"), JobEnding.FAILED),
        (ZeroDivisionError(), JobEnding.FAILED),
        (JobCancelled("stop"), JobEnding.CANCELLED),
        (InputError("what"), JobEnding.REJECTED),
        (LimitReached("full"), JobEnding.REJECTED),
        (JobInterrupted("later"), JobEnding.LOST),
    ],
)
async def test_the_error_decides_how_a_job_ended(
    error: Exception | None, ending: JobEnding
) -> None:
    assert ending_of(error) is ending


async def test_only_what_the_space_or_the_bot_failed_at_counts_as_failed(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    sources = [Source(space("trouble"), name="trouble"), Source(space("everything"), name="every")]
    async with discord() as place, at_home(place.server, *sources, folder=tmp_path) as home:
        ada, channel = place.ada, place.channel
        await ask(ada, "trouble pings", channel=channel)
        await ask(ada, "trouble told", text="secret", channel=channel)
        await ask(ada, "every json", json='{"a": ', channel=channel)
        by_asker = await ada.command("trouble hang", seconds=60, channel=channel)
        await working(by_asker)
        await ada.click(shown(by_asker), "Cancel")
        await by_asker.wait(is_final, 10)
        by_owner = await ada.command("trouble hang", seconds=60, channel=channel)
        await working(by_owner)
        control = Admin(home.jobs, home.catalogue)
        await control.act("cancel", home.jobs.running[0].job.id)
        await by_owner.wait(is_final, 10)
        await control.act("pause", "/trouble told")
        await ask(ada, "trouble told", text="x", channel=channel)
        await settled(home)
        assert counted(home) == {
            JobEnding.DONE: 1,
            JobEnding.FAILED: 1,
            JobEnding.CANCELLED: 2,
            JobEnding.REJECTED: 2,
        }
        # The end of a job that never started is stored after it was shown.
        while await home.jobs.store.unfinished():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        kept = [await home.jobs.store.get(one) for one in await _ids(home)]
        states = Counter(one.state for one in kept if one)
        assert states == {"done": 1, "failed": 1, "cancelled": 2, "rejected": 2}


async def _ids(home: Home) -> list[str]:
    engine = home.jobs.store._engine
    assert engine is not None
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT id FROM jobs")
        return [row[0] for row in rows]


async def test_a_comparison_that_is_stopped_is_no_failure(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    sources = [Source(space("fast"), "/echo", "echo"), Source(space("studio"), "/slow", "slow")]
    async with discord() as place, at_home(place.server, *sources, folder=tmp_path) as home:
        options = {"prompt": "sea", "with": "echo, slow"}
        seen = await place.ada.command("compare", options, channel=place.channel)
        await seen.wait(lambda one: "**/echo**\nsea" in shown(one).content, 10)
        await place.ada.click(shown(seen), "Cancel")
        await seen.wait(is_final, 10)
        await settled(home)
        assert counted(home) == {JobEnding.DONE: 1, JobEnding.CANCELLED: 1}


async def test_a_conversation_that_is_stopped_is_no_failure(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    async with talking(tmp_path, parrot=space("parrot")) as it:
        await it.ada.command("parrot", message="slowly: one two three", channel=it.channel)
        await it.channel.wait(lambda place: place.threads, 20)
        (thread,) = it.channel.threads
        await thread.wait(lambda place: "Stop" in spoken(place)[-1].buttons(), 10)
        await it.ada.click(spoken(thread)[-1], "Stop")
        await answer(thread, "🛑")
        await settled(it.home)
        assert counted(it.home) == {JobEnding.CANCELLED: 1}


async def test_an_automation_that_is_stopped_is_no_failure(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    async with automated(tmp_path, Source(space("fast"), name="fast")) as it:
        await it.add("text", "/fast sleep", match="long", values="seconds:30", channel=it.channel)
        said = it.ada.say("a long one", channel=it.channel)
        await it.channel.wait(runs, 10)
        await it.server.wait(lambda _: it.home.jobs.running, 5)
        await it.ada.click(runs(it.channel)[0], "Cancel")
        await it.answer_to(said)
        await settled(it.home)
        assert counted(it.home) == {JobEnding.CANCELLED: 1}


async def test_a_job_that_a_restart_interrupted_counts_as_lost(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    source = Source(space("trouble"), name="trouble")
    async with discord() as place:
        async with at_home(place.server, source, folder=tmp_path) as home:
            seen = await place.ada.command("trouble hang", seconds=60, channel=place.channel)
            await working(seen)
        assert counted(home) == {}
        async with at_home(place.server, source, folder=tmp_path) as home:
            await seen.wait(lambda one: "the result is lost" in shown(one).content, 10)
            await settled(home)
            assert counted(home) == {JobEnding.LOST: 1}
