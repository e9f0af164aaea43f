"""Several real app.py processes on one PostgreSQL and one loopback Discord, and their users."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacebot.discord_bot.delivery import LOST
from spacebot.engine.job_text import UNSAVED
from spacebot.engine.store import Automation, Store
from tests.faults.counting import twice
from tests.support.asking import is_final, shown
from tests.support.loopback import Channel, DiscordServer, Interaction, User
from tests.support.patience import PATIENCE
from tests.support.postgres import Postgres
from tests.support.program import Program, running

# What the automations say.
TICK = "tick, by the clock"
JOINED = re.compile(r"this is process (\d+) of the cluster")
UNFINISHED = "state IN ('waiting', 'sent', 'posting')"
_LEFT = f"SELECT id FROM jobs WHERE process = $1 AND {UNFINISHED}"


def number_of(program: Program) -> int:
    """The number that a process has in the cluster; 0 before it has joined."""
    found = JOINED.findall(program.log)
    return int(found[-1]) if found else 0


async def until(ask: Callable[[], Awaitable[Any]], seconds: float = 60) -> float:
    """Ask again and again until the answer is true; the seconds that took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds * PATIENCE):
        while not await ask():  # noqa: ASYNC110 - another process tells nobody
            await asyncio.sleep(0.1)
    return time.monotonic() - began


@dataclass
class Processes:
    """The running processes, oldest first, on the `database` of a PostgreSQL."""

    server: DiscordServer
    folder: Path
    postgres: Postgres
    database: str
    env: Mapping[str, str]
    programs: list[Program] = field(default_factory=list)
    ended: list[Program] = field(default_factory=list)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @asynccontextmanager
    async def running(self, number: int) -> AsyncIterator[None]:
        """Run so many processes until the block ends."""
        async with self._stack:
            for _ in range(number):
                # One after the other: starting takes a processor to itself.
                await self.start()
            yield

    async def start(self) -> Program:
        """Start one more, and wait until it has joined the others."""
        name = f"process-{len(self.programs) + len(self.ended)}"
        env = {"DATABASE_URL": self.postgres.url(self.database), **self.env}
        running_one = running(self.folder / name, self.server, "", env, ready=False, clean=False)
        program = await self._stack.enter_async_context(running_one)
        self.programs.append(program)
        await program.until(lambda: number_of(program))
        return program

    async def stop(self, program: Program) -> None:
        """Stop one, as an update does."""
        await program.stop()
        self._end(program)

    def kill(self, program: Program) -> None:
        """SIGKILL one."""
        program.process.kill()
        program.process.wait()
        program.process.returncode = 0  # expected
        self._end(program)

    def _end(self, program: Program) -> None:
        self.programs.remove(program)
        self.ended.append(program)

    @property
    def channels(self) -> list[Channel]:
        """A channel of each server."""
        return [one for one in self.server.channels.values() if one.guild]

    async def served(self, seconds: float = 60) -> None:
        """Wait until each shard has one connection and the commands are registered."""
        gateway = self.server.gateway
        every = {*range(gateway.shards)}
        await self.server.wait(
            lambda s: (
                s.registered_commands
                and gateway.connected() == every
                and len(gateway.connections) == gateway.shards
            ),
            seconds,
        )

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database answers."""
        return await self.postgres.fetch(self.database, query, *values)

    async def holders(self) -> set[int]:
        """The processes that hold shards, by their numbers."""
        found = await self.rows("SELECT DISTINCT process FROM shards WHERE process IS NOT NULL")
        return {process for (process,) in found}

    async def shares(self) -> dict[int, list[int]]:
        """The shards that each process holds, by its number."""
        found: dict[int, list[int]] = {number_of(one): [] for one in self.programs}
        for shard, process in await self.rows("SELECT id, process FROM shards ORDER BY id"):
            found.setdefault(process, []).append(shard)
        return found

    async def balanced(self, seconds: float = 60) -> dict[int, list[int]]:
        """Wait until the shards are shared evenly and connected; who has which."""

        async def even() -> bool:
            await self.served(seconds)
            found = await self.shares()
            sizes = sorted(map(len, found.values()))
            return set(found) == {*map(number_of, self.programs)} and sizes[-1] - sizes[0] < 2

        await until(even, seconds)
        return await self.shares()

    async def all_stored(self, seconds: float = 60) -> None:
        """Wait until the database knows of every job that it has ended."""

        async def stored() -> bool:
            return not await self.rows(f"SELECT 1 FROM jobs WHERE {UNFINISHED} LIMIT 1")

        await until(stored, seconds)


async def add_due_automations(
    url: str, space: str, channels: Sequence[Channel], maker: User, late: float = 10.0
) -> None:
    """An automation by time in each channel, due since `late` seconds."""
    async with Store(url) as store:
        for channel in channels:
            assert channel.guild is not None
            await store.automations.add(
                Automation(
                    id=uuid.uuid4().hex[:6],
                    guild=str(channel.guild.id),
                    channel=str(channel.id),
                    maker=str(maker.id),
                    kind="hours",
                    setting="1",
                    space=space,
                    api_name="/echo",
                    command="/fast echo",
                    arguments={"text": TICK},
                    answer="channel",
                    target=str(channel.id),
                    due=time.time() - late,
                )
            )


def ticks(channels: Sequence[Channel]) -> Counter[int]:
    """How many channels have seen so many runs of their automation."""
    return Counter(sum(TICK in one.content for one in channel.messages) for channel in channels)


class Typing:
    """People who type `rate` commands a second, in all channels in turn, until told to stop."""

    def __init__(self, users: Sequence[User], channels: Sequence[Channel], rate: float) -> None:
        self.sent = list[Interaction]()
        self._users, self._channels, self._pause = users, channels, 1 / rate
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._type())

    async def _type(self) -> None:
        asking, number, began = set[asyncio.Task[None]](), 0, time.monotonic()
        while not self._stop.is_set():
            asking.add(asyncio.create_task(self._ask(number)))
            number += 1
            await asyncio.sleep(max(0.0, began + number * self._pause - time.monotonic()))
        await asyncio.gather(*asking)

    async def _ask(self, number: int) -> None:
        user = self._users[number % len(self._users)]
        channel = self._channels[number % len(self._channels)]
        asked = user.command("fast echo", text=f"n{number}", channel=channel)
        self.sent.append(await asked)

    async def end(self) -> list[Interaction]:
        """Stop once every typed command is acknowledged or abandoned."""
        self._stop.set()
        await self._task
        return self.sent


@dataclass(frozen=True)
class Outcomes:
    """How many people got their result, were told that it is lost or what failed, or were told
    twice or nothing; `unsaved` results say so."""

    done: int
    lost: int
    failed: int
    twice: int
    silent: int
    unsaved: int = 0

    def __str__(self) -> str:
        words = f"{self.done} done, {self.lost} told as lost, {self.failed} told what failed"
        return f"{words}, {self.twice} told twice, {self.silent} silent"


async def outcomes(
    asked: Sequence[Interaction], channels: Sequence[Channel], seconds: float
) -> Outcomes:
    """Wait until everyone is answered whose command was acknowledged, and count the answers."""
    waits = (one.wait(is_final, seconds) for one in asked if one.acknowledged)
    await asyncio.gather(*waits, return_exceptions=True)
    told = [one for one in asked if is_final(one)]
    done = [one for one in told if "Done in" in shown(one).content]
    lost = [one for one in told if LOST in shown(one).content]
    again = [one for one in told if one.followups or twice([one], *channels)]
    for one in again:
        print(f"told twice: {one.describe()}")
        print(*(f"  {message.content!r}" for message in shown(one).history), sep="\n")
    return Outcomes(
        done=len(done),
        lost=len(lost),
        failed=len(told) - len(done) - len(lost),
        twice=len(again),
        silent=len(asked) - len(told),
        unsaved=sum(UNSAVED in shown(one).content for one in done),
    )


@dataclass(frozen=True)
class Death:
    """The consequences of killing a process.

    Of its `jobs`, `recovered` ran elsewhere. All seconds are since it was killed: until others had
    continued the last of its jobs, until its `shards` were connected again, and until the last
    person was told.
    """

    shards: int
    jobs: int
    recovered: int
    taken_up: float
    served: float
    told: float
    outcomes: Outcomes


async def kill_one(
    them: Processes, users: Sequence[User], jobs: int, *, seconds: float, most: float = 120
) -> Death:
    """Kill one process while `jobs` jobs of so many seconds are in flight over all shards."""
    channels = them.channels
    asks = (
        users[number % len(users)].command(
            "fast sleep", seconds=seconds, channel=channels[number % len(channels)]
        )
        for number in range(jobs)
    )
    asked = await asyncio.gather(*asks)
    victim = them.programs[1]
    dead, gateway = number_of(victim), them.server.gateway
    shards = (await them.shares())[dead]

    async def sent() -> bool:
        working = await them.rows(f"{_LEFT} AND state = 'sent'", dead)
        return 3 * len(working) >= len(await them.rows(_LEFT, dead))

    # The Space works on a third of them at least, and others wait.
    await until(sent)
    had = {job for (job,) in await them.rows(_LEFT, dead)}
    them.kill(victim)
    killed = time.monotonic()
    await them.server.wait(lambda _: not gateway.connected() & {*shards}, 60)

    async def taken() -> bool:
        return not await them.rows(f"{_LEFT} LIMIT 1", dead)

    async def served() -> float:
        await them.server.wait(lambda _: gateway.connected() >= {*shards}, most)
        return time.monotonic() - killed

    up, again = await asyncio.gather(until(taken, most), served())
    told = await outcomes(asked, channels, most)
    all_told = time.monotonic() - killed
    await them.all_stored()
    done = await them.rows("SELECT id FROM jobs WHERE state = 'done' AND process <> $1", dead)
    recovered = len(had & {job for (job,) in done})
    return Death(len(shards), len(had), recovered, up, again, all_told, told)
