"""Who is the owner: by a password, or by signing in with Hugging Face."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import urlsplit

from cachetools import TTLCache
from fastapi import HTTPException, Request, Response

from spacebot.settings import Settings
from spacebot.web.cookies import set_cookie
from spacebot.web.throttle import PasswordThrottle, source_of

SESSION_COOKIE = "spacebot_owner"
SESSION_SECONDS, MAX_SESSIONS = 12 * 3600, 1000
# A browser that signed in before is throttled separately: strangers who share its address, such as
# a proxy's, cannot make it wait.
KNOWN_COOKIE, KNOWN_SECONDS, MAX_KNOWN_BROWSERS = "spacebot_known", 400 * 86400, 100
TOO_MANY = "Too many wrong passwords. Try again in {} s."
WRONG_PASSWORD = "That is not the password. It is OWNER_PASSWORD in Spacebot's settings."
FOREIGN_ORIGIN = "Only Spacebot's own page can ask for this. Open the page and try again there."
NOT_SIGNED_IN = "Sign in as the owner first."


@dataclass(frozen=True, slots=True)
class OwnerAccess:
    """How the owner signs in. With neither a password nor Hugging Face nobody can.

    `owners` are user names, in lower case, and `creator` a user id on Hugging Face.
    `hosted` says that the page is shown in a frame of huggingface.co. `hosts` are the host
    names that the page accepts besides localhost and IP addresses; "*" accepts any.
    """

    password: str = field(default="", repr=False)
    huggingface: bool = False
    owners: frozenset[str] = frozenset()
    creator: str = ""
    hosted: bool = False
    hosts: frozenset[str] = frozenset()

    @classmethod
    def from_settings(cls, settings: Settings) -> OwnerAccess:
        """From the settings."""
        return cls(
            password=settings.owner_password,
            huggingface=settings.signs_in,
            owners=frozenset(name.lower() for name in settings.owners),
            creator=settings.space_creator_user_id,
            hosted=bool(settings.space_id),
            hosts=frozenset(filter(None, (settings.space_host, *settings.allowed_hosts))),
        )


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `name` is theirs on Hugging Face; `owner` says that they are one."""

    name: str = ""
    owner: bool = False


class OwnerGate:
    """Lets only the owner in. Sessions are stored here, not in cookies."""

    def __init__(self, access: OwnerAccess, clock: Callable[[], float] = time.time) -> None:
        self.access = access
        self._clock = clock
        self._sessions = TTLCache[str, None](MAX_SESSIONS, SESSION_SECONDS, timer=clock)
        self._throttle = PasswordThrottle(clock)
        self._known: deque[str] = deque(maxlen=MAX_KNOWN_BROWSERS)
        self._lock = Lock()

    def visitor(self, request: Request) -> Visitor:
        """The visitor, as far as they have signed in."""
        if self._has_session(request.cookies.get(SESSION_COOKIE, "")):
            return Visitor(owner=True)
        return self._from_huggingface(request)

    def owner(self, request: Request) -> Visitor:
        """The owner; raises 403 for another site's page and 401 for anyone else."""
        require_own_page(request)
        visitor = self.visitor(request)
        if not visitor.owner:
            raise HTTPException(401, NOT_SIGNED_IN)
        return visitor

    def sign_in(self, request: Request, password: str, response: Response) -> None:
        """Start a session; raises 403 for a wrong password, 429 after too many."""
        require_own_page(request)
        source = self._source(request)
        if pause := self._throttle.pause(source):
            raise HTTPException(429, TOO_MANY.format(pause), {"Retry-After": str(pause)})
        entered_digest, wanted = map(_digest, (password, self.access.password))
        if not self.access.password or not hmac.compare_digest(entered_digest, wanted):
            self._throttle.wrong(source)
            raise HTTPException(403, WRONG_PASSWORD)
        self._throttle.right(source)
        key, known = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[_digest(key)] = None
            self._known.append(_digest(known))
        self._set(request, response, SESSION_COOKIE, key, SESSION_SECONDS)
        self._set(request, response, KNOWN_COOKIE, known, KNOWN_SECONDS)

    def _set(self, request: Request, response: Response, name: str, key: str, age: int) -> None:
        set_cookie(request, response, name, key, age, hosted=self.access.hosted)

    def _source(self, request: Request) -> str:
        """The source by which wrong passwords are counted."""
        known = _digest(request.cookies.get(KNOWN_COOKIE, ""))
        with self._lock:
            if known in self._known:
                return f"known browser {known[:8]}"
        return source_of(request.client.host if request.client else "")

    def sign_out(self, request: Request, response: Response) -> None:
        """End the session, whichever it is."""
        require_own_page(request)
        with self._lock:
            self._sessions.pop(_digest(request.cookies.get(SESSION_COOKIE, "")), None)
        self._set(request, response, SESSION_COOKIE, "", 0)
        request.scope.get("session", {}).pop("oauth_info", None)

    def _has_session(self, key: str) -> bool:
        with self._lock:
            return bool(key) and _digest(key) in self._sessions

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


def require_own_page(request: Request) -> None:
    """Raise 403 unless our own page asks: another site's page may carry the owner's cookie."""
    if not is_own_request(request.method, request.headers):
        raise HTTPException(403, FOREIGN_ORIGIN)


def is_own_request(method: str, headers: Mapping[str, str]) -> bool:
    """Whether our own page asks. Browsers say who does, and no script can change that."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin is None:
        return method in ("GET", "HEAD")
    # Sec-Fetch-Site is only sent over https, and to this very machine.
    try:
        return urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
