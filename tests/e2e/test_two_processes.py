"""Two bots with one token: each interaction is handled by one of them."""

from __future__ import annotations

from pathlib import Path

from spacebot.models import JobEnding, Source
from tests.e2e.conftest import discord
from tests.faults.counting import settled
from tests.support.asking import is_final, shown
from tests.support.bot_in_loop import at_home


async def test_what_another_process_answered_first_is_not_run(served, tmp_path: Path, caplog):
    source = Source(served("fast"), name="fast")
    one, other = tmp_path / "one", tmp_path / "other"
    async with (
        discord() as place,
        at_home(place.server, source, folder=one) as first,
        at_home(place.server, source, folder=other) as second,
    ):
        assert place.server.gateway.identifies == 2
        for number in range(6):
            seen = await place.ada.command("fast echo", text=f"n{number}", channel=place.channel)
            await seen.wait(is_final, 10)
            assert f"n{number}" in shown(seen).content
            assert not seen.followups
        for home in (first, second):
            await settled(home)
        assert sum(one.jobs.metrics.count(JobEnding.DONE) for one in (first, second)) == 6
        assert not any(one.jobs.metrics.count(JobEnding.FAILED) for one in (first, second))
        assert len(place.channel.messages) == 6
    assert caplog.text.count("another process answered an interaction first") == 6
