"""The Hub's API: searching Spaces, their state, accounts and quotas.

`HubClient` is the one way to it, so that all requests share one budget.
"""

from spacebot.spaces.client.hugging_face.hub_client import HubClient
