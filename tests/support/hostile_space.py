"""A server on loopback that speaks Gradio's protocols and may send anything.

A real Gradio refuses to send what a hostile Space would: here each answer is the test's own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from aiohttp import web

from tests.support.listening import listening

DONE = "process_completed"


def config(
    protocol: str, inputs: Sequence[tuple[str, Mapping[str, Any]]], output: str = "json"
) -> dict[str, Any]:
    """A `/config` with one endpoint, `/take`, of these components and props."""
    components = [
        {"id": number, "type": kind, "props": {"name": kind, "label": f"In {number}", **props}}
        for number, (kind, props) in enumerate(inputs)
    ]
    components.append({"id": 99, "type": output, "props": {"name": output, "label": "Out"}})
    button = {"id": 100, "type": "button", "props": {"name": "button", "value": "Take"}}
    dependency = {
        "id": 0,
        "targets": [[100, "click"]],
        "inputs": list(range(len(inputs))),
        "outputs": [99],
        "api_name": "take",
        "api_visibility": "public",
        "backend_fn": True,
        "queue": True,
        "cancels": [],
        "types": {"generator": False, "cancel": False},
    }
    return {
        "version": "6.31.0",
        "api_prefix": "/gradio_api",
        "mode": "blocks",
        "app_id": 1,
        "protocol": protocol,
        "title": "Take",
        "components": [*components, button],
        "dependencies": [dependency],
        "layout": {"id": 101, "children": [{"id": one["id"]} for one in (*components, button)]},
    }


def info(inputs: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The `/info` that goes with `config`."""
    parameters = [
        {
            "label": f"In {number}",
            "parameter_name": f"in_{number}",
            "parameter_has_default": "value" in props,
            "parameter_default": props.get("value"),
            "type": {"type": {}},
            "python_type": {"type": "Any", "description": ""},
            "component": kind.capitalize(),
            "example_input": None,
        }
        for number, (kind, props) in enumerate(inputs)
    ]
    returns = [{"label": "Out", "type": {}, "python_type": {"type": "Any"}, "component": "Json"}]
    take = {"parameters": parameters, "returns": returns, "api_visibility": "public"}
    return {"named_endpoints": {"/take": take}, "unnamed_endpoints": {}}


class HostileSpace:
    """`bodies` is what it received; `events` what it sends for each job, as objects or bytes.

    `answers` replaces what is answered under a path, by its last part. `asked` counts paths.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.asked: list[str] = []
        self.config: Any = config("sse_v3", [("textbox", {})])
        self.info: Any = info([("textbox", {})])
        self.events: list[Any] = [{"msg": DONE, "success": True, "output": {"data": ["ok"]}}]
        self.answers: dict[str, Any] = {}
        self.url = ""
        self._joined = asyncio.Event()

    def takes(self, protocol: str, inputs: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Describe one endpoint with these inputs."""
        self.config, self.info = config(protocol, inputs), info(inputs)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer like Gradio, or as the test says."""
        body = await request.read()
        self.asked.append(request.path)
        self.bodies.append(body)
        last = request.path.rpartition("/")[2]
        if last in self.answers:
            answer = self.answers[last]
            if callable(answer):
                answer = await cast(Any, answer)(request)
            return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)
        match last:
            case "config":
                return _json(self.config)
            case "info":
                return _json(self.info)
            case "app_id":
                return web.json_response({"app_id": 1})
            case "upload":
                return web.json_response(["/tmp/gradio/uploaded"])
            case "join" if request.method == "POST":
                return web.json_response({"event_id": "event"})
            case "join":
                return await self._stream(request, [{"msg": "send_data"}], wait=True)
            case "data" if request.method == "POST":
                self._joined.set()
                return web.json_response({"event_id": "event"})
            case "data":
                return await self._stream(request)
            case _:
                return web.Response(body=b"x")

    async def _stream(
        self, request: web.Request, first: Sequence[Any] = (), *, wait: bool = False
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in first:
            await response.write(_event(event))
        if wait:
            await self._joined.wait()
            self._joined.clear()
        for event in self.events:
            await response.write(_event(event))
        await response.write(_event({"msg": "close_stream", "event_id": None}))
        return response


def _json(value: Any) -> web.Response:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return web.Response(body=text, content_type="application/json")


def _event(event: Any) -> bytes:
    if isinstance(event, bytes):
        return event
    return b"data: " + json.dumps({"event_id": "event", **event}).encode() + b"\n\n"


@asynccontextmanager
async def hostile() -> AsyncIterator[HostileSpace]:
    """Serve one on loopback."""
    space = HostileSpace()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", space.handle)
    async with listening(app) as space.url:
        yield space
