"""A crowd on one process: `python -m bench.crowd 5000` runs so many jobs of 10 s at once."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time

from bench.__main__ import table
from bench.figures import Figure
from bench.process import child, free_port, listening
from bench.scenarios import Bench
from bench.sides import Side, ours
from tests.support.loopback import Interaction

WITHIN = 600.0


async def _run(side: Side, number: int) -> Interaction:
    seen = await side.begin(number, "sleep", seconds=10)
    with contextlib.suppress(AssertionError):
        await seen.wait(side.answered, timeout=WITHIN)
    return seen


async def crowd(jobs: int) -> list[Figure]:
    """How long all take, how late acknowledgements come, and what a job costs."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(child("-m", "bench.space", str(port)))
        await listening(port)
        limits = {"JOBS_PER_SPACE": str(jobs)}
        side = await stack.enter_async_context(ours(f"fast={url}", jobs, settings=limits))
        bare = await Bench(url, port, side).bare("sleep", jobs, jobs, 10)
        await side.burst(50, "sleep", seconds=0.1)
        memory, cpu, since = side.bot.status("VmRSS"), side.bot.cpu, time.time()
        began = time.perf_counter()
        seen = await asyncio.gather(*(_run(side, number) for number in range(jobs)))
        total, cpu = time.perf_counter() - began, side.bot.cpu - cpu
        peak, lag = side.bot.status("VmHWM"), side.lag(since, 1)
    return [
        Figure(f"{jobs:,} jobs of 10 s: all answered", "s", total, None, bare["total"], None,
               1.3 * bare["total"], "≤ 1.3 × bare"),
        Figure("not answered", "", sum(not side.answered(one) for one in seen), limit=0,
               target="none"),
        Figure("slowest acknowledgement", "ms",
               max(one.acknowledged_after or 3.0 for one in seen) * 1000, limit=2000,
               target="≤ 2 s"),
        Figure("memory a job", "kB", (peak - memory) / jobs, limit=60, target="≤ 60 kB"),
        Figure("longest hold of the event loop", "ms", lag, limit=100, target="≤ 100 ms"),
        Figure("CPU a job", "ms", cpu / jobs * 1000, None, bare["cpu"] / jobs * 1000),
    ]  # fmt: skip


def main() -> None:
    """Run a crowd and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.crowd", description=__doc__)
    parser.add_argument("jobs", nargs="?", type=int, default=5000)
    print(table(asyncio.run(crowd(parser.parse_args().jobs))))


if __name__ == "__main__":
    main()
