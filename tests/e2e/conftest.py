"""What the end-to-end tests share: one server, one program, the test Spaces.

A bot lives as long as one file: between files the loop may stand still for minutes, which
to the bot is a connection that died.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from spacebot.models import AnswerPlace, Source
from tests.support.bot_in_loop import Home, at_home
from tests.support.loopback import Channel, DiscordServer, Guild, User
from tests.support.program import Program, running

# Stands for a secret that must never appear anywhere.
PROMPT = "the-very-private-prompt"


@pytest.fixture(scope="session")
def space(served: Callable[[str], str]) -> Callable[[str], str]:
    """The address of a test Space by its name, served once for all tests."""
    return served


@dataclass(frozen=True)
class Place:
    """A Discord with a server, a channel, and people."""

    server: DiscordServer
    guild: Guild
    channel: Channel
    ada: User
    ben: User


@asynccontextmanager
async def discord() -> AsyncIterator[Place]:
    """A Discord for one test."""
    async with DiscordServer() as server:
        server.limits.enforced = False
        ada, ben = server.add_user("ada"), server.add_user("ben")
        guild = server.add_guild("Lab", ada, ben)
        yield Place(server, guild, guild.add_text_channel("art"), ada, ben)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def everything(
    space: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Place, Home]]:
    """The bot in this loop, with every test Space on offer."""
    folder = tmp_path_factory.mktemp("home")
    sources = [
        Source(space("kinds"), name="kinds"),
        Source(space("trouble"), name="trouble"),
        Source(space("stateful"), name="stateful"),
        Source(space("fast"), name="fast"),
        Source(space("studio"), name="studio"),
        Source(space("album"), name="album"),
        Source(space("studio"), "/many", "many"),
        Source(space("musicgen"), "/predict", "musicgen", answer=AnswerPlace.THREAD),
        Source(space("trouble"), "/told", "quiet", answer=AnswerPlace.PRIVATE),
        Source(space("trouble"), "/many_files", "quiet-files", answer=AnswerPlace.PRIVATE),
    ]
    async with discord() as place, at_home(place.server, *sources, folder=folder) as home:
        yield place, home


@pytest.fixture
def place(everything: tuple[Place, Home]) -> Place:
    """The place where people act."""
    return everything[0]


@pytest.fixture
def home(everything: tuple[Place, Home]) -> Home:
    """The bot of `place`."""
    return everything[1]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(
    space: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Place, Program]]:
    """The real program in its own process, with musicgen, trouble and fast."""
    folder: Path = tmp_path_factory.mktemp("program")
    spaces = (
        f"musicgen={space('musicgen')}#/predict trouble={space('trouble')} fast={space('fast')}"
    )
    async with discord() as place, running(folder, place.server, spaces) as program:
        program.prompts.append(PROMPT)
        yield place, program
