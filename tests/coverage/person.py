"""A person in the loopback Discord, whom the real bot answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacebot.discord_bot.client import Bot
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs import JobManager
from spacebot.engine.store import Store
from spacebot.errors import SpacebotError
from spacebot.models import Endpoint, JobEnding, Option, Source, Space
from spacebot.spaces import inputs
from spacebot.spaces.client import Network
from spacebot.spaces.schema import command_name
from tests.coverage.compare import Answer
from tests.support.loopback import DiscordServer, Interaction, NotSendable, connected

# Discord allows an application 100 commands: the Space's own, and those added by name.
BY_NAME = 80
PATIENCE = 30.0
TOLD = ("❌", "✏️", "🛑")


class Person:
    """Types the commands of one Space; every call is another person's, with a fresh session."""

    def __init__(self, server: DiscordServer, catalogue: Catalogue, jobs: JobManager) -> None:
        self.server, self.jobs, self.catalogue = server, jobs, catalogue
        self._calls = 0
        self._endings: dict[str, JobEnding] = {}
        jobs.subscribe(lambda job, ending, _: self._endings.update({job.requester.user: ending}))

    @property
    def space(self) -> Space:
        """The Space as it is offered as a whole."""
        return self.catalogue.spaces[0]

    def find(self, api_name: str) -> tuple[str, Endpoint] | None:
        """The command of an endpoint: the Space's own, or the command added by name."""
        for space in self.catalogue.spaces:
            for endpoint in space.endpoints:
                # A direct call runs no earlier steps and opens no form.
                beside = endpoint.before or endpoint.further
                if endpoint.api_name == api_name and not beside:
                    return command_name(space, endpoint), endpoint
        return None

    def options(self, endpoint: Endpoint) -> dict[str, list[Option]]:
        """The options that the command has, by parameter."""
        there: dict[str, list[Option]] = {}
        for option in inputs.options(endpoint).options:
            there.setdefault(option.parameter, []).append(option)
        return there

    def _is_answered(self, person: str, seen: Interaction) -> bool:
        failed, ending = _read(seen).failed, self._endings.get(person)
        if ending is None or ending is JobEnding.REJECTED:
            # A rejection is counted before it is shown: then "⏳" is a limit, otherwise a queue.
            return failed.startswith(TOLD if ending is None else (*TOLD, "⏳"))
        return True

    async def ask(self, command: str, arguments: Mapping[str, Any], seconds: float) -> Answer:
        """Type a command and read the whole answer; raises TimeoutError."""
        self._calls += 1
        person = self.server.add_user(f"person-{self._calls}")
        try:
            seen = await person.command(command, arguments)
        except NotSendable as error:
            return Answer((f"❌ Discord does not send this: {error}",))
        deadline = time.monotonic() + seconds
        while not self._is_answered(str(person.id), seen):
            if time.monotonic() > deadline:
                for running in self.jobs.running:
                    running.cancel()
                raise TimeoutError(f"no answer within {seconds:.0f} s: {seen.describe()}")
            await asyncio.sleep(0.01)
        return _read(seen)


def _read(seen: Interaction) -> Answer:
    """The answer, its follow-ups, and a chat's messages in the same place."""
    messages = [message for message in (seen.message, *seen.followups) if message]
    bot = seen.server.bot
    messages += [m for m in seen.channel.messages if m.author is bot and m not in messages]
    texts = [message.content for message in messages]
    # The first line is what was asked for, and must not pass for an answer; the last is the bot's.
    texts = [re.sub(r"\A(💬 )?\*\*/.*\n?|\n?-# Done in .*\Z", "", text) for text in texts]
    files = [(a.filename, a.data) for message in messages for a in message.attachments]
    return Answer(tuple(texts), tuple(files))


@asynccontextmanager
async def person_at(url: str, folder: Path) -> AsyncIterator[Person]:
    """A person with the real bot in front of the Space at `url`."""
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(Network())
        store = await stack.enter_async_context(Store.in_folder(folder))
        catalogue = await _catalogue(url, network, folder, stack)
        jobs = JobManager(catalogue, store, folder=folder)
        # The bot stores its last messages before the store closes.
        stack.push_async_callback(jobs.drained, 2)
        stack.push_async_callback(jobs.close)
        bot = Bot(catalogue, jobs)
        # It would wait 2 s for the servers that it is in; it is in none.
        bot._connection.guild_ready_timeout = 0.01
        server = await stack.enter_async_context(DiscordServer())
        server.limits.enforced = False
        await stack.enter_async_context(connected(server, bot))
        if any(space.endpoints for space in catalogue.spaces):
            await server.wait(lambda s: s.registered_commands, 10)
        yield Person(server, catalogue, jobs)


async def _catalogue(url: str, network: Network, folder: Path, stack: AsyncExitStack) -> Catalogue:
    """The Space as a whole, and by name each endpoint that it leaves out or calls others for."""
    source = Source(url, name="demo")
    first = Catalogue([source], network, folder=folder / "first")
    stack.push_async_callback(first.close)
    await _started(first)
    if not first.spaces:
        raise SpacebotError(first.connections[url].reason or "it cannot be read")
    space = first.spaces[0]
    alone = [*space.excluded, *(each for each in space.endpoints if each.before or each.further)]
    named = [
        replace(source, name=f"named-{number}", endpoint=each.api_name)
        for number, each in enumerate(alone[:BY_NAME])
    ]
    whole = Catalogue([source, *named], network, folder=folder / "whole")
    stack.push_async_callback(whole.close)
    await _started(whole)
    return whole


async def _started(catalogue: Catalogue) -> None:
    """Start it, and wait longer for the Space than a bot with several Spaces would."""
    await catalogue.start()
    for _ in range(int(PATIENCE / 0.1)):
        if catalogue.spaces:
            return
        await asyncio.sleep(0.1)
