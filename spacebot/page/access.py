"""Who is the owner: by a password, or by signing in with Hugging Face."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import urlsplit

from fastapi import HTTPException, Request, Response

from spacebot.settings import Settings

COOKIE = "spacebot_owner"
SESSION = 12 * 3600
WINDOW = 300.0
# Wrong passwords within WINDOW seconds: of one address, and of all. The bound on one
# keeps a stranger from locking the owner out.
OF_ONE, OF_ALL = 5, 200
TOO_MANY = "Too many wrong passwords. Wait five minutes, then try again."
WRONG = "That is not the password. It is OWNER_PASSWORD in Spacebot's settings."
ELSEWHERE = "Only Spacebot's own page can ask for this."
UNKNOWN = "Sign in as the owner first."


@dataclass(frozen=True, slots=True)
class Access:
    """How the owner signs in. With neither a password nor Hugging Face nobody can.

    `owners` are user names, in lower case, and `creator` a user id on Hugging Face.
    `hosted` says that the page stands in a frame of huggingface.co.
    """

    password: str = field(default="", repr=False)
    huggingface: bool = False
    owners: frozenset[str] = frozenset()
    creator: str = ""
    hosted: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """As the settings say."""
        return cls(
            password=settings.owner_password,
            huggingface=settings.signs_in,
            owners=frozenset(name.lower() for name in settings.owners),
            creator=settings.space_creator_user_id,
            hosted=bool(settings.space_id),
        )


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `name` is theirs on Hugging Face; `owner` says that they are one."""

    name: str = ""
    owner: bool = False


class Gate:
    """Lets the owner in and keeps everyone else out. Sessions are kept here, not in cookies."""

    def __init__(self, access: Access, clock: Callable[[], float] = time.time) -> None:
        self.access = access
        self._clock = clock
        self._sessions: dict[str, float] = {}
        self._wrong: deque[tuple[float, str]] = deque()
        self._lock = Lock()

    def visitor(self, request: Request) -> Visitor:
        """Who asks, as far as they have signed in."""
        if self._has_session(request.cookies.get(COOKIE, "")):
            return Visitor(owner=True)
        return self._from_huggingface(request)

    def owner(self, request: Request) -> Visitor:
        """The owner; raises 403 for another site's page and 401 for anyone else."""
        own_page(request)
        visitor = self.visitor(request)
        if not visitor.owner:
            raise HTTPException(401, UNKNOWN)
        return visitor

    def sign_in(self, request: Request, password: str, response: Response) -> None:
        """Start a session; raises 403 for a wrong password, 429 after too many."""
        own_page(request)
        address = request.client.host if request.client else ""
        if self._too_many(address):
            raise HTTPException(429, TOO_MANY)
        given, wanted = (
            hashlib.sha256(text.encode()).digest() for text in (password, self.access.password)
        )
        if not self.access.password or not hmac.compare_digest(given, wanted):
            with self._lock:
                self._wrong.append((self._clock(), address))
            raise HTTPException(403, WRONG)
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[_digest(key)] = self._clock() + SESSION
        response.set_cookie(
            COOKIE,
            key,
            max_age=SESSION,
            httponly=True,
            secure=self.access.hosted or _is_https(request),
            # In a frame of huggingface.co this page is a third party.
            samesite="none" if self.access.hosted else "strict",
        )

    def sign_out(self, request: Request, response: Response) -> None:
        """End the session, whichever it is."""
        own_page(request)
        with self._lock:
            self._sessions.pop(_digest(request.cookies.get(COOKIE, "")), None)
        response.delete_cookie(COOKIE)
        request.scope.get("session", {}).pop("oauth_info", None)

    def _has_session(self, key: str) -> bool:
        with self._lock:
            now = self._clock()
            self._sessions = {kept: end for kept, end in self._sessions.items() if end > now}
            return bool(key) and _digest(key) in self._sessions

    def _too_many(self, address: str) -> bool:
        with self._lock:
            while self._wrong and self._wrong[0][0] < self._clock() - WINDOW:
                self._wrong.popleft()
            of_one = sum(other == address for _, other in self._wrong)
            return of_one >= OF_ONE or len(self._wrong) >= OF_ALL

    def _from_huggingface(self, request: Request) -> Visitor:
        """What Gradio's sign-in left in the session, which it signs."""
        info = request.scope.get("session", {}).get("oauth_info")
        if not self.access.huggingface or not info:
            return Visitor()
        if (info.get("expires_at") or 0) < self._clock():
            return Visitor()
        user = info.get("userinfo", {})
        name = str(user.get("preferred_username", ""))
        by_id = bool(self.access.creator) and user.get("sub") == self.access.creator
        return Visitor(name, by_id or (bool(name) and name.lower() in self.access.owners))


def own_page(request: Request) -> None:
    """Raise 403 unless this page itself asks: another site's page may carry the owner's cookie.

    Browsers tell who asks, and no script can change what they tell.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        own = site == "same-origin"
    elif origin is not None:
        # Sec-Fetch-Site is only sent over https, and to this very machine.
        own = urlsplit(origin).netloc == request.headers.get("host")
    else:
        own = request.method == "GET"
    if not own:
        raise HTTPException(403, ELSEWHERE)


def _is_https(request: Request) -> bool:
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
