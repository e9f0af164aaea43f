"""Shared by all connections: one HTTP client, one TLS context, one executor, one Hub."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import aiohttp
import httpx
from huggingface_hub import HfApi

from spacebot.spaces.client.hugging_face import HubClient

P = ParamSpec("P")
T = TypeVar("T")
# Family, kind, protocol, canonical name, and the address itself.
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]

# A blocking call is a connect, an upload or a join: short, and limited by timeouts. Watching a job
# takes no thread, so this does not grow with the jobs. Threads start when needed; each Space has
# its own, so a slow Space delays no other.
MAX_THREADS = 16
# How many of a Space's threads may be uploading; the rest join its queue.
MAX_CONCURRENT_UPLOADS = 8
# Gradio's server closes a connection that was idle for 5 s. We close ours earlier: a job sent on a
# connection that is just closing would be lost, and could not safely be sent again.
KEEP_ALIVE_SECONDS = 4.0
# When a silent connection is first probed, how often then, and how many may go unanswered.
PROBES = {"TCP_KEEPIDLE": 30, "TCP_KEEPALIVE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


def probed_socket(address: AddressInfo) -> socket.socket:
    """A socket whose kernel checks now and then that the other end is still there.

    A job's stream may be silent for long, and so is a NAT that forgot it or a host that lost power:
    after a minute of unanswered probes, reading fails.
    """
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in PROBES.items():
        # macOS has another name for the first one.
        if (option := getattr(socket, name, None)) is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


def public_socket(address: AddressInfo) -> socket.socket:
    """A socket for a connection to the public internet; raises `OSError` for any other.

    It is called with each address just before connecting, whatever name or notation led to it.
    """
    family, kind, protocol, _, where = address
    if not is_public(str(where[0])):
        raise PermissionError("not on the public internet")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


def is_public(address: str) -> bool:
    """Whether an IP address, and any embedded in it, belongs to the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if not ip.is_global or ip.is_multicast or getattr(ip, "is_site_local", False):
        return False
    inner = _embedded_ipv4(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    return inner is None or is_public(str(inner))


def _embedded_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to through a gateway, if any."""
    # NAT64 (RFC 6052, 8215), and addresses that only write an IPv4 address differently.
    if any(ip in net for net in TRANSLATED_NETWORKS):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


TRANSLATED_NETWORKS = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))


class SpaceExecutor:
    """An executor for blocking calls; `uploading` limits those that may take long."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="spaces")
        self.uploading = asyncio.Semaphore(MAX_CONCURRENT_UPLOADS)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in a thread."""
        loop = asyncio.get_running_loop()
        work: Any = functools.partial(function, *args, **kwargs)
        return await loop.run_in_executor(self._pool, _finished, work)

    def close(self) -> None:
        """Let the threads end; drop calls that have not begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _finished(work: Callable[[], T]) -> T:
    """Run `work`, replacing a `StopIteration`: no future accepts it, so its caller would wait
    forever."""
    try:
        return work()
    except StopIteration as error:
        raise LookupError("something that the Space names is missing") from error


class Network:
    """Holds the HTTP clients and threads that all connections share.

    Open it on the event loop with `async with`. `connect` is how many seconds reaching a running
    Space may take, `wake` reaching a Space that must be started.
    """

    def __init__(
        self, *, hub: HfApi | None = None, connect: float = 30.0, wake: float = 300.0
    ) -> None:
        self.connect = connect
        self.wake = wake
        self.hub = HubClient(hub)
        # Unless handed one, gradio_client builds a context at each call: 25–36 ms of CPU.
        self.tls: ssl.SSLContext = httpx.create_ssl_context()

    async def __aenter__(self) -> Network:
        self._executor = SpaceExecutor()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=45)
        self.http = aiohttp.ClientSession(
            timeout=timeout,
            connector=aiohttp.TCPConnector(
                ssl=self.tls,
                limit=0,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                socket_factory=probed_socket,
            ),
            # `reading` unpacks responses, within limits.
            auto_decompress=False,
            headers={"Accept-Encoding": "gzip"},
            # Each Space's cookies are sent to it explicitly; none may leak to another.
            cookie_jar=aiohttp.DummyCookieJar(),
            # Looking up proxies at each request costs more than the request.
            trust_env=bool(urllib.request.getproxies()),
        )
        self.public = aiohttp.ClientSession(
            timeout=timeout,
            connector=aiohttp.TCPConnector(ssl=self.tls, socket_factory=public_socket),
            auto_decompress=False,
            headers={"Accept-Encoding": "gzip"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
        await self.public.close()
        self._executor.close()
        self.hub.close()

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function that belongs to no single Space in a thread."""
        return await self._executor.call(function, *args, **kwargs)
