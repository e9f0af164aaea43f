"""Every request that huggingface_hub sends for us: counted, with a deadline, sent once.

The library sends some requests without a timeout and repeats others, sleeping in the thread for as
long as a 429 asks. It lets us choose its HTTP client, and hooks of that client see each request and
answer. They act only within a `HubRequest`: other uses of the library in this process are left
alone.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Hashable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import httpx2
from huggingface_hub import get_session, set_client_factory
from huggingface_hub.utils import hf_raise_for_status, parse_ratelimit_headers

from spacebot.spaces.client.hugging_face.budget import RequestBudget
from spacebot.spaces.client.transport.rate_limit import MAX_PAUSE, retry_after

T = TypeVar("T")
# The statuses on which the library would retry.
REPEATED_STATUSES = frozenset({408, 500, 502, 503, 504})
DEFAULT_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class HubRequest:
    """One call of the library: how many requests it may send, and until when."""

    budget: RequestBudget
    deadline: float
    reserve: int = 0

    def run(self, call: Callable[[], T]) -> T:
        """Make the call in this thread."""
        token = _CURRENT.set(self)
        try:
            return call()
        finally:
            _CURRENT.reset(token)


_CURRENT: ContextVar[HubRequest | None] = ContextVar("hub_request", default=None)


@functools.cache
def use_hooks() -> None:
    """Add our hooks to the library's HTTP client, beside the library's own."""
    own = get_session().event_hooks
    hooks = {
        "request": [*own["request"], _before],
        "response": [*own["response"], _after],
    }

    def make_client() -> httpx2.Client:
        return httpx2.Client(event_hooks=hooks, follow_redirects=True, timeout=None)

    set_client_factory(make_client)


def _before(request: httpx2.Request) -> None:
    current = _CURRENT.get()
    if current is None:
        return
    left = current.deadline - time.monotonic()
    if left <= 0:
        # Not an error of httpx, since the library would retry those.
        raise TimeoutError
    current.budget.take(_caller(request), reserve=current.reserve)
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), left)


def _after(response: httpx2.Response) -> None:
    current = _CURRENT.get()
    if current is None:
        return
    if response.status_code == 429:
        raise current.budget.pause(_caller(response.request), _pause_of(response))
    if response.status_code in REPEATED_STATUSES:
        response.read()
        hf_raise_for_status(response)


def _caller(request: httpx2.Request) -> Hashable:
    """The caller by whom the Hub counts a request: each token and IP, and whoami separately."""
    return hash(request.headers.get("authorization")), "/whoami" in request.url.path


def _pause_of(response: httpx2.Response) -> float:
    """How many seconds a 429 asks to wait."""
    asked = retry_after(response.headers.get("Retry-After", ""))
    if not asked and (limit := parse_ratelimit_headers(response.headers)):
        asked = float(limit.reset_in_seconds)
    return min(asked or DEFAULT_PAUSE, MAX_PAUSE)
