"""Everything that uses discord.py's private parts or replaces its attributes, with the reasons.

`tests/discord_bot/test_discord_internals.py` fails if a new discord.py changes one of them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

import aiohttp
import discord
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient
from discord.state import AutoShardedConnectionState
from discord.webhook.async_ import AsyncWebhookAdapter, async_context

from spacebot.models import shard_of

Call = Callable[..., Any]
# How discord.py names the tasks that handle commands, presses and forms.
INTERACTION_TASKS = (
    "CommandTree-invoker",
    "discord-ui-dynamic-item",
    "discord-ui-modal-dispatch",
    "discord-ui-view-dispatch",
)


def silence_voice_warnings() -> None:
    """discord.py would warn at every start that voice's libraries are missing: none is needed."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


def event_parsers(client: discord.Client) -> dict[str, Callable[[Any], None]]:
    """The handlers of gateway events: there is no hook for dropping a duplicate event."""
    return client._connection.parsers


def set_intents(client: discord.Client, intents: discord.Intents) -> None:
    """discord.py takes intents only in the constructor.

    A new client would cut off what the running jobs still have to post through this one.
    """
    client._connection._intents = intents


class HasSocket(Protocol):
    """An object with a connection to the gateway, once it is connected."""

    ws: DiscordWebSocket | None


class ShardedClient(discord.Client):
    """A client whose shards come and go one by one, which `discord.AutoShardedClient` does not
    offer.

    Its state is of that class; `sockets` are its shards, by their numbers, and `known_shards` those
    whose servers Discord has reported.
    """

    def __init__(self, **options: Any) -> None:
        self.sockets: Mapping[int, HasSocket] = {}
        self.known_shards = set[int]()
        super().__init__(**options)

    def _get_state(self, **options: Any) -> AutoShardedConnectionState[Any]:
        return AutoShardedConnectionState(
            dispatch=self.dispatch,
            handlers=self._handlers,
            hooks=self._hooks,
            http=self.http,
            **options,
        )

    def _get_websocket(
        self, guild_id: int | None = None, *, shard_id: int | None = None
    ) -> DiscordWebSocket:
        if shard_id is None:
            shard_id = self.shard_of(guild_id)
        socket = self.sockets[shard_id].ws
        assert socket is not None
        return socket

    def shard_of(self, guild: int | None) -> int:
        """The shard that receives a server's events; direct messages are shard 0's."""
        return shard_of(guild, self.shard_count or 1)

    def knows_shard_of(self, guild: int) -> bool:
        """Whether Discord has reported the servers of a server's shard to this process."""
        return self.shard_of(guild) in self.known_shards

    @property
    def latency(self) -> float:
        """The mean of the shards' latencies in seconds; NaN while none is connected."""
        latencies = [shard.ws.latency for shard in self.sockets.values() if shard.ws is not None]
        return sum(latencies) / len(latencies) if latencies else math.nan

    def set_shard_count(self, count: int) -> None:
        """discord.py takes it only in the constructor, before Discord was asked."""
        self.shard_count = self._connection.shard_count = count

    def announce_ready(self) -> None:
        """discord.py does so once it has identified as many shards as it started with."""
        self._connection.call_handlers("ready")
        self.dispatch("ready")


def forget_guilds(client: discord.Client, gone: Callable[[discord.Guild], bool]) -> None:
    """discord.py remembers the servers of a dropped shard, and those that a new session no longer
    lists."""
    for guild in [*filter(gone, client.guilds)]:
        client._connection._remove_guild(guild)


def ready_tasks(client: ShardedClient) -> list[asyncio.Task[None]]:
    """discord.py would tell a closed client that shards are ready, which fails: cancel that."""
    state = cast("AutoShardedConnectionState[Any]", client._connection)
    return [*state._ready_tasks.values()]


async def send_heartbeat(socket: DiscordWebSocket) -> None:
    """discord.py sends heartbeats only at its own times; the answer to one shows that everything
    before it arrived."""
    if socket._keep_alive is not None:
        await socket.send_heartbeat(socket._keep_alive.get_payload())


def awaits_answer(socket: DiscordWebSocket, since: float) -> bool:
    """Whether a heartbeat sent `since` (performance counter) is not answered yet."""
    return socket._keep_alive is not None and socket._keep_alive._last_ack < since


def wrap_requests(http: HTTPClient, wrap: Callable[[Call], Call]) -> None:
    """All of a client's requests go through this method, and discord.py has no hook for them."""
    http.request = wrap(http.request)


def wrap_gateway_connect(http: HTTPClient, wrap: Callable[[Call], Call]) -> None:
    """There is no public way to keep the client off a gateway that must not be used now."""
    http.ws_connect = wrap(http.ws_connect)


def interaction_tasks() -> set[asyncio.Task[Any]]:
    """The tasks in which discord.py handles interactions; it offers no way to wait for them."""
    return {one for one in asyncio.all_tasks() if one.get_name().startswith(INTERACTION_TASKS)}


def use_adapter(adapter: AsyncWebhookAdapter) -> None:
    """Have this task, and tasks that it starts, answer interactions through `adapter`."""
    async_context.set(adapter)


def refused_fields(error: discord.HTTPException) -> Mapping[str, Any]:
    """Discord's message for each field.

    discord.py's public text joins them into lines, which a Space's text could forge.
    """
    return getattr(error, "_errors", None) or {}


def retry_nothing(webhook: discord.Webhook) -> None:
    """discord.py repeats a request whose response got lost, although it may have been executed."""
    session = NoRetrySession(webhook.session)
    webhook.session = cast(aiohttp.ClientSession, session)


class NoRetrySession:
    """A session that raises Discord's failures at once."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    def request(self, *args: Any, **arguments: Any) -> Any:
        """Make a request, as `aiohttp.ClientSession` does."""
        return self._session.request(*args, **arguments, raise_for_status=_no_trouble)


async def _no_trouble(response: aiohttp.ClientResponse) -> None:
    if response.status >= 500:
        raise discord.DiscordServerError(response, await response.text())
