"""The connection to Discord: refusals, recovery, and the jobs meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import discord as dpy
import pytest

from spacebot.discord_bot import supervisor as bot_module
from spacebot.discord_bot.client import Bot
from spacebot.discord_bot.delivery import LOST
from spacebot.discord_bot.supervisor import keep_running
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.cluster import SingleProcess
from spacebot.engine.jobs import JobManager
from spacebot.engine.store import Store
from spacebot.models import (
    BotPhase,
    BotProblem,
    BotStatus,
    GatewaySession,
    JobEnding,
    Source,
)
from spacebot.spaces.client import Network
from tests.e2e.conftest import Place, discord
from tests.support.asking import ask, is_final, shown, until
from tests.support.bot_in_loop import at_home
from tests.support.loopback import DiscordServer, point_discord_at
from tests.support.program import Program

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("resumable", [True, False])
async def test_a_dropped_gateway_heals_and_the_job_is_answered(
    shared: tuple[Place, Program], resumable: bool
):
    place, program = shared
    gateway = place.server.gateway
    identifies, resumes = gateway.identifies, gateway.resumes
    seen = await place.ada.command("fast sleep", seconds=3, channel=place.channel)
    if resumable:
        gateway.down = True
        gateway.drop()
    else:
        # discord.py waits 5 s before it identifies again.
        gateway.invalidate()
    health = await program.until_health("retrying")
    assert (health["code"], health["reason"]) == (
        503,
        "Lost the connection to Discord. Reconnecting.",
    )
    # The answer needs no gateway.
    await seen.wait(is_final, 20)
    assert "Done in" in shown(seen).content
    gateway.down = False
    await program.until(lambda: gateway.ready)
    await program.until_health("ok")
    assert gateway.resumes - resumes == (1 if resumable else 0)
    assert gateway.identifies - identifies == (0 if resumable else 1)
    assert "hi" in (await ask(place.ada, "fast echo", text="hi", channel=place.channel)).content


async def test_a_gateway_that_asks_for_a_new_connection_gets_one(shared: tuple[Place, Program]):
    place, program = shared
    resumes = place.server.gateway.resumes
    place.server.gateway.ask_reconnect()
    await program.until(lambda: place.server.gateway.resumes > resumes)
    assert "hi" in (await ask(place.ada, "fast echo", text="hi", channel=place.channel)).content


class Kept:
    """`keep_running` in this loop, and every status that it reported."""

    def __init__(self) -> None:
        self.told: list[BotStatus] = []
        self.bots: list[Bot] = []
        self.cluster = SingleProcess()
        # The phase that each client reports before its first request to Discord.
        self.first_phases: list[BotPhase] = []
        self.retrying = asyncio.Event()

    def tell(self, bot: Bot | None, status: BotStatus) -> None:
        """Record a status."""
        self.told.append(status)
        if bot is not None:
            self.first_phases.append(bot.state().phase)
        if status.phase is BotPhase.RETRYING:
            self.retrying.set()

    async def run(
        self,
        server: DiscordServer,
        folder: Path,
        source: Source,
        change: Callable[[Bot], None] = lambda _: None,
    ) -> None:
        """Run until it ends."""
        async with Network() as network, Store.in_folder(folder) as store:
            catalogue = Catalogue([source], network, folder=folder)
            jobs = JobManager(catalogue, store, folder=folder)
            await catalogue.start()

            def make() -> Bot:
                made = Bot(catalogue, jobs, cluster=self.cluster)
                change(made)
                self.bots.append(made)
                return made

            try:
                with point_discord_at(server):
                    await keep_running(server.token, make, self.tell)
            finally:
                await jobs.close()
                await catalogue.close()


async def test_a_token_that_the_gateway_refuses_ends_it(space, tmp_path: Path):
    async with discord() as place:
        kept, source = Kept(), Source(space("fast"), name="fast")

        def reset_after_login(made: Bot) -> None:
            start = made.shards.start

            def reset(shard: int, session: GatewaySession | None = None) -> None:
                place.server.token = "another"
                start(shard, session)

            made.shards.start = reset

        await asyncio.wait_for(kept.run(place.server, tmp_path, source, reset_after_login), 30)
        assert kept.told[-1].phase is BotPhase.FAILED
        assert kept.told[-1].reason.startswith("Discord refused DISCORD_TOKEN. ")
        assert place.server.gateway.identifies == 1
        assert len(kept.bots) == 1


async def test_a_gateway_down_at_the_start_heals(space, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(bot_module, "FIRST_RETRY_PAUSE", 0.05)
    async with discord() as place:
        place.server.gateway.down = True
        kept, source = Kept(), Source(space("fast"), name="fast")
        task = asyncio.create_task(kept.run(place.server, tmp_path, source))
        await asyncio.wait_for(kept.retrying.wait(), 20)
        place.server.gateway.down = False
        await place.server.wait_until_ready(30)
        assert "hi" in await _first_answer(place)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        told = next(status.reason for status in kept.told if status.reason)
        assert told.startswith("Discord cannot be reached from here; trying again in 0 s. ")
        # The next client does not use the shard count of the one before.
        assert kept.cluster.shard_count
        assert len(kept.first_phases) > 1
        assert set(kept.first_phases) == {BotPhase.CONNECTING}


async def test_a_refused_intent_is_done_without(space, tmp_path: Path):
    async with discord() as place:
        # The application's flags allow it, and then the gateway refuses it.
        place.server.flags = dpy.ApplicationFlags(gateway_message_content_limited=True).value
        kept = Kept()
        # There is a chat, which would use the content of messages.
        source = Source(space("stateful"), name="stateful")
        task = asyncio.create_task(kept.run(place.server, tmp_path, source))
        await place.server.wait_until_ready(30)
        await place.server.wait(lambda s: s.registered_commands, 10)
        answer = await ask(place.ada, "stateful count", step=4, channel=place.channel)
        assert "total 4" in answer.content
        assert place.server.gateway.identifies == 2
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("code", [4010, 4011, 4012, 4013])
async def test_what_cannot_heal_is_not_tried_again(code: int):
    class Socket:
        close_code = code

    error = dpy.ConnectionClosed(Socket(), shard_id=None)  # type: ignore[arg-type]
    status = bot_module.diagnose(error, 5)
    assert status.phase is BotPhase.FAILED
    assert f"({code})" in status.reason


# A firewall between here and Discord answers with a page and status 200.
@pytest.mark.parametrize("status", [0, 200])
async def test_pauses_between_tries_grow(space, tmp_path: Path, monkeypatch, status: int):
    monkeypatch.setattr(bot_module, "FIRST_RETRY_PAUSE", 0.05)
    monkeypatch.setattr(bot_module, "MAX_RETRY_PAUSE", 0.3)
    async with discord() as place:
        place.server.limits.fail("GET /users/@me", status, times=4)
        kept = Kept()
        source = Source(space("fast"), name="fast")
        task = asyncio.create_task(kept.run(place.server, tmp_path, source))
        await place.server.wait_until_ready(30)
        seen = await _first_answer(place)
        assert "hi" in seen
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        phases = [status.phase for status in kept.told]
        assert phases.count(BotPhase.RETRYING) >= 2
        assert all("trying again in 0 s" in s.reason for s in kept.told if s.reason)


async def test_a_new_client_goes_on_with_the_jobs_of_the_old_one(space, tmp_path: Path):
    async with discord() as place:
        kept, source = Kept(), Source(space("fast"), name="fast")
        task = asyncio.create_task(kept.run(place.server, tmp_path, source))
        await place.server.wait(lambda s: s.registered_commands, 30)
        await kept.bots[0].wait_until_ready()
        short = await place.ada.command("fast sleep", seconds=1.5, channel=place.channel)
        options = {"seconds": 6, "steps": 60}
        long = await place.ada.command("fast progress", options, channel=place.channel)
        await until(short, "Working")
        # Somebody switched an intent off.
        place.server.gateway.drop(resumable=False, code=4014)
        await place.server.wait(lambda s: s.gateway.identifies == 2, 10)
        await asyncio.gather(short.wait(is_final, 20), long.wait(is_final, 20))
        for seen in (short, long):
            assert "Done in" in shown(seen).content
        assert len(kept.bots) == 2
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_job_whose_client_was_closed_is_reported_at_the_next_start(space, tmp_path: Path):
    source = Source(space("fast"), name="fast")
    async with discord() as place:
        async with at_home(place.server, source, folder=tmp_path) as home:
            seen = await place.ada.command("fast sleep", seconds=1.5, channel=place.channel)
            await until(seen, "Working")
            (running,) = home.jobs.running
            # A job in the queue is saved too, for the next process.
            assert running.job.message_ref is not None
            there = replace(running.job.message_ref, automation="x")
            waits = replace(running.job, id="a" * 12, message_ref=there)
            home.bot.automations._gates["x"] = gate = asyncio.Semaphore(0)
            await home.jobs.keep(waits)
            waiting = asyncio.create_task(home.bot.automations.deliver(waits, None))
            await asyncio.sleep(0)
            # As after the token was reset: there is no other client.
            await home.bot.close()
            assert waits.id not in home.jobs.job_ids
            gate.release()
            await waiting
            await running.result()
            for _ in range(100):
                await asyncio.sleep(0.05)
                if home.jobs.left.qsize():
                    break
            await home.bot.automations.deliver(waits, None)
            left = await home.jobs.store.unfinished()
            assert {one.id for one in left} == {running.job.id, waits.id}
            assert waits.id not in home.jobs.job_ids
            await home.jobs.drop(waits, JobEnding.CANCELLED)
        # There is no way to check whether it was answered meanwhile.
        place.server.limits.fail("GET /webhooks/*/messages/*", 0, times=2)
        async with at_home(place.server, source, folder=tmp_path):
            await seen.wait(is_final, 20)
            assert LOST in shown(seen).content


async def test_a_mistake_before_discord_is_asked_is_told_as_one():
    kept = Kept()

    def make() -> Bot:
        raise TypeError("a mistake")

    await asyncio.wait_for(keep_running("a token", make, kept.tell), 5)
    assert [one.trouble for one in kept.told] == [BotProblem.BUG]


async def _first_answer(place: Place) -> str:
    await place.server.wait(lambda s: s.registered_commands, 10)
    seen = await place.ada.command("fast echo", text="hi", channel=place.channel)
    return (await until(seen, "Done")).content
