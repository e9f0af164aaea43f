"""Several shards in one process, on a Discord that enforces when they may identify."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from spacebot.engine.cluster import cluster
from spacebot.models import BotPhase, Source
from tests.support.asking import ask
from tests.support.bot_in_loop import at_home
from tests.support.loopback import DiscordServer
from tests.support.sharded import SHARDS, channels_by_shard


@pytest.mark.parametrize("concurrency", [1, 2])
async def test_as_many_shards_as_discord_advises(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    monkeypatch.setattr(cluster, "IDENTIFY_INTERVAL", 0.5)
    async with DiscordServer() as server:
        ada, gateway = server.add_user("ada"), server.gateway
        channels = channels_by_shard(server, ada)
        gateway.shards, gateway.max_concurrency = SHARDS, concurrency
        gateway.identify_interval = 0.25
        async with at_home(server, Source(served("fast"), name="fast"), folder=tmp_path) as home:
            assert (gateway.hasty, gateway.identifies) == (0, SHARDS)
            assert gateway.connected() == set(range(SHARDS))
            status = home.bot.state()
            assert (status.phase, status.shards) == (BotPhase.CONNECTED, SHARDS)
            assert status.servers == len(server.guilds)
            for shard, channel in channels.items():
                answer = await ask(ada, "fast echo", text=f"shard {shard}", channel=channel)
                assert f"shard {shard}" in answer.content

            # A dropped shard reconnects by itself and resumes its session.
            untouched = {one.id for one in gateway.sessions.values() if one.shard[0] != 3}
            gateway.down = True
            gateway.drop(shard=3)
            await server.wait(lambda _: not home.bot.shards.ready, 30)
            assert home.bot.state().phase is BotPhase.RETRYING
            assert "of shard 3. Reconnecting" in home.bot.state().reason
            other = await ask(ada, "fast echo", text="meanwhile", channel=channels[4])
            assert "meanwhile" in other.content
            gateway.down = False
            await server.wait(lambda _: home.bot.shards.ready, 60)
            assert (gateway.resumes, gateway.identifies) == (1, SHARDS)
            assert untouched <= set(gateway.sessions)
            again = await ask(ada, "fast echo", text="again", channel=channels[3])
            assert "again" in again.content
        # It closes every session.
        assert Counter(gateway.closed)[1000] == SHARDS


async def test_servers_that_left_while_a_shard_was_away_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "IDENTIFY_INTERVAL", 0.0)
    async with DiscordServer() as server:
        channels = channels_by_shard(server, server.add_user("ada"))
        server.gateway.shards = SHARDS
        async with at_home(server, folder=tmp_path, commands=False) as home:
            left = channels[3].guild
            assert left
            before = len(home.bot.guilds)
            left.has_bot = False
            server.gateway.drop(resumable=False, shard=3)
            await server.wait(lambda s: s.gateway.identifies == SHARDS + 1, 60)
            await server.wait(lambda _: len(home.bot.guilds) == before - 1, 60)
            assert home.bot.get_guild(left.id) is None
