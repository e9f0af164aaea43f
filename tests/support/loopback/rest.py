"""The REST side: every request passes the log, the faults, the limits and its route."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from .errors import ApiError, not_found, unauthorized
from .limits import play
from .messages import Files, Payload
from .state import MIB

if TYPE_CHECKING:
    from .server import DiscordServer

REQUEST_LIMIT = 25 * MIB
PREFIX = "/api/v10"
FIELD = re.compile(rb'\b(name|filename)="((?:[^"\\]|\\.)*)"')


class Call:
    """One request on its way through a route: path parts, query, JSON, files."""

    __slots__ = ("files", "json", "parts", "query", "reason", "server")

    def __init__(self, server: DiscordServer, request: web.Request) -> None:
        self.server = server
        self.parts: dict[str, str] = dict(request.match_info)
        self.query = request.query
        self.json: Any = {}
        self.files: Files = {}

    def number(self, name: str) -> int:
        """A path part that is an id; ApiError 50035 if it is none."""
        value = self.parts[name]
        if not value.isdigit():
            errors = {name: {"_errors": [{"code": "NUMBER_TYPE_COERCE", "message": "Not an id"}]}}
            raise ApiError(50035, errors=errors)
        return int(value)


Route = Callable[[Call], Awaitable[Any] | Any]


@dataclass(slots=True)
class Logged:
    """One request in `server.requests`. `at` is monotonic; `seconds` is its duration."""

    method: str
    path: str
    route: str
    status: int
    at: float
    seconds: float
    json: Any = None
    error: Payload | None = None
    answer: bytes | None = None


class Table:
    """Collects routes by decorator: `@table.on("GET", "/users/@me")`."""

    def __init__(self) -> None:
        self.routes: list[tuple[str, str, Route, bool]] = []

    def on(self, method: str, path: str, *, public: bool = False) -> Callable[[Route], Route]:
        """Adds a route; `public` ones need no bot token (webhooks have theirs in the path)."""

        def add(route: Route) -> Route:
            self.routes.append((method, path, route, public))
            return route

        return add


def mount(server: DiscordServer, app: web.Application, *tables: Table) -> None:
    """Adds the routes of all tables to the application."""
    for table in tables:
        for method, path, route, public in table.routes:
            handler = _handler(server, f"{method} {path}", route, public)
            # aiohttp's patterns would not match "@me" and "@original" as ids.
            app.router.add_route(method, PREFIX + path, handler)


def _handler(
    server: DiscordServer, name: str, route: Route, public: bool
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        began = time.monotonic()
        call = Call(server, request)
        response, error = await _answer(server, request, call, name, route, public)
        server.limits.note(response.status)
        path = request.path.removeprefix(PREFIX)
        spent = time.monotonic() - began
        entry = Logged(request.method, path, name, response.status, began, spent, call.json, error)
        if server.keep_answers and isinstance(response.body, bytes):
            entry.answer = response.body
        server.requests.append(entry)
        server.changed()
        return response

    return handle


async def _answer(
    server: DiscordServer, request: web.Request, call: Call, name: str, route: Route, public: bool
) -> tuple[web.Response, Payload | None]:
    headers: dict[str, str] = {}
    try:
        if not public and request.headers.get("Authorization") != f"Bot {server.token}":
            raise unauthorized()
        await read(request, call)
        fault = server.limits.fault_for(request.method, request.path.removeprefix(PREFIX))
        if fault and fault.late:
            await asyncio.sleep(fault.hang)
        elif fault and not fault.after:
            return await _fail(request, fault), None
        rename = name == "PATCH /channels/{channel}" and bool({"name", "topic"} & call.json.keys())
        headers, over = server.limits.take(name, call.parts, rename=rename)
        if over is not None:
            return over, None
        result = route(call)
        if isinstance(result, Awaitable):
            result = await result
        if fault and not fault.late:
            return await _fail(request, fault), None
    except ApiError as exc:
        return answer(exc.body, exc.status, headers), exc.body
    return answer(result, 200, headers), None


async def _fail(request: web.Request, fault: Any) -> web.Response:
    response = await play(fault)
    if fault.status == 0 and request.transport:
        request.transport.abort()
    return response


def answer(body: Any, status: int, headers: dict[str, str]) -> web.Response:
    """A JSON response, or 204 for None."""
    if body is None:
        return web.Response(status=204, headers=headers)
    # discord.py parses JSON only where the type has no charset.
    headers = headers | {"Content-Type": "application/json"}
    return web.Response(body=orjson.dumps(body), status=status, headers=headers)


async def read(request: web.Request, call: Call) -> None:
    """Reads the body of a request into the call: JSON, or a form with files."""
    if not request.can_read_body:
        return
    size = request.content_length or 0
    if size > call.server.request_limit:
        await request.release()
        raise ApiError(40005)
    body = await request.read()
    if len(body) > call.server.request_limit:
        raise ApiError(40005)
    try:
        if request.content_type == "multipart/form-data":
            match = re.search('boundary="?([^";]+)', request.headers["Content-Type"])
            if match:
                _read_form(call, body, match[1].encode())
        elif body:
            call.json = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ApiError(50109, message="The request body contains invalid JSON.") from None


def _read_form(call: Call, body: bytes, boundary: bytes) -> None:
    # aiohttp's multipart reader works line by line in Python; these bodies have megabytes.
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        content = content[:-2]
        about = {key.decode(): text.decode() for key, text in FIELD.findall(head)}
        name = about.get("name", "")
        if name == "payload_json":
            call.json = orjson.loads(content)
        elif match := re.fullmatch(r"files\[(\d+)\]", name):
            filename = re.sub(r"\\(.)", r"\1", about.get("filename", "unknown"))
            call.files[int(match[1])] = (filename, content)


async def nothing(request: web.Request) -> web.Response:
    """Answers a path that does not exist."""
    exc = not_found()
    return answer(exc.body, exc.status, {})
