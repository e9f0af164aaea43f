"""The queue of Gradio 3, from a small server: what a real server does only in trouble."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import WSCloseCode, WSMsgType, web

from spacebot.errors import InputError, SpaceSilent, SpaceUnreadable
from spacebot.models import Source
from spacebot.spaces.client import Connection, Network, Result
from spacebot.spaces.client.files import uploads
from spacebot.spaces.client.legacy import legacy_run as legacy_run
from spacebot.spaces.client.legacy import values as legacy_values
from spacebot.spaces.client.transport import bounded_reading, skip_limit
from tests.support.listening import listening
from tests.versions.record import RECORDED

CONFIG = json.loads(RECORDED.read_text())["3.50.2"]["config"]
GREET = {"name": "Ada", "count": 1, "loud": False, "style": "Hello"}
DONE = {"msg": "process_completed", "success": True, "output": {"data": ["Hello Ada"]}}
Plays = Callable[["Old"], Awaitable[None]]


@dataclass
class Old:
    """A Space of Gradio 3. `plays` is what it does when a job starts."""

    plays: Plays
    heard: list[Any] = field(default_factory=list)
    reset: asyncio.Event = field(default_factory=asyncio.Event)
    socket: web.WebSocketResponse = field(init=False)

    async def config(self, _: web.Request) -> web.Response:
        """It says what 3.50.2 said."""
        return web.json_response(CONFIG)

    async def join(self, request: web.Request) -> web.WebSocketResponse:
        """Gradio's handshake up to the job's start, then the play."""
        self.socket = web.WebSocketResponse(autoping=False, max_msg_size=0)
        await self.socket.prepare(request)
        for asked in ("send_hash", "send_data"):
            await self.socket.send_json({"msg": asked})
            self.heard.append(await self.socket.receive_json())
        await self.socket.send_json({"msg": "process_starts"})
        with contextlib.suppress(ConnectionError):
            await self.plays(self)
        return self.socket

    async def stop(self, _: web.Request) -> web.Response:
        """Take the request to stop a job."""
        self.reset.set()
        return web.json_response({"success": True})


@contextlib.asynccontextmanager
async def old(plays: Plays) -> AsyncIterator[tuple[Old, Connection]]:
    """A Space of Gradio 3, and a connection to it."""
    space, app = Old(plays), web.Application()
    app.router.add_get("/config", space.config)
    app.router.add_get("/queue/join", space.join)
    app.router.add_post("/reset", space.stop)
    async with listening(app) as root, Network() as network, asyncio.timeout(20):
        connection = Connection(Source(root), network)
        try:
            await connection.ready()
            yield space, connection
        finally:
            await connection.close()


async def greeted(connection: Connection, silence: float = 20) -> list[Any]:
    """The result of a greeting."""
    running = connection.run("/greet", GREET, key="ada", stateful=False, silence=silence)
    last = [update async for update in running][-1]
    assert isinstance(last, Result)
    return last.outputs


async def test_a_space_that_answers_no_ping_times_out():
    async def hang(space: Old) -> None:
        # Pings are read but not answered.
        while (await space.socket.receive()).type is WSMsgType.PING:
            pass

    async with old(hang) as (_, connection):
        with pytest.raises(SpaceSilent, match="stopped responding"):
            await greeted(connection, silence=0.6)


async def test_a_space_that_works_in_silence_is_waited_for():
    async def work(space: Old) -> None:
        # Four pings are more than twice the silence.
        for _ in range(4):
            ping = await space.socket.receive()
            await space.socket.pong(ping.data)
        await space.socket.send_json(DONE)

    async with old(work) as (space, connection):
        assert await greeted(connection, silence=0.6) == ["Hello Ada"]
        assert space.heard[1]["data"] == ["Ada", 1, False, "Hello"]


async def test_a_message_that_is_too_long_says_so_and_stops_the_job(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(legacy_run, "MAX_TEXT_BYTES", 100_000)

    async def flood(space: Old) -> None:
        await space.socket.send_str(json.dumps({**DONE, "output": {"data": ["x" * 200_000]}}))
        await space.socket.receive()

    async with old(flood) as (space, connection):
        with pytest.raises(SpaceUnreadable, match=bounded_reading.TOO_LARGE):
            await greeted(connection)
        await space.reset.wait()


@pytest.mark.parametrize(
    "frame", [{}, {"msg": 1}, {"msg": "unheard"}, {"msg": "send_hash"}, {"msg": "send_data"}, [], 7]
)
async def test_a_job_reads_only_so_many_frames_that_mean_nothing(
    monkeypatch: pytest.MonkeyPatch, frame: Any
):
    monkeypatch.setattr(skip_limit, "MAX_SKIPPED", 100)

    async def flood(space: Old) -> None:
        reading = asyncio.create_task(_read(space.socket))
        try:
            while not space.reset.is_set():
                await space.socket.send_json(frame)
                await asyncio.sleep(0)
        finally:
            reading.cancel()

    async with old(flood) as (space, connection):
        with pytest.raises(SpaceUnreadable):
            await greeted(connection)
        # The Space is told to stop the job.
        await space.reset.wait()


@pytest.mark.parametrize("done", [json.dumps(DONE), '{"msg": "process_completed"'])
async def test_only_an_unreadable_result_costs_a_job(done: str):
    async def play(space: Old) -> None:
        for text in ("{not json", '{"msg": "progress", "progress_data": [NaN', done):
            await space.socket.send_str(text)
        await space.socket.receive()

    async with old(play) as (_, connection):
        if done == json.dumps(DONE):
            assert await greeted(connection) == ["Hello Ada"]
        else:
            with pytest.raises(SpaceUnreadable):
                await greeted(connection)


async def _read(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


async def test_a_too_long_message_is_told_apart_from_a_stopped_space():
    async def refuse(space: Old) -> None:
        await space.socket.close(code=WSCloseCode.MESSAGE_TOO_BIG)

    async with old(refuse) as (_, connection):
        with pytest.raises(InputError, match=uploads.TOO_LARGE):
            await greeted(connection)


async def test_what_no_server_of_gradio_3_takes_is_not_sent(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(legacy_values, "MOST_SENT", 10)

    async def nothing(_: Old) -> None:
        pass

    async with old(nothing) as (space, connection):
        with pytest.raises(InputError, match=uploads.TOO_LARGE):
            await greeted(connection)
        assert not space.heard


async def test_a_long_result_is_converted_off_the_event_loop(monkeypatch: pytest.MonkeyPatch):
    threads: list[threading.Thread] = []

    def noted(value: Any, component: str) -> Any:
        threads.append(threading.current_thread())
        return legacy_values.from_legacy(value, component)

    monkeypatch.setattr(legacy_run, "from_legacy", noted)

    async def answer(space: Old) -> None:
        await space.socket.send_json(
            {**DONE, "output": {"data": ["x" * bounded_reading.MAX_INLINE_BYTES]}}
        )

    async with old(answer) as (_, connection):
        assert await greeted(connection) == ["x" * bounded_reading.MAX_INLINE_BYTES]
    assert threads
    assert threading.main_thread() not in threads
