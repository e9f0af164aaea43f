"""The gateway in trouble, with the real discord.py client; and user installs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap

import aiohttp
import discord
import pytest
from discord import app_commands

from . import DiscordServer, NotSendable, bootstrap_code, connected, point_discord_at


def client(**intents: bool) -> discord.Client:
    """A client with the default intents and these."""
    wanted = discord.Intents.default()
    for name, on in intents.items():
        setattr(wanted, name, on)
    return discord.Client(intents=wanted, guild_ready_timeout=0.05)


async def test_wrong_token_and_intents_that_are_off():
    async with DiscordServer() as server:
        with point_discord_at(server):
            async with client() as one:
                with pytest.raises(discord.LoginFailure):
                    await one.start("wrong")
            async with client(message_content=True) as two:
                with pytest.raises(discord.PrivilegedIntentsRequired):
                    await two.start(server.token)


class Sharded(discord.AutoShardedClient):
    """A client of two shards that does not pause between its identifies."""

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        assert shard_id in (0, 1)


async def test_two_shards_share_the_guilds():
    async with DiscordServer() as server:
        guilds = [server.add_guild(f"g{n}") for n in range(2)]
        # The shard of a guild is (id >> 22) % 2.
        guilds[1].id = guilds[0].id ^ (1 << 22)
        server.guilds = {guild.id: guild for guild in guilds}
        intents = discord.Intents.default()
        bot = Sharded(intents=intents, shard_count=2, guild_ready_timeout=0.05)
        async with connected(server, bot):
            assert {guild.shard_id for guild in bot.guilds} == {0, 1}
            assert server.gateway.identifies == 2


async def test_a_bot_that_stops_beating_is_dropped():
    async with DiscordServer() as server:
        server.gateway.heartbeat_interval = 0.2
        bot = client()
        async with connected(server, bot):
            await server.wait(lambda s: s.gateway.heartbeats > 3)
            assert server.gateway.identifies == 1
            keep_alive = bot.ws._keep_alive
            assert keep_alive
            keep_alive.stop()
            await server.wait(lambda s: s.gateway.resumes)


async def test_silence_is_noticed_and_resumed():
    async with DiscordServer() as server:
        server.gateway.heartbeat_interval = 0.2
        bot = discord.Client(
            intents=discord.Intents.default(), heartbeat_timeout=0.6, guild_ready_timeout=0.05
        )
        async with connected(server, bot):
            server.gateway.go_silent()
            await server.wait(lambda s: s.gateway.resumes, 10)


async def test_content_is_seen_with_the_intent_or_when_meant():
    async with DiscordServer(privileged=("message_content",)) as server:
        ada = server.add_user("ada")
        channel = server.add_guild("Lab", ada).add_text_channel("art")
        for content, seen in ((False, ["", "<@{}> b", "c"]), (True, ["a", "<@{}> b", "c"])):
            bot = client(message_content=content)
            heard: asyncio.Queue[str] = asyncio.Queue()

            async def on_message(
                message: discord.Message, heard: asyncio.Queue[str] = heard
            ) -> None:
                heard.put_nowait(message.content)

            bot.event(on_message)
            async with connected(server, bot):
                ada.say("a", channel=channel)
                ada.say(f"{server.bot.mention} b", channel=channel)
                ada.say("c")
                got = [await asyncio.wait_for(heard.get(), 5) for _ in range(3)]
            assert got == [text.format(server.bot.id) for text in seen]


async def test_user_install_has_five_followups():
    async with DiscordServer() as server:
        ada, bob = server.add_user("ada", installed=True), server.add_user("bob")
        channel = server.add_guild("Elsewhere", ada, bob, has_bot=False).add_text_channel("x")
        bot = client()
        tree = app_commands.CommandTree(bot)
        refused: list[app_commands.AppCommandError] = []

        @tree.command()
        @app_commands.allowed_installs(guilds=True, users=True)
        async def many(interaction: discord.Interaction) -> None:
            assert interaction.is_user_integration()
            await interaction.response.send_message("0")
            for number in range(6):
                await interaction.followup.send(f"{number}")

        @tree.error
        async def on_error(_: discord.Interaction, error: app_commands.AppCommandError) -> None:
            refused.append(error)

        async with connected(server, bot):
            await tree.sync()
            with pytest.raises(NotSendable):
                await bob.command("many", channel=channel)
            server.limits.enforced = False
            seen = await ada.command("many", channel=channel)
            await server.wait(lambda _: refused)
            assert len(seen.followups) == 5
            group = server.add_group(ada, bob)
            assert (await ada.command("many", channel=group)).acknowledged


async def test_a_program_of_its_own_comes_here():
    program = """
        import warnings; warnings.simplefilter("ignore")
        import discord
        client = discord.Client(intents=discord.Intents.default(), guild_ready_timeout=0.05)
        @client.event
        async def on_ready():
            print(client.user, len(client.guilds))
            await client.close()
        client.run(TOKEN, log_handler=None)
    """
    async with DiscordServer() as server:
        server.add_guild("Lab")
        code = textwrap.dedent(program).replace("TOKEN", repr(server.token))
        start = 'import warnings; warnings.simplefilter("ignore"); ' + bootstrap_code(server)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", f"{start}\n{code}", stdout=subprocess.PIPE
        )
        out, _ = await process.communicate()
    assert out.decode().split() == ["spacebot#0000", "1"]


async def test_in_a_process_of_its_own():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.loopback", "--users", "3", stdout=subprocess.PIPE
    )
    assert process.stdout
    about = json.loads(await process.stdout.readline())
    bot = client()
    tree = app_commands.CommandTree(bot)

    @tree.command()
    async def echo(interaction: discord.Interaction, text: str) -> None:
        await interaction.response.send_message(text)

    ready = asyncio.Event()

    @bot.event
    async def on_ready() -> None:
        await tree.sync()
        ready.set()

    there = DiscordServer(token=about["token"], port=int(about["url"].rpartition(":")[2]))
    with point_discord_at(there):
        running = asyncio.create_task(bot.start(about["token"]))
        try:
            await asyncio.wait_for(ready.wait(), 10)
            async with aiohttp.ClientSession(about["url"]) as http:
                asked = {"user": 2, "channel": 1, "name": "echo", "options": {"text": "hi"}}
                async with http.post("/control/command", json=asked) as response:
                    assert (await response.json())["message"]["text"] == "hi"
        finally:
            await bot.close()
            await asyncio.gather(running, return_exceptions=True)
            process.terminate()
            assert await process.wait() == 0
