"""Spaces that visitors of the page name: reading them, and counting their runs.

Anyone can make up sessions, so all visitors together count as one member.
"""

from __future__ import annotations

import asyncio

from spacebot.engine.catalogue.catalogue import Catalogue
from spacebot.engine.on_demand import NONE_ALLOWED
from spacebot.errors import InputError, SpaceNotAllowed, SpaceRenamed, SpaceUnavailable
from spacebot.models import Job, Space

VISITORS = "tryout"
# How long a visitor waits for a Space to be read; the reading continues in the background.
READ_SECONDS = 40.0
ALREADY_OFFERED = "{} is already on offer here. Type / to see its commands."
STILL_READING = "The Space is still starting. Try again in a minute."


async def read_space(catalogue: Catalogue, written: str) -> Space:
    """The Space with a name or address, without the owner's token; raises `SpacebotError`."""
    on_demand = catalogue.on_demand
    if on_demand is None or not on_demand.policy.is_open:
        raise SpaceNotAllowed(NONE_ALLOWED)
    try:
        async with asyncio.timeout(READ_SECONDS):
            name = await on_demand.named(written, VISITORS)
            try:
                return await _load(catalogue, name)
            except SpaceRenamed as error:
                return await _load(catalogue, error.name)
    except TimeoutError as error:
        raise SpaceUnavailable(STILL_READING) from error


async def _load(catalogue: Catalogue, name: str) -> Space:
    if name in catalogue.connections:
        raise InputError(ALREADY_OFFERED.format(name))
    return await catalogue.load(name)


def count_run(catalogue: Catalogue, job: Job) -> None:
    """Count a run of a visitor's Space; raises `LimitReached`."""
    if catalogue.on_demand is not None and job.endpoint.space not in catalogue.connections:
        catalogue.on_demand.runs.count(VISITORS)
