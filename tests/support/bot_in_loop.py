"""The bot in the loop of the test, with everything but the process around it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi

from spacebot.discord_bot.client import Bot
from spacebot.discord_bot.compare import COMPARE
from spacebot.engine.accounts import Accounts, TokenVault
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs import JobDeadlines, JobLimits, JobManager
from spacebot.engine.on_demand import OnDemandSpaces, SpacePolicy
from spacebot.engine.server_spaces import AddedSpaces
from spacebot.engine.store import Store
from spacebot.models import Source
from spacebot.spaces.client import Network
from tests.support.loopback import DiscordServer, connected


@dataclass(frozen=True)
class Home:
    """What `runtime` wires together."""

    server: DiscordServer
    catalogue: Catalogue
    jobs: JobManager
    bot: Bot


async def described(catalogue: Catalogue, seconds: float = 5) -> None:
    """Wait until every Space is described or was tried in vain; `start` waits for a second.

    Those that do not answer are left after `seconds`, as they are on an idle machine.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not catalogue.complete:  # noqa: ASYNC110 - the catalogue has no such event
                await asyncio.sleep(0.05)


@asynccontextmanager
async def at_home(
    server: DiscordServer,
    *sources: Source,
    folder: Path,
    token: str = "",
    deadlines: JobDeadlines | None = None,
    limits: JobLimits | None = None,
    hub: HfApi | None = None,
    secret_keys: Sequence[str] = (),
    commands: bool = True,
    killed: bool = False,
    policy: SpacePolicy | None = None,
    database: str = "",
) -> AsyncIterator[Home]:
    """Run the bot against `server` until the block ends, as `runtime` does.

    Without a DATABASE_URL in `database`, the database is a file in `folder`. If the bot is
    `killed` then, nobody is told, and nothing more is stored.
    """
    opening = Store(database) if database else Store.in_folder(folder)
    async with Network(hub=hub) as network, opening as store:
        policy = policy or SpacePolicy()
        await policy.load(store.blocked_spaces)
        on_demand = OnDemandSpaces(network, store.descriptions, policy)
        accounts = Accounts(store.accounts, TokenVault(secret_keys), network.hub)
        catalogue = Catalogue(
            sources,
            network,
            folder=folder,
            token=token,
            built_in=(COMPARE,),
            on_demand=on_demand,
            added=AddedSpaces(on_demand, store.server_spaces, accounts),
        )
        jobs = JobManager(
            catalogue, store, folder=folder, accounts=accounts, deadlines=deadlines, limits=limits
        )
        await catalogue.start()
        await described(catalogue)
        bot = Bot(catalogue, jobs)
        try:
            async with accounts, connected(server, bot):
                if commands:
                    await server.wait(lambda s: s.registered_commands, 10)
                # Once ready, it looks for unfinished work.
                await asyncio.sleep(0.2)
                yield Home(server, catalogue, jobs, bot)
                if killed:
                    for running in jobs.running:
                        assert running.task
                        running.task.cancel()
                else:
                    await jobs.close()
                    await jobs.drained(5)
        finally:
            await catalogue.close()
