"""The Spaces that visitors of the try-out named, each visible only to its visitor, in memory."""

from __future__ import annotations

from dataclasses import replace

from spacebot.engine.server_spaces import size_of
from spacebot.errors import AgeRestricted, CannotAnswer
from spacebot.models import Space
from spacebot.spaces.schema.text import unique_name
from spacebot.web.program import Program
from spacebot.weighted_cache import WeightedCache

# For all visitors together: a parsed Space can take megabytes. The oldest are dropped.
MAX_SPACES, MAX_PARTS = 64, 50_000


class VisitorSpaces:
    """What visitors can try: the bot's own Spaces, and those that each of them named."""

    def __init__(self, program: Program, most: int = MAX_SPACES) -> None:
        self._program = program
        self._brought: WeightedCache[tuple[str, str], Space] = WeightedCache(most, MAX_PARTS)

    def of(self, session: str) -> tuple[Space, ...]:
        """The Spaces that the visitor of this session can use."""
        mine = (self._brought.get(key) for key in self._brought if key[0] == session)
        return (*self._program.spaces(), *filter(None, mine))

    async def bring(self, session: str, written: str) -> Space:
        """Read a Space and offer it to this visitor; raises `SpacebotError`."""
        space = await self._program.load(written)
        if space.nsfw:
            raise AgeRestricted
        if not space.endpoints:
            why = f": {space.excluded[0].reason}" if space.excluded else ""
            raise CannotAnswer(f"{space.source.space} has no command to try{why}.")
        key = session, space.source.space
        # Its own name is free for it.
        self._brought.drop(key)
        taken = {one.name for one in self.of(session)}
        space = replace(space, name=unique_name(space.name, taken))
        self._brought.put(key, space, size_of(space))
        return space
