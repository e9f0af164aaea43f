"""Every request that huggingface_hub sends for us: counted, with a deadline, sent once.

The library sends some requests without a timeout and repeats others, sleeping in the
thread for as long as a 429 asks. Hooks of its HTTP client, which it lets one choose, see
each request and answer. They act only within a `HubRequest`: what else uses the library in
this process is left alone.
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
# What the library would try again.
REPEATED_STATUSES = frozenset({408, 500, 502, 503, 504})
DEFAULT_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class HubRequest:
    """One call of the library: what it may spend, and until when."""

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
    """Have the library's HTTP client tell of each request, beside the library's own hooks."""
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
        # No error of httpx: those the library would try again.
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
    """Whom the Hub counts a request for: each token and IP, and whoami apart from the rest."""
    return hash(request.headers.get("authorization")), "/whoami" in request.url.path


def _pause_of(response: httpx2.Response) -> float:
    """The seconds that a 429 asks to wait."""
    asked = retry_after(response.headers.get("Retry-After", ""))
    if not asked and (limit := parse_ratelimit_headers(response.headers)):
        asked = float(limit.reset_in_seconds)
    return min(asked or DEFAULT_PAUSE, MAX_PAUSE)
