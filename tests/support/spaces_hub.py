"""A Hub on loopback: Spaces, searches, accounts and quotas, as on huggingface.co.

The real huggingface_hub talks to it, by `HF_ENDPOINT` or `Hub.api`. `limit` makes it refuse
further requests as the Hub does, `hold` keeps its answers back,
`reached` is set by the first request.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from huggingface_hub import HfApi

from tests.support.listening import listening

# What the Hub says of a Space that it has disabled.
DISABLED = "Access to this resource is disabled."
TOKEN = "hf_loopbackloopbackloopback"
SPACE_FIELDS = ("title", "likes", "sdk", "tags", "private", "disabled", "runtime", "cardData")


@dataclass
class Hosted:
    """A Space on the Hub: its stages one after the other, the last for good.

    `about` are words for what it does, beside its title and description: the Hub's search
    by meaning finds it by them. `raw` replaces fields of what the Hub says of it; None
    leaves one out.
    """

    host: str = ""
    stages: list[str] = field(default_factory=lambda: ["RUNNING"])
    private: bool = False
    asked: int = 0
    title: str = ""
    description: str = ""
    category: str = ""
    about: str = ""
    likes: int = 0
    sdk: str = "gradio"
    hardware: str = "cpu-basic"
    tags: list[str] = field(default_factory=list)
    disabled: bool = False
    raw: dict[str, Any] = field(default_factory=dict)
    # The Hub's own id, which it has under every name.
    hub_id: str = field(default_factory=lambda: uuid.uuid4().hex[:24])

    def stage(self) -> str:
        """Its stage now."""
        self.asked += 1
        return self.stages.pop(0) if len(self.stages) > 1 else self.stages[0]


@dataclass
class HubAccount:
    """An account: what `/api/whoami-v2` says of its token, and its ZeroGPU seconds."""

    name: str
    role: str = "read"
    scopes: list[str] = field(default_factory=list)
    quota: dict[str, Any] | None = None

    def whoami(self) -> dict[str, Any]:
        """The Hub's JSON for it."""
        token: dict[str, Any] = {"displayName": "test", "role": self.role}
        if self.role == "fineGrained":
            entity = {"_id": "1", "type": "user", "name": self.name}
            scoped = [{"entity": entity, "permissions": self.scopes}]
            token["fineGrained"] = {"canReadGatedRepos": False, "global": [], "scoped": scoped}
        auth = {"type": "access_token", "accessToken": token}
        return {"type": "user", "id": "1", "name": self.name, "orgs": [], "auth": auth}


class Hub:
    """The Spaces by name, the accounts by token, and every request.

    `refusal` answers every request. `refusals` answers those of a path ("/api/spaces",
    "/api/spaces/semantic-search") by a status. `limit` is how many requests it still takes.
    """

    def __init__(self) -> None:
        self.spaces: dict[str, Hosted] = {}
        # Former names, and what each became: the Hub redirects them, and other spellings too.
        self.renamed: dict[str, str] = {}
        self.accounts = {TOKEN: HubAccount("loopback")}
        self.authorizations: list[str | None] = []
        self.requests: list[str] = []
        self.url = ""
        self.refusal: web.Response | None = None
        self.refusals: dict[str, int] = {}
        self.limit: int | None = None
        self.reset = 55
        self.hold: asyncio.Event | None = None
        self.reached = asyncio.Event()

    @property
    def api(self) -> HfApi:
        """The real client, pointed here."""
        return HfApi(endpoint=self.url)

    def asked(self, path: str) -> int:
        """How many requests a path got."""
        return sum(one.partition("?")[0] == path for one in self.requests)

    @web.middleware
    async def admit(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Refuse what the Hub refuses before it reads a request."""
        self.requests.append(request.path_qs)
        self.reached.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.refusal is not None:
            return self.refusal
        if (status := self.refusals.get(request.path)) is not None:
            text = DISABLED if status == 403 else "refused by the test"
            return _refuse(status, text, {"X-Error-Message": text})
        if self.limit is not None:
            if self.limit <= 0:
                return self._limited()
            self.limit -= 1
        authorization = request.headers.get("Authorization")
        self.authorizations.append(authorization)
        if authorization is not None and self._account(request) is None:
            message = "Invalid credentials in Authorization header"
            return _refuse(401, message, {"X-Error-Message": message})
        return await handler(request)

    def _limited(self) -> web.Response:
        headers = {
            "RateLimit": f'"api";r=0;t={self.reset}',
            "RateLimit-Policy": '"fixed window";"api";q=500;w=300',
        }
        return _refuse(429, "We had to rate limit your IP", headers)

    def _account(self, request: web.Request) -> HubAccount | None:
        authorization = request.headers.get("Authorization", "")
        return self.accounts.get(authorization.removeprefix("Bearer "))

    async def space(self, request: web.Request) -> web.Response:
        """One Space."""
        name, known = request.match_info["name"], self._account(request) is not None
        if name.startswith("by-subdomain/"):
            subdomain = name.partition("/")[2]
            hosts = (one for one in self.spaces if one.replace("/", "-").lower() == subdomain)
            name = next(hosts, name)
        spelled = {one.casefold(): one for one in self.spaces}
        renamed = {former.casefold(): later for former, later in self.renamed.items()}
        present = renamed.get(name.casefold()) or spelled.get(name.casefold(), name)
        if present != name and name not in self.spaces:
            raise web.HTTPTemporaryRedirect(f"/api/spaces/{present}")
        hosted = self.spaces.get(name)
        if hosted is None or (hosted.private and not known):
            # Without a token, the Hub does not tell a private one from a missing one.
            status, text = (404, "Repository not found") if known else (401, "Invalid username")
            headers = {"X-Error-Code": "RepoNotFound", "X-Error-Message": text}
            return _refuse(status, text, headers)
        return web.json_response(_json(name, hosted))

    async def search(self, request: web.Request) -> web.Response:
        """Search by meaning."""
        query = request.query
        ranked = [
            (_relevance(query["q"], name, hosted), name, hosted)
            for name, hosted in self._public(query.get("sdk"))
        ]
        found = sorted((one for one in ranked if one[0]), key=lambda one: -one[0])
        results = [
            {**_json(name, hosted), **_guesses(hosted), "semanticRelevancyScore": score}
            for score, name, hosted in found
        ]
        if query.get("includeNonRunning") != "true":
            results = [one for one in results if one["runtime"]["stage"] == "RUNNING"]
        return web.json_response([_without_none(one, self.spaces) for one in results])

    async def list(self, request: web.Request) -> web.Response:
        """The Spaces whose names hold a text."""
        query = request.query
        text, author = query.get("search", "").casefold(), query.get("author")
        found = [
            (name, hosted)
            for name, hosted in self._public(query.get("filter"))
            if text in name.casefold() and author in (None, name.partition("/")[0])
        ]
        if query.get("sort") == "likes":
            found.sort(key=lambda one: -one[1].likes)
        results = [_json(name, hosted) for name, hosted in found[: int(query.get("limit", 1000))]]
        if fields := {"_id", "id", *query.getall("expand", [])} - {""}:
            results = [{key: one[key] for key in one.keys() & fields} for one in results]
        return web.json_response([_without_none(one, self.spaces) for one in results])

    def _public(self, sdk: str | None) -> Iterator[tuple[str, Hosted]]:
        for name, hosted in self.spaces.items():
            if not hosted.private and sdk in (None, hosted.sdk):
                yield name, hosted

    async def whoami(self, request: web.Request) -> web.Response:
        """The account of a token."""
        account = self._account(request)
        if account is None:
            return _refuse(401, "Invalid username or password.")
        return web.json_response(account.whoami())

    async def quota(self, request: web.Request) -> web.Response:
        """The ZeroGPU seconds of a token's account."""
        account = self._account(request)
        if account is None:
            return _refuse(401, "Invalid username or password.")
        if account.role == "fineGrained" and "user.billing.read" not in account.scopes:
            return _refuse(403, "Forbidden: the token lacks user.billing.read")
        return web.json_response(account.quota or {"base": 300, "current": 300, "resetsAt": None})


def _refuse(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": text}, status=status, headers=headers)


def _json(name: str, hosted: Hosted) -> dict[str, Any]:
    hardware = {"current": hosted.hardware, "requested": hosted.hardware}
    runtime = {"stage": hosted.stage(), "hardware": hardware, "storage": None}
    said = {
        "_id": hosted.hub_id,
        "id": name,
        "author": name.partition("/")[0],
        "title": hosted.title or name.partition("/")[2],
        "likes": hosted.likes,
        "private": hosted.private,
        "disabled": hosted.disabled,
        "sdk": hosted.sdk,
        "host": hosted.host,
        "subdomain": name.replace("/", "-"),
        "runtime": runtime,
        "siblings": [],
        "tags": [hosted.sdk, *hosted.tags],
        "cardData": {"title": hosted.title, "short_description": hosted.description},
    }
    return said | hosted.raw


def _guesses(hosted: Hosted) -> dict[str, Any]:
    """The Hub's own record of a Space."""
    return {"ai_short_description": hosted.description, "ai_category": hosted.category} | hosted.raw


def _without_none(said: dict[str, Any], spaces: dict[str, Hosted]) -> dict[str, Any]:
    """A record without the fields that a test leaves out."""
    raw = spaces[said["id"]].raw if said.get("id") in spaces else {}
    return {key: value for key, value in said.items() if not (key in raw and value is None)}


def _relevance(query: str, name: str, hosted: Hosted) -> float:
    """How much of a query a Space is about: a stand-in for the Hub's embeddings."""
    told = _stems(f"{name} {hosted.title} {hosted.description} {hosted.about}")
    asked = _stems(query)
    return round(len(asked & told) / len(asked), 3) if asked else 0.0


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"\w{4,}", text.casefold())}


@asynccontextmanager
async def hub() -> AsyncIterator[Hub]:
    """Serve a Hub."""
    served = Hub()
    app = web.Application(middlewares=[served.admit])
    app.router.add_get("/api/whoami-v2", served.whoami)
    app.router.add_get("/api/spaces", served.list)
    app.router.add_get("/api/spaces/semantic-search", served.search)
    app.router.add_get("/api/spaces/zero-gpu/quota", served.quota)
    app.router.add_get("/api/spaces/{name:[^/]+/[^/]+}", served.space)
    async with listening(app) as served.url:
        yield served
