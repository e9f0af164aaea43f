"""Three real processes on a real PostgreSQL: one stops, one is killed, nobody waits in vain."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from pathlib import Path

from spacebot import __version__
from tests.faults.conftest import Figures
from tests.support.asking import is_final, shown
from tests.support.conversations import spoken
from tests.support.loopback import Channel, DiscordServer, User
from tests.support.postgres import Postgres
from tests.support.processes import (
    Outcomes,
    Processes,
    Typing,
    add_due_automations,
    kill_one,
    number_of,
    ticks,
    until,
)
from tests.support.sharded import SERVERS, SHARDS, channels_by_shard

JOBS = 60


async def test_a_rolling_update_and_a_death(
    served, tmp_path: Path, postgres: Postgres, figures: Figures
) -> None:
    database = f"processes-{uuid.uuid4().hex}"
    url = await postgres.create(database)
    async with DiscordServer() as server:
        server.limits.enforced = False
        ada, gateway = server.add_user("ada"), server.gateway
        ben = server.add_user("ben")
        by_shard = channels_by_shard(server, ada, ben)
        gateway.shards = gateway.max_concurrency = SHARDS
        space = served("fast")
        env = {"SPACES": f"fast={space} parrot={served('parrot')}", "STOP_SECONDS": "30"}
        them = Processes(server, tmp_path, postgres, database, env)
        channels = them.channels
        await add_due_automations(url, space, channels, ada)
        async with them.running(3):
            await _see_all_processes(them)
            assert gateway.hasty == 0
            # What was due while none ran is made up for, by one of them.
            await server.wait(lambda _: ticks(channels)[0] == 0, 60)

            # An acknowledgement whose response is lost is looked for.
            for channel in by_shard.values():
                server.limits.fail("POST /interactions/*", 502, after=True)
                asked = await ada.command("fast echo", text="lost", channel=channel)
                await asked.wait(lambda one: "Done in" in shown(one).content, 60)

            # One is stopped while people type: nobody notices.
            typing = Typing([ada], channels, 5)
            await _stop_and_cancel(them, ada, ben, by_shard)
            await them.served()
            sent = await typing.end()
            assert [one for one in sent if not one.acknowledged] == []
            await asyncio.gather(*(one.wait(is_final, 60) for one in sent))
            answers = Counter(shown(one).content.splitlines()[1] for one in sent)
            assert answers.most_common(1)[0][1] == 1

            # One is killed with jobs in flight on all shards: everyone is told once.
            death = await kill_one(them, [ada], JOBS, seconds=4)
            figures.note(
                "one of several processes killed",
                shards_served_again=f"after {death.served:.1f} s",
                jobs=death.jobs,
                taken_up=f"after {death.taken_up:.1f} s",
                told=death.outcomes,
            )
            told = death.outcomes
            assert told == Outcomes(JOBS - told.lost, told.lost, 0, 0, 0)
            (left,) = them.programs
            assert "jobs were interrupted" in left.log
            assert "Traceback" not in left.log
            assert ticks(channels) == {1: SERVERS}


async def _see_all_processes(them: Processes) -> None:
    """Each page shows every process: its shards, servers, jobs and version."""
    shares = await them.balanced()
    lines = [
        f"shards {', '.join(map(str, shards))} · {len(shards) * SERVERS // SHARDS} servers · "
        f"0 running, 0 waiting · version {__version__}"
        for shards in shares.values()
    ]
    for program in them.programs:
        for line in lines:
            await program.until_page(line, 60)
        page = await program.page()
        assert f"3 processes share {SHARDS} shards" in page
        assert page.count("<b>this one</b>") == 1


async def _stop_and_cancel(
    them: Processes, ada: User, ben: User, by_shard: dict[int, Channel]
) -> None:
    """Stop a process, and cancel its jobs once others have its shards."""
    leaving = them.programs[0]
    number = number_of(leaving)
    place, other = (by_shard[shard] for shard in (await them.shares())[number][:2])
    job = await ada.command("fast sleep", seconds=28, channel=place)
    await ada.command("parrot", message=f"slowly {'very ' * 60}slowly", channel=other)
    await other.wait(lambda one: "Stop" in spoken(one.threads[0])[-1].buttons(), 30)
    stopping = asyncio.create_task(them.stop(leaving))

    async def handed_over() -> bool:
        return number not in await them.holders()

    await until(handed_over)
    await them.programs[1].until_page("<b>stopping</b> · no shard, stands by · 0 servers", 60)
    # Its jobs still run there; the presses come to others.
    (answer,) = [one for one in spoken(other.threads[0]) if "Stop" in one.buttons()]
    for message, button, said in (
        (shown(job), "Cancel", "the Space cannot be stopped in the middle"),
        (answer, "Stop", "the Space stops after its current step"),
    ):
        refused = await ben.click(message, button)
        assert "Only the person who" in shown(refused).content
        pressed = await ada.click(message, button)
        assert said in shown(pressed).content
    await job.wait(lambda one: "Cancelled" in shown(one).content and is_final(one), 60)
    await stopping
    assert "Stopped" in answer.content
