"""The two bots, each started on the same loopback Discord, and how one sees their answers."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.process import Child, child, free_port
from tests.support.loopback import Channel, DiscordServer, Interaction, User, bootstrap_code

SETTLE = 3.0
WITHIN = 120.0


@dataclass
class Side:
    """A bot under measurement, on a Discord of its own."""

    server: DiscordServer
    bot: Child
    users: list[User]
    channel: Channel
    prefix: str
    answered: Callable[[Interaction], Any]
    lag_file: Path
    lost: int = field(default=0)

    async def run(self, number: int, command: str, **given: Any) -> float:
        """One user runs one command; returns the seconds until the final message."""
        began = time.perf_counter()
        seen = await self.begin(number, command, **given)
        try:
            await seen.wait(self.answered, timeout=WITHIN)
        except AssertionError:
            self.lost += 1
            if self.lost == 1:
                print(f"not answered: {seen.describe()}", file=sys.stderr)
        return time.perf_counter() - began

    async def begin(self, number: int, command: str, **given: Any) -> Interaction:
        """One user sends one command."""
        user = self.users[number % len(self.users)]
        return await user.command(self.prefix + command, given, channel=self.channel, wait=False)

    async def burst(self, jobs: int, command: str, **given: Any) -> tuple[float, float, int]:
        """So many users at once: seconds until all are answered, CPU seconds, how many were not."""
        self.lost, cpu, began = 0, self.bot.cpu, time.perf_counter()
        await asyncio.gather(*(self.run(n, command, **given) for n in range(jobs)))
        return time.perf_counter() - began, self.bot.cpu - cpu, self.lost

    def lag(self, since: float, percent: float = 0.99) -> float:
        """The lag of the bot's event loop since then, in milliseconds."""
        lines = [line.split() for line in self.lag_file.read_text().splitlines()[:-1]]
        late = sorted(float(ms) for at, ms, _ in lines if float(at) >= since)
        return late[int(percent * (len(late) - 1))] if late else float("nan")


def text_of(seen: Interaction) -> str:
    """What the first reply says now."""
    return seen.message.text if seen.message else ""


@contextlib.asynccontextmanager
async def ours(
    spaces: str,
    people: int = 1000,
    *,
    privileged: tuple[str, ...] = (),
    settings: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Side]:
    """This bot, on a Space called fast; `privileged` names the intents it may ask for."""
    code = "import runpy; runpy.run_path('app.py', run_name='__main__')"
    env = {"SPACES": spaces, "GRADIO_SERVER_PORT": str(free_port()), "LOG_LEVEL": "WARNING"}
    async with _side(code, {**env, **settings}, people, privileged) as side:
        side.prefix, side.answered = "fast ", lambda seen: "Done in" in text_of(seen)
        yield side


@contextlib.asynccontextmanager
async def common(space: str, people: int = 1000) -> AsyncIterator[Side]:
    """A bot of the common shape."""
    code = "import runpy; runpy.run_module('bench.common_bot', run_name='__main__')"
    async with _side(code, {"SPACE": space}, people) as side:
        side.prefix = ""
        side.answered = lambda seen: seen.message and not seen.message.loading
        yield side


@contextlib.asynccontextmanager
async def _side(
    code: str, env: dict[str, str], people: int, privileged: tuple[str, ...] = ()
) -> AsyncIterator[Side]:
    with tempfile.TemporaryDirectory() as folder:
        lag_file = Path(folder) / "lag"
        async with DiscordServer(privileged=privileged) as server:
            users = [server.add_user(f"user{number}") for number in range(people)]
            channel = server.add_guild("Bench", *users).add_text_channel("bench")
            # What is measured is the bots, not how Discord slows them down.
            server.limits.enforced = False
            start = (
                f"{bootstrap_code(server)}; "
                f"from bench import probe; probe.start({str(lag_file)!r}); "
            )
            env |= {"DISCORD_TOKEN": server.token, "DATA_DIR": f"{folder}/data"}
            async with child("-c", start + code, env=env) as bot:
                await server.wait(lambda s: s.registered_commands and s.gateway.ready, timeout=60)
                await asyncio.sleep(SETTLE)
                yield Side(server, bot, users, channel, "", bool, lag_file)


async def started(spaces: str, commands: int) -> tuple[float, float]:
    """Seconds from the start of this bot until so many commands stand: first, and once more.

    The second start has what the first one stored, and finds no command registered.
    """
    code = "import runpy; runpy.run_path('app.py', run_name='__main__')"
    took: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            async with DiscordServer() as server:
                env = {
                    "SPACES": spaces,
                    "DISCORD_TOKEN": server.token,
                    "DATA_DIR": folder,
                    "GRADIO_SERVER_PORT": str(free_port()),
                    "LOG_LEVEL": "ERROR",
                }
                began = time.perf_counter()
                async with child("-c", f"{bootstrap_code(server)}; {code}", env=env):
                    await server.wait(lambda s: len(s.registered_commands) >= commands, timeout=90)
                    took.append(time.perf_counter() - began)
    return took[0], took[1]
