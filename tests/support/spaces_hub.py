"""A Hub on loopback: `/api/spaces/owner/name`, answered as huggingface.co does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from huggingface_hub import HfApi

from tests.support.listening import listening

TOKEN = "hf_loopbackloopbackloopback"


@dataclass
class Hosted:
    """A Space on the Hub: its stages one after the other, the last for good."""

    host: str
    stages: list[str] = field(default_factory=lambda: ["RUNNING"])
    private: bool = False
    asked: int = 0

    def stage(self) -> str:
        """Its stage now."""
        self.asked += 1
        return self.stages.pop(0) if len(self.stages) > 1 else self.stages[0]


class Hub:
    """The Spaces by name, and the authorization of every request."""

    def __init__(self) -> None:
        self.spaces: dict[str, Hosted] = {}
        self.authorizations: list[str | None] = []
        self.url = ""
        self.refusal: web.Response | None = None

    @property
    def api(self) -> HfApi:
        """The real client, sent here."""
        return HfApi(endpoint=self.url)

    async def space(self, request: web.Request) -> web.Response:
        """Answer as the Hub does."""
        if self.refusal is not None:
            return self.refusal
        arguments = request.headers.get("Authorization")
        self.authorizations.append(arguments)
        if arguments not in (None, f"Bearer {TOKEN}"):
            message = "Invalid credentials in Authorization header"
            return self._refuse(401, message, {"X-Error-Message": message})
        name = request.match_info["name"]
        hosted = self.spaces.get(name)
        if hosted is None or (hosted.private and not arguments):
            # Without a token, the Hub does not tell a private one from a missing one.
            status, text = (404, "Repository not found") if arguments else (401, "Invalid username")
            headers = {"X-Error-Code": "RepoNotFound", "X-Error-Message": text}
            return self._refuse(status, text, headers)
        return web.json_response(self._json(name, hosted))

    @staticmethod
    def _refuse(status: int, text: str, headers: dict[str, str]) -> web.Response:
        return web.json_response({"error": text}, status=status, headers=headers)

    @staticmethod
    def _json(name: str, hosted: Hosted) -> dict[str, Any]:
        runtime = {"stage": hosted.stage(), "hardware": {"current": "cpu-basic"}, "storage": None}
        return {
            "id": name,
            "private": hosted.private,
            "sdk": "gradio",
            "host": hosted.host,
            "subdomain": name.replace("/", "-"),
            "runtime": runtime,
            "siblings": [],
            "tags": [],
        }


@asynccontextmanager
async def hub() -> AsyncIterator[Hub]:
    """Serve a Hub."""
    served = Hub()
    app = web.Application()
    app.router.add_get("/api/spaces/{name:[^/]+/[^/]+}", served.space)
    async with listening(app) as served.url:
        yield served
