"""How a test points the real discord.py client, or the real program, at the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import discord
import discord.gateway
import discord.http
import yarl

from .server import DiscordServer


@contextlib.contextmanager
def point_discord_at(server: DiscordServer) -> Iterator[None]:
    """Lets every discord.py client of this process go to `server` instead of Discord."""
    socket = discord.gateway.DiscordWebSocket
    before = discord.http.Route.BASE, socket.DEFAULT_GATEWAY
    discord.http.Route.BASE = server.api_url
    socket.DEFAULT_GATEWAY = yarl.URL(server.gateway_url)
    try:
        yield
    finally:
        discord.http.Route.BASE, socket.DEFAULT_GATEWAY = before


def bootstrap_code(server: DiscordServer) -> str:
    """One line of Python that does the same, to run before the program in a subprocess."""
    return (
        "import discord.gateway, discord.http, yarl; "
        f"discord.http.Route.BASE = {server.api_url!r}; "
        "discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = "
        f"yarl.URL({server.gateway_url!r})"
    )


@contextlib.asynccontextmanager
async def connected(server: DiscordServer, client: discord.Client) -> AsyncIterator[None]:
    """Runs a client against the server, from ready to closed."""
    with point_discord_at(server):
        running = asyncio.create_task(client.start(server.token))
        ready = asyncio.create_task(server.wait_until_ready())
        try:
            done, _ = await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await client.wait_until_ready()
            yield
        finally:
            ready.cancel()
            await client.close()
            await asyncio.gather(running, ready, return_exceptions=True)
