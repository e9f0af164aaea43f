"""What all connections share: one HTTP client, one TLS context, one executor."""

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
from aiohttp.abc import ResolveResult
from huggingface_hub import HfApi

P = ParamSpec("P")
T = TypeVar("T")

# A blocking call is a connect, an upload or a join: short, and bounded by timeouts.
# Watching a job takes no thread, so this does not grow with the jobs. Threads are started
# when needed; each Space has its own, so that a slow one keeps no other waiting.
THREADS = 16
# So many of a Space's threads may be uploading; the rest join its queue.
UPLOADS = 8
# Gradio's server ends a connection that was idle for 5 s. Ours are given up before: a job
# that is sent on one just then would be lost, and could not be sent again safely.
KEEP_ALIVE = 4.0


class PublicOnly(aiohttp.ThreadedResolver):
    """Resolves names to addresses of the public internet alone.

    A Space may redirect its files to another host; it must not make the bot
    fetch from the bot's own network.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve `host`, raising `OSError` where any address is not public."""
        found = await super().resolve(host, port, family)
        if not all(is_public(result["host"]) for result in found):
            raise OSError(f"{host} is not on the public internet")
        return found


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet."""
    return ipaddress.ip_address(address).is_global


class Workers:
    """An executor for blocking calls; `uploading` bounds those that may take long."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="spaces")
        self.uploading = asyncio.Semaphore(UPLOADS)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in a thread."""
        loop = asyncio.get_running_loop()
        work: Any = functools.partial(function, *args, **kwargs)
        return await loop.run_in_executor(self._pool, work)

    def close(self) -> None:
        """Let the threads end; what has not begun is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Network:
    """Holds the HTTP clients and threads that all connections share.

    Open it on the event loop with `async with`. `connect` is how many seconds a
    Space that runs may take to be reached, `wake` one that has to be started.
    """

    def __init__(
        self, *, hub: HfApi | None = None, connect: float = 30.0, wake: float = 300.0
    ) -> None:
        self.connect = connect
        self.wake = wake
        self.hub = hub or HfApi()
        # gradio_client builds a context at each call unless it is handed one: 25–36 ms of CPU.
        self.tls: ssl.SSLContext = httpx.create_ssl_context()

    async def __aenter__(self) -> Network:
        self._workers = Workers()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=45)
        self.http = aiohttp.ClientSession(
            timeout=timeout,
            connector=aiohttp.TCPConnector(ssl=self.tls, limit=0, keepalive_timeout=KEEP_ALIVE),
            # Each Space's cookies are sent to it by hand; none may leak to another.
            cookie_jar=aiohttp.DummyCookieJar(),
            # Looked for at each request, proxies cost more than the request.
            trust_env=bool(urllib.request.getproxies()),
        )
        self.public = aiohttp.ClientSession(
            timeout=timeout,
            connector=aiohttp.TCPConnector(ssl=self.tls, resolver=PublicOnly()),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
        await self.public.close()
        self._workers.close()

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function that is no single Space's in a thread."""
        return await self._workers.call(function, *args, **kwargs)
