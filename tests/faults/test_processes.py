"""Three real processes on a real PostgreSQL: one is stopped, one is killed, and nobody waits."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
import uuid
from collections import Counter
from pathlib import Path

from spacebot.discord_bot.delivery import LOST
from tests.support.asking import is_final, shown
from tests.support.loopback import Channel, DiscordServer, Interaction, User
from tests.support.patience import PATIENCE
from tests.support.postgres import Postgres
from tests.support.program import Program, running
from tests.support.sharded import SHARDS, channels_by_shard

JOBS = 60


class Typing:
    """Somebody who types commands in all servers in turn, until told to stop."""

    def __init__(self, ada: User, channels: dict[int, Channel]) -> None:
        self.sent = list[Interaction]()
        self._ada, self._channels = ada, channels
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._type())

    async def _type(self) -> None:
        asking = set[asyncio.Task[None]]()
        number = 0
        while not self._stop.is_set():
            asking.add(asyncio.create_task(self._ask(number)))
            number += 1
            await asyncio.sleep(0.2)
        await asyncio.gather(*asking)

    async def _ask(self, number: int) -> None:
        channel = self._channels[number % SHARDS]
        asked = self._ada.command("fast echo", text=f"n{number}", channel=channel)
        self.sent.append(await asked)

    async def end(self) -> list[Interaction]:
        """Stop once every typed command is acknowledged or abandoned."""
        self._stop.set()
        await self._task
        return self.sent


async def test_a_rolling_update_and_a_death(served, tmp_path: Path, postgres: Postgres) -> None:
    url = await postgres.create(f"processes-{uuid.uuid4().hex}")
    async with DiscordServer() as server, contextlib.AsyncExitStack() as stack:
        server.limits.enforced = False
        ada, gateway = server.add_user("ada"), server.gateway
        channels = channels_by_shard(server, ada)
        gateway.shards = gateway.max_concurrency = SHARDS

        async def start(name: str) -> Program:
            env = {"DATABASE_URL": url, "STOP_SECONDS": "20"}
            program = running(
                tmp_path / name, server, f"fast={served('fast')}", env, ready=False, clean=False
            )
            made = await stack.enter_async_context(program)
            # One after the other: starting takes a processor to itself.
            await made.until(lambda: "this is process" in made.log)
            return made

        programs = [await start(name) for name in "abc"]
        await server.wait(lambda s: s.gateway.connected() == {*range(SHARDS)}, 120)
        await server.wait(lambda s: s.registered_commands, 120)
        for program in programs:
            await program.until_health("ok", 60)
        # Each has its share.
        await server.wait(lambda s: len(s.gateway.connections) == SHARDS, 60)
        assert gateway.hasty == 0

        # One is stopped while people type: nobody notices.
        typing = Typing(ada, channels)
        await asyncio.sleep(1)
        await programs[0].stop()
        await server.wait(lambda s: s.gateway.connected() == {*range(SHARDS)}, 60)
        await asyncio.sleep(1)
        sent = await typing.end()
        assert [one for one in sent if not one.acknowledged] == []
        await asyncio.gather(*(one.wait(is_final, 60) for one in sent))
        answers = Counter(shown(one).content.splitlines()[1] for one in sent)
        assert answers.most_common(1)[0][1] == 1

        # One is killed with jobs in flight over all shards: everyone is told once.
        asked = [
            await ada.command("fast sleep", seconds=4, channel=channels[number % SHARDS])
            for number in range(JOBS)
        ]
        killed = time.monotonic()
        programs[1].process.send_signal(signal.SIGKILL)
        programs[1].process.wait()
        await server.wait(lambda s: s.gateway.connected() != {*range(SHARDS)}, 60)
        await server.wait(lambda s: s.gateway.connected() == {*range(SHARDS)}, 60 * PATIENCE)
        served_again = time.monotonic() - killed
        await asyncio.gather(*(one.wait(is_final, 120) for one in asked))
        lost = [one for one in asked if LOST in shown(one).content]
        told = time.monotonic() - killed
        print(
            f"all shards after {served_again:.1f} s; all told after {told:.1f} s, {len(lost)} lost"
        )
        assert "jobs were interrupted" in programs[2].log
        assert not any(one.followups for one in asked)
        assert all("Done in" in shown(one).content for one in asked if one not in lost)
        assert "Traceback" not in programs[2].log
        programs[1].process.returncode = 0
