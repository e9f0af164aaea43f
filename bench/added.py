"""What Spaces cost that servers added and nobody uses: 7,500 of them, beside none."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.process import Child, child, free_port
from spacebot.engine.store.data_folder import DATABASE_NAME
from tests.support.loopback import DiscordServer, Guild, Interaction, User, bootstrap_code
from tests.support.spaces_hub import Hosted, hub

SERVERS, EACH = 2500, 3
IDLE_SECONDS, SETTLE = 60.0, 8.0
# Of so many starts the quickest counts: others use the machine too.
STARTS = 3
DAY = 86_400.0
CODE = "import runpy; runpy.run_path('app.py', run_name='__main__')"


@dataclass
class Idle:
    """What an idle bot costs: CPU seconds a minute, MB of memory."""

    cpu: float
    memory: float


@dataclass
class Stage:
    """A Discord of many servers, in whose first one `mod` manages and `user` uses commands."""

    server: DiscordServer
    guild: Guild
    channel: Any
    mod: User
    user: User
    env: dict[str, str]

    @contextlib.asynccontextmanager
    async def bot(self) -> AsyncIterator[tuple[Child, float]]:
        """The bot, with the seconds that it took to be ready."""
        began, identified = time.perf_counter(), self.server.gateway.identifies
        start = f"{bootstrap_code(self.server)}; {CODE}"
        async with child("-c", start, env=self.env) as running:
            await self.server.wait(
                lambda one: one.gateway.identifies > identified and one.registered_commands,
                timeout=120,
            )
            # Ready is who answers a command.
            while not (seen := await self._first()).heard:
                await self.server.wait(lambda one: one.gateway.ready, timeout=120)
            await seen.wait(lambda one: one.acknowledged, timeout=30)
            yield running, time.perf_counter() - began

    async def starts(self) -> float:
        """The quickest of some starts."""
        took = []
        for _ in range(STARTS):
            async with self.bot() as (_, started):
                took.append(started)
        return min(took)

    async def _first(self) -> Interaction:
        return await self.user.command("own echo", text="up", channel=self.channel, wait=False)

    async def idle(self, running: Child) -> Idle:
        """Leave it alone for a minute."""
        await asyncio.sleep(SETTLE)
        before = running.cpu
        await asyncio.sleep(IDLE_SECONDS)
        return Idle(running.cpu - before, running.status("VmRSS") / 1024)

    async def run(self, command: str) -> float:
        """Use a command; the seconds to its final message."""
        began = time.perf_counter()
        seen = await self.user.command(command, text="hello", channel=self.channel, wait=False)
        await seen.wait(_done, timeout=60)
        return time.perf_counter() - began

    async def moderate(self, command: str, **given: Any) -> float:
        """Use a moderator's command; the seconds to its answer."""
        began = time.perf_counter()
        seen = await self.mod.command(command, given, channel=self.channel)
        await seen.wait(lambda one: one.message and not one.message.loading, timeout=60)
        return time.perf_counter() - began


def _done(seen: Interaction) -> bool:
    return seen.message is not None and "Done in" in seen.message.text


@contextlib.asynccontextmanager
async def stage(url: str) -> AsyncIterator[Stage]:
    """A Discord of `SERVERS` servers, and a Hub with the one Space that is used."""
    with tempfile.TemporaryDirectory() as folder:
        async with DiscordServer() as server, hub() as there:
            server.limits.enforced = False
            there.spaces["bench/s0"] = Hosted(url)
            mod, user = server.add_user("mod"), server.add_user("user")
            guilds = [server.add_guild(f"Server {number}", user) for number in range(SERVERS)]
            channel = guilds[0].add_text_channel("bench")
            guilds[0].add_member(mod, "manage_guild")
            env = {
                "SPACES": f"own={url}",
                "DISCORD_TOKEN": server.token,
                "DATA_DIR": f"{folder}/data",
                "HF_ENDPOINT": there.url,
                "GRADIO_SERVER_PORT": str(free_port()),
                "LOG_LEVEL": "WARNING",
            }
            yield Stage(server, guilds[0], channel, mod, user, env)


def multiply(database: Path, guilds: list[int]) -> None:
    """Have every server add what the first one did, as Spaces of their own, read a day ago."""
    ago = time.time() - DAY
    with contextlib.closing(sqlite3.connect(database)) as there, there:
        row = dict(_one(there, "server_spaces"))
        description = dict(_one(there, "space_descriptions"))
        commands = dict(_one(there, "guild_commands"))
        for table in ("server_spaces", "guild_commands", "space_descriptions"):
            there.execute(f"DELETE FROM {table}")
        for number in range(SERVERS * EACH):
            guild, space = str(guilds[number // EACH]), f"bench/s{number}"
            name = "quick" if number % EACH == 0 else f"quick{number % EACH}"
            mine = {"id": f"{number:012x}", "guild": guild, "name": name, "space": space}
            _insert(there, "server_spaces", {**row, **mine, "read": ago, "created": ago})
            _insert(there, "space_descriptions", {**description, "space": space, "read": ago})
            if number % EACH == 0:
                _insert(there, "guild_commands", {**commands, "guild": guild})


def _one(there: sqlite3.Connection, table: str) -> sqlite3.Row:
    there.row_factory = sqlite3.Row
    return there.execute(f"SELECT * FROM {table}").fetchone()


def _insert(there: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    there.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


async def added(url: str) -> list[Figure]:
    """Idle with none and with 7,500, and the first job on a Space that nobody used today."""
    async with stage(url) as there:
        none_start = await there.starts()
        async with there.bot() as (running, _):
            none = await there.idle(running)
            await there.moderate("space add", space="bench/s0", endpoint="echo", name="quick")
        multiply(Path(there.env["DATA_DIR"]) / DATABASE_NAME, list(there.server.guilds))
        many_start = await there.starts()
        async with there.bot() as (running, _):
            many = await there.idle(running)
            await there.run("own echo")  # A process's first job of all imports what jobs need.
            first = await there.run("quick")
            used = min([await there.run("quick") for _ in range(5)])
            reading = await there.moderate("space refresh", name="quick")
    many_text = f"{SERVERS * EACH:,} added Spaces, idle"
    return [
        Figure(f"{many_text}: CPU above none", "% of a core",
               (many.cpu - none.cpu) / IDLE_SECONDS * 100, limit=0.2, target="≤ 0.2 %"),
        Figure(f"{many_text}: memory above none", "MB", many.memory - none.memory,
               limit=20, target="≤ 20 MB"),
        Figure(f"{many_text}: start → ready beyond none", "s", many_start - none_start,
               limit=1, target="≤ 1 s"),
        Figure("first job on one not used today, beyond a used one and its reading", "ms",
               max(0.0, first - used - reading) * 1000, limit=50, target="≤ 50 ms"),
        Figure("reading it", "ms", reading * 1000),
    ]  # fmt: skip
