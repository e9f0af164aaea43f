"""The catalogue according to the settings: the owner's Spaces, members' and servers'."""

from __future__ import annotations

from collections.abc import Sequence

from spacebot.engine.accounts import Accounts
from spacebot.engine.built_in import BuiltIn
from spacebot.engine.catalogue.catalogue import Catalogue
from spacebot.engine.on_demand import OnDemandSpaces, ServerSpaces, SpacePolicy
from spacebot.engine.server_spaces import AddedSpaces
from spacebot.engine.store import Store
from spacebot.models import Source
from spacebot.settings import Settings
from spacebot.spaces.client import Network


async def make_catalogue(
    settings: Settings,
    sources: Sequence[Source],
    network: Network,
    store: Store,
    accounts: Accounts,
    *,
    built_in: Sequence[BuiltIn],
) -> Catalogue:
    """Create the catalogue, not yet started."""
    policy = await _policy(settings, store)
    on_demand = OnDemandSpaces(network, store.descriptions, policy)
    return Catalogue(
        sources,
        network,
        folder=settings.data_dir,
        token=settings.hf_token,
        built_in=built_in,
        on_demand=on_demand,
        added=AddedSpaces(on_demand, store.server_spaces, accounts),
    )


async def _policy(settings: Settings, store: Store) -> SpacePolicy:
    """The rules for Spaces that no setting names."""
    policy = SpacePolicy(
        ServerSpaces(settings.server_spaces),
        settings.allowed_spaces,
        runs_per_minute=settings.runs_per_minute,
        spaces_per_server=settings.spaces_per_server,
    )
    await policy.load(store.blocked_spaces)
    return policy
