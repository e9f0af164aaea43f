"""The endpoints that follow-ups call."""

from __future__ import annotations

from collections.abc import Sequence

from spacebot.engine.on_demand import read_described
from spacebot.errors import SettingsError
from spacebot.models import Endpoint, FollowUp, Source
from spacebot.spaces.client import SpaceDescription


def named_endpoints(sources: Sequence[Source], space: str) -> frozenset[str]:
    """The endpoints of a Space that the owner names, for commands or for follow-ups."""
    own = [source for source in sources if source.space == space]
    found = {"/" + source.endpoint.strip("/") for source in own if source.endpoint}
    waiting = [follow_up for source in own for follow_up in source.then]
    while waiting:
        follow_up = waiting.pop()
        found.add("/" + follow_up.endpoint.strip("/"))
        waiting += follow_up.then
    return frozenset(found)


def read_follow_up(space: str, wanted: FollowUp, description: SpaceDescription) -> Endpoint:
    """The endpoint that a follow-up calls; blocking."""
    source = Source(space, wanted.endpoint, fixed=wanted.fixed, then=wanted.then)
    read = read_described(source, description)
    if not read.endpoints:
        raise SettingsError(f"{space} {wanted.endpoint}: {read.excluded[0].reason}.")
    (endpoint,) = read.endpoints
    known = {parameter.name for parameter in endpoint.parameters} | endpoint.constants.keys()
    for name in (*wanted.take, *filter(None, [wanted.index])):
        if name not in known:
            raise SettingsError(
                f"{space}{wanted.endpoint} has no input named {name}. "
                f"It has {', '.join(sorted(known))}."
            )
    return endpoint
