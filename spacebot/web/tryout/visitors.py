"""The visitors of the try-out, and what each has on the page: in memory, for an hour."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from cachetools import TTLCache
from fastapi import Depends, Header, HTTPException, Request, Response

from spacebot.web.cookies import set_cookie
from spacebot.web.tryout.result_buttons import ResultButton, failure_buttons
from spacebot.web.tryout.send_targets import SendTarget

COOKIE, SESSION_SECONDS = "spacebot_visitor", 3600
SESSION_ID = re.compile(r"[0-9a-f]{32}")
# The limits on a visitor's turns, on their characters, and on all visitors' characters.
MAX_TURNS, MAX_VISITOR_SIZE, MAX_SIZE = 50, 1_000_000, 32_000_000
# The size that a turn counts besides its texts.
TURN_SIZE = 1_000
# Proxies close a stream that is silent for long; Gradio sends a heartbeat every 15 s too.
HEARTBEAT_INTERVAL = 15.0
# More updates per second would only flicker.
MIN_EVENT_INTERVAL = 0.1
NO_SUCH_TURN = "This message is no longer stored. Run its command again."


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """What a turn shows. `last` says that nothing follows.

    `under` are the buttons of a finished turn, and `recipe` is what **Recipe** shows.
    """

    html: str
    last: bool = False
    targets: Sequence[SendTarget] = ()
    under: Sequence[ResultButton] = field(default_factory=failure_buttons)
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class TryOutRequest:
    """How the page would ask for a turn again.

    `incomplete` says that it had files or secrets, which are not stored. `varied` holds the
    seeds that were drawn for it.
    """

    command: str
    after: str = ""
    conversation: str = ""
    fields: Sequence[tuple[str, str]] = ()
    incomplete: bool = False
    varied: Mapping[str, str] = field(default_factory=dict)


class TryOutTurn:
    """One use of a command: what was asked for, what it shows now, and the task that runs it."""

    def __init__(self, request: TryOutRequest, state: ShownTurn) -> None:
        self.id = secrets.token_hex(16)
        self.request = request
        self.started = time.time()
        self.state = state
        self.task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def size(self) -> int:
        """About how many characters it holds."""
        state = self.state
        texts = sum(len(value) for _, value in self.request.fields)
        # All targets share the same text.
        sent = max((len(target.text) for target in state.targets), default=0)
        return TURN_SIZE + texts + sent + len(state.html) + len(state.recipe)

    def show(self, state: ShownTurn) -> None:
        """Show something else, unless it has ended."""
        if not self.state.last:
            self.state = state
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    def for_browser(self) -> dict[str, Any]:
        """The turn as the page's script needs it."""
        asked = {"id": self.id, "started": self.started, **asdict(self.request)}
        return asked | asdict(self.state)

    async def events(self) -> AsyncIterator[str]:
        """Server-sent events, each with the turn so far, until its end."""
        while True:
            changed = self._changed
            yield f"data: {json.dumps(self.for_browser())}\n\n"
            if self.state.last:
                return
            await asyncio.sleep(MIN_EVENT_INTERVAL)
            while not changed.is_set():
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT_INTERVAL)
                except TimeoutError:
                    yield ": still running\n\n"


@dataclass(slots=True)
class VisitorTurns:
    """What one visitor has on the page, oldest first."""

    turns: list[TryOutTurn] = field(default_factory=list)

    @property
    def size(self) -> int:
        """About how many characters they hold together."""
        return sum(turn.size for turn in self.turns)

    def trim(self) -> None:
        """Drop the oldest turns beyond the limits; running ones stay."""
        for turn in [one for one in self.turns if one.state.last][:-1]:
            if len(self.turns) <= MAX_TURNS and self.size <= MAX_VISITOR_SIZE:
                return
            self.turns.remove(turn)


class Visitors:
    """The turns of all visitors by their sessions. An unused session ends after an hour."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._visitors = TTLCache[str, VisitorTurns](
            MAX_SIZE, SESSION_SECONDS, timer=timer, getsizeof=lambda one: one.size
        )

    def turns(self, session: str) -> Sequence[TryOutTurn]:
        """What a visitor has on the page."""
        return self._stored(session).turns

    def find(self, session: str, turn: str) -> TryOutTurn:
        """A turn of this visitor; raises 404 for any other."""
        for one in self.turns(session):
            if one.id == turn:
                return one
        raise HTTPException(404, NO_SUCH_TURN)

    def add(self, session: str, turn: TryOutTurn) -> None:
        """Store a turn."""
        self._stored(session, turn)

    def renew(self, session: str) -> None:
        """Store a visitor's turns for another hour, with their current size."""
        self._stored(session)

    def drop(self, session: str, turn: TryOutTurn) -> None:
        """Drop a turn."""
        self._stored(session).turns.remove(turn)
        self.renew(session)

    def _stored(self, session: str, *more: TryOutTurn) -> VisitorTurns:
        visitor = self._visitors.pop(session, None) or VisitorTurns()
        visitor.turns += more
        visitor.trim()
        # Stored again, it has the whole hour again.
        if visitor.turns and visitor.size <= MAX_SIZE:
            self._visitors[session] = visitor
        return visitor


def issue_session(request: Request, response: Response, *, hosted: bool) -> None:
    """Give the browser a cookie for its session, or renew its cookie for another hour."""
    key = _cookie(request) or secrets.token_hex(16)
    set_cookie(request, response, COOKIE, key, SESSION_SECONDS, hosted=hosted)


def session_of(request: Request, x_spacebot_session: Annotated[str, Header()] = "") -> str:
    """The session, by the cookie; raises 400 without any.

    A browser that sends no cookie in a frame names a session itself, which lasts as long as its
    tab.
    """
    key = _cookie(request) or x_spacebot_session
    if not SESSION_ID.fullmatch(key):
        raise HTTPException(400, "The session must be 32 hexadecimal digits.")
    return _digest(key)


Session = Annotated[str, Depends(session_of)]


def _cookie(request: Request) -> str | None:
    key = request.cookies.get(COOKIE, "")
    return key if SESSION_ID.fullmatch(key) else None


def _digest(key: str) -> str:
    # Jobs and logs name the session; the cookie itself is a secret.
    return hashlib.sha256(key.encode()).hexdigest()[:32]
