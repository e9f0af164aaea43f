"""The names that Spaces have now, after their authors renamed them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from cachetools import LRUCache

from spacebot.concurrency import TaskSet
from spacebot.errors import SpacebotError
from spacebot.spaces.client import HubClient

log = logging.getLogger(__name__)

# How long a search waits for the Hub, in seconds, and how many names it asks for.
TIMEOUT, MAX_ASKED = 1.0, 100
# After how many seconds the Hub is asked again: after an answer, and after a failure.
NAME_TTL, FAILURE_TTL = 3600.0, 60.0
MAX_NAMES = 10_000


class PresentNames:
    """The present names of Spaces by a name in lower case that each has or had."""

    def __init__(self, hub: HubClient, tasks: TaskSet) -> None:
        self._hub, self._tasks = hub, tasks
        # Each with the time from which the Hub is asked again.
        self._names = LRUCache[str, tuple[str, float]](MAX_NAMES)
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def of(self, names: Iterable[str]) -> set[str]:
        """The present names in lower case, as far as the Hub says in time.

        Those never asked for come first, then those due for longest.
        An earlier answer holds until the Hub gives a new one.
        """
        due = {one: self._due(one) for one in names}
        now = time.monotonic()
        for name in sorted((one for one in due if due[one] <= now), key=due.__getitem__)[
            :MAX_ASKED
        ]:
            self._ask(name)
        if asking := [self._asking[one] for one in due if one in self._asking]:
            await asyncio.wait(asking, timeout=TIMEOUT)
        return {self._names[one][0] for one in due if one in self._names} - {""}

    def _due(self, name: str) -> float:
        return self._names[name][1] if name in self._names else 0.0

    def _ask(self, name: str) -> None:
        if name not in self._asking:
            self._asking[name] = task = self._tasks.start(self._learn(name), f"name {name}")
            task.add_done_callback(lambda _: self._asking.pop(name))

    async def _learn(self, name: str) -> None:
        try:
            found, seconds = await self._hub.present_name(name), NAME_TTL
        except SpacebotError as error:
            log.info("The present name of %s is unknown: %s", name, error)
            found, seconds = self._names.get(name, ("", 0.0))[0], FAILURE_TTL
        self._names[name] = found.casefold(), time.monotonic() + seconds
