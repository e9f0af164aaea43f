"""The bot is stopped and killed with jobs running, and started again on its data."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from spacebot.discord_bot.delivery import POSTED_UNCERTAIN
from spacebot.engine.jobs import JobLimits
from spacebot.engine.store import RecordState
from spacebot.models import AnswerPlace, Source
from tests.e2e.conftest import Place, discord
from tests.faults.conftest import Figures
from tests.faults.counting import all_final, answered, settled, twice
from tests.support.asking import is_final, shown, until
from tests.support.bot_in_loop import at_home
from tests.support.loopback import Interaction
from tests.support.program import Program, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = 100
LOST = "The bot was restarted while the Space worked on this, so the result is lost."


@asynccontextmanager
async def bot(folder: Path, place: Place, spaces: str, **env: str) -> AsyncIterator[Program]:
    """The program, which may be killed before the block ends."""
    async with running(folder, place.server, spaces, env, clean=False) as program:
        place.server.limits.enforced = False
        yield program


async def kill(place: Place, program: Program) -> None:
    """SIGKILL it, and wait until Discord has noticed."""
    program.process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(program.process.wait, 10)
    # `running` checks the exit code when the block ends.
    program.process.returncode = 0
    await place.server.wait(lambda server: not server.gateway.ready, 10)


async def sleeping(place: Place, count: int, seconds: float) -> Sequence[Interaction]:
    """Jobs of about so many seconds, each with its own thousandths."""
    return await asyncio.gather(
        *(
            place.ada.command("fast sleep", seconds=seconds + n / 1000, channel=place.channel)
            for n in range(count)
        )
    )


async def test_killed_with_a_hundred_jobs_in_flight(space, tmp_path: Path, figures: Figures):
    spaces = f"fast={space('fast')}"
    limits = {"JOBS_PER_SPACE": "50", "JOBS_RUNNING_PER_USER": "100"}
    async with discord() as place:
        async with bot(tmp_path, place, spaces, **limits) as program:
            # Short jobs, which end at any moment during the kill, and long ones.
            short = await sleeping(place, 40, 1.5)
            long = await sleeping(place, 60, 5)
            await program.until(lambda: answered(short) >= 10)
            await kill(place, program)
        seen = [*short, *long]
        assert all(one.acknowledged_after is not None for one in seen)
        before = answered(seen)
        async with bot(tmp_path, place, spaces, **limits) as program:
            took = await all_final(seen, 60)
            lost = [one for one in seen if LOST in shown(one).content]
            done = [one for one in seen if "Done in" in shown(one).content]
            counts = {"answered": answered(seen), "twice": twice(seen, place.channel)}
            figures.note(
                f"SIGKILL with {MANY} jobs in flight",
                answered_before=before,
                **counts,
                told_lost=len(lost),
                resumed=len(done) - before,
                seconds=round(took, 1),
            )
            assert counts == {"answered": MANY, "twice": 0}
            assert len(lost) + len(done) == MANY
            assert lost
            assert len(done) > before
            # The button under a lost job runs it again.
            again = await place.ben.click(shown(lost[0]), "Run again")
            assert "Done in" in (await until(again, "Done in", 20)).content
            assert program.process.poll() is None


async def test_a_lost_job_runs_again_with_its_file(space, tmp_path: Path):
    spaces = f"trouble={space('trouble')} kinds={space('kinds')}"
    async with discord() as place:
        async with bot(tmp_path, place, spaces, RETRY_SECONDS="1") as program:
            first = await place.ada.command("trouble hang", seconds=60, channel=place.channel)
            await until(first, "Working")
            file = await place.ada.command(
                "kinds any_file", anything=("a.txt", b"kept"), channel=place.channel
            )
            await until(file, "Done in")
            await kill(place, program)
        async with bot(tmp_path, place, spaces) as program:
            await first.wait(is_final, 20)
            assert LOST in shown(first).content
            again = await place.ada.click(shown(file), "Again")
            await until(again, "Done in", 20)
            assert [one.data for one in shown(again).attachments] == [b"kept"]
            # Each job has its file for as long as the job is stored.
            uploads = list((program.data / "uploads").iterdir())
            assert len(uploads) == 2


def pass_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every interaction token expire."""
    place.server.clock.advance(16 * 60)
    monkeypatch.setattr("spacebot.models.message_ref.TOKEN_LIFETIME", 0.0)


@pytest.mark.parametrize("over", [False, True])
async def test_jobs_that_waited_know_their_messages_after_a_kill(
    space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: bool
):
    fast = Source(space("fast"), name="fast")
    sources = [fast, replace(fast, endpoint="/sleep", name="thread", answer=AnswerPlace.THREAD)]
    limits = JobLimits(per_space=1)
    async with discord() as place:
        async with at_home(
            place.server, *sources, folder=tmp_path, limits=limits, killed=True
        ) as home:
            first = await place.ada.command("fast sleep", seconds=30, channel=place.channel)
            await until(first, "Working")
            long = await place.ada.command("thread", seconds=0.1, channel=place.channel)
            await until(long, "In line here")
            # It may be killed before the message's location is known.
            fresh = await place.ada.command("thread", seconds=0.2, channel=place.channel)
            for _ in range(500):
                if len(home.jobs.running) == 3:
                    break
                await asyncio.sleep(0.01)
        if over:
            pass_time(place, monkeypatch)
        async with at_home(place.server, *sources, folder=tmp_path, limits=limits) as home:
            await all_final([first, long, fresh], 30)
            await settled(home)
            # No message promises a result that never comes, and each thread has its answer.
            told = "Answered below." if over else LOST
            assert told in shown(first).content
            threads = {thread.id: thread for thread in place.channel.threads}
            for seen in (long, fresh):
                (answer,) = threads[shown(seen).id].messages
                assert answer.content.startswith("**/thread** for")


async def test_a_job_whose_space_is_no_longer_named_is_told_so(space, tmp_path: Path):
    source = Source(space("fast"), name="fast")
    async with discord() as place:
        limits = JobLimits(per_space=1)
        async with at_home(place.server, source, folder=tmp_path, limits=limits, killed=True):
            first = await place.ada.command("fast sleep", seconds=30, channel=place.channel)
            await until(first, "Working")
            waiting = await place.ben.command("fast echo", text="hi", channel=place.channel)
            await until(waiting, "In line here")
        async with at_home(place.server, Source(space("kinds"), name="kinds"), folder=tmp_path):
            await all_final([first, waiting], 30)
            assert LOST in shown(first).content
            gone = "❌ This Space is no longer offered here. Type / to see the commands."
            assert gone in shown(waiting).content


@pytest.mark.parametrize("over", [False, True])
async def test_a_private_answer_killed_while_it_was_posted(
    space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: bool
):
    source = Source(space("fast"), "/sleep", "quiet", answer=AnswerPlace.PRIVATE)
    async with discord() as place:
        async with at_home(place.server, source, folder=tmp_path, killed=True) as home:
            place.server.limits.fail("PATCH /webhooks/*", 0, hang=2)
            seen = await place.ada.command("quiet", seconds=0.1, channel=place.channel)
            for _ in range(200):
                await asyncio.sleep(0.05)
                if [one.state for one in await home.jobs.store.unfinished()] == [
                    RecordState.POSTING
                ]:
                    break
        if over:
            pass_time(place, monkeypatch)
        async with at_home(place.server, source, folder=tmp_path) as home:
            direct = place.server.dm_with(place.ada)
            if over:
                # There is no way to check whether it exists.
                await direct.wait(lambda one: one.messages, 10)
                (told,) = direct.messages
            else:
                await seen.wait(is_final, 10)
                told = shown(seen)
                assert not direct.messages
            assert POSTED_UNCERTAIN in told.content
            assert list(told.buttons()) == ["Run again"]
            async with asyncio.timeout(60):
                while await home.jobs.store.unfinished():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)


async def test_a_job_whose_token_is_over_when_the_bot_is_back(space, tmp_path: Path):
    sources = f"fast={space('fast')}"
    async with discord() as place:
        async with bot(tmp_path, place, sources) as program:
            seen = await place.ada.command("fast sleep", seconds=30, channel=place.channel)
            await until(seen, "Working")
            await kill(place, program)
        # The token has expired when the bot is back: an ordinary message reports it.
        place.server.clock.advance(16 * 60)
        shift = "import time; real = time.time; time.time = lambda: real() + 960"
        async with running(tmp_path, place.server, sources, before=shift, clean=False):
            await place.channel.wait(lambda c: LOST in c.messages[-1].content, 20)
            told = place.channel.messages[-1]
            assert told.content.startswith(f"**/fast sleep** for {place.ada.mention} · ")
            assert told.pings.users == (place.ada.id,)
            assert told.buttons()
            await seen.wait(lambda one: shown(one).content.endswith("Answered below."), 5)


async def test_stopped_with_jobs_under_way(space, tmp_path: Path, figures: Figures):
    spaces = f"fast={space('fast')} trouble={space('trouble')}"
    stop = {"STOP_SECONDS": "2", "JOBS_PER_SPACE": "2"}
    async with discord() as place:
        async with bot(tmp_path, place, spaces, **stop) as program:
            short = await place.ada.command("fast sleep", seconds=1.5, channel=place.channel)
            long = await place.ada.command("trouble hang", seconds=60, channel=place.channel)
            more = await place.ben.command("trouble hang", seconds=61, channel=place.channel)
            await asyncio.gather(until(long, "Working"), until(more, "Working"))
            waiting = await place.ben.command("trouble hang", seconds=0.1, channel=place.channel)
            await until(waiting, "In line here: 1 of 1")
            # Only one signal: a second one ends the program at once.
            stopping = asyncio.create_task(program.stop())
            await asyncio.sleep(0.3)
            late = await place.ada.command("fast echo", text="late", channel=place.channel)
            await until(late, "restarting")
            took = await stopping
            assert "Done in" in shown(short).content
            for one in (long, more, waiting, late):
                assert "The bot is restarting. This job is saved:" in shown(one).content
        async with bot(tmp_path, place, spaces, **stop):
            await all_final([long, more, waiting, late], 30)
            assert LOST in shown(long).content
            assert LOST in shown(more).content
            assert "awake" in shown(waiting).content
            assert "late" in shown(late).content.splitlines()[1]
            seen = [short, long, more, waiting, late]
            counts = {"answered": answered(seen), "twice": twice(seen, place.channel)}
            figures.note("SIGTERM with 4 jobs under way", **counts, stopped_in=round(took, 1))
            assert counts == {"answered": 5, "twice": 0}


async def test_stopped_as_a_command_arrives(space, tmp_path: Path):
    async with discord() as place:
        async with bot(tmp_path, place, f"fast={space('fast')}") as program:
            limits = place.server.limits
            limits.fail("POST /interactions/*", late=True, hang=1.0)
            seen = await place.ada.command(
                "fast echo", text="late", channel=place.channel, wait=False
            )
            await program.until(lambda: not limits._faults)
            await program.stop()
            assert seen.acknowledged
        async with bot(tmp_path, place, f"fast={space('fast')}"):
            await all_final([seen], 30)
            assert "late\n-# Done in" in shown(seen).content
