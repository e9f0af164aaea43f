"""The server controlled over HTTP, for a benchmark that runs it in its own process.

    GET  /control/state     token, bootstrap, users, channels, whether the bot is ready, counts
    POST /control/command   {user, channel, name, options, until, timeout}: see `command`
    POST /control/click     {interaction, button, user, until, timeout}
    POST /control/say       {user, channel, text}
    POST /control/limits    {enforced}
    POST /control/fail      {route, status, times, retry_after, hang}
    POST /control/drop      {resumable, code}

`user` and `channel` count from 0 (no channel: the direct message). A file among the
options is {"name": "a.png", "base64": "…"}. `until` names one of UNTIL, or a text to wait for.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from .actors import User
from .harness import bootstrap_code
from .interactions import Interaction
from .options import NotSendable
from .server import DiscordServer
from .state import Channel, Message

UNTIL: dict[str, Callable[[Interaction], Any]] = {
    "acknowledged": lambda seen: seen.response_type is not None,
    "answered": lambda seen: seen.message and not seen.message.loading,
    "files": lambda seen: any(m.attachments for m in [seen.message, *seen.followups] if m),
    "modal": lambda seen: seen.modal,
}


class Control:
    """A server with people and channels, and the routes that control it."""

    def __init__(self, server: DiscordServer, users: int, channels: int) -> None:
        self.server = server
        self.users = [server.add_user(f"user{number}") for number in range(users)]
        guild = server.add_guild("Bench", *self.users)
        self.channels = [guild.add_text_channel(f"channel{n}") for n in range(channels)]

    def mount(self, app: web.Application) -> None:
        """Adds the routes."""
        app.router.add_get("/control/state", self.state)
        for name in ("command", "click", "say", "limits", "fail", "drop"):
            app.router.add_post(f"/control/{name}", self._guarded(getattr(self, name)))

    def _guarded(self, act: Callable[[dict[str, Any]], Any]) -> Any:
        async def handle(request: web.Request) -> web.Response:
            try:
                return web.json_response(await act(json.loads(await request.read() or b"{}")))
            except (AssertionError, LookupError, TypeError, ValueError) as exc:
                status = 400 if isinstance(exc, NotSendable) else 504
                return web.json_response({"error": str(exc)}, status=status)

        return handle

    async def state(self, request: web.Request) -> web.Response:
        """The server's state."""
        server = self.server
        about = {
            "token": server.token,
            "bootstrap": bootstrap_code(server),
            "ready": server.gateway.ready,
            "users": len(self.users),
            "channels": len(self.channels),
            "commands": [command["name"] for command in server.registered_commands],
            "requests": len(server.requests),
            "limited": server.limits.limited,
            "identifies": server.gateway.identifies,
            "resumes": server.gateway.resumes,
        }
        return web.json_response(about)

    def _who(self, asked: dict[str, Any]) -> User:
        return self.users[asked.get("user", 0)]

    def _where(self, asked: dict[str, Any]) -> Channel | None:
        number = asked.get("channel")
        return None if number is None else self.channels[number]

    async def command(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Runs a command and waits `until`; 504 after `timeout` seconds (60)."""
        given = {name: _given(value) for name, value in asked.get("options", {}).items()}
        began = time.monotonic()
        place = self._where(asked)
        seen = await self._who(asked).command(asked["name"], given, channel=place)
        return await self._report(seen, asked, began)

    async def click(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Presses a button under an earlier interaction's message, and waits `until`."""
        earlier = self.server.interactions[int(asked["interaction"])]
        if earlier.message is None:
            raise NotSendable("that interaction has no message")
        began = time.monotonic()
        seen = await self._who(asked).click(earlier.message, asked["button"])
        return await self._report(seen, asked, began)

    async def _report(
        self, seen: Interaction, asked: dict[str, Any], began: float
    ) -> dict[str, Any]:
        until = asked.get("until", "answered")
        wanted = UNTIL.get(until) or (lambda i: until in i.describe())
        await seen.wait(wanted, asked.get("timeout", 60.0))
        return {
            "interaction": str(seen.id),
            "acknowledged_after": seen.acknowledged_after,
            "seconds": time.monotonic() - began,
            "message": seen.message and _shown(seen.message, seen.created),
            "followups": [_shown(message, seen.created) for message in seen.followups],
            "modal": seen.modal,
        }

    async def say(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Sends a message as a person."""
        message = self._who(asked).say(asked["text"], channel=self._where(asked))
        return _shown(message, message.created)

    async def limits(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Switches the rate limits."""
        self.server.limits.enforced = bool(asked["enforced"])
        return {}

    async def fail(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Schedules a fault."""
        self.server.limits.fail(**asked)
        return {}

    async def drop(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Ends the gateway's connections."""
        self.server.gateway.drop(**asked)
        return {}


def _given(value: Any) -> Any:
    if isinstance(value, dict):
        return value["name"], base64.b64decode(value["base64"])
    return value


def _shown(message: Message, since: float) -> dict[str, Any]:
    return {
        "text": message.text,
        "files": [
            {"name": a.filename, "size": len(a.data), "url": a.url} for a in message.attachments
        ],
        "buttons": list(message.buttons()),
        "embeds": len(message.embeds),
        "ephemeral": message.ephemeral,
        "edits": message.edits,
        "changed_after": [version.at - since for version in message.history],
    }
