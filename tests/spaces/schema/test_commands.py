"""Discord accepts the commands of every recorded app: the loopback server checks them."""

from __future__ import annotations

import json
from typing import Any

import discord
from discord import app_commands

from spacebot.discord_bot.registration.commands import MAX_COMMAND_CHARACTERS, build_command
from spacebot.models import Source, Space
from spacebot.spaces.schema import read_space
from tests.shapes.record import RECORDED
from tests.support.loopback import DiscordServer, point_discord_at


def spaces() -> list[Space]:
    """Every recorded app that has commands, with different names."""
    found: list[Space] = []
    for shape in json.loads(RECORDED.read_text()).values():
        taken = {space.name for space in found}
        source = Source(**shape["source"])
        space = read_space(source, shape["config"], shape["info"], taken=taken)
        found += [space] if space.endpoints else []
    return found


# The command's handler; none runs here.
DESK: Any = None


async def test_discord_takes_the_commands_of_every_shape() -> None:
    client = discord.Client(intents=discord.Intents.none())
    tree = app_commands.CommandTree(client)
    for space in spaces():
        tree.add_command(build_command(space, DESK))
    payload = [command.to_dict(tree) for command in tree.get_commands()]
    async with DiscordServer() as server, client:
        with point_discord_at(server):
            await client.login(server.token)
            await client.http.bulk_upsert_global_commands(server.application_id, payload)
        names = {command["name"] for command in server.registered_commands}
    assert names == {space.name for space in spaces()}


def test_no_command_is_longer_than_discord_takes() -> None:
    for space in spaces():
        command: Any = build_command(space, DESK)
        tree = app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))
        assert characters(command.to_dict(tree)) <= MAX_COMMAND_CHARACTERS, space.name


def characters(part: dict[str, Any]) -> int:
    """The length of a command's names, descriptions and choices, as Discord counts it."""
    own = sum(len(str(part.get(key, ""))) for key in ("name", "description", "value"))
    return own + sum(map(characters, [*part.get("options", ()), *part.get("choices", ())]))
