"""The parts of discord.py that the bot reaches into still exist, and still do their work."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from typing import Any
from unittest.mock import Mock

import aiohttp
import discord
import pytest
from discord import app_commands
from discord.gateway import DiscordWebSocket, KeepAliveHandler
from discord.http import HTTPClient
from discord.state import AutoShardedConnectionState, ConnectionState
from discord.webhook import async_

from spacebot.discord_bot import discord_internals
from spacebot.discord_bot.gateway.handover import EVENT_KEYS
from spacebot.discord_bot.gateway.intents import minimal_intents


@pytest.fixture
async def client() -> discord.Client:
    return discord.Client(intents=minimal_intents())


async def test_discord_py_looks_for_the_handler_of_an_event_where_it_is_replaced(
    client: discord.Client,
) -> None:
    parsers = discord_internals.event_parsers(client)
    assert EVENT_KEYS.keys() <= parsers.keys()
    source = inspect.getsource(DiscordWebSocket)
    assert "_discord_parsers = client._connection.parsers" in source
    assert "self._discord_parsers[event]" in source


async def test_intents_that_are_set_are_those_of_the_next_session(client: discord.Client) -> None:
    wanted = minimal_intents()
    wanted.members = True
    discord_internals.set_intents(client, wanted)
    assert client.intents == wanted
    assert "state._intents.value" in inspect.getsource(DiscordWebSocket.identify)


async def test_shards_come_and_go_one_by_one() -> None:
    client = discord_internals.ShardedClient(intents=minimal_intents())
    state = client._connection
    assert isinstance(state, AutoShardedConnectionState)
    # discord.py is ready once all its shards are; here it has none, so the test says so.
    assert state.shard_ids == []
    source = inspect.getsource(AutoShardedConnectionState.parse_ready)
    assert "if len(self._ready_tasks) == len(self.shard_ids):" in source
    assert "self._ready_tasks[shard_id] = asyncio.create_task" in source
    assert discord_internals.ready_tasks(client) == []
    client.set_shard_count(8)
    assert (client.shard_count, state.shard_count) == (8, 8)
    assert "ws.shard_count = client._connection.shard_count" in inspect.getsource(
        DiscordWebSocket.from_client
    )
    socket = Mock(spec=DiscordWebSocket)
    client.sockets = {3: Mock(ws=socket)}
    assert state._get_websocket((8 + 3) << 22) is socket
    assert "_remove_guild" in vars(ConnectionState)


async def test_a_heartbeat_is_sent_and_its_answer_seen() -> None:
    assert {"get_payload", "ack"} <= vars(KeepAliveHandler).keys()
    assert "self._last_ack = ack_time" in inspect.getsource(KeepAliveHandler.ack)
    assert inspect.iscoroutinefunction(DiscordWebSocket.send_heartbeat)
    socket: Any = Mock(spec=DiscordWebSocket, _keep_alive=Mock(_last_ack=1.0))
    assert discord_internals.awaits_answer(socket, 2.0)
    assert not discord_internals.awaits_answer(socket, 0.5)


async def test_requests_and_gateway_connections_go_through_what_is_wrapped(
    client: discord.Client,
) -> None:
    wrapped: list[Any] = []
    discord_internals.wrap_requests(client.http, lambda send: wrapped.append(send) or send)
    discord_internals.wrap_gateway_connect(client.http, lambda call: wrapped.append(call) or call)
    assert [each.__name__ for each in wrapped] == ["request", "ws_connect"]
    assert [*inspect.signature(HTTPClient.request).parameters][1] == "route"
    assert [*inspect.signature(HTTPClient.ws_connect).parameters] == ["self", "url", "compress"]
    assert "http.ws_connect(" in inspect.getsource(DiscordWebSocket.from_client)
    assert "self.request(" in inspect.getsource(HTTPClient.send_message)


async def test_interactions_are_answered_through_the_adapter_of_their_task() -> None:
    assert isinstance(async_.async_context, ContextVar)
    adapter = async_.AsyncWebhookAdapter()
    discord_internals.use_adapter(adapter)
    assert async_.async_context.get() is adapter


def test_discord_s_message_for_each_field_is_preserved() -> None:
    body = {"code": 50035, "message": "Invalid Form Body", "errors": {"0": {"name": {}}}}
    error = discord.HTTPException(Mock(status=400, reason="Bad Request"), body)
    assert discord_internals.refused_fields(error) == {"0": {"name": {}}}


async def test_a_webhook_takes_another_session() -> None:
    async with aiohttp.ClientSession() as session:
        hook = discord.Webhook.partial(1, "token", session=session)
        discord_internals.retry_nothing(hook)
        assert isinstance(hook.session, discord_internals.NoRetrySession)
    assert "session=self.session" in inspect.getsource(discord.Webhook.send)


def test_voice_has_warnings_to_switch_off() -> None:
    assert {"warn_nacl", "warn_dave"} <= vars(discord.VoiceClient).keys()


def test_the_tasks_of_interactions_have_their_names() -> None:
    names = [
        inspect.getsource(app_commands.CommandTree._from_interaction),
        inspect.getsource(discord.ui.view),
        inspect.getsource(discord.ui.modal),
    ]
    for name in discord_internals.INTERACTION_TASKS:
        assert any(name in source for source in names), name
