"""A server's own command is put on the tree before discord.py looks it up."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from spacebot.discord_bot.server_spaces.guild_tree import GuildCommandTree
from tests.support.loopback import DiscordServer, connected


def described(name: str) -> dict[str, Any]:
    """A command as Discord has it, with one option that makes suggestions."""
    option = {"type": 3, "name": "text", "description": "Text", "autocomplete": True}
    return {"type": 1, "name": name, "description": "Paint", "options": [option]}


def build(name: str) -> app_commands.Command[Any, ..., Any]:
    """The same command for the tree."""

    async def run(interaction: discord.Interaction[Any], text: str) -> None:
        await interaction.response.send_message(f"painted {text}")

    async def suggest(_: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=current * 2, value=current * 2)]

    app_commands.autocomplete(text=suggest)(run)
    return app_commands.Command(name=name, description="Paint", callback=run)


async def test_a_command_that_is_prepared_when_it_is_used_is_found():
    async with DiscordServer() as server:
        ada = server.add_user("ada")
        guild = server.add_guild("Lab", ada)
        channel = guild.add_text_channel("art")
        bot = discord.Client(intents=discord.Intents.default())
        told: list[BaseException] = []
        asked: list[tuple[int, str]] = []

        async def tell(interaction: discord.Interaction[Any], error: BaseException) -> None:
            told.append(error)
            await interaction.response.send_message("it is broken")

        async def prepare(_: discord.Interaction[Any], place: int, name: str) -> None:
            asked.append((place, name))
            if name == "broken":
                raise ValueError(name)
            tree.add_command(build(name), guild=discord.Object(place), override=True)

        tree = GuildCommandTree(bot, tell)
        tree.prepare = prepare
        async with connected(server, bot):
            payload: Any = [described("paint"), described("broken")]
            await bot.http.bulk_upsert_guild_commands(server.application_id, guild.id, payload)
            choices = await ada.autocomplete("paint", option="text", text="ab", channel=channel)
            assert [one["value"] for one in choices] == ["abab"]
            tree.remove_command("paint", guild=discord.Object(guild.id))
            seen = await ada.command("paint", text="a cat", channel=channel)
            assert seen.message
            assert seen.message.content == "painted a cat"
            assert asked == [(guild.id, "paint")] * 2
            # A command that cannot be prepared is reported, and only once.
            seen = await ada.command("broken", text="a cat", channel=channel)
            assert seen.message
            assert seen.message.content == "it is broken"
            assert await ada.autocomplete("broken", option="text", text="a", channel=channel) == []
            assert [str(error) for error in told] == ["broken"]
