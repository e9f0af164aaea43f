"""From a wish to Spaces: first those on offer here, then the Hub's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from spacebot.engine.space_finder.hub_ranking import rank
from spacebot.engine.space_finder.kinds import (
    FileKind,
    in_words,
    kind_of,
    kinds_given,
    kinds_named,
    kinds_taken,
)
from spacebot.engine.space_finder.matching import AttachedFile, Match, match_commands, takes
from spacebot.engine.space_finder.words import ordered_stems
from spacebot.errors import SpacebotError, SpaceNotAllowed
from spacebot.errors import kind_of as kind_of_error
from spacebot.models import Endpoint, Space, SpaceListing, is_among
from spacebot.spaces.client import HubClient

log = logging.getLogger(__name__)

MAX_ANSWERS = 10
# While the Hub has Spaces to show, at most this many of the answers are commands.
MAX_COMMANDS = 4


@dataclass(frozen=True, slots=True)
class SpaceQuery:
    """What a member wants, with the name and MIME type of a file if there is one."""

    text: str
    file_name: str = ""
    mime: str | None = None

    @property
    def kind(self) -> FileKind | None:
        """The file's kind."""
        return kind_of(self.file_name, self.mime) if self.file_name else None

    @property
    def file(self) -> AttachedFile | None:
        """The file, to match with endpoints."""
        kind = self.kind
        return AttachedFile(self.file_name, self.mime, kind) if kind else None

    @property
    def for_hub(self) -> str:
        """The query for the Hub: it cannot see the file, so the query names its kind."""
        kind = self.kind
        if kind in (None, FileKind.FILE) or kind in kinds_named(self.text):
            return self.text
        return f"{self.text} {HUB_WORDS[kind]}"


# The words that Spaces on the Hub use.
HUB_WORDS = {
    FileKind.PICTURE: "image",
    FileKind.SOUND: "audio",
    FileKind.VIDEO: "video",
    FileKind.TEXT: "text",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A Space that may fulfil a wish: a command here, or a Space on the Hub.

    `listing` is the Hub's description of it; `takes` and `gives` are empty while its endpoints are
    unknown. Texts are their authors' own.
    """

    space: str
    title: str
    command: str = ""
    endpoint: Endpoint | None = None
    listing: SpaceListing | None = None

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        return in_words(kinds_taken(self.endpoint)) if self.endpoint else ""

    @property
    def gives(self) -> str:
        """What it returns, in words."""
        return in_words(kinds_given(self.endpoint)) if self.endpoint else ""


@dataclass(frozen=True, slots=True)
class Findings:
    """The answers to a wish. `problem` says why the Hub's are missing, if they are."""

    answers: tuple[Answer, ...] = ()
    problem: str = ""


async def _unknown(_: str) -> Space | None:
    return None


class SpaceFinder:
    """Finds Spaces. `known` returns a Space as last read, without contacting it."""

    def __init__(
        self,
        hub: HubClient,
        *,
        allows: Callable[[str, str], bool] = lambda _space, _hub_id: True,
        known: Callable[[str], Awaitable[Space | None]] = _unknown,
    ) -> None:
        self._hub = hub
        self._allows = allows
        self._known = known

    async def find(
        self,
        query: SpaceQuery,
        here: Sequence[Space],
        *,
        adult: bool,
        hidden: Collection[str] = (),
        own: Collection[str] = (),
    ) -> Findings:
        """Up to `MAX_ANSWERS` answers; `here` are the Spaces whose commands are on offer.

        `adult` includes Spaces that are not for all audiences. The `hidden` ones, by name in lower
        case or by id of the Hub, are left out, except the owner's `own`.
        """

        def shows(space: str, hub_id: str) -> bool:
            return space in own or not is_among(hidden, space, hub_id)

        listings, problem = await self._listings(query)
        here = [one for one in here if shows(one.source.space, one.hub_id)]
        listings = [one for one in listings if shows(one.space, one.hub_id)]
        listings = [one for one in listings if adult or not one.nsfw]
        meant = [one.space for one in listings]
        commands = match_commands(here, query.text, query.file, meant, adult=adult)
        offered = {one.source.space for one in here}
        others = [one for one in listings if one.space not in offered]
        of_hub = await self._answers(query, rank(others, query.kind), hidden)
        room = max(MAX_COMMANDS, MAX_ANSWERS - len(of_hub))
        first = [_command_answer(one, listings) for one in commands[:room]]
        return Findings((*first, *of_hub)[:MAX_ANSWERS], problem)

    async def _listings(self, query: SpaceQuery) -> tuple[list[SpaceListing], str]:
        try:
            found = await self._hub.search(query.for_hub, _keywords(query))
        except SpacebotError as error:
            log.warning("Spaces cannot be searched: %s", kind_of_error(error))
            return [], str(error)
        return [one for one in found if self._allows(one.space, one.hub_id)], ""

    async def _answers(
        self, query: SpaceQuery, listings: Sequence[SpaceListing], hidden: Collection[str]
    ) -> list[Answer]:
        """The Hub's answers, without the hidden ones and those known not to take the file."""
        candidates = listings[: 2 * MAX_ANSWERS]
        answering = (self._answer(query, one, hidden) for one in candidates)
        answers = await asyncio.gather(*answering)
        return [one for one in answers if one is not None][:MAX_ANSWERS]

    async def _answer(
        self, query: SpaceQuery, listing: SpaceListing, hidden: Collection[str]
    ) -> Answer | None:
        try:
            known = await self._known(listing.space)
        except SpaceNotAllowed:
            return None
        except SpacebotError:
            known = None
        if known is not None and is_among(hidden, listing.space, known.hub_id):
            return None
        return _hub_answer(listing, known, query.file)


def _keywords(query: SpaceQuery) -> list[str]:
    """The most telling words of a wish: the longest."""
    return sorted(ordered_stems(query.text), key=len, reverse=True)


def _command_answer(match: Match, listings: Sequence[SpaceListing]) -> Answer:
    space = match.space.source.space
    listing = next((one for one in listings if one.space == space), None)
    return Answer(space, match.space.title, match.command, match.endpoint, listing)


def _hub_answer(
    listing: SpaceListing, known: Space | None, file: AttachedFile | None
) -> Answer | None:
    if known is None or not known.endpoints:
        return Answer(listing.space, listing.title, listing=listing)
    fitting = next((one for one in known.endpoints if takes(one, file)), None)
    return fitting and Answer(listing.space, listing.title, endpoint=fitting, listing=listing)
