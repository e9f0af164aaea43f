"""Commands as a person types them."""

from __future__ import annotations

from collections.abc import Iterable

from spacebot.models import Endpoint, Space
from spacebot.spaces.schema.reader import MORE_COMMAND


def commands_of(spaces: Iterable[Space]) -> dict[str, Endpoint]:
    """Every command as a person types it, in the owner's order."""
    return {
        command_name(space, endpoint): endpoint for space in spaces for endpoint in space.endpoints
    }


def command_name(space: Space, endpoint: Endpoint) -> str:
    """A command as a person types it: `/name`, or `/name endpoint` if there are several."""
    if endpoint.further:
        return f"/{space.name} {MORE_COMMAND} endpoint:{endpoint.name}"
    return f"/{space.name}" if len(space.endpoints) == 1 else f"/{space.name} {endpoint.name}"
