"""A proxy in front of a real Space: it records requests, and may change `/config`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from tests.support.listening import listening

HOP = {"content-length", "content-encoding", "transfer-encoding", "connection", "host"}
Change = Callable[[dict[str, Any]], None]


class Proxy:
    """The requests that passed, and changes to what the Space says."""

    def __init__(self, target: str, change: Change) -> None:
        self.target, self.change = target, change
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.answers: dict[str, Callable[[web.Request], web.StreamResponse]] = {}
        self.url = ""

    @property
    def tokens(self) -> set[str]:
        """Every authorization that arrived."""
        names = ("authorization", "x-hf-authorization")
        return {headers[n] for _, _, headers in self.requests for n in names if n in headers}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Forward a request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.path, headers))
        for path, answer in self.answers.items():
            if path in request.path:
                return answer(request)
        passed = {name: value for name, value in headers.items() if name not in HOP}
        async with (
            aiohttp.ClientSession(auto_decompress=True) as http,
            http.request(
                request.method,
                self.target + request.path_qs,
                headers=passed | {"accept-encoding": "identity"},
                data=await request.read() or None,
            ) as answer,
        ):
            return await self._answer(request, answer)

    async def _answer(
        self, request: web.Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
        if request.path == "/config":
            config = json.loads(await answer.read())
            self.change(config)
            text = json.dumps(config).replace(self.target, self.url)
            return web.Response(text=text, content_type="application/json")
        response = web.StreamResponse(status=answer.status, headers=kept)
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        return response


@asynccontextmanager
async def before(target: str, change: Change = lambda _: None) -> AsyncIterator[Proxy]:
    """Stand in front of the Space at `target`."""
    proxy = Proxy(target, change)
    app = web.Application(client_max_size=200 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    async with listening(app) as proxy.url:
        yield proxy
