"""The Hub's API: searching Spaces, their state, accounts and quotas.

All requests go through `HubClient`, so that they share one budget.
"""

from spacebot.spaces.client.hugging_face.hub_client import HubClient
