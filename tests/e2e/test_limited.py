"""Discord blocks requests from this address for a while: the messages, and the recovery."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from functools import partial
from pathlib import Path

import discord as dpy
import pytest
from aiohttp import web

from spacebot.discord_bot import supervisor
from spacebot.discord_bot.client import Bot
from spacebot.discord_bot.gateway import rate_limits
from spacebot.discord_bot.supervisor import keep_running
from spacebot.engine import job_text
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs import JobManager
from spacebot.engine.store import Store
from spacebot.models import BotPhase, BotProblem, BotStatus
from spacebot.spaces.client import Network
from tests.e2e.conftest import discord
from tests.support.loopback import DiscordServer
from tests.support.loopback.harness import point_discord_at
from tests.support.program import running as program

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOURS = 3 * 3600
VIA = {"Via": "1.1 google"}


def cloudflare(wait: str = "") -> web.Response:
    """The page of error 1015, as Cloudflare serves it."""
    page = "<!DOCTYPE html><title>Access denied | discord.com</title><h1>Error 1015</h1>"
    headers = {"Retry-After": wait} if wait else {}
    return web.Response(status=429, text=page, content_type="text/html", headers=headers)


def api(seconds: float, headers: dict[str, str]) -> web.Response:
    """Discord's own answer."""
    body = {"message": "You are being rate limited.", "retry_after": seconds, "global": False}
    # With a charset, discord.py would treat it as text.
    headers = headers | {"Content-Type": "application/json"}
    return web.Response(status=429, body=json.dumps(body).encode(), headers=headers)


def date(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


ROUTES = ("GET /users/@me", "GET /oauth2/applications/@me", "GET /")
ANSWERS: dict[str, tuple[Callable[[], web.Response], float]] = {
    "a page, in seconds": (lambda: cloudflare(str(HOURS)), HOURS),
    "a page, as a date": (lambda: cloudflare(date(HOURS)), HOURS),
    "a page that does not say": (cloudflare, rate_limits.DEFAULT_BLOCK),
    "a page, for a year": (lambda: cloudflare("31536000"), rate_limits.MAX_BLOCK),
    "JSON": (lambda: api(HOURS, {**VIA, "Retry-After": str(HOURS)}), HOURS),
    "JSON, in the body only": (lambda: api(HOURS, VIA), HOURS),
    "JSON of a wall": (lambda: api(HOURS, {"Retry-After": str(HOURS)}), HOURS),
}


async def seen(condition: Callable[[], object]) -> None:
    """Wait until this is true."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


class Told:
    """The statuses that `keep_running` reports."""

    def __init__(self) -> None:
        self.statuses: list[BotStatus] = []
        self.bot: Bot | None = None
        self.retrying = asyncio.Event()

    def __call__(self, bot: Bot | None, status: BotStatus) -> None:
        self.bot = bot
        self.statuses.append(status)
        if status.phase is BotPhase.RETRYING:
            self.retrying.set()

    async def connected(self) -> Bot:
        """Wait until all is well, and return the bot."""
        await seen(lambda: self.bot and self.bot.state().phase is BotPhase.CONNECTED)
        assert self.bot is not None
        assert self.bot.state().until is None
        # It now looks for unfinished work.
        await asyncio.sleep(0.2)
        return self.bot


@asynccontextmanager
async def kept_running(server: DiscordServer, folder: Path) -> AsyncIterator[Told]:
    """The bot as the runtime runs it."""
    told = Told()
    async with Network() as network, Store.in_folder(folder) as store:
        catalogue = Catalogue((), network, folder=folder)
        jobs = JobManager(catalogue, store, folder=folder)
        await catalogue.start()
        with point_discord_at(server):
            make = partial(Bot, catalogue, jobs)
            keeping = asyncio.create_task(keep_running(server.token, make, told))
            try:
                yield told
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
                await jobs.close()
                await catalogue.close()


def asked(server: DiscordServer) -> int:
    """The requests and handshakes so far."""
    return len(server.requests) + server.gateway.refused


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("route", ROUTES)
async def test_until_when_and_why_is_told(route: str, kind: str, tmp_path: Path):
    answer, wait = ANSWERS[kind]
    async with DiscordServer() as server:
        server.limits.fail(route, 429, times=100, answer=answer)
        before = time.time()
        async with kept_running(server, tmp_path) as told, asyncio.timeout(20):
            await told.retrying.wait()
            asked_then, status = asked(server), told.statuses[-1]
            assert status.trouble is BotProblem.DISCORD
            assert status.until is not None
            assert before + wait - 2 <= status.until <= time.time() + wait
            assert job_text.clock_time(status.until) in status.reason
            assert "share the address" in status.reason
            assert "DISCORD_PROXY" in status.reason
            assert ("does not say" in status.reason) == ("does not" in kind)
            # It is in that pause now, and nothing else sends requests.
            await asyncio.sleep(0.3)
            assert asked(server) == asked_then
            assert len(told.statuses) == 2


@pytest.mark.parametrize(
    "answer",
    [lambda: cloudflare("1"), lambda: api(1.0, VIA), lambda: api(1.0, {"Retry-After": "1"})],
    ids=["page", "JSON", "JSON of a wall"],
)
@pytest.mark.parametrize("route", ROUTES)
async def test_the_bot_comes_up_by_itself_afterwards(
    route: str, answer: Callable[[], web.Response], tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(supervisor, "MAX_JITTER", 0.0)
    monkeypatch.setattr("spacebot.discord_bot.client.MAX_LOGIN_SLEEP", 0.5)
    async with DiscordServer() as server:
        fault = server.limits.fail(route, 429, answer=answer)
        async with kept_running(server, tmp_path) as told, asyncio.timeout(20):
            await told.retrying.wait()
            await told.connected()
            assert fault.times == 0
            assert server.gateway.identifies == 1


async def test_a_short_limit_at_login_is_told_while_discord_py_sleeps(tmp_path: Path):
    async with DiscordServer() as server:
        server.limits.fail("GET /users/@me", 429, answer=lambda: api(50.0, VIA))
        async with kept_running(server, tmp_path) as told, asyncio.timeout(20):
            await server.wait(lambda it: it.requests)
            await seen(lambda: told.bot and told.bot.limits.limit)
            assert told.bot is not None
            assert told.bot.state().phase is BotPhase.RETRYING
            assert "share the address" in told.bot.state().reason


async def test_a_block_of_a_running_bot_is_told_until_a_request_passes(tmp_path: Path):
    async with DiscordServer() as server, kept_running(server, tmp_path) as told:
        bot = await told.connected()
        server.limits.fail("GET /oauth2/applications/@me", 429, answer=lambda: cloudflare("900"))
        with pytest.raises(dpy.HTTPException):
            await bot.application_info()
        state = bot.state()
        assert (state.phase, state.trouble) == (BotPhase.RETRYING, BotProblem.DISCORD)
        await bot.application_info()
        assert bot.state().phase is BotPhase.CONNECTED


async def test_the_page_and_healthz_tell_and_the_program_heals(space, tmp_path: Path):
    at_once = "import spacebot.discord_bot.supervisor as r; r.SPREAD = 0"
    async with discord() as place:
        place.server.limits.fail("GET /users/@me", 429, answer=lambda: cloudflare("4"))
        async with program(
            tmp_path, place.server, space("fast"), before=at_once, ready=False
        ) as started:
            health = await started.until_health("retrying", 120)
            assert health["code"] == 503
            assert "It says to wait until" in health["reason"]
            assert int((await started.get("/healthz")).headers["Retry-After"]) <= 4
            await started.until_page("Discord accepts no requests from this host&#39;s address")
            await started.until_health("ok")
            logins = [r for r in place.server.requests if r.path == "/users/@me"]
            assert [login.status for login in logins] == [429, 200]
            # Nor was the connection to Discord probed meanwhile.
            assert not [r for r in place.server.requests if r.path == "/gateway"]
            assert started.log.count("accepts no requests") == 1
            assert "<" not in started.log
