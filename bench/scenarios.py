"""What is measured, on which side, and what it should be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.added import added
from bench.cluster import several
from bench.figures import Figure
from bench.process import ROOT, child, free_port, listening
from bench.sides import Side, common, ours, started, text_of


@dataclass
class Bench:
    """The Space under measurement, and the two bots on it."""

    url: str
    port: int
    ours: Side
    common: Side | None = None

    async def bare(self, endpoint: str, jobs: int, at_once: int, *values: Any) -> dict[str, float]:
        """The figures of the bare client, in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.bare", self.url, endpoint, str(jobs), str(at_once)),
            json.dumps(values),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
        return json.loads(printed)


async def instant(bench: Bench) -> list[Figure]:
    """An endpoint that answers at once: slash command → final message, one after the other."""
    bare = await bench.bare("echo", 60, 1, "hello")

    async def median(side: Side) -> float:
        took = [await side.run(0, "echo", text="hello") for _ in range(60)]
        return statistics.median(took[10:]) * 1000

    limit = bare["median"] * 1000
    mine = await median(bench.ours)
    other = await median(bench.common) if bench.common else None
    figure = Figure("instant command", "ms", mine, other, limit, 20.0)
    figure.limit, figure.target = min(limit + 15, 20.0), "≤ bare + 15 ms, ≤ 20 ms"
    return [figure]


async def burst(bench: Bench, jobs: int, rival: tuple[float, float]) -> list[Figure]:
    """So many users at once, with jobs of 2 s."""
    bare = await bench.bare("sleep", jobs, jobs, 2)
    await bench.ours.burst(20, "sleep", seconds=0.1)
    total, cpu, lost = await bench.ours.burst(jobs, "sleep", seconds=2)
    theirs = await bench.common.burst(jobs, "sleep", seconds=2) if bench.common else (None,) * 3
    return [
        Figure(f"{jobs} users, jobs of 2 s: all answered", "s", total, theirs[0], bare["total"],
               rival[0], 1.3 * bare["total"], "≤ 1.3 × bare"),
        Figure(f"{jobs} users: not answered", "", lost, theirs[2], None, None, 0, "none"),
        Figure(f"{jobs} users: CPU a job", "ms", cpu / jobs * 1000,
               theirs[1] / jobs * 1000 if theirs[1] else None, bare["cpu"] / jobs * 1000,
               rival[1] / jobs * 1000, 5.0, "≤ 5 ms"),
    ]  # fmt: skip


async def load(bench: Bench) -> list[Figure]:
    """500 jobs in flight: threads, memory, and how soon new commands are acknowledged."""
    side = bench.ours
    await side.burst(50, "sleep", seconds=0.1)
    few = asyncio.create_task(side.burst(10, "sleep", seconds=4))
    await asyncio.sleep(2)
    threads_few, memory_few = side.bot.status("Threads"), side.bot.status("VmRSS")
    await few
    many = asyncio.create_task(side.burst(500, "sleep", seconds=14))
    await asyncio.sleep(5)
    threads_many, memory_many = side.bot.status("Threads"), side.bot.status("VmRSS")
    new = []
    for number in range(250):
        new.append(await side.begin(500 + number, "echo", text="hello"))
        await asyncio.sleep(0.02)
    await many
    took = sorted(seen.acknowledged_after or 3.0 for seen in new)
    return [
        Figure("acknowledged, p99, 500 jobs in flight, 50/s", "ms", took[int(0.99 * 249)] * 1000,
               limit=100, target="≤ 100 ms"),
        Figure("threads with 500 jobs, above those with 10", "", threads_many - threads_few,
               limit=0, target="none"),
        Figure("memory a job in flight", "kB", (memory_many - memory_few) / 490, limit=100,
               target="≤ 100 kB"),
    ]  # fmt: skip


async def progress(bench: Bench) -> list[Figure]:
    """Jobs of 10 s with 20 steps of progress."""
    bare = await bench.bare("progress", 20, 20, 10, 20)
    _, cpu, _ = await bench.ours.burst(20, "progress", seconds=10, steps=20)
    theirs = None
    if bench.common:
        theirs = (await bench.common.burst(20, "progress", seconds=10, steps=20))[1] / 20 * 1000
    return [
        Figure("CPU a job of 10 s with progress", "ms", cpu / 20 * 1000, theirs,
               bare["cpu"] / 20 * 1000, limit=12, target="≤ 12 ms")
    ]  # fmt: skip


async def thousand(bench: Bench) -> list[Figure]:
    """1,000 jobs of 10 s at once."""
    bare = await bench.bare("sleep", 1000, 1000, 10)
    since = time.time()
    total, cpu, lost = await bench.ours.burst(1000, "sleep", seconds=10)
    return [
        Figure("1,000 jobs of 10 s: all answered", "s", total, None, bare["total"], None,
               1.5 * bare["total"], "≤ 1.5 × bare"),
        Figure("1,000 jobs: not answered", "", lost, limit=0, target="none"),
        Figure("1,000 jobs: CPU a job", "ms", cpu, None, bare["cpu"]),
        Figure("1,000 jobs: event-loop lag, p99", "ms", bench.ours.lag(since), limit=30,
               target="≤ 30 ms"),
    ]  # fmt: skip


async def stream(bench: Bench) -> list[Figure]:
    """The first text of a stream, in Discord after it left the Space."""
    bare = await bench.bare("stream", 10, 1, 20, 0.05)

    async def first() -> float:
        began = time.perf_counter()
        seen = await bench.ours.begin(0, "stream", words=20, pause=0.05)
        await seen.wait(lambda one: "word0" in text_of(one), timeout=20)
        took = time.perf_counter() - began
        await seen.wait(bench.ours.answered, timeout=20)
        return took

    took = statistics.median([await first() for _ in range(10)])
    late = (took - bare["first"]) * 1000
    return [
        Figure("first streamed text, after the bare client's", "ms", late, limit=150,
               target="≤ 150 ms")
    ]  # fmt: skip


async def session(bench: Bench) -> list[Figure]:
    """A user's first job beside their second: what a new session costs."""
    side = bench.ours
    for number in range(100, 120):
        await side.run(number, "echo", text="warm")
    new = [await side.run(number, "echo", text="a") for number in range(200, 260)]
    old = [await side.run(number, "echo", text="a") for number in range(200, 260)]
    cost = (statistics.median(new) - statistics.median(old)) * 1000
    return [
        Figure("a new session for a user", "ms", max(cost, 0.0), limit=2, target="≤ 2 ms")
    ]  # fmt: skip


async def file(bench: Bench) -> list[Figure]:
    """A file of 9 MB from the Space to Discord, beside a plain download and upload."""
    bare = await bench.bare("file", 1, 1)
    side, plain, mine = bench.ours, [], []
    for number in range(6):
        plain.append(await _download_and_upload(bench) + bare["median"])
        mine.append(await side.run(number, "file"))
    speed = statistics.median(plain[1:]) / statistics.median(mine[1:])
    theirs = None
    if bench.common:
        took = [await bench.common.run(number, "file") for number in range(6)]
        theirs = statistics.median(plain[1:]) / statistics.median(took[1:])
    return [
        Figure("speed of posting 9 MB ÷ plain download + upload", "", speed, theirs, 1.0,
               limit=0.7, target="≥ 0.7", at_least=True)
    ]  # fmt: skip


async def _download_and_upload(bench: Bench) -> float:
    """Seconds for a download from the Space and then an upload to Discord's channel."""
    path = await _file_path(bench.url)
    began = time.perf_counter()
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{bench.url}/gradio_api/file={path}") as answer:
            body = await answer.read()
        form = aiohttp.FormData()
        form.add_field("payload_json", "{}")
        form.add_field("files[0]", body, filename="file.bin")
        side = bench.ours
        async with http.post(
            f"{side.server.api_url}/channels/{side.channel.id}/messages",
            data=form,
            headers={"Authorization": f"Bot {side.server.token}"},
        ) as answer:
            answer.raise_for_status()
            await answer.read()
    return time.perf_counter() - began


async def _file_path(url: str) -> str:
    async with aiohttp.ClientSession() as http:
        body = {"data": []}
        async with http.post(f"{url}/gradio_api/call/file", json=body) as answer:
            event = (await answer.json())["event_id"]
        async with http.get(f"{url}/gradio_api/call/file/{event}") as answer:
            text = await answer.text()
    return json.loads(text.partition("data: ")[2])[0]["path"]


# What app.py imports by the time that it starts the bot.
IMPORTS = (
    "import app; app.lazy_imports.install(); "
    "from spacebot import web, zerogpu; from spacebot.runtime import Runtime"
)


async def start(bench: Bench) -> list[Figure]:
    """From the start to the commands of 20 Spaces, of which 3 are dead."""
    live = [f"s{n}=http://127.0.0.{n}:{bench.port}" for n in range(1, 18)]
    with socket.socket() as hole:
        # It takes connections and never answers.
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        dead = [f"d1=http://127.0.0.1:{free_port()}", f"d2=http://127.0.0.1:{free_port()}"]
        dead.append(f"d3=http://127.0.0.1:{hole.getsockname()[1]}")
        importing = await _seconds("-c", IMPORTS)
        first, again = await started(" ".join(live + dead), len(live))
    alone = await bench.bare("echo", 1, 1, "x")
    slowest = alone["total"]
    return [
        Figure("start → commands, 20 Spaces, 3 dead, beyond importing", "s", first - importing,
               None, slowest, limit=slowest + 2, target="≤ slowest + 2 s"),
        Figure("the same with last known descriptions", "s", again - importing),
        Figure("importing", "s", importing),
    ]  # fmt: skip


async def _seconds(*args: str) -> float:
    began = time.perf_counter()
    async with child(*args) as running:
        await running.process.wait()
    return time.perf_counter() - began


SCENARIOS: dict[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    # First, since what a crowd took of memory would be there for the next one.
    "load": load,
    "instant": instant,
    "burst200": lambda bench: burst(bench, 200, (5.2, 1.0)),
    "burst500": lambda bench: burst(bench, 500, (11.5, 2.1)),
    "progress": progress,
    "thousand": thousand,
    "stream": stream,
    "session": session,
    "file": file,
    "start": start,
    "added": lambda bench: added(bench.url),
    "processes": lambda bench: several(bench.url),
}


@contextlib.asynccontextmanager
async def _bench(*, with_common: bool) -> AsyncIterator[Bench]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(child("-m", "bench.space", str(port)))
        await listening(port)
        mine = await stack.enter_async_context(ours(f"fast={url}"))
        theirs = await stack.enter_async_context(common(url)) if with_common else None
        yield Bench(url, port, mine, theirs)


async def measure(names: list[str]) -> list[Figure]:
    """Run the scenarios named, one after the other."""
    both = {"instant", "burst200", "burst500", "progress", "file"}
    figures = []
    async with _bench(with_common=bool(both & set(names))) as bench:
        for name in names:
            print(f"… {name}", file=sys.stderr, flush=True)
            figures += await SCENARIOS[name](bench)
    return figures
