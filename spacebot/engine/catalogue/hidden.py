"""Which Spaces lists and suggestions leave out."""

from __future__ import annotations

from spacebot.engine.catalogue.catalogue import Catalogue


async def marked_spaces(catalogue: Catalogue, guild: int | None, *, adult: bool) -> frozenset[str]:
    """What a server's moderators marked as age-restricted (see `AddedSpaces.marked`); nothing where
    `adult` Spaces may be shown."""
    if catalogue.added is None or adult:
        return frozenset()
    return await catalogue.added.marked(guild)


async def hidden_spaces(catalogue: Catalogue, guild: int | None, *, adult: bool) -> frozenset[str]:
    """The marked Spaces and those that the owner blocked, also by the names they have now.

    The Hub's search by meaning tells no ids.
    """
    if catalogue.on_demand is None or not catalogue.on_demand.policy.is_open:
        return frozenset()
    blocked = catalogue.on_demand.policy.blocked
    hidden = {*blocked, *blocked.values(), *await marked_spaces(catalogue, guild, adult=adult)}
    names = [one for one in hidden if "/" in one]
    return frozenset(hidden | await catalogue.on_demand.present_names.of(names)) - {""}
