"""Finding the endpoint that a command runs in the current descriptions."""

from __future__ import annotations

from collections.abc import Sequence

from spacebot.errors import EndpointGone
from spacebot.models import Endpoint, Space
from spacebot.spaces.schema import command_name


def find_endpoint(spaces: Sequence[Space], space: str, api_name: str, command: str) -> Endpoint:
    """The endpoint of a Space by its API name; raises `EndpointGone`.

    If several commands run it with other fixed values, `command` ("/demo paint") says which is
    meant.
    """
    found = {
        command_name(offered, endpoint): endpoint
        for offered in reversed(spaces)
        for endpoint in offered.endpoints
        if endpoint.space == space and endpoint.api_name == api_name
    }
    if found:
        return found.get(command) or list(found.values())[-1]
    raise EndpointGone(
        f"The Space no longer has {api_name}: it has changed, or is no longer offered here. "
        "Type / to see the commands."
    )
