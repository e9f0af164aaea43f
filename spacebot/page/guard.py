"""Checks every request before anything parses it: host, path, size, origin, content type.

The page has few routes of its own, but Gradio brings dozens that would read a body of any
size. What is not listed in `BODIES` gets no body at all.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spacebot.page import headers
from spacebot.page.access import ELSEWHERE, Access, is_own

KIBIBYTE, MEBIBYTE = 1024, 1024 * 1024
API = "/gradio_api/"
# What tells a client that there is nothing to call, and what Gradio itself asks as it starts.
OPEN = frozenset({"info", "app_id", "startup-events"})
READS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM, FILES = "application/x-www-form-urlencoded", "multipart/form-data"
# The slowest sender that is waited for, in bytes a second, after a start of so many seconds.
SLOWEST, PATIENCE = 32 * KIBIBYTE, 15.0

NOTHING = "There is nothing to call here."
SLOW = "The request arrived too slowly. Try again on a better connection."
BUSY = "Too many uploads at once. Try again in a minute."
WRONG_TYPE = "Spacebot's own page sends this in another form. Reload the page and try again."
UNREADABLE = "The address of the request is not readable."
FOREIGN_HOST = (
    "Spacebot does not know this host name. If it is yours, add it to ALLOWED_HOSTS in Spacebot's "
    "settings and restart."
)


@dataclass(frozen=True, slots=True)
class Body:
    """What the body of a request may be: `most` bytes of a `type`.

    With `at_once` the route reads it itself, while at most so many others are being read;
    else it is read whole before the route is called.
    """

    most: int = 16 * KIBIBYTE
    type: str = FORM
    at_once: int = 0


# Discord takes at most 25 MiB in a request; the form around the files needs some more.
UPLOAD = 25 * MEBIBYTE
DEFAULT = Body()
BODIES: Mapping[str, Body] = {
    "/spacebot/look": Body(),
    "/spacebot/owner/sign-in": Body(),
    "/spacebot/owner/sign-out": Body(),
    "/spacebot/owner/act": Body(),
    "/spacebot/tryout/suggest": Body(256 * KIBIBYTE),
    "/spacebot/tryout/vary": Body(256 * KIBIBYTE),
    "/spacebot/tryout/run": Body(UPLOAD + 256 * KIBIBYTE, FILES, at_once=8),
}


class Guard:
    """The outermost of the page's own middleware."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._headers = headers.of_page(hosted=access.hosted)
        self._reading: dict[str, int] = dict.fromkeys(BODIES, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] != "http":
            # The page has no WebSocket; uvicorn answers 403 where the app closes one at once.
            if scope["type"] == "websocket":
                await send({"type": "websocket.close"})
            else:
                await self._app(scope, receive, send)
            return
        send = self._dressed(send)
        try:
            body = self._checked(scope)
            await self._pass(body, scope, receive, send)
        except HTTPException as error:
            refusal = JSONResponse(
                {"detail": error.detail}, error.status_code, {"Cache-Control": "no-store"}
            )
            await refusal(scope, receive, send)

    def _checked(self, scope: Scope) -> Body:
        """What the body may be; raises HTTPException for a request that is refused unread."""
        given, path = Headers(scope=scope), scope["path"]
        if not known_host(given.get("host", ""), self._access.hosts):
            raise HTTPException(421, FOREIGN_HOST)
        if re.search(r"[\x00-\x1f\x7f\ufffd]", path):
            raise HTTPException(400, UNREADABLE)
        body = BODIES.get(path, DEFAULT)
        declared = given.get("content-length", "0")
        if not re.fullmatch(r"[0-9]{1,18}", declared, re.ASCII) or int(declared) > body.most:
            raise too_large(body)
        _, api, asked = path.partition(API)
        reads = scope["method"] in READS
        if (api and asked.rstrip("/") not in OPEN) or not (reads or path in BODIES):
            raise HTTPException(404, NOTHING)
        if not reads and not is_own(scope["method"], given):
            raise HTTPException(403, ELSEWHERE)
        kind, _, more = given.get("content-type", body.type).lower().partition(";")
        # Starlette decodes with any of Python's codecs that a request names; browsers name none.
        foreign = "charset" in more and not re.search(r'charset="?utf-8\b', more)
        if not reads and (kind.strip() != body.type or foreign):
            raise HTTPException(415, WRONG_TYPE)
        return body

    async def _pass(self, body: Body, scope: Scope, receive: Receive, send: Send) -> None:
        if not body.at_once:
            reading = Reading(body, receive)
            sent = Headers(scope=scope)
            if "content-length" in sent or "transfer-encoding" in sent:
                await reading.whole()
            await self._app(scope, reading.receive, send)
            return
        path = scope["path"]
        if self._reading[path] >= body.at_once:
            raise HTTPException(503, BUSY)
        self._reading[path] += 1
        reading = Reading(body, receive, partial(self._done, path))
        try:
            await self._app(scope, reading.receive, send)
        finally:
            reading.end()

    def _done(self, path: str) -> None:
        self._reading[path] -= 1

    def _dressed(self, send: Send) -> Send:
        """A send that adds the headers that every answer has."""

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    answer.setdefault(name, value)
            await send(message)

        return dressed


class Reading:
    """The body of one request as it is read, within its bounds of size and time.

    `then` is called once, when it has been read or given up.
    """

    def __init__(
        self, body: Body, receive: Receive, then: Callable[[], None] = lambda: None
    ) -> None:
        self._body = body
        self._receive = receive
        self._began = time.monotonic()
        self._count = 0
        self._ready: bytes | None = None
        self._done = False
        self._then = then

    def end(self) -> None:
        """Read no further."""
        if not self._done:
            self._done = True
            self._then()

    async def whole(self) -> None:
        """Read all of it; `receive` then hands it on as one message."""
        parts: list[bytes] = []
        while not self._done:
            message = await self._next()
            if message["type"] == "http.disconnect":
                raise HTTPException(400, "The request ended early.")
            parts.append(message.get("body", b""))
        self._ready = b"".join(parts)

    async def receive(self) -> Message:
        """The next message of the request, as ASGI has it."""
        if self._ready is not None:
            body, self._ready = self._ready, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await (self._receive() if self._done else self._next())

    async def _next(self) -> Message:
        deadline = self._began + PATIENCE + self._count / SLOWEST
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                message = await self._receive()
        except TimeoutError as error:
            self.end()
            raise HTTPException(408, SLOW) from error
        self._count += len(message.get("body", b""))
        if self._count > self._body.most:
            self.end()
            raise too_large(self._body)
        if not message.get("more_body"):
            self.end()
        return message


def too_large(body: Body) -> HTTPException:
    """The refusal of a body over its limit."""
    most = UPLOAD if body.type == FILES else body.most
    shown = f"{most // MEBIBYTE} MiB" if most >= MEBIBYTE else f"{most // KIBIBYTE} KiB"
    return HTTPException(413, f"That is more than {shown} in all: send less.")


def known_host(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this page, not a name that someone else pointed at it.

    An IP address cannot be rebound, and what sends no Host is no browser.
    """
    if not host or "*" in names:
        return True
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    return name in names or name == "localhost" or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
