"""What the fault tests count: answers, duplicate answers, and leaks."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import aiohttp

from tests.support.asking import is_final, shown
from tests.support.bot_in_loop import Home
from tests.support.loopback import Channel, Interaction, Message
from tests.support.patience import PATIENCE


def finals(message: Message) -> int:
    """How many final answers a message had: a running job has its button.

    An edit that was repeated because Discord's response got lost counts once.
    """
    final = [one for one in message.history if "cancel:" not in str(one.components)]
    return len({one.content for one in final})


def answered(seen: Iterable[Interaction]) -> int:
    """How many interactions have a final answer."""
    return sum(map(is_final, seen))


def twice(seen: Sequence[Interaction], *places: Channel) -> int:
    """How many interactions were answered more than once, in their message or beside it."""
    beside = [message.content.split("\n")[0] for place in places for message in place.messages]
    return sum(
        finals(shown(one)) > 1 or any(line.endswith(_alone(one)) for line in beside) for one in seen
    )


def _alone(seen: Interaction) -> str:
    """How an answer begins if Discord does not show the command above it."""
    values = shown(seen).history[0].content.split("\n")[0].removeprefix("-# ")
    return f" for {seen.user.mention} · {values}"


async def all_final(seen: Sequence[Interaction], seconds: float = 30) -> float:
    """Wait until everyone is answered; returns the seconds that it took."""
    began = time.monotonic()
    await asyncio.gather(*(one.wait(is_final, seconds) for one in seen))
    return time.monotonic() - began


@dataclass(frozen=True)
class Held:
    """What a process holds now."""

    threads: int
    tasks: int
    sessions: int
    files: int
    results: int

    def beyond(self, before: Held) -> dict[str, int]:
        """What the process holds beyond `before`; up to four of a kind may be in transition."""
        grown = {
            name: getattr(self, name) - getattr(before, name)
            for name in ("threads", "tasks", "sessions", "files", "results")
        }
        return {name: count for name, count in grown.items() if count > 4}


def held(home: Home) -> Held:
    """What the bot holds now, without the connections that its pools keep for later.

    Both their ends are in this process, and the loopback Discord has a task for each.
    """
    gc.collect()
    network = next(iter(home.catalogue.connections.values())).network
    to_discord, to_spaces = idle(home.bot.http._HTTPClient__session), idle(network.http)  # type: ignore[attr-defined]
    return Held(
        # The Spaces are served by this process too, and gradio keeps up to 40 threads for them.
        threads=sum("AnyIO" not in one.name for one in threading.enumerate()),
        tasks=len(asyncio.all_tasks()) - to_discord,
        sessions=sum(len(one.sessions) for one in home.catalogue.connections.values()),
        files=len(os.listdir("/proc/self/fd")) - 2 * (to_discord + to_spaces),
        results=len(list(home.jobs._results.folder.iterdir())),
    )


async def held_at_rest(home: Home, before: Held, seconds: float = 30) -> Held:
    """What the process holds once the last jobs' connections are closed: at most `before`."""
    deadline = time.monotonic() + seconds * PATIENCE
    now = held(home)
    while now.beyond(before) and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        now = held(home)
    return now


def idle(session: aiohttp.ClientSession) -> int:
    """How many idle connections a session keeps open."""
    assert session.connector is not None
    return sum(map(len, session.connector._conns.values()))


async def settled(home: Home, seconds: float = 10) -> None:
    """Wait until no job runs."""
    deadline = time.monotonic() + seconds * PATIENCE
    while home.jobs.running:
        assert time.monotonic() < deadline, home.jobs.running
        await asyncio.sleep(0.05)
