"""The bot under mixed use for a while, with trouble, and what it holds at start, middle and end.

`python -m bench.soak --minutes 10` runs commands, streams, cancels, buttons, conversations and
result files at once, drops the gateway's connection and sends global rate limits between.
What grows from the middle to the end, with the same use, is a leak.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench.sides import Side, ours
from tests.support.apps.serving import spawn
from tests.support.asking import is_final, shown, until
from tests.support.conversations import answer, opened
from tests.support.loopback import Channel, DiscordServer, Interaction, User

PEOPLE = 12
WITHIN = 60.0


@dataclass
class Held:
    """What the bot's process holds at one moment."""

    memory: float
    threads: int
    descriptors: int
    tasks: int
    folders: int

    def __str__(self) -> str:
        return (
            f"memory {self.memory:.0f} MiB, threads {self.threads}, descriptors "
            f"{self.descriptors}, tasks {self.tasks}, result folders {self.folders}"
        )


@dataclass
class Soak:
    """The bot under use, and what has been done so far."""

    side: Side
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def server(self) -> DiscordServer:
        """The Discord that the bot is on."""
        return self.side.server

    @property
    def channel(self) -> Channel:
        """Where commands are typed."""
        return self.side.channel

    def held(self) -> Held:
        """Read /proc, the probe's file and the data folder."""
        bot, lag_file = self.side.bot, self.side.lag_file
        results = lag_file.parent / "data" / "results"
        last = lag_file.read_text().splitlines()[-2].split()
        return Held(
            memory=bot.status("VmRSS") / 1024,
            threads=bot.status("Threads"),
            descriptors=len(os.listdir(f"/proc/{bot.process.pid}/fd")),
            tasks=int(last[2]),
            folders=len(list(results.iterdir())) if results.exists() else 0,
        )

    async def use(self, user: User, deadline: float) -> None:
        """One member does one thing after another until the time is over."""
        while time.monotonic() < deadline:
            name, began = random.choice(list(ACTIONS)), set(self.server.interactions)
            try:
                await asyncio.wait_for(ACTIONS[name](self, user), 2 * WITHIN)
            except (AssertionError, TimeoutError):
                fresh = sorted(set(self.server.interactions) - began)
                self._note(name, user, [self.server.interactions[one] for one in fresh])
            else:
                self.counts[name] += 1
            await asyncio.sleep(random.uniform(0.1, 0.6))

    def _note(self, name: str, user: User, fresh: list[Interaction]) -> None:
        """Count an action that did not come to its end, by what is known of it.

        While the gateway identifies again, after a drop that cannot be resumed, an interaction
        reaches nobody, and Discord itself says that the application did not respond.
        """
        own = [seen for seen in fresh if seen.user is user]
        lost = bool(own) and not own[-1].heard
        self.counts[f"{name}: " + ("no gateway heard it" if lost else "UNANSWERED")] += 1
        for seen in () if lost else own:
            print(f"unanswered {name} at {time.time():.1f}: {seen.describe()}", flush=True)

    async def trouble(self, deadline: float) -> None:
        """Drop the gateway's connection and send global rate limits, every half minute."""
        while time.monotonic() + 40 < deadline:
            await asyncio.sleep(20)
            resumable = bool(self.counts["drop"] % 2)
            self.server.gateway.drop(resumable=resumable)
            self.counts["drop"] += 1
            print(f"dropped at {time.time():.1f}, {resumable=}", flush=True)
            await asyncio.sleep(10)
            self.server.limits.fail("POST /channels/*", 429, 2, retry_after=1.0, everywhere=True)
            self.counts["global 429"] += 1


async def final(seen: Interaction) -> Interaction:
    """Wait for the final answer."""
    await seen.wait(is_final, WITHIN)
    return seen


async def command(it: Soak, user: User) -> None:
    """An instant command."""
    await final(await user.command("fast echo", text="soak", channel=it.channel))


async def stream(it: Soak, user: User) -> None:
    """A stream of words."""
    given = {"words": 20, "pause": 0.1}
    await final(await user.command("fast stream", given, channel=it.channel))


async def cancel(it: Soak, user: User) -> None:
    """A job that is cancelled while it runs."""
    given = {"count": 50, "seconds": 0.2}
    seen = await user.command("trouble steps", given, channel=it.channel)
    await until(seen, "\nstep", WITHIN)
    await user.click(shown(seen), "Cancel")
    await final(seen)


async def button(it: Soak, user: User) -> None:
    """A result, and Again under it."""
    seen = await final(await user.command("fast echo", text="again", channel=it.channel))
    await final(await user.click(shown(seen), "Again"))


async def file(it: Soak, user: User) -> None:
    """A result of a file."""
    await final(await user.command("fast file", channel=it.channel))


async def conversation(it: Soak, user: User) -> None:
    """A thread with two questions."""
    channel = it.server.add_guild("Soak", user).add_text_channel("talk")
    thread = await opened(user, "falcon", channel, WITHIN, message="my name is Ada")
    user.say("what is my name?", channel=thread)
    await answer(thread, "Ada", WITHIN)


ACTIONS: dict[str, Callable[[Soak, User], Awaitable[None]]] = {
    action.__name__: action for action in (command, stream, cancel, button, file, conversation)
}


async def soak(minutes: float) -> None:
    """Use the bot for so long, and print what it holds."""
    with contextlib.ExitStack() as stack:
        names = ("fast", "trouble", "falcon")
        spaces = {name: stack.enter_context(spawn(name)).url for name in names}
        named = " ".join(f"{name}={url}" for name, url in spaces.items())
        async with ours(named, PEOPLE, privileged=("message_content",)) as side:
            it = Soak(side)
            # The probe writes in blocks.
            await asyncio.sleep(2)
            print("idle:  ", it.held(), flush=True)
            for part in ("start", "middle", "end"):
                deadline = time.monotonic() + minutes * 60 / 3
                using = [it.use(user, deadline) for user in side.users]
                await asyncio.gather(it.trouble(deadline), *using)
                # Resources that were just used are released in a moment.
                await asyncio.sleep(10)
                print(f"{part}:".ljust(7), it.held(), flush=True)
            print("done:  ", dict(sorted(it.counts.items())))


def main() -> None:
    """Run the soak."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    asyncio.run(soak(parser.parse_args().minutes))


if __name__ == "__main__":
    main()
