"""Spaces that no setting names: which ones are allowed, what is known of them, how
to reach them."""

from spacebot.engine.on_demand.hub_names import hub_name, is_hub_name, subdomain_of
from spacebot.engine.on_demand.known import read_described
from spacebot.engine.on_demand.one_off import (
    RUN,
    is_one_off,
    listing_server,
    one_off_command,
)
from spacebot.engine.on_demand.policy import NONE_ALLOWED, ServerSpaces, SpacePolicy
from spacebot.engine.on_demand.spaces import OnDemandSpaces
