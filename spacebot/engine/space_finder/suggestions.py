"""Completing the name of a Space while a member types it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from spacebot.errors import SpacebotError
from spacebot.models import Choice, SpaceListing
from spacebot.spaces.client import HubClient
from spacebot.spaces.inputs.components.base import MAX_CHOICE_LENGTH, MAX_CHOICES
from spacebot.wording import clip

log = logging.getLogger(__name__)

MAX_SUGGESTIONS = MAX_CHOICES
# Discord shows no suggestions after 3 s, and whoever types has moved on by then.
HUB_TIMEOUT = 0.8
# Below so many letters the Hub would name anything.
MIN_LETTERS = 2


async def suggest_spaces(
    hub: HubClient,
    text: str,
    own: Iterable[str],
    *,
    allows: Callable[[str], bool] = lambda _: True,
    adult: bool = False,
) -> list[Choice]:
    """Spaces whose names hold `text`: of `own` first, then the Hub's, within a second.

    What the Hub says too late serves the next letter. `adult` includes what is not for all
    audiences.
    """
    typed = text.strip().casefold()
    mine = [one for one in dict.fromkeys(own) if typed in one.casefold()]
    found = {one: Choice(clip(one, MAX_CHOICE_LENGTH), one) for one in mine}
    if len(typed) >= MIN_LETTERS and len(found) < MAX_SUGGESTIONS:
        for listing in await _named(hub, typed):
            if allows(listing.space) and (adult or not listing.nsfw):
                found.setdefault(listing.space, _choice(listing))
    return list(found.values())[:MAX_SUGGESTIONS]


async def _named(hub: HubClient, typed: str) -> list[SpaceListing]:
    try:
        async with asyncio.timeout(HUB_TIMEOUT):
            return await hub.named(typed)
    except (SpacebotError, TimeoutError) as error:
        log.debug("no Space could be suggested: %s", type(error).__name__)
        return []


def _choice(listing: SpaceListing) -> Choice:
    state = " · asleep" if listing.sleeps else ""
    label = f"{listing.space} · {listing.title} · ♥ {listing.likes}{state}"
    return Choice(clip(label, MAX_CHOICE_LENGTH), listing.space)
