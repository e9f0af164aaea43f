"""One-off runs: of a Space that has no command, by /run or Try."""

from __future__ import annotations

from spacebot.models import Endpoint, Space

RUN = "run"
_PREFIX = f"/{RUN} space:"


def one_off_command(space: Space, endpoint: Endpoint) -> str:
    """The command that runs an endpoint once, as a member types it."""
    named = f" endpoint:{endpoint.name}" if len(space.endpoints) > 1 else ""
    return f"{_PREFIX}{space.source.space}{named}"


def is_one_off(command: str) -> bool:
    """Whether a job's command is a one-off run."""
    return command.startswith(_PREFIX)


def listing_server(command: str, guild: object) -> str:
    """The server whose list contains a command that was used in `guild`, if any.

    Empty for one-off runs, and outside servers.
    """
    return "" if is_one_off(command) else str(guild or "")
