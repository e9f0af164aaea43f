"""A job's stream dies while its Space lives: noticed, and not mistaken for slowness."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import gradio as gr
import pytest
from aiohttp import web

from spacebot.errors import SpaceStopped
from spacebot.models import Source
from spacebot.spaces.client import Network
from spacebot.spaces.client.connection import Connection
from spacebot.spaces.client.transport.pulse import Pulse
from spacebot.spaces.client.transport.updates import Result, Update
from tests.spaces.client.test_event_stream import DONE, follow, streaming
from tests.support.apps import serve
from tests.support.listening import listening


def work(seconds: float) -> str:
    """Work silently."""
    time.sleep(seconds)
    return f"worked {seconds:g} s"


class Nat:
    """Stands in front of a Space, and can forget its connections.

    The two ends are not told: a forgotten connection stays open, and nothing passes.
    """

    def __init__(self, target: str) -> None:
        where = urlsplit(target)
        self._target = where.hostname, where.port
        self._known: set[asyncio.Task[None]] = set()
        self._carried: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._carried.add(task)
        there = await asyncio.open_connection(*self._target)
        pumps = [
            asyncio.create_task(self._pump(reader, there[1])),
            asyncio.create_task(self._pump(there[0], writer)),
        ]
        self._known |= {*pumps}
        await asyncio.gather(*pumps, return_exceptions=True)
        self._ends += [writer, there[1]]

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def close(self) -> None:
        """End every connection."""
        self.forget()
        await asyncio.gather(*self._carried, return_exceptions=True)
        for end in self._ends:
            end.close()

    def forget(self) -> None:
        """Stop forwarding on the open connections."""
        for task in self._known:
            task.cancel()


@contextlib.asynccontextmanager
async def behind_nat(target: str) -> AsyncIterator[Nat]:
    """A NAT in front of the Space at an address."""
    nat = Nat(target)
    server = await asyncio.start_server(nat.handle, "127.0.0.1", 0)
    nat.port = server.sockets[0].getsockname()[1]
    try:
        yield nat
    finally:
        server.close()
        await nat.close()


async def lost(nat: Nat, job: AsyncIterator[Update], monkeypatch) -> None:
    """Follow a job whose stream is forgotten after two heartbeats."""
    beats, beat = 0, Pulse.beat

    def counted(pulse: Pulse) -> None:
        nonlocal beats
        beat(pulse)
        beats += 1
        if beats == 2:
            nat.forget()

    monkeypatch.setattr(Pulse, "beat", counted)
    async for _ in job:
        pass


async def test_a_stream_that_a_nat_forgot_ends_although_its_space_lives(monkeypatch):
    monkeypatch.setenv("GRADIO_HEARTBEAT_INTERVAL", "1")
    # The Space is asked on a connection of its own, as it is after 45 s.
    monkeypatch.setattr("spacebot.spaces.client.transport.network.KEEP_ALIVE_SECONDS", 0.1)
    app = gr.Interface(work, gr.Number(), gr.Textbox(), api_name="work")
    with serve(app) as url:
        async with behind_nat(url) as nat, Network() as network:
            connection = Connection(Source(f"http://127.0.0.1:{nat.port}"), network)
            job = connection.run("/work", {"seconds": 20}, key="a", stateful=False, silence=1.0)
            try:
                with pytest.raises(SpaceStopped, match="The connection to the Space broke") as told:
                    # Otherwise the bot would wait for as long as a job may take.
                    await asyncio.wait_for(lost(nat, job, monkeypatch), 15)
                assert not told.value.safe_to_retry
                # The Space itself stays in use.
                fresh = connection.run("/work", {"seconds": 0}, key="b", stateful=False)
                assert [one async for one in fresh][-1] == Result(["worked 0 s"])
            finally:
                await connection.close()


async def alive() -> bool:
    return True


async def test_a_stream_whose_heartbeats_come_is_waited_for():
    beats = [0.2, {"msg": "heartbeat"}] * 8
    async with streaming([*beats, DONE]) as opened:
        assert await follow(await opened(silence=0.05, alive=alive)) == [Result(["hi"])]


async def test_a_stream_without_any_heartbeat_is_waited_for():
    # Proxies may delay heartbeats, and a Space may send one an hour.
    async with streaming([{"msg": "process_starts"}, 1.0, DONE]) as opened:
        assert (await follow(await opened(silence=0.1, alive=alive)))[-1] == Result(["hi"])


async def test_a_large_message_that_comes_slowly_is_a_sign_of_life():
    text = b'data: {"msg": "process_completed", "event_id": "mine", "success": true, "output": '
    parts = [text, 0.15, b'{"data": ["', *([b"x" * 10, 0.15] * 10), b'"]}}\n\n']
    async with streaming([0.1, {"msg": "heartbeat"}, *parts]) as opened:
        updates = await follow(await opened(silence=0.1, alive=alive))
    assert updates == [Result(["x" * 100])]


async def test_connections_to_spaces_are_probed_by_the_kernel():
    app = web.Application()
    app.router.add_get("/", _text)
    async with listening(app) as url, Network() as network, network.http.get(url) as answer:
        assert answer.connection is not None
        assert answer.connection.transport is not None
        sock = answer.connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 10
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3


async def _text(_: web.Request) -> web.StreamResponse:
    return web.Response(text="x" * 1_000_000)
