"""Discord's rate limits, and the faults that a test schedules.

The numbers of the per-route buckets are those that Discord sends in its headers
(it documents none but the global one): 5 messages in 5 s a channel, 5 edits in
5 s a channel, 5 calls in 5 s for one interaction's token and method, reactions one
in 0.25 s, 2 renames of a channel in 10 minutes, 50 requests a second in all. The
callback of an interaction has no bucket, and interaction endpoints are exempt from
the global limit.
"""

from __future__ import annotations

import asyncio
import fnmatch
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from tests.support.patience import PATIENCE

# "METHOD template": (requests, seconds)
BUCKETS: dict[str, tuple[int, float]] = {
    "POST /channels/{channel}/messages": (5, 5.0),
    "PATCH /channels/{channel}/messages/{message}": (5, 5.0),
    "DELETE /channels/{channel}/messages/{message}": (5, 1.0),
    "GET /channels/{channel}/messages": (5, 5.0),
    "POST /channels/{channel}/typing": (5, 5.0),
    "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": (1, 0.25),
    "DELETE /channels/{channel}/messages/{message}/reactions/{emoji}/@me": (1, 0.25),
    "POST /channels/{channel}/threads": (50, 300.0),
    "POST /channels/{channel}/messages/{message}/threads": (50, 300.0),
    "PATCH /channels/{channel}": (5, 15.0),
    "POST /users/@me/channels": (10, 10.0),
    "POST /webhooks/{application}/{token}": (5, 5.0),
    "PATCH /webhooks/{application}/{token}/messages/{message}": (5, 5.0),
    "DELETE /webhooks/{application}/{token}/messages/{message}": (5, 5.0),
    "GET /webhooks/{application}/{token}/messages/{message}": (5, 5.0),
    "PUT /applications/{application}/commands": (5, 20.0),
    "PUT /applications/{application}/guilds/{guild}/commands": (5, 20.0),
    "POST /applications/{application}/commands": (5, 20.0),
    "POST /applications/{application}/guilds/{guild}/commands": (5, 20.0),
}
RENAME = (2, 600.0)
UNLIMITED = "POST /interactions/{interaction}/{token}/callback"
OTHERWISE = (50, 1.0)
# Discord says 3 s; a machine that runs the whole suite is slower than a bot's.
ACKNOWLEDGE_WITHIN = 3.0 * PATIENCE
MAJOR = ("channel", "guild", "token", "interaction")


@dataclass(slots=True)
class Bucket:
    """One window: how much of it is left, and when the next one begins (monotonic seconds)."""

    limit: int
    per: float
    remaining: int
    resets: float


@dataclass
class Fault:
    """What the next `times` requests to a route get instead of a response."""

    route: str
    status: int = 500
    times: int = 1
    retry_after: float = 0.1
    everywhere: bool = False
    hang: float = 0.0
    after: bool = False
    late: bool = False
    answer: Callable[[], web.Response] | None = None


class Limits:
    """Counts requests. `enforced = False` lets everything through; `fail` schedules a fault.

    `acknowledge_within` is how many seconds an interaction may go without its first answer.
    """

    def __init__(self) -> None:
        self.enforced = True
        self.acknowledge_within = ACKNOWLEDGE_WITHIN
        self.global_limit = 50
        self.invalid: list[tuple[float, int]] = []
        self.limited = 0
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._second = Bucket(self.global_limit, 1.0, self.global_limit, 0.0)
        self._faults: list[Fault] = []
        self._hashes: dict[str, str] = {}

    def fail(self, route: str, status: int = 500, times: int = 1, **more: Any) -> Fault:
        """Makes the next `times` requests fail whose "METHOD /path" matches `route` (fnmatch).

        `status` 429 takes `retry_after` and `everywhere` (the global limit); `hang` sleeps so
        many seconds first; status 0 drops the connection; with `after` the request is done,
        and only its answer is lost; with `late` it is held for `hang` seconds, and then done,
        whether or not the bot still waits; `answer` makes an answer of the test's own.
        """
        fault = Fault(route, status, times, **more)
        self._faults.append(fault)
        return fault

    def recover(self) -> None:
        """Removes all scheduled faults."""
        self._faults.clear()

    def fault_for(self, method: str, path: str) -> Fault | None:
        """The fault for this request, counted down."""
        if not self._faults:
            return None
        for fault in self._faults:
            if fnmatch.fnmatchcase(f"{method} {path}", fault.route):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def note(self, status: int) -> None:
        """Counts the answers that block an address: 10,000 of 401, 403, 429 in 10 minutes."""
        if status in (401, 403, 429):
            self.invalid.append((time.monotonic(), status))
            if status == 429:
                self.limited += 1

    def take(
        self, route: str, parts: dict[str, str], *, rename: bool = False
    ) -> tuple[dict[str, str], web.Response | None]:
        """Counts one request: the headers for its answer, or the 429 it gets."""
        if not self.enforced or route == UNLIMITED:
            return {}, None
        now = time.monotonic()
        if "{token}" not in route:
            over = self._take_global(now)
            if over is not None:
                return {}, over
        return self._take_bucket(route, parts, now, rename)

    def _take_global(self, now: float) -> web.Response | None:
        second = self._second
        if now >= second.resets:
            second.resets, second.remaining = now + second.per, self.global_limit
        if second.remaining <= 0:
            return too_many(second.resets - now, everywhere=True)
        second.remaining -= 1
        return None

    def _take_bucket(
        self, route: str, parts: dict[str, str], now: float, rename: bool
    ) -> tuple[dict[str, str], web.Response | None]:
        limit, per = RENAME if rename else BUCKETS.get(route, OTHERWISE)
        name = route + ":rename" if rename else route
        major = next((parts[key] for key in MAJOR if key in parts), "")
        bucket = self._buckets.get((name, major))
        if bucket is None or now >= bucket.resets:
            bucket = self._buckets[name, major] = Bucket(limit, per, limit, now + per)
            if len(self._buckets) > 20_000:
                self._forget(now)
        left = bucket.resets - now
        headers = self._headers(name, bucket, left)
        if bucket.remaining <= 0:
            return headers, too_many(left, headers)
        bucket.remaining -= 1
        headers["X-RateLimit-Remaining"] = str(bucket.remaining)
        return headers, None

    def _headers(self, name: str, bucket: Bucket, left: float) -> dict[str, str]:
        if name not in self._hashes:
            self._hashes[name] = f"{zlib.crc32(name.encode()):032x}"
        return {
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": self._hashes[name],
        }

    def _forget(self, now: float) -> None:
        self._buckets = {key: b for key, b in self._buckets.items() if b.resets > now}


def too_many(
    retry_after: float, headers: dict[str, str] | None = None, *, everywhere: bool = False
) -> web.Response:
    """Discord's 429."""
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(retry_after, 3),
        "global": everywhere,
    }
    # discord.py takes a 429 without Via for a ban by Cloudflare and gives up, ...
    scope = {"Via": "1.1 google", "Retry-After": str(int(retry_after) + 1)}
    scope["X-RateLimit-Scope"] = "global" if everywhere else "user"
    if everywhere:
        scope["X-RateLimit-Global"] = "true"
    # ... and takes it for text when its type names a charset.
    scope["Content-Type"] = "application/json"
    return web.Response(body=orjson.dumps(body), status=429, headers=(headers or {}) | scope)


async def play(fault: Fault) -> web.Response:
    """Applies a scheduled fault to a request."""
    if fault.hang:
        await asyncio.sleep(fault.hang)
    if fault.answer:
        return fault.answer()
    if fault.status == 429:
        return too_many(fault.retry_after, everywhere=fault.everywhere)
    text = f"<html><body><h1>{fault.status}</h1></body></html>"
    return web.Response(status=fault.status or 500, text=text, content_type="text/html")
