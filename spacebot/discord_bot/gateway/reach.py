"""Whether this host can reach Discord: its API, and its gateway."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import yarl
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from aiohttp_socks import (
    ProxyConnectionError,
    ProxyConnector,
    ProxyError,
    ProxyTimeoutError,
    ProxyType,
)
from discord.gateway import DiscordWebSocket
from discord.http import Route

from spacebot.models import Reachability

PROBE_TIMEOUT = 10.0
# Anyone may ask for a probe, so probes are at least this many seconds apart.
MIN_PROBE_INTERVAL = 15.0
# A scheme → the protocol, and whether the proxy resolves names. A network that blocks Discord often
# has a lying DNS, so SOCKS5 always has the proxy resolve; plain SOCKS4 cannot.
SOCKS_TYPES = {
    "socks4": (ProxyType.SOCKS4, False),
    "socks4a": (ProxyType.SOCKS4, True),
    "socks5": (ProxyType.SOCKS5, True),
    "socks5h": (ProxyType.SOCKS5, True),
}
SOCKS_PORT = 1080
UNTRUSTED_CERTIFICATE = (
    "its certificate is not trusted; something may be intercepting the connection"
)


class ReachabilityMonitor:
    """Probes the connection to Discord, and remembers what was `seen` last."""

    def __init__(self, probe: Callable[[], Coroutine[Any, Any, Reachability]]) -> None:
        self._probe = probe
        self._looking: asyncio.Task[Reachability] | None = None
        self.seen: Reachability | None = None

    def look(self) -> asyncio.Task[Reachability]:
        """Probe; callers during a probe share its result."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(
                self._look(), name="probe the connection to Discord"
            )
        return self._looking

    async def _look(self) -> Reachability:
        if self.seen is None or time.time() - self.seen.at > MIN_PROBE_INTERVAL:
            self.seen = await self._probe()
        return self.seen


class ProxyFailed(aiohttp.ClientConnectionError):
    """A SOCKS proxy does not answer, or refuses; its message says which."""


class SocksConnector(ProxyConnector):
    """Connects through a SOCKS proxy; fails like aiohttp, so that it is retried."""

    @classmethod
    def to(cls, proxy: str) -> SocksConnector:
        """A connector through the proxy at an address like "socks5://user:password@host"."""
        url = yarl.URL(proxy)
        kind, resolves = SOCKS_TYPES[url.scheme]
        return cls(
            url.host or "",
            url.port or SOCKS_PORT,
            kind,
            url.user,
            url.password,
            rdns=resolves,
            limit=0,
        )

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        """A connection to the request's host; raises `ProxyFailed`."""
        try:
            return await super().connect(req, traces, timeout)
        except ProxyError as error:
            raise ProxyFailed(f"the proxy refused: {error}") from error
        except (ProxyConnectionError, ProxyTimeoutError) as error:
            raise ProxyFailed("the proxy does not answer") from error


def choose_connector(proxy: str) -> tuple[aiohttp.BaseConnector | None, str | None]:
    """How to reach Discord: a connector for a SOCKS proxy, or the address of an HTTP one."""
    if yarl.URL(proxy).scheme in SOCKS_TYPES:
        return SocksConnector.to(proxy), None
    return None, proxy or None


async def probe(
    api: str, gateway: str = "", *, proxy: str = "", named: str = "DISCORD_PROXY"
) -> Reachability:
    """Ask the API for the gateway, and greet the gateway; needs no token.

    `api` is the API's base address. `gateway` is used if the API does not answer; `named` is the
    setting that names the proxy.
    """
    timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT)
    connector, address = choose_connector(proxy)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        found, api_problem = await _ask(session, api, address)
        gateway_problem = await _greet(session, found or gateway, address)
    return Reachability(api_problem, gateway_problem, time.time(), named if proxy else "")


async def _ask(session: aiohttp.ClientSession, api: str, proxy: str | None) -> tuple[str, str]:
    """The gateway's address according to the API, and what went wrong."""
    try:
        async with session.get(f"{api}/gateway", proxy=proxy) as answer:
            if answer.status == 200:
                return str((await answer.json())["url"]), ""
            return "", f"it answered with the error {answer.status}"
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
        return "", describe_cause(error)


async def _greet(session: aiohttp.ClientSession, gateway: str, proxy: str | None) -> str:
    url = yarl.URL(gateway).update_query(v="10", encoding="json")
    try:
        async with asyncio.timeout(PROBE_TIMEOUT), session.ws_connect(url, proxy=proxy) as socket:
            hello = await socket.receive_json()
            return "" if hello.get("op") == 10 else "it did not say hello"
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, TypeError) as error:
        return describe_cause(error)


def describe_cause(error: BaseException) -> str:
    """Why a host cannot be reached; never the proxy's address, which may contain a password."""
    match error:
        case ProxyFailed():
            return str(error)
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused with {error.status}"
        case aiohttp.ClientProxyConnectionError():
            return "the proxy does not answer"
        case aiohttp.ClientConnectorDNSError():
            return "its host name cannot be resolved"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return UNTRUSTED_CERTIFICATE
        # This is how TLS fails through a SOCKS proxy.
        case aiohttp.ClientOSError() if isinstance(error.__cause__, ssl.SSLError):
            return UNTRUSTED_CERTIFICATE
        case aiohttp.WSServerHandshakeError():
            return f"it answered with the error {error.status}"
        case TimeoutError():
            return f"no answer within {PROBE_TIMEOUT:.0f} s"
        case ConnectionRefusedError():
            return "the connection was refused"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return "the connection was refused"
        case aiohttp.ClientConnectorError():
            return "there is no route to it from this network"
        case aiohttp.ClientError() | OSError():
            return "the connection broke"
        case _:
            return "it did not answer as Discord does"


async def reached(proxy: str, named: str) -> Reachability:
    """Whether Discord can be reached from here, through the proxy if there is one."""
    gateway = str(DiscordWebSocket.DEFAULT_GATEWAY)
    return await probe(Route.BASE, gateway, proxy=proxy, named=named)
