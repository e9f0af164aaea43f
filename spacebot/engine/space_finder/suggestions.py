"""Completing the name of a Space as a member types it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from spacebot.errors import SpacebotError
from spacebot.models import Choice, SpaceListing, is_among
from spacebot.spaces.client import HubClient
from spacebot.spaces.inputs.components.base import MAX_CHOICE_LENGTH, MAX_CHOICES
from spacebot.wording import clip

log = logging.getLogger(__name__)

MAX_SUGGESTIONS = MAX_CHOICES
# Discord shows no suggestions after 3 s, and by then the person has typed more.
SUGGESTION_TIMEOUT = 0.8
# For fewer letters, the Hub would match anything.
MIN_LETTERS = 2


async def no_names() -> Sequence[str]:
    """No Spaces."""
    return ()


async def suggest_spaces(
    hub: HubClient,
    text: str,
    own: Iterable[str] = (),
    *,
    added: Awaitable[Iterable[str]] | None = None,
    allows: Callable[[str, str], bool] = lambda _space, _hub_id: True,
    adult: bool = False,
    marked: Collection[str] = (),
) -> list[Choice]:
    """Spaces whose names contain `text`, each once: `added` ones, `own` ones, then the Hub's.

    It takes at most a second: a late answer from the Hub serves the next keystroke. `adult`
    includes Spaces that are not for all audiences. Of the Hub's, the `marked` ones are left out, by
    name in lower case or by id.
    """
    typed = text.strip().casefold()
    first, listed = await asyncio.gather(added or no_names(), _named(hub, typed))
    found: dict[str, Choice] = {}
    for one in (*first, *own):
        if typed in one.casefold():
            found.setdefault(one.casefold(), Choice(clip(one, MAX_CHOICE_LENGTH), one))
    for listing in listed:
        hub_id = listing.hub_id
        hidden = is_among(marked, listing.space, hub_id) or (listing.nsfw and not adult)
        if allows(listing.space, hub_id) and not hidden:
            found.setdefault(listing.space.casefold(), _choice(listing))
    return list(found.values())[:MAX_SUGGESTIONS]


async def _named(hub: HubClient, typed: str) -> list[SpaceListing]:
    """The Hub's Spaces with this name, if it answers in time."""
    if len(typed) < MIN_LETTERS:
        return []
    try:
        async with asyncio.timeout(SUGGESTION_TIMEOUT):
            return await hub.named(typed)
    except (SpacebotError, TimeoutError) as error:
        log.debug("no Space could be suggested: %s", type(error).__name__)
        return []


def _choice(listing: SpaceListing) -> Choice:
    state = " · asleep" if listing.sleeps else ""
    label = f"{listing.space} · {listing.title} · ♥ {listing.likes}{state}"
    return Choice(clip(label, MAX_CHOICE_LENGTH), listing.space)
