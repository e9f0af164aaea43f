"""The Spaces that visitors of the try-out brought, each for its visitor alone, in memory."""

from __future__ import annotations

from dataclasses import replace

from spacebot.engine.server_spaces import size_of
from spacebot.errors import AgeRestricted, CannotAnswer
from spacebot.models import Space
from spacebot.web.program import Program
from spacebot.weighted_cache import WeightedCache

# Of all visitors together: a parsed Space can take megabytes. The oldest go first.
MAX_SPACES, MAX_PARTS = 64, 50_000
# Discord's limit for a command's name.
MAX_NAME_LENGTH = 32


class VisitorSpaces:
    """What visitors can try: the bot's own Spaces, and those that each of them brought."""

    def __init__(self, program: Program, most: int = MAX_SPACES) -> None:
        self._program = program
        self._brought: WeightedCache[tuple[str, str], Space] = WeightedCache(most, MAX_PARTS)

    def of(self, session: str) -> tuple[Space, ...]:
        """What the visitor of this session can use."""
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
        space = replace(space, name=self._free_name(session, space.name))
        self._brought.put(key, space, size_of(space))
        return space

    def _free_name(self, session: str, name: str) -> str:
        """A command name that no other Space of the visitor has."""
        taken = {space.name for space in self.of(session)}
        found, number = name, 2
        while found in taken:
            end = f"-{number}"
            found, number = f"{name[: MAX_NAME_LENGTH - len(end)]}{end}", number + 1
        return found
