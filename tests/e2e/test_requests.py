"""REST calls with the bot's token: cancelled calls, and calls that never return."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import discord as dpy
import pytest
from discord.http import Route

from spacebot.discord_bot.gateway import rest
from spacebot.models import BotPhase, BotProblem, Source
from tests.e2e.conftest import Place, discord
from tests.support.bot_in_loop import Home, at_home
from tests.support.conversations import lab, opened, spoken


async def test_a_global_rate_limit_while_typing_is_shown_ends_nothing(served, tmp_path: Path):
    async with lab(tmp_path, parrot=served("parrot")) as it:
        thread = await opened(it.ada, "parrot", it.channel, message="hello")
        answered = 0
        for _ in range(5):
            before = len(spoken(thread))
            it.server.limits.fail(
                f"POST /channels/{thread.id}/typing", 429, retry_after=1.0, everywhere=True
            )
            # It ends without any text, while typing waits for the rate limit.
            it.ada.say("fail", channel=thread)
            with contextlib.suppress(AssertionError):
                await thread.wait(lambda place, n=before: len(spoken(place)) > n, 8)
                answered += "The parrot is asleep." in spoken(thread)[-1].content
        assert answered == 5
        assert it.home.bot.state().phase is BotPhase.CONNECTED


async def _seen(condition: Callable[[], bool]) -> None:
    """Wait until this is true."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def _cancelled_in_the_limit(place: Place, home: Home) -> None:
    """Start a request, cancel it during the global rate limit, and wait until it has ended."""
    place.server.limits.fail("POST /channels/*/typing", 429, retry_after=0.3, everywhere=True)
    channel = home.bot.get_channel(place.channel.id)
    assert isinstance(channel, dpy.TextChannel)
    typing = asyncio.ensure_future(channel.typing().__aenter__())
    await _seen(lambda: not home.bot.http._global_over.is_set())
    typing.cancel()
    await asyncio.gather(typing, return_exceptions=True)


async def test_a_request_cancelled_in_a_global_rate_limit_releases_it(served, tmp_path: Path):
    source = Source(served("fast"), name="fast")
    async with discord() as place, at_home(place.server, source, folder=tmp_path) as home:
        await _cancelled_in_the_limit(place, home)
        async with asyncio.timeout(5):
            await home.bot.application_info()


async def test_requests_that_do_not_return_are_told(served, tmp_path: Path, monkeypatch, caplog):
    monkeypatch.setattr(rest, "OVERDUE_SECONDS", 0.2)
    source = Source(served("fast"), name="fast")
    async with discord() as place, at_home(place.server, source, folder=tmp_path) as home:
        assert home.bot.state().phase is BotPhase.CONNECTED
        place.server.limits.fail("GET /gateway", 200, hang=1.0)
        asking = asyncio.create_task(home.bot.http.request(Route("GET", "/gateway")))
        await _seen(lambda: home.bot.state().phase is not BotPhase.CONNECTED)
        state = home.bot.state()
        assert state.trouble is BotProblem.DISCORD
        assert state.reason.startswith("Discord has not answered requests for 0 s: ")
        assert caplog.text.count("Discord has not answered GET /gateway") == 1
        await asyncio.gather(asking, return_exceptions=True)
        assert home.bot.state().phase is BotPhase.CONNECTED


async def test_a_queue_behind_a_rate_limit_is_no_trouble(monkeypatch):
    monkeypatch.setattr(rest, "OVERDUE_SECONDS", 0.3)

    class Slow:
        """Answers one request at a time."""

        turn = asyncio.Lock()

        async def request(self, *_: object, **__: object) -> None:
            async with self.turn:
                await asyncio.sleep(0.1)

    slow = Slow()
    watched = rest.RequestMonitor(slow)  # type: ignore[arg-type]
    queue = [asyncio.create_task(slow.request(Route("GET", "/gateway"))) for _ in range(8)]
    while not all(one.done() for one in queue):
        assert not watched.overdue
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("fails", [False, True])
async def test_uncancelled_work_goes_on_when_its_caller_is_cancelled(fails: bool):
    began, done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        await asyncio.sleep(0.05)
        done.set()
        if fails:
            raise OSError

    caller = asyncio.create_task(rest.uncancelled(work(), name="work"))
    await began.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await asyncio.wait_for(done.wait(), 5)
