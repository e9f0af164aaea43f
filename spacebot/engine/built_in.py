"""Commands of the bot's own, which no Space gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from spacebot.models import Endpoint, Space


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A command of the bot's own: the catalogue has its description, the dispatcher runs it.

    It is described as a Space of one endpoint, so that its options, suggestions, form and
    recipe are made as those of all others are. `name` is the command's and stands where a
    Space's name would (a real one is "owner/name" or an address); its jobs are stored under
    it. `describe` takes the commands on offer and raises `EndpointGone` where the command is
    not offered now. `run` takes the dispatcher, the interaction, the endpoint and the options
    given.
    """

    name: str
    describe: Callable[[Mapping[str, Endpoint]], Space]
    run: Callable[..., Awaitable[None]]
