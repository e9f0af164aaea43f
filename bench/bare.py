"""The limit: a bare client of Gradio's protocol, without Discord.

`python -m bench.bare URL ENDPOINT JOBS AT_ONCE VALUES` runs the jobs, each in a
session of its own, and prints {"total": s, "median": s, "first": s, "cpu": s}.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
import uuid
from typing import Any

import aiohttp


async def call(
    http: aiohttp.ClientSession, root: str, index: int, values: list[Any]
) -> tuple[float, float]:
    """Run one job: the seconds it took, and until its first partial result."""
    session, began = uuid.uuid4().hex, time.perf_counter()
    took = first = 0.0
    body = {"data": values, "fn_index": index, "session_hash": session}
    async with http.post(root + "queue/join", json=body) as joined:
        joined.raise_for_status()
        await joined.read()
    async with http.get(root + "queue/data", params={"session_hash": session}) as stream:
        async for line in stream.content:
            if b"process_generating" in line and not first:
                first = time.perf_counter() - began
            if b"process_completed" in line:
                took = time.perf_counter() - began
    return took, first


async def run(url: str, endpoint: str, jobs: int, at_once: int, values: list[Any]) -> dict:
    """Run the jobs, so many at once."""
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        async with http.get(url + "/config") as answer:
            config = await answer.json()
        root = f"{url}{config['api_prefix']}/"
        index = next(d["id"] for d in config["dependencies"] if d["api_name"] == endpoint)
        limit = asyncio.Semaphore(at_once)

        async def one() -> tuple[float, float]:
            async with limit:
                return await call(http, root, index, values)

        began, cpu = time.perf_counter(), time.process_time()
        took = await asyncio.gather(*(one() for _ in range(jobs)))
        return {
            "total": time.perf_counter() - began,
            "median": statistics.median(seconds for seconds, _ in took),
            "first": statistics.median(first for _, first in took),
            "cpu": time.process_time() - cpu,
        }


if __name__ == "__main__":
    address, name, count, side_by_side, given = sys.argv[1:]
    figures = asyncio.run(run(address, name, int(count), int(side_by_side), json.loads(given)))
    print(json.dumps(figures))
