"""Discord's 429s: until when it accepts no requests, and how to say so.

discord.py sleeps through most of them inside the request, so nobody else learns of them: every
response is checked here, through aiohttp's tracing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
import yarl
from discord.http import HTTPClient

from spacebot.discord_bot.discord_internals import Call, wrap_gateway_connect
from spacebot.engine import job_text
from spacebot.spaces.client import retry_after

# The longest rate limit that discord.py may sleep through while it logs in, in seconds; during a
# longer one, the bot waits without a connection.
MAX_LOGIN_SLEEP = 60.0
# Cloudflare's page (error 1015) may not say how long it blocks an address.
DEFAULT_BLOCK = 900.0
# Only a broken response asks for a longer pause: by then the block may be over.
MAX_BLOCK = 86_400.0

RATE_LIMITED = "Discord accepts no requests from {where} for now (error 429, too many requests)."
UNTIL_KNOWN = "It says to wait until {until}; Spacebot then tries again by itself."
UNTIL_UNKNOWN = "It does not say until when; Spacebot tries again at {until}."
WHERE, WHERE_PROXY = "this host's address", "the proxy's address"
SHARED_ADDRESS = (
    "Other bots may share the address, as they do on Hugging Face Spaces and other free hosts, so "
    "the cause may not be yours. To connect sooner, set DISCORD_PROXY to a proxy with another "
    "address."
)
SHARED_PROXY = (
    "Other bots may use the same proxy, so the cause may not be yours. To connect sooner, choose "
    "another proxy."
)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A 429. `until` is epoch seconds; `told` says that Discord named that time.

    `everywhere` is true for a block of the address, which affects the whole host.
    """

    until: float
    is_stated: bool
    everywhere: bool

    @property
    def seconds_left(self) -> float:
        """The seconds until requests are accepted again."""
        return max(0.0, self.until - time.time())


class RateLimitMonitor:
    """Watches a client's responses for 429s, and keeps it off the gateway during a block."""

    def __init__(self, *, proxy: bool) -> None:
        self._proxy = proxy
        self.trace = aiohttp.TraceConfig()
        self.trace.on_request_end.append(self._ended)
        # By the requested address, or the host's if all of it is blocked.
        self._limits: dict[yarl.URL, RateLimit] = {}

    @property
    def limit(self) -> RateLimit | None:
        """The longest limit in force, if there is one."""
        return max(self._in_force(), key=lambda limit: limit.until, default=None)

    @property
    def block(self) -> RateLimit | None:
        """The longest block of this host's address in force, if there is one."""
        blocks = (limit for limit in self._in_force() if limit.everywhere)
        return max(blocks, key=lambda limit: limit.until, default=None)

    def _in_force(self) -> list[RateLimit]:
        self._limits = {url: limit for url, limit in self._limits.items() if limit.seconds_left}
        return list(self._limits.values())

    def sentence(self, limit: RateLimit) -> str:
        """Until when, why, and what can be done."""
        wait = (UNTIL_KNOWN if limit.is_stated else UNTIL_UNKNOWN).format(
            until=job_text.clock_time(limit.until)
        )
        limited = RATE_LIMITED.format(where=WHERE_PROXY if self._proxy else WHERE)
        return f"{limited} {wait} {SHARED_PROXY if self._proxy else SHARED_ADDRESS}"

    def guard(self, http: HTTPClient, started: Callable[[], bool]) -> None:
        """Have `http` open no gateway connection during a block.

        Until the client has `started`, `discord.RateLimited` ends the attempt. Later on
        the session may still be resumed, so `Client.connect` keeps trying.
        """

        def wrap(connect: Call) -> Call:
            async def ws_connect(url: str, *, compress: int = 0) -> Any:
                host = yarl.URL(url).origin()
                if blocked := self._limits.get(host):
                    await asyncio.sleep(blocked.seconds_left)
                try:
                    return await connect(url, compress=compress)
                except aiohttp.WSServerHandshakeError as error:
                    blocked = self._limits.get(host)
                    if not blocked or started():
                        raise
                    raise discord.RateLimited(blocked.seconds_left) from error

            return ws_connect

        wrap_gateway_connect(http, wrap)

    async def _ended(
        self, _: aiohttp.ClientSession, __: Any, ended: aiohttp.TraceRequestEndParams
    ) -> None:
        response, host = ended.response, ended.url.origin()
        if response.status == 429:
            limit = read(response.headers, await response.read())
            self._limits[host if limit.everywhere else ended.url] = limit
        else:
            self._limits.pop(host, None)
            self._limits.pop(ended.url, None)


def read(headers: Mapping[str, str], body: bytes) -> RateLimit:
    """The content of a 429. Discord's own is JSON and has a Via header; a block of the address has
    neither."""
    answer = _object(body)
    wait = max(retry_after(headers.get("Retry-After", "")), _seconds(answer.get("retry_after")))
    everywhere = not answer or "Via" not in headers
    until = time.time() + min(wait or DEFAULT_BLOCK, MAX_BLOCK)
    return RateLimit(until, is_stated=bool(wait), everywhere=everywhere)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(value: Any) -> float:
    # In this order, NaN becomes 0 and an integer too large for a float is no error.
    return max(0.0, min(value, MAX_BLOCK)) if isinstance(value, int | float) else 0.0
