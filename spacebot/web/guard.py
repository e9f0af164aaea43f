"""Checks every request before anything parses it: host, path, size, origin, content type.

The page has few routes of its own, but Gradio adds dozens that would read a body of any size.
Routes that are not in `BODY_LIMITS` accept no body.
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

from spacebot.web import headers
from spacebot.web.access import FOREIGN_ORIGIN, OwnerAccess, is_own_request

KIBIBYTE, MEBIBYTE = 1024, 1024 * 1024
API_PREFIX = "/gradio_api/"
# How a client learns that there is nothing to call, and what Gradio itself asks at startup.
OPEN_API_ROUTES = frozenset({"info", "app_id", "startup-events"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPE, MULTIPART_TYPE = "application/x-www-form-urlencoded", "multipart/form-data"
# The slowest sender that is accepted, in bytes a second, and the seconds before that counts.
MIN_BYTES_PER_SECOND, BODY_GRACE = 32 * KIBIBYTE, 15.0

NO_SUCH_ROUTE = "There is nothing to call here."
TOO_SLOW = "The request arrived too slowly. Try again on a better connection."
TOO_MANY_UPLOADS = "Too many uploads at once. Try again in a minute."
WRONG_TYPE = "Spacebot cannot read a request of this type. Reload its page and try again."
UNREADABLE_URL = "The address of the request is not readable."
FOREIGN_HOST = (
    "Spacebot does not know this host name. If it is yours, add it to ALLOWED_HOSTS in Spacebot's "
    "settings and restart."
)


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """The limit of a request's body: `most` bytes of a `type`.

    With `at_once`, the route reads it itself, while at most so many others are being read;
    otherwise it is read in full before the route is called.
    """

    max_bytes: int = 16 * KIBIBYTE
    type: str = FORM_TYPE
    at_once: int = 0


# Discord accepts at most 25 MiB in a request; the form around the files needs a little more.
MAX_UPLOAD_BYTES = 25 * MEBIBYTE
DEFAULT_BODY = BodyLimit()
BODY_LIMITS: Mapping[str, BodyLimit] = {
    "/spacebot/look": BodyLimit(),
    "/spacebot/owner/sign-in": BodyLimit(),
    "/spacebot/owner/sign-out": BodyLimit(),
    "/spacebot/owner/act": BodyLimit(),
    "/spacebot/tryout/end": BodyLimit(),
    "/spacebot/tryout/space": BodyLimit(),
    "/spacebot/tryout/typed": BodyLimit(256 * KIBIBYTE),
    "/spacebot/tryout/suggest": BodyLimit(256 * KIBIBYTE),
    "/spacebot/tryout/run": BodyLimit(MAX_UPLOAD_BYTES + 256 * KIBIBYTE, MULTIPART_TYPE, at_once=8),
}


class RequestGuard:
    """The outermost of the page's own middleware."""

    def __init__(self, app: ASGIApp, access: OwnerAccess) -> None:
        self._app = app
        self._access = access
        self._headers = headers.page_headers(hosted=access.hosted)
        self._reading: dict[str, int] = dict.fromkeys(BODY_LIMITS, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] != "http":
            # The page has no WebSocket; uvicorn answers 403 if the app closes one at once.
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
            refusal = JSONResponse({"detail": error.detail}, error.status_code, headers.NO_STORE)
            await refusal(scope, receive, send)

    def _checked(self, scope: Scope) -> BodyLimit:
        """The limit of the body; raises HTTPException for a request that is refused unread."""
        fields, path = Headers(scope=scope), scope["path"]
        if not known_host(fields.get("host", ""), self._access.hosts):
            raise HTTPException(421, FOREIGN_HOST)
        if re.search(r"[\x00-\x1f\x7f\ufffd]", path):
            raise HTTPException(400, UNREADABLE_URL)
        body = BODY_LIMITS.get(path, DEFAULT_BODY)
        declared = fields.get("content-length", "0")
        if not re.fullmatch(r"[0-9]{1,18}", declared, re.ASCII) or int(declared) > body.max_bytes:
            raise too_large(body)
        _, api, asked = path.partition(API_PREFIX)
        reads = scope["method"] in SAFE_METHODS
        if (api and asked.rstrip("/") not in OPEN_API_ROUTES) or not (reads or path in BODY_LIMITS):
            raise HTTPException(404, NO_SUCH_ROUTE)
        if not reads and not is_own_request(scope["method"], fields):
            raise HTTPException(403, FOREIGN_ORIGIN)
        kind, _, more = fields.get("content-type", body.type).lower().partition(";")
        # Starlette decodes with any Python codec that a request names, and with the last one of
        # several; browsers name none.
        foreign = "charset" in re.sub(r'charset="?utf-8\b', "", more)
        if not reads and (kind.strip() != body.type or foreign):
            raise HTTPException(415, WRONG_TYPE)
        return body

    async def _pass(self, body: BodyLimit, scope: Scope, receive: Receive, send: Send) -> None:
        if not body.at_once:
            reading = BodyReader(body, receive)
            sent = Headers(scope=scope)
            if "content-length" in sent or "transfer-encoding" in sent:
                await reading.whole()
            await self._app(scope, reading.receive, send)
            return
        path = scope["path"]
        if self._reading[path] >= body.at_once:
            raise HTTPException(503, TOO_MANY_UPLOADS)
        self._reading[path] += 1
        reading = BodyReader(body, receive, partial(self._done, path))
        try:
            await self._app(scope, reading.receive, send)
        finally:
            reading.end()

    def _done(self, path: str) -> None:
        self._reading[path] -= 1

    def _dressed(self, send: Send) -> Send:
        """A `send` that adds the headers that every answer has."""

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    answer.setdefault(name, value)
            await send(message)

        return dressed


class BodyReader:
    """Reads one request's body within limits of size and time.

    `then` is called once, after it was read or rejected.
    """

    def __init__(
        self, body: BodyLimit, receive: Receive, then: Callable[[], None] = lambda: None
    ) -> None:
        self._body = body
        self._receive = receive
        self._began = time.monotonic()
        self._count = 0
        self._ready: bytes | None = None
        self._done = False
        self._then = then

    def end(self) -> None:
        """Stop reading."""
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
        """The next message of the request, as ASGI defines it."""
        if self._ready is not None:
            body, self._ready = self._ready, None
            return {"type": "http.request", "body": body, "more_body": False}
        return await (self._receive() if self._done else self._next())

    async def _next(self) -> Message:
        deadline = self._began + BODY_GRACE + self._count / MIN_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                message = await self._receive()
        except TimeoutError as error:
            self.end()
            raise HTTPException(408, TOO_SLOW) from error
        self._count += len(message.get("body", b""))
        if self._count > self._body.max_bytes:
            self.end()
            raise too_large(self._body)
        if not message.get("more_body"):
            self.end()
        return message


def too_large(body: BodyLimit) -> HTTPException:
    """The refusal of a body over its limit."""
    most = MAX_UPLOAD_BYTES if body.type == MULTIPART_TYPE else body.max_bytes
    shown = f"{most // MEBIBYTE} MiB" if most >= MEBIBYTE else f"{most // KIBIBYTE} KiB"
    return HTTPException(413, f"That is more than {shown} in total: send less.")


def known_host(host: str, names: frozenset[str]) -> bool:
    """Whether a Host header names this page, not a name that someone else pointed at it.

    An IP address cannot be rebound, and a client that sends no Host is no browser.
    """
    if not host or "*" in names:
        return True
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        return name in names or name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False
