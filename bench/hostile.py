"""What a hostile Space costs: how long it holds the event loop, and the memory it takes.

`python -m bench.hostile` lets one Space after the other send whatever takes long or much. The
memory is what this process gains, and what the processes it starts take beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from spacebot import collector
from spacebot.engine import job_text
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs.rendering import RenderPool
from spacebot.errors import SpacebotError
from spacebot.models import CommandStatus, Endpoint, JobStage, Output, Progress, Source, SpaceStatus
from spacebot.spaces import inputs
from spacebot.spaces.client import Connection, Network, Result
from spacebot.web.overview import StatusOverview
from tests.faults.test_hostile import MIB, hostile_results, watched
from tests.spaces.client.test_hostile import explode
from tests.support.browser.scripted_program import CONNECTED, ScriptedHouse, status
from tests.support.hostile_space import DONE, HostileSpace, hostile

EVERY = 0.02


@dataclass
class Memory:
    """The most that this process and those it started had at once, in bytes."""

    servers: set[int] = field(default_factory=set)
    own: int = 0
    children: int = 0

    def watch(self, ended: threading.Event) -> None:
        """Look again and again, in a thread."""
        while not ended.wait(EVERY):
            self.own = max(self.own, resident(os.getpid()))
            self.children = max(self.children, sum(map(resident, self.started())))

    def started(self) -> set[int]:
        """The processes below this one, but for the Spaces."""
        above = dict(filter(None, map(parent, Path("/proc").glob("[0-9]*"))))
        found, fresh = set[int](), {os.getpid()}
        while fresh:
            fresh = {one for one, over in above.items() if over in fresh} - self.servers - found
            found |= fresh
        return found


def parent(process: Path) -> tuple[int, int] | None:
    """A process and its parent."""
    with contextlib.suppress(OSError):
        return int(process.name), int((process / "stat").read_text().rpartition(")")[2].split()[1])
    return None


def resident(process: int) -> int:
    """The memory that a process has now, in bytes."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf(
            "SC_PAGESIZE"
        )
    return 0


# What a Space sends, by its name: run in a process of its own.
def _json(space: HostileSpace) -> None:
    rows = [{"k": "v" * 50, "n": number} for number in range(290_000)]
    space.events = [{"msg": DONE, "success": True, "output": {"data": [rows]}}]


def _files(space: HostileSpace, count: int) -> None:
    async def file(_: web.Request) -> web.Response:
        return web.Response(body=bytes(2 * MIB))

    meta = {"_type": "gradio.FileData"}
    found = [{"path": f"f{number}.bin", "meta": meta} for number in range(count)]
    space.answers |= {f"file=f{number}.bin": file for number in range(count)}
    space.events = [{"msg": DONE, "success": True, "output": {"data": [found]}}]


def _bomb(space: HostileSpace) -> None:
    space.answers["join"] = explode()


def _line(space: HostileSpace) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * MIB)

    space.answers["data"] = endless


def _menu(space: HostileSpace) -> None:
    choices = [[f"choice {number}", number] for number in range(50_000)]
    space.takes("sse_v3", [("dropdown", {"choices": choices, "value": 49_999})])


SPACES: dict[str, Callable[[HostileSpace], None]] = {
    "json": _json,
    "files": lambda space: _files(space, 300),
    "some files": lambda space: _files(space, 30),
    "bomb": _bomb,
    "line": _line,
    "menu": _menu,
}


async def serve(name: str) -> None:
    """Be one of the Spaces until killed."""
    async with hostile() as space:
        SPACES[name](space)
        print(space.url, flush=True)
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def served(name: str, memory: Memory) -> AsyncIterator[str]:
    """One of the Spaces in a process of its own; gives its address."""
    args = (sys.executable, "-W", "ignore", "-m", "bench.hostile", "--serve", name)
    process = await asyncio.create_subprocess_exec(*args, stdout=asyncio.subprocess.PIPE)
    memory.servers.add(process.pid)
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def job(connection: Connection, folder: Path, workers: RenderPool, key: str) -> None:
    """One job: run it, bring its files here, convert its result."""
    values: list[Any] = []
    async for update in connection.run("/take", {"in_0": "x"}, key=key, stateful=False, silence=60):
        if isinstance(update, Result):
            values = list(update.outputs)
    values = await connection.localize(values, folder / key, cap=100 * MIB)
    endpoint = Endpoint("a/b", "/x", "x", "d", outputs=(Output("Out", "json"),))
    await workers.render(endpoint, values, header="H", folder=folder / key, file_limit=10 * MIB)


async def jobs(network: Network, url: str, folder: Path, count: int) -> None:
    """So many jobs at once on one Space."""
    workers = RenderPool()
    connection = Connection(Source(url), network)
    try:
        await connection.ready()
        asked = [job(connection, folder, workers, str(number)) for number in range(count)]
        for found in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(found, BaseException) and not isinstance(found, SpacebotError):
                raise found
    finally:
        await connection.close()
        workers.close()


async def menu(network: Network, url: str, folder: Path) -> None:
    """A Space with a menu of 50,000 choices, its command, and a suggestion."""
    read = asyncio.Event()
    catalogue = Catalogue([Source("a/b", address=url)], network, folder=folder)
    catalogue.subscribe(read.set)
    try:
        await catalogue.start()
        await read.wait()
        (endpoint,) = catalogue.spaces[0].endpoints
        inputs.options(endpoint)
        await asyncio.to_thread(inputs.suggest, endpoint, "choice", "4999")
    finally:
        await catalogue.close()


async def said(_: Path) -> None:
    """1 MiB of progress notes."""
    for piece in ("<a ", "<b>x</b>", "&amp;", "<!--", "\n", "[", "@everyone"):
        job_text.progress_line(Progress(JobStage.RUNNING, note=piece * (MIB // len(piece))))
        await asyncio.sleep(0)


async def page(folder: Path) -> None:
    """The page's sections, of 50 Spaces with 25 commands each."""
    house, shown = ScriptedHouse(folder), tuple(CommandStatus(f"/a c{n}", "d") for n in range(25))
    spaces = (SpaceStatus(f"s{number}", "a/b", commands=shown) for number in range(50))
    house.current = replace(status(CONNECTED), spaces=tuple(spaces))
    await StatusOverview(house).changed("")


async def result(folder: Path, component: str, value: Any) -> None:
    """One hostile result, converted."""
    endpoint = Endpoint("a/b", "/x", "x", "d", outputs=(Output("Out", component),))
    workers = RenderPool()
    try:
        with contextlib.suppress(SpacebotError):
            await workers.render(endpoint, [value], header="H", folder=folder, file_limit=10 * MIB)
    finally:
        workers.close()


async def measured(name: str, memory: Memory, run: Callable[[Path], Awaitable[None]]) -> None:
    """Run one thing, and print what it cost."""
    ended = threading.Event()
    memory.own = memory.children = 0
    before = resident(os.getpid())
    looking = threading.Thread(target=memory.watch, args=(ended,))
    looking.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with watched() as lag:
                await run(Path(folder))
    finally:
        ended.set()
        looking.join()
    grown = max(0, memory.own - before)
    print(
        f"{name:<28} held {lag.worst * 1000:4.0f} ms   gained {grown // MIB:4d} MiB   "
        f"children {memory.children // MIB:4d} MiB",
        flush=True,
    )


async def everything() -> None:
    """Print a line for each, in a process as the program is once it has started."""
    memory = Memory()
    async with Network() as network:
        collector.settle()
        await from_spaces(network, memory)
    await measured("notes of 1 MiB", memory, said)
    await measured("50 Spaces on the page", memory, page)
    with tempfile.TemporaryDirectory() as made:
        for name, kind, value in hostile_results(Path(made)):
            await measured(name, memory, lambda folder, k=kind, v=value: result(folder, k, v))


async def from_spaces(network: Network, memory: Memory) -> None:
    """Print a line for each Space."""
    for name, space, count in (
        ("20 MB of JSON", "json", 1),
        ("300 files of 2 MiB", "files", 1),
        ("20 jobs of 30 files of 2 MiB", "some files", 20),
        ("1 GiB of gzip", "bomb", 1),
        ("a line without end", "line", 1),
    ):
        async with served(space, memory) as url:
            await measured(
                name, memory, lambda folder, n=count, at=url: jobs(network, at, folder, n)
            )
    async with served("menu", memory) as url:
        await measured("50,000 choices", memory, lambda folder: menu(network, url, folder))


def main() -> None:
    """Measure everything, or be one of the Spaces."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("--serve", choices=SPACES)
    name = parser.parse_args().serve
    asyncio.run(serve(name) if name else everything())


if __name__ == "__main__":
    main()
