"""What real servers of older protocols sent (`tests/versions/wire.json`), played again.

One call of `/count` of `tests/versions/app.py` with 3, read from `/queue/data`: 4.15.0
sends each partial result whole, the later ones what changed.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from spacebot.models import Source
from spacebot.spaces.client import Connection, Network, Partial, Result
from tests.support.listening import listening
from tests.versions.record import RECORDED

SENT = json.loads(RECORDED.with_name("wire.json").read_text())
PROTOCOLS = {"4.15.0": "sse_v1", "4.19.2": "sse_v2", "4.44.1": "sse_v3"}


def replaying(version: str) -> web.Application:
    """A server that describes itself and answers a job as that version did."""
    said = json.loads(RECORDED.read_text())[version]
    assert said["config"]["protocol"] == PROTOCOLS[version]

    async def data(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for message in SENT[version]:
            await response.write(f"data: {json.dumps(message)}\n\n".encode())
        return response

    def json_of(value: Any) -> Any:
        async def handle(_: web.Request) -> web.Response:
            return web.json_response(value)

        return handle

    app = web.Application()
    app.router.add_get("/config", json_of(said["config"]))
    app.router.add_get("/info", json_of({**said["info"], "unnamed_endpoints": {}}))
    app.router.add_post("/queue/join", json_of({"event_id": "mine"}))
    app.router.add_get("/queue/data", data)
    return app


@pytest.mark.parametrize("version", PROTOCOLS)
async def test_a_stream_grows_word_by_word(version: str):
    async with listening(replaying(version)) as url, Network() as network:
        connection = Connection(Source(url), network)
        try:
            await connection.ready()
            job = connection.run("/count", {"to": 3}, key="ada", stateful=False)
            updates = [update async for update in job]
        finally:
            await connection.close()
    partials = [update.outputs for update in updates if isinstance(update, Partial)]
    assert partials == [["1 "], ["1 2 "], ["1 2 3 "]]
    assert updates[-1] == Result(["1 2 3 "])
