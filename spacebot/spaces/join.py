"""Joining a Space's queue, on the event loop: a small request that hundreds make at once.

gradio_client makes a new connection for it, in a thread: beside a shared
connection on the loop that costs three times the processor time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import httpx
from gradio_client import utils
from gradio_client.exceptions import ValidationError
from gradio_client.utils import QueueError

TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)


async def join(
    http: aiohttp.ClientSession,
    url: str,
    *,
    index: int,
    data: Sequence[Any],
    session: str,
    headers: Mapping[str, str],
) -> str:
    """Put a job in the Space's queue; returns its event id.

    Raises what gradio_client's `send_data` does for a full queue and for values
    that the app refuses, and `aiohttp.ClientError` for the rest. A session is a
    name that the Space keeps state by: it exists once used.
    """
    body = {"data": data, "fn_index": index, "session_hash": session}
    async with http.post(
        url,
        json=body,
        headers={"x-gradio-user": "api", **headers},
        timeout=TIMEOUT,
        # The headers may hold the owner's token: it goes nowhere else.
        allow_redirects=False,
    ) as response:
        if response.status == 503:
            raise QueueError("Queue is full! Please try again.") from _refusal(response)
        if response.status == 422:
            # The words of the app's own check, as gradio_client reads them.
            read = httpx.Response(422, content=await response.read())
            raise ValidationError(utils.extract_validation_message(read) or "they do not fit")
        response.raise_for_status()
        return (await response.json())["event_id"]


def _refusal(response: aiohttp.ClientResponse) -> aiohttp.ClientResponseError:
    return aiohttp.ClientResponseError(
        response.request_info, (), status=response.status, headers=response.headers
    )
