"""A second gateway session takes over from the first: no interaction is missed or doubled."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from spacebot.engine.cluster import cluster
from spacebot.models import JobEnding, Source
from tests.faults.counting import settled
from tests.support.asking import is_final, shown
from tests.support.automations import lab
from tests.support.loopback import Interaction


async def test_commands_are_answered_while_an_intent_is_switched_on(
    served, tmp_path: Path, monkeypatch
):
    sources = [Source(served("fast"), name="fast")]
    async with lab(tmp_path, *sources) as it:
        gateway, sent = it.server.gateway, list[Interaction]()
        it.server.limits.acknowledge_within = 3.0
        # As in production, Discord makes the bot wait before it identifies again.
        monkeypatch.setattr(cluster, "IDENTIFY_INTERVAL", 4.0)

        async def type_commands(stop: asyncio.Event) -> None:
            while not stop.is_set():
                asked = it.ada.command("fast echo", text=f"n{len(sent)}", channel=it.channel)
                sent.append(await asked)
                await asyncio.sleep(0.05)

        stop = asyncio.Event()
        typing = asyncio.create_task(type_commands(stop))
        try:
            await it.add("text", "/fast echo", match="magic", values="text:hello")
            # Once the answer is there, the old session is closed.
            assert gateway.identifies == 2
            await asyncio.sleep(1)
        finally:
            stop.set()
            await typing
        assert [one for one in sent if not one.acknowledged] == []
        for one in sent:
            await one.wait(is_final, 20)
        await settled(it.home)
        answers = Counter(shown(one).content.splitlines()[1] for one in sent)
        assert len(answers) == len(sent)
        assert len(sent) > 10
        assert it.home.jobs.metrics.count(JobEnding.DONE) == len(sent)
        assert not any(one.followups for one in sent)
        assert [session.connection is not None for session in gateway.sessions.values()] == [True]
        said = it.ada.say("the magic word", channel=it.channel)
        assert "hello" in (await it.answer_to(said)).content


async def test_a_session_that_discord_refuses_leaves_the_old_one_alone(served, tmp_path: Path):
    async with lab(tmp_path, Source(served("fast"), name="fast")) as it:
        # The portal allows the intent; the gateway refuses it.
        it.server.privileged = 0
        said = await it.automation(
            "add", when="text", run="/fast echo", match="magic", values="text:hello"
        )
        assert "Message Content Intent" in said
        assert it.server.gateway.identifies == 2
        seen = await it.ada.command("fast echo", text="hi", channel=it.channel)
        await seen.wait(is_final, 10)
        assert it.home.bot.privileged_intents.asked == frozenset()
        # It is alive: the old session resumes after a drop.
        it.server.gateway.drop()
        await it.server.wait(lambda s: s.gateway.resumes == 1 and s.gateway.ready, 20)
