"""Runs inside a bot under measurement: how late its event loop is, each 10 ms.

`start` makes every discord.py client of the process record it into a file, a
line each: epoch seconds, lag in milliseconds, and how many tasks there are.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import discord

EVERY = 0.01


def start(path: str) -> None:
    """Record the lag of the loop that a client logs in on."""
    login = discord.Client.login

    async def watched(self: discord.Client, token: str) -> None:
        tasks.append(asyncio.create_task(_watch(path)))
        await login(self, token)

    tasks: list[asyncio.Task[Any]] = []
    discord.Client.login = watched  # type: ignore[method-assign]


async def _watch(path: str) -> None:
    with open(path, "w", buffering=1 << 12) as file:  # noqa: ASYNC230 - a short write now and then
        while True:
            before = time.perf_counter()
            await asyncio.sleep(EVERY)
            late = time.perf_counter() - before - EVERY
            file.write(f"{time.time():.3f} {late * 1000:.2f} {len(asyncio.all_tasks())}\n")
