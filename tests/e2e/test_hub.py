"""Spaces on the Hub: found, missing, private, asleep, broken; and where the token goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

from spacebot.engine.catalogue import Catalogue
from spacebot.engine.catalogue.watching import watch_interval
from spacebot.errors import SpaceBusy, SpaceNotFound, SpaceUnavailable
from spacebot.models import Source
from spacebot.spaces.client import Connection, Network, Result
from spacebot.spaces.client import hub as hub_space
from spacebot.spaces.client.hugging_face import HubClient
from spacebot.spaces.client.hugging_face.budget import RequestBudget
from spacebot.spaces.client.hugging_face.hub_client import SEARCH_RESERVE
from tests.e2e.conftest import discord
from tests.support.gradio_proxy import before
from tests.support.program import running
from tests.support.spaces_hub import TOKEN, Hosted, hub

pytestmark = pytest.mark.asyncio(loop_scope="session")

WITHOUT_TOKEN = (
    "There is no such Space on Hugging Face, or it is private and needs HF_TOKEN to be set."
)
WITH_TOKEN = (
    "There is no such Space on Hugging Face, or it is private and HF_TOKEN has no access to it."
)


async def connect(served, name: str, token: str = "", **seconds: float) -> Connection:
    """Connect to a Space of this Hub; returns the connection, closed again."""
    async with Network(hub=served.api, **seconds) as network:
        connection = Connection(Source(name), network, token=token)
        try:
            await connection.connect()
        finally:
            await connection.close()
    return connection


@pytest.mark.parametrize(
    ("private", "token", "told"),
    [
        (False, "", WITHOUT_TOKEN),
        (False, TOKEN, WITH_TOKEN),
        (True, "", WITHOUT_TOKEN),
        (True, "hf_wrong", "Hugging Face refused HF_TOKEN. Make a new one and set it."),
    ],
)
async def test_a_space_that_cannot_be_seen(space, private: bool, token: str, told: str):
    async with hub() as served:
        if private:
            served.spaces["owner/name"] = Hosted(space("fast"), private=True)
        with pytest.raises(SpaceNotFound) as caught:
            await connect(served, "owner/name", token)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ("PAUSED", "The Space is paused by its owner. It answers again when they resume it."),
        ("RUNTIME_ERROR", "The Space has crashed. Its owner has to fix it."),
        ("BUILD_ERROR", "The Space could not be built. Its owner has to fix it."),
        ("CONFIG_ERROR", "The Space's configuration is broken. Its owner has to fix it."),
        ("NO_APP_FILE", "The Space has no app. Its owner has to add one."),
        ("DELETING", "The Space is being deleted."),
    ],
)
async def test_a_space_that_cannot_run(space, stage: str, told: str):
    async with hub() as served:
        served.spaces["owner/name"] = Hosted(space("fast"), [stage])
        with pytest.raises(SpaceUnavailable) as caught:
            await connect(served, "owner/name")
    assert str(caught.value) == told
    # Nobody waits for something that only its owner can change.
    assert not caught.value.worth_retrying


async def test_a_space_that_does_not_start_times_out(space):
    async with hub() as served:
        served.spaces["owner/name"] = Hosted(space("fast"), ["BUILDING"])
        with pytest.raises(SpaceUnavailable, match="taking a long time to start") as caught:
            await connect(served, "owner/name", wake=0.0)
    assert not caught.value.worth_retrying


async def test_a_space_that_does_not_answer_in_time_is_reported():
    over = asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with hub() as served, await asyncio.start_server(say_nothing, "127.0.0.1") as silent:
        port = silent.sockets[0].getsockname()[1]
        served.spaces["owner/name"] = Hosted(f"http://127.0.0.1:{port}")
        with pytest.raises(SpaceUnavailable, match="The Space did not answer in time") as caught:
            await connect(served, "owner/name", connect=0.3)
        over.set()
    assert caught.value.worth_retrying


@pytest.mark.parametrize(
    ("status", "kind", "told", "wait"),
    [
        (429, SpaceBusy, "Hugging Face is rate-limiting this bot. Try again in 7 s.", 7.0),
        (500, SpaceUnavailable, "Hugging Face did not say where the Space is.", 0.0),
    ],
)
async def test_a_hub_in_trouble_is_not_taken_for_the_space(status, kind, told, wait):
    async with hub() as served:
        served.refusal = web.Response(status=status, headers={"Retry-After": "7"})
        with pytest.raises(kind, match=told) as caught:
            await connect(served, "owner/name")
    assert (caught.value.safe_to_retry, caught.value.wait) == (True, wait)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_hub_in_trouble_does_not_mark_a_space_that_answers(space, status: int):
    async with hub() as served, Network(hub=served.api) as network:
        served.spaces["owner/name"] = Hosted(space("fast"))
        connection = Connection(Source("owner/name"), network)
        await connection.connect()
        served.refusal = web.Response(status=status)
        with pytest.raises(SpaceBusy if status == 429 else SpaceUnavailable, match="Hugging Face"):
            await connection.check()
        assert connection.answers
        await connection.close()


async def test_many_spaces_are_watched_less_often_each(space, tmp_path: Path):
    async with Network() as network:
        sources = [Source(f"owner/name-{number}") for number in range(100)]
        few = Catalogue(sources[:40], network, folder=tmp_path)
        many = Catalogue([*sources, Source(space("fast"))], network, folder=tmp_path)
        # 200 of the 500 requests that the Hub allows in 5 minutes.
        intervals = [watch_interval(one.connections.values()) for one in (few, many)]
        assert intervals == [60.0, 150.0]


async def test_a_sleeping_space_is_woken(space, monkeypatch):
    monkeypatch.setattr("spacebot.spaces.client.hub.POLL_INTERVAL", 0.05)
    async with hub() as served, before(space("fast")) as proxy:
        stages = ["SLEEPING", "BUILDING", "APP_STARTING", "RUNNING"]
        served.spaces["owner/name"] = hosted = Hosted(proxy.url, stages, private=True)
        connection = await connect(served, "owner/name", TOKEN)
        assert connection.answers
        assert hosted.asked == 4
        # The request that wakes it comes first; a private Space admits only those who may see it.
        method, path, headers = proxy.requests[0]
        assert (method, path) == ("GET", "/")
        assert headers["x-hf-authorization"] == f"Bearer {TOKEN}"


async def test_waking_spaces_look_less_and_less_often(space, monkeypatch):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(hub_space, "asyncio", SimpleNamespace(sleep=sleep))
    async with hub() as served:
        stages = ["SLEEPING", *["APP_STARTING"] * 79, "RUNNING"]
        served.spaces["owner/name"] = Hosted(space("fast"), stages)
        await connect(served, "owner/name")
    assert slept[:4] == [3.0, 4.0, 4.0, 4.0]
    # Eighty checks cover more than the five minutes that a Space has to wake up.
    assert len(slept) == 80
    assert sum(slept) > 300


async def test_waking_spaces_leave_the_hub_s_requests_to_others(space, monkeypatch):
    monkeypatch.setattr(hub_space, "POLL_INTERVAL", 0.01)
    monkeypatch.setattr(hub_space, "MAX_POLL_INTERVAL", 0.01)
    async with hub() as served:
        client = HubClient(served.api, RequestBudget(most=SEARCH_RESERVE + 20))
        served.spaces["ada/awake"] = Hosted(space("fast"))
        asleep = [Hosted(stages=["SLEEPING"]) for _ in range(6)]
        served.spaces |= {f"ada/asleep-{number}": one for number, one in enumerate(asleep)}
        async with Network(hub=served.api) as network:
            network.hub = client
            woken = [Connection(Source(f"ada/asleep-{number}"), network) for number in range(6)]
            waking = [asyncio.create_task(one.connect()) for one in woken]
            async with asyncio.timeout(20):
                while sum(one.asked for one in asleep) < 20:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                # They keep waiting; a job for another Space is not told to wait.
                other = Connection(Source("ada/awake"), network)
                await other.connect()
            assert not any(task.done() for task in waking)
            assert sum(one.asked for one in asleep) == 20
            for one in (*woken, other):
                await one.close()


async def test_the_token_goes_to_the_hub_and_its_spaces_alone(space, tmp_path: Path):
    async with (
        hub() as served,
        before(space("fast")) as hosted,
        before(space("stateful")) as address,
        Network(hub=served.api) as network,
    ):
        served.spaces["owner/name"] = Hosted(hosted.url, private=True)
        sources = (Source("owner/name"), Source(address.url))
        catalogue = Catalogue(sources, network, folder=tmp_path, token=TOKEN)
        await catalogue.start()
        async with asyncio.timeout(20):
            await asyncio.gather(*(c.tried.wait() for c in catalogue.connections.values()))
        assert all(connection.answers for connection in catalogue.connections.values())
        for source, endpoint, values in (
            (sources[0], "/file", {}),
            (sources[1], "/count", {"step": 1}),
        ):
            connection = catalogue.connections[source.space]
            updates = connection.run(endpoint, values, key="k", stateful=True)
            result = [update async for update in updates if isinstance(update, Result)][-1]
            await connection.localize(result.outputs, tmp_path, cap=20_000_000)
        await catalogue.close()
        assert set(served.authorizations) == {f"Bearer {TOKEN}"}
        assert hosted.tokens == {f"Bearer {TOKEN}"}
        paths = {path for _, path, _ in hosted.requests}
        assert any(path.startswith("/gradio_api/file=") for path in paths)
        assert any(path.endswith("/queue/join") for path in paths)
        assert len(address.requests) > 3
        assert address.tokens == set()


async def test_the_owner_reads_it_on_the_page_and_in_the_log(
    space: Callable[[str], str], tmp_path: Path
):
    async with hub() as served, discord() as place:
        served.spaces["owner/paused"] = Hosted(space("fast"), ["PAUSED"])
        served.spaces["owner/fast"] = Hosted(space("fast"))
        env = {"HF_ENDPOINT": served.url}
        spaces = "owner/missing owner/paused owner/fast"
        async with running(tmp_path, place.server, spaces, env) as program:
            page = await program.until_page("/fast echo")
            assert WITHOUT_TOKEN in page
            assert "The Space is paused by its owner." in page
            assert f"https://huggingface.co/spaces/owner/missing: {WITHOUT_TOKEN}" in program.log
            assert "HTTP Request" not in program.log
            assert served.authorizations
            assert set(served.authorizations) == {None}
