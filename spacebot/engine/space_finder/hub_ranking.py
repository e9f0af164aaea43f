"""The Hub's Spaces, ordered by how well they fit a wish and its file."""

from __future__ import annotations

from collections.abc import Sequence

from spacebot.engine.space_finder.kinds import FileKind, kinds_named
from spacebot.models import SpaceListing

# How many places lower a sleeping Space ranks.
ASLEEP = 2


def rank(listings: Sequence[SpaceListing], kind: FileKind | None) -> list[SpaceListing]:
    """Spaces by closeness to the wish, those that mention the file's kind first.

    If some do, those that mention only other kinds are left out.
    """
    groups = {one.space: _distance(one, kind) for one in listings}
    if 0 in groups.values():
        listings = [one for one in listings if groups[one.space] < 2]
    places = {one.space: place + ASLEEP * one.sleeps for place, one in enumerate(listings)}
    return sorted(listings, key=lambda one: (groups[one.space], places[one.space]))


def _distance(listing: SpaceListing, kind: FileKind | None) -> int:
    """0: it mentions this kind; 1: no kind; 2: other kinds."""
    if kind in (None, FileKind.FILE):
        return 0
    said = (listing.title, listing.category, listing.description, *listing.tags)
    named = kinds_named(" ".join((listing.space, *said)))
    return 0 if kind in named else 2 if named else 1
