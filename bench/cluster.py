"""How much more several processes on one database do than one."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

from bench.figures import Figure
from bench.process import cpu_of
from tests.support.asking import is_final, shown
from tests.support.loopback import DiscordServer, User
from tests.support.postgres import Postgres
from tests.support.processes import Processes
from tests.support.sharded import SHARDS, channels_by_shard

PEOPLE, JOBS, MOST = 40, 400, 3
WITHIN = 120.0


async def several(url: str) -> list[Figure]:
    """The same crowd on 1, 2 and 3 processes: the jobs a second that their processor time buys.

    Each process counts as having one core to itself, whatever this machine has: what several of
    them spend on one another, or on the database, makes them slower.
    """
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = Postgres()
        stack.callback(postgres.close)
        postgres.start()
        await postgres.create("bench")
        server = await stack.enter_async_context(DiscordServer())
        server.limits.enforced = False
        users = [server.add_user(f"user{number}") for number in range(PEOPLE)]
        channels_by_shard(server, *users)
        server.gateway.shards = server.gateway.max_concurrency = SHARDS
        env = {"SPACES": f"fast={url}", "LOG_LEVEL": "INFO"}
        them = Processes(server, folder, postgres, "bench", env)
        await stack.enter_async_context(them.running(1))
        speeds = list[float]()
        for number in range(1, MOST + 1):
            if number > 1:
                await them.start()
            await them.balanced(WITHIN)
            speeds.append(await _speed(them, users))
    return [
        Figure("1 process on PostgreSQL: jobs a second at a core each", "", speeds[0]),
        *(
            Figure(f"{number} processes ÷ 1: jobs a second at the same CPU each", "",
                   speed / speeds[0], limit=0.85 * number, target=f"≥ {0.85 * number:.2g}",
                   at_least=True)
            for number, speed in enumerate(speeds[1:], 2)
        ),
    ]  # fmt: skip


async def _speed(them: Processes, users: list[User]) -> float:
    """Jobs a second, if each process had a core."""
    await _crowd(them, users, PEOPLE)
    before = _cpu(them)
    await _crowd(them, users, JOBS)
    return JOBS / (_cpu(them) - before) * len(them.programs)


def _cpu(them: Processes) -> float:
    return sum(cpu_of(one.process.pid) for one in them.programs)


async def _crowd(them: Processes, users: list[User], jobs: int) -> None:
    """Run so many jobs of 2 s at once, spread evenly over people and servers."""
    channels = them.channels

    async def one(number: int) -> None:
        channel = channels[number % len(channels)]
        user = users[number % len(users)]
        asked = await user.command("fast sleep", seconds=2, channel=channel, wait=False)
        await asked.wait(is_final, WITHIN)
        assert "Done in" in shown(asked).content, asked.describe()

    await asyncio.gather(*map(one, range(jobs)))
