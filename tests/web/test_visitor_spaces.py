"""The Spaces that visitors of the try-out bring use bounded memory."""

from __future__ import annotations

from typing import Any, cast

from spacebot.models import Choice, Endpoint, Parameter, Source, Space
from spacebot.web.tryout.visitor_spaces import MAX_PARTS, VisitorSpaces


class Reader:
    """Returns Spaces with many choices."""

    def spaces(self) -> tuple[Space, ...]:
        """The bot's own: none."""
        return ()

    async def load(self, written: str) -> Space:
        """A Space that uses more than half of the limit for all."""
        choices = (Choice("a", "a"),) * (MAX_PARTS // 2 + 1)
        parameter = Parameter("style", "Style", "dropdown", choices=choices)
        endpoint = Endpoint(written, "/run", "run", "", (parameter,), ())
        return Space(Source(written), "large", "Large", endpoints=(endpoint,))


async def test_large_spaces_of_visitors_go_the_oldest_first() -> None:
    spaces = VisitorSpaces(cast(Any, Reader()))
    for number in range(3):
        await spaces.bring("a visitor", f"owner/{number}")
    assert [space.source.space for space in spaces.of("a visitor")] == ["owner/2"]
