"""The bot's own commands, which belong to no Space."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from spacebot.models import Endpoint, Space


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """The bot's own command: the catalogue describes it, the dispatcher runs it.

    It is described as a Space with one endpoint, so that its options, suggestions, form and
    recipe work like all others. `name` is the command's name, used in place of a Space's name
    (which is "owner/name" or an address); its jobs are stored under it. `describe` takes the
    commands on offer and raises `EndpointGone` if the command is not offered now. `run` takes
    the dispatcher, the interaction, the endpoint and the options.
    """

    name: str
    describe: Callable[[Mapping[str, Endpoint]], Space]
    run: Callable[..., Awaitable[None]]
