"""Whether Discord can be reached from this host: its API, and its gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import yarl

from spacebot.models import Reach

SECONDS = 10.0
# Anyone may ask for a probe, so they are at least this many seconds apart.
APART = 15.0


class Lookout:
    """Probes the way to Discord, and remembers what was `seen` last."""

    def __init__(self, probe: Callable[[], Coroutine[Any, Any, Reach]]) -> None:
        self._probe = probe
        self._looking: asyncio.Task[Reach] | None = None
        self.seen: Reach | None = None

    def look(self) -> asyncio.Task[Reach]:
        """Probe; whoever asks while a probe is under way shares it."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="look at the way to Discord")
        return self._looking

    async def _look(self) -> Reach:
        if self.seen is None or time.time() - self.seen.at > APART:
            self.seen = await self._probe()
        return self.seen


async def probe(api: str, gateway: str = "", *, proxy: str = "") -> Reach:
    """Ask the API where the gateway is, and greet the gateway; needs no token.

    `api` is the API's base address. `gateway` is used where the API does not tell.
    """
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        found, api_problem = await _ask(session, api, proxy)
        gateway_problem = await _greet(session, found or gateway, proxy)
    return Reach(api_problem, gateway_problem, time.time(), bool(proxy))


async def _ask(session: aiohttp.ClientSession, api: str, proxy: str) -> tuple[str, str]:
    """The gateway's address as the API tells it, and what went wrong."""
    try:
        async with session.get(f"{api}/gateway", proxy=proxy or None) as answer:
            if answer.status == 200:
                return str((await answer.json())["url"]), ""
            return "", f"it answered with the error {answer.status}"
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
        return "", cause(error)


async def _greet(session: aiohttp.ClientSession, gateway: str, proxy: str) -> str:
    url = yarl.URL(gateway).update_query(v="10", encoding="json")
    try:
        async with asyncio.timeout(SECONDS), session.ws_connect(url, proxy=proxy or None) as socket:
            hello = await socket.receive_json()
            return "" if hello.get("op") == 10 else "it did not say hello"
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, TypeError) as error:
        return cause(error)


def cause(error: BaseException) -> str:
    """What kept us from a host, in words; never the proxy's address, which may hold a password."""
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused with {error.status}"
        case aiohttp.ClientProxyConnectionError():
            return "the proxy does not answer"
        case aiohttp.ClientConnectorDNSError():
            return "its name is not found"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return "its certificate is not accepted; something on the way may be reading along"
        case aiohttp.WSServerHandshakeError():
            return f"it answered with the error {error.status}"
        case TimeoutError():
            return f"no answer within {SECONDS:.0f} s"
        case ConnectionRefusedError():
            return "the connection was refused"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return "the connection was refused"
        case aiohttp.ClientConnectorError():
            return "there is no way there from this network"
        case aiohttp.ClientError() | OSError():
            return "the connection broke"
        case _:
            return "it did not answer as Discord does"
