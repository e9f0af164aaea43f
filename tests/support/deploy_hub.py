"""A Hub on loopback that creates Spaces: it answers huggingface_hub's requests to deploy one."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

WRITE = "hf_writewritewritewritewritewrite"
READ = "hf_readreadreadreadreadreadread"
PLAN = (
    "Static Spaces are free for everyone, but hosting Gradio and Docker Spaces on free cpu-basic "
    "requires a PRO subscription. Subscribe at https://huggingface.co/pro"
)
BUILDS = ("BUILDING", "APP_STARTING", "RUNNING")


@dataclass
class Space:
    """A Space's repository, its settings, and the stages it goes through after a commit."""

    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b""})
    private: bool = False
    sdk: str = "gradio"
    secrets: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    hardware: str = "cpu-basic"
    stages: list[str] = field(default_factory=lambda: ["NO_APP_FILE"])
    sha: str = "0" * 40
    host: str = ""
    commits: int = 0


class Hub:
    """Spaces and buckets by name. `builds` are the stages after a commit; `refuse` by path."""

    def __init__(self) -> None:
        self.url = ""
        self.spaces: dict[str, Space] = {}
        self.buckets: dict[str, dict[str, Any]] = {}
        self.pro = True
        self.orgs: list[dict[str, str]] = [{"name": "acme", "roleInOrg": "write"}]
        self.builds: tuple[str, ...] = BUILDS
        self.host = ""
        self.log: list[str] = []
        self.error_message = ""
        self.refuse: dict[tuple[str, str], tuple[int, str]] = {}
        self.asked: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        """Every path that is answered."""
        at = "/api/spaces/{owner}/{name}"
        return [
            web.get("/api/whoami-v2", self.whoami),
            web.post("/api/validate-yaml", self.validate_yaml),
            web.post("/api/repos/create", self.create),
            web.post("/api/buckets/{owner}/{name}", self.create_bucket),
            web.get(at, self.info),
            web.get(f"{at}/revision/{{revision}}", self.info),
            web.put(f"{at}/settings", self.settings),
            web.get(f"{at}/runtime", self.runtime),
            web.get(f"{at}/secrets", self.list_secrets),
            web.post(f"{at}/secrets", self.add_secret),
            web.get(f"{at}/variables", self.list_variables),
            web.post(f"{at}/variables", self.add_variable),
            web.delete(f"{at}/variables", self.delete_variable),
            web.put(f"{at}/volumes", self.set_volumes),
            web.post(f"{at}/hardware", self.set_hardware),
            web.post(f"{at}/restart", self.restart),
            web.post(f"{at}/preupload/main", self.preupload),
            web.post(f"{at}/commit/main", self.commit),
            web.get(f"{at}/logs/{{kind}}", self.logs),
        ]

    @web.middleware
    async def gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Refuse unknown users, read-only tokens, and what the test wants refused."""
        self.asked.append(f"{request.method} {request.path}")
        if answer := self.refuse.get((request.method, request.path)):
            return refused(*answer)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in (WRITE, READ):
            message = "Invalid credentials in Authorization header"
            return refused(401, message, {"X-Error-Message": message})
        changes = request.method != "GET" and not request.path.endswith("validate-yaml")
        if token == READ and changes:
            return refused(403, "This token has no write access")
        return await handler(request)

    def _space(self, request: web.Request) -> Space:
        name = "{owner}/{name}".format(**request.match_info)
        if name not in self.spaces:
            headers = {"X-Error-Code": "RepoNotFound", "Content-Type": "application/json"}
            raise web.HTTPNotFound(headers=headers, text='{"error": "Repository not found"}')
        return self.spaces[name]

    async def whoami(self, request: web.Request) -> web.Response:
        role = "read" if request.headers["Authorization"].endswith(READ) else "write"
        token = {"displayName": "loopback", "role": role}
        auth = {"type": "access_token", "accessToken": token}
        return web.json_response(
            {"type": "user", "name": "ada", "isPro": self.pro, "orgs": self.orgs, "auth": auth}
        )

    async def validate_yaml(self, request: web.Request) -> web.Response:
        header = (await request.json())["content"].split("---\n")[1]
        long = [line for line in header.splitlines() if line.startswith("short_desc")]
        errors = [] if all(len(line) <= 79 for line in long) else ["short_description is too long"]
        answer = {"errors": [{"message": error} for error in errors], "warnings": []}
        return web.json_response(answer, status=400 if errors else 200)

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name, hardware = f"{asked['organization']}/{asked['name']}", asked.get("hardware")
        if name in self.spaces:
            return refused(409, "You already created this space repo")
        if not self.pro and hardware in (None, "cpu-basic"):
            return refused(402, PLAN)
        self.spaces[name] = Space(
            private=asked.get("visibility") == "private",
            sdk=asked["sdk"],
            secrets=named(asked.get("secrets", [])),
            variables=named(asked.get("variables", [])),
            volumes=asked.get("volumes", []),
            hardware=hardware or "cpu-basic",
            host=self.host,
        )
        return web.json_response({"url": f"{self.url}/spaces/{name}", "name": name, "id": "1"})

    async def create_bucket(self, request: web.Request) -> web.Response:
        name = "{owner}/{name}".format(**request.match_info)
        if name in self.buckets:
            return web.json_response({"url": f"{self.url}/buckets/{name}"}, status=409)
        self.buckets[name] = await request.json()
        return web.json_response({"url": f"{self.url}/buckets/{name}"})

    async def info(self, request: web.Request) -> web.Response:
        space = self._space(request)
        name = "{owner}/{name}".format(**request.match_info)
        siblings = [{"rfilename": path} for path in space.files]
        return web.json_response(
            {"id": name, "sha": space.sha, "private": space.private, "sdk": space.sdk}
            | {"host": space.host, "siblings": siblings, "tags": []}
        )

    async def settings(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._space(request).private = asked.get("visibility") == "private"
        return web.json_response({})

    async def runtime(self, request: web.Request) -> web.Response:
        space = self._space(request)
        stage = space.stages.pop(0) if len(space.stages) > 1 else space.stages[0]
        hardware = {"current": space.hardware, "requested": space.hardware}
        answer: dict[str, Any] = {"stage": stage, "hardware": hardware, "storage": None}
        answer |= {"gcTimeout": None, "sha": space.sha, "volumes": space.volumes}
        if self.error_message:
            answer["errorMessage"] = self.error_message
        return web.json_response(answer)

    async def list_secrets(self, request: web.Request) -> web.Response:
        # The Hub never returns a secret's value.
        return web.json_response({key: {"key": key} for key in self._space(request).secrets})

    async def add_secret(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._space(request).secrets[asked["key"]] = asked["value"]
        return web.json_response({})

    async def list_variables(self, request: web.Request) -> web.Response:
        return web.json_response(valued(self._space(request).variables))

    async def add_variable(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._space(request).variables[asked["key"]] = asked["value"]
        return web.json_response(valued(self._space(request).variables))

    async def delete_variable(self, request: web.Request) -> web.Response:
        del self._space(request).variables[(await request.json())["key"]]
        return web.json_response(valued(self._space(request).variables))

    async def set_volumes(self, request: web.Request) -> web.Response:
        self._space(request).volumes = (await request.json())["volumes"]
        return web.json_response({})

    async def set_hardware(self, request: web.Request) -> web.Response:
        self._space(request).hardware = (await request.json())["flavor"]
        return await self.runtime(request)

    async def restart(self, request: web.Request) -> web.Response:
        self._space(request).stages = list(self.builds)
        return await self.runtime(request)

    async def preupload(self, request: web.Request) -> web.Response:
        there = self._space(request).files
        rows = [
            {"path": path, "uploadMode": "regular", "shouldIgnore": False}
            | {"oid": blob(there[path]) if path in there else None}
            for path in (asked["path"] for asked in (await request.json())["files"])
        ]
        return web.json_response({"files": rows})

    async def commit(self, request: web.Request) -> web.Response:
        space = self._space(request)
        for line in (await request.text()).splitlines():
            item = json.loads(line)
            value = item["value"]
            if item["key"] == "file":
                space.files[value["path"]] = base64.b64decode(value["content"])
            elif item["key"] == "deletedFile":
                del space.files[value["path"]]
        space.commits += 1
        space.sha = hashlib.sha1(repr(sorted(space.files.items())).encode()).hexdigest()
        space.stages = list(self.builds)
        url = f"{self.url}/{request.path.removeprefix('/api/').removesuffix('main')}{space.sha}"
        return web.json_response({"commitUrl": url, "commitOid": space.sha})

    async def logs(self, request: web.Request) -> web.Response:
        self._space(request)
        events = [f"data: {json.dumps({'data': line, 'timestamp': ''})}\n\n" for line in self.log]
        return web.Response(text="".join(events), content_type="text/event-stream")


def refused(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """An error as the Hub words it."""
    return web.json_response({"error": text}, status=status, headers=headers)


def named(pairs: list[dict[str, str]]) -> dict[str, str]:
    return {pair["key"]: pair["value"] for pair in pairs}


def valued(values: dict[str, str]) -> dict[str, Any]:
    return {key: {"key": key, "value": value} for key, value in values.items()}


def blob(data: bytes) -> str:
    """Git's name for a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


async def healthy(_: web.Request) -> web.Response:
    """The page of a Space that runs."""
    return web.json_response({"status": "ok"})


@asynccontextmanager
async def hub() -> AsyncIterator[Hub]:
    """Serve a Hub, which also answers /healthz as a running Space does."""
    served = Hub()
    health = web.Application()
    health.router.add_get("/healthz", healthy)
    app = web.Application(middlewares=[served.gate], client_max_size=2**26)
    app.add_routes(served.routes())
    runners = [web.AppRunner(each, shutdown_timeout=0.1) for each in (app, health)]
    try:
        for runner in runners:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.url, served.host = (
            f"http://127.0.0.1:{runner.addresses[0][1]}" for runner in runners
        )
        yield served
    finally:
        for runner in runners:
            await runner.cleanup()
