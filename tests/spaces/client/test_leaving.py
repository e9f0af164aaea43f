"""A job cancelled before anybody listened to it, on a Space that drops closed streams.

Gradio 4.2 to 5 are so: `/cancel` leaves a waiting job in the queue, where it runs in its
turn, and only the end of the session's stream takes it out.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from spacebot.models import Source, Upload
from spacebot.spaces.client import Connection, Network
from spacebot.spaces.client.client import SpaceClient
from spacebot.spaces.client.files.uploads import META
from tests.support.listening import listening
from tests.versions.record import RECORDED

SAID = json.loads(RECORDED.read_text())["4.44.1"]
GREET = {"name": "Ada", "count": 1, "loud": False, "style": "Hello"}


@dataclass
class Queue:
    """A Space of Gradio 4 whose queue never reaches this job.

    It `holds` the first request of one route, and says that it `came`.
    """

    holds: str = ""
    said: Any = field(default_factory=lambda: SAID["config"])
    events: list[str] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def config(self, _: web.Request) -> web.Response:
        """What 4.44.1 said, unless the test says otherwise."""
        return web.json_response(self.said)

    async def info(self, _: web.Request) -> web.Response:
        """What 4.44.1 said."""
        return web.json_response({**SAID["info"], "unnamed_endpoints": {}})

    async def join(self, _: web.Request) -> web.Response:
        """Take a job."""
        self.events.append("join")
        if self.holds == "join":
            self.came.set()
            await self.goes_on.wait()
        return web.json_response({"event_id": "mine"})

    async def data(self, request: web.Request) -> web.StreamResponse:
        """Let a session listen, or say that there is no room for it."""
        if self.holds == "data" and not self.came.is_set():
            self.came.set()
            return web.Response(status=503)
        self.events.append("listens")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b'data: {"msg": "heartbeat"}\n\n')
                await asyncio.sleep(0.01)
        self.events.append("hung up")
        return response

    async def cancel(self, _: web.Request) -> web.Response:
        """Take a cancel, which stops only running jobs."""
        self.events.append("cancel")
        self.cancelled.set()
        return web.json_response({"success": True})

    async def upload(self, _: web.Request) -> web.Response:
        """Take a file."""
        return web.json_response(["/tmp/clip.mp4"])

    def app(self) -> web.Application:
        """The routes of a Space."""
        app = web.Application()
        app.router.add_get("/config", self.config)
        app.router.add_get("/info", self.info)
        app.router.add_post("/queue/join", self.join)
        app.router.add_get("/queue/data", self.data)
        app.router.add_post("/cancel", self.cancel)
        app.router.add_post("/upload", self.upload)
        return app


@pytest.mark.parametrize("holds", ["join", "data"])
async def test_a_job_that_nobody_listened_to_yet_is_dropped_too(holds: str):
    queue = Queue(holds)

    async def run(connection: Connection) -> None:
        async for _ in connection.run("/greet", GREET, key="ada", stateful=False):
            pass

    async with listening(queue.app()) as url, Network() as network:
        connection = Connection(Source(url), network)
        try:
            await connection.ready()
            job = asyncio.create_task(run(connection))
            await asyncio.wait_for(queue.came.wait(), 10)
            job.cancel()
            queue.goes_on.set()
            await asyncio.wait_for(queue.cancelled.wait(), 10)
            await asyncio.wait({job}, timeout=10)
            assert job.cancelled()
        finally:
            await connection.close()
    assert queue.events == ["join", "listens", "hung up", "cancel"]


async def test_an_event_of_the_page_gets_a_video_with_subtitles(tmp_path: Path):
    config = copy.deepcopy(SAID["config"])
    (film,) = SAID["info"]["named_endpoints"]["/film"]["parameters"]
    video = next(each for each in config["components"] if each["type"] == "video")
    # As /config of 4.44.1 has it: the recorded one is without schemas.
    video["api_info"] = film["type"]
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"film")
    async with listening(Queue(said=config).app()) as url, Network() as network:
        client = await network.call(partial(SpaceClient, network, url, host=None, token=None))
        try:
            arguments = Upload(clip, tmp_path, "clip.mp4")
            sent = await network.call(client.uploaded, arguments, video["id"], "video")
        finally:
            await network.call(client.close)
    file = {"path": "/tmp/clip.mp4", "orig_name": "clip.mp4", "meta": META}
    assert sent == {"video": file, "subtitles": None}
