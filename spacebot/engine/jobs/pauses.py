"""The commands that the owner paused, remembered across restarts."""

from __future__ import annotations

import logging
from pathlib import Path

from spacebot import json_file
from spacebot.errors import LimitReached
from spacebot.models import Endpoint

log = logging.getLogger(__name__)

COMMAND_PAUSED = (
    "This command is paused by the owner of the bot. Try again later, or use another one."
)


class PausedEndpoints:
    """The endpoints that accept no jobs for now, stored as JSON in the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._paused = self._load()

    def __contains__(self, endpoint: Endpoint) -> bool:
        return (endpoint.space, endpoint.api_name) in self._paused

    def check(self, endpoint: Endpoint) -> None:
        """Raise `LimitReached` for an endpoint that is paused."""
        if endpoint in self:
            raise LimitReached(COMMAND_PAUSED)

    def set(self, endpoint: Endpoint, *, paused: bool) -> None:
        """Pause or resume an endpoint, from now on and after a restart."""
        key = (endpoint.space, endpoint.api_name)
        self._paused = self._paused | {key} if paused else self._paused - {key}
        json_file.save(self._path, sorted(self._paused))

    def _load(self) -> frozenset[tuple[str, str]]:
        try:
            kept = json_file.load(self._path) or ()
            return frozenset((str(space), str(api_name)) for space, api_name in kept)
        except (OSError, ValueError, TypeError) as error:
            log.warning("Which commands were paused cannot be read: %s", error)
            return frozenset()
