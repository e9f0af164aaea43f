"""Servers spread over shards."""

from __future__ import annotations

from spacebot.models import shard_of
from tests.support.loopback import Channel, DiscordServer, User

SHARDS, SERVERS = 8, 40


def channels_by_shard(server: DiscordServer, *people: User) -> dict[int, Channel]:
    """Fill Discord with servers of these people; returns a channel in one server of each shard."""
    found = dict[int, Channel]()
    for number in range(SERVERS):
        guild = server.add_guild(f"Lab {number}", *people)
        server.guilds.pop(guild.id)
        guild.id = (1 << 37) + number << 22
        server.guilds[guild.id] = guild
        found[shard_of(guild.id, SHARDS)] = guild.add_text_channel("art")
    return found
