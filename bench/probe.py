"""Runs inside a bot under measurement: how late its event loop is, each 10 ms.

`start` makes every discord.py client of the process record it into a file, a
line each: epoch seconds, lag in milliseconds, and how many tasks there were at
the last count. Counting walks every task, so it happens once a second: at each
line it took half of an idle bot's processor time.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import discord

EVERY = 0.01
COUNT_EVERY = 1.0


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
        tasks, counted = 0, float("-inf")
        while True:
            before = time.perf_counter()
            if before - counted >= COUNT_EVERY:
                tasks, counted = len(asyncio.all_tasks()), before
                before = time.perf_counter()
            await asyncio.sleep(EVERY)
            late = time.perf_counter() - before - EVERY
            file.write(f"{time.time():.3f} {late * 1000:.2f} {tasks}\n")
