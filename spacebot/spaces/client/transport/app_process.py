"""Which process of a Space answers: only that process remembers its sessions."""

from __future__ import annotations

import aiohttp

from spacebot.errors import SpaceUnreadable
from spacebot.spaces.client.client import SpaceClient, request_headers
from spacebot.spaces.client.transport.bounded_reading import (
    MAX_INLINE_BYTES,
    parse_json,
    read_answer,
)

# How long a Space may take to identify its process, in seconds.
ALIVE_TIMEOUT = 10.0


async def is_same_process(http: aiohttp.ClientSession, client: SpaceClient) -> bool:
    """Whether the process we connected to still runs: its `app_id` is random."""
    try:
        async with http.get(
            client.src_prefixed + "app_id",
            headers=request_headers(client),
            timeout=aiohttp.ClientTimeout(total=ALIVE_TIMEOUT),
            allow_redirects=False,
        ) as response:
            if response.status != 200:
                # A Gradio older than the route; or a rate limit, which says nothing.
                return response.status in (404, 429)
            known = client.config.get("app_id")
            # Up to 3.3x, the config does not say.
            return (
                known is None
                or parse_json(await read_answer(response, MAX_INLINE_BYTES))["app_id"] == known
            )
    except (aiohttp.ClientError, TimeoutError, LookupError, TypeError, SpaceUnreadable):
        return False
