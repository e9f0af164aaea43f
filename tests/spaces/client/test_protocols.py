"""Jobs on a real Space, and the parts of gradio_client that are replaced for them.

Older protocols are tried on the versions that speak them: `tests/versions`, `test_spaces_wire`.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from aiohttp import web
from gradio_client import Client, client, utils

from spacebot.engine import job_text
from spacebot.errors import (
    EndpointGone,
    InputError,
    SpaceBusy,
    SpaceRaised,
    SpaceStopped,
    SpaceUnavailable,
)
from spacebot.models import File, JobStage, Progress, Source, Upload
from spacebot.spaces.client import Connection, Network, Partial, Result
from spacebot.spaces.client.client import SpaceClient, StockSession
from spacebot.spaces.client.error_mapping import stock_error
from spacebot.spaces.client.json_endpoint import JsonEndpoint
from spacebot.spaces.client.transport.network import KEEP_ALIVE_SECONDS
from tests.support.apps import serve
from tests.support.gradio_proxy import before


@pytest.fixture(scope="module")
def served() -> Any:
    """The addresses of the test Spaces, each served once."""
    with (
        serve("trouble") as trouble,
        serve("fast") as fast,
        serve("stateful") as stateful,
        serve("kinds") as kinds,
    ):
        yield {"trouble": trouble, "fast": fast, "stateful": stateful, "kinds": kinds}


class Speaking:
    """Runs jobs on a Space to their end."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def run(self, endpoint: str, key: str = "ada", **values: Any) -> list[Any]:
        """Every update of one job."""
        updates = self.connection.run(endpoint, values, key=key, stateful=True, silence=20)
        return [update async for update in updates]

    async def result(self, endpoint: str, key: str = "ada", **values: Any) -> list[Any]:
        """A job's result."""
        last = (await self.run(endpoint, key, **values))[-1]
        assert isinstance(last, Result)
        return self.connection.visible(endpoint, last.outputs)


async def speaking(address: str, do: Callable[[Speaking], Any]) -> Any:
    """Do something with a Space."""
    async with Network() as network:
        connection = Connection(Source(address), network)
        try:
            await connection.ready()
            return await do(Speaking(connection))
        finally:
            await connection.close()


async def test_results_are_the_same(served: dict[str, str], tmp_path: Path):
    paper = tmp_path / "paper.txt"
    paper.write_text("some words")

    async def do(space: Speaking) -> None:
        assert await space.result("/text", value="hello") == ["hello"]
        assert await space.result("/steps", value=30) == [30]
        arguments = Upload(paper, tmp_path, "paper.txt")
        values = await space.result("/any_file", value=arguments)
        (file,) = await space.connection.localize(values, tmp_path, cap=1000)
        assert isinstance(file, File)
        assert file.path
        assert file.path.read_bytes() == b"some words"

    await speaking(served["kinds"], do)


async def test_sessions_are_separate(served: dict[str, str]):
    async def do(space: Speaking) -> None:
        assert await space.result("/count", "ada", step=2) == ["total 2"]
        assert await space.result("/count", "ben", step=1) == ["total 1"]
        assert await space.result("/count", "ada", step=3) == ["total 5"]

    await speaking(served["stateful"], do)


async def test_a_job_that_waits_for_its_session_says_so(served: dict[str, str]):
    async with Network() as network:
        connection = Connection(Source(served["stateful"]), network)
        try:
            await connection.ready()
            updates = connection.run("/count", {"step": 1}, key="ada", stateful=True)
            async with connection.sessions.hold("ada", stateful=True):
                first = await anext(updates)
            assert isinstance(first, Progress)
            assert job_text.progress_line(first) == (
                "-# ⏳ Starting · the job before it in the same session goes first"
            )
            assert isinstance([update async for update in updates][-1], Result)
        finally:
            await connection.close()


async def test_progress_and_steps_are_told(served: dict[str, str]):
    async def do(space: Speaking) -> None:
        updates = await space.run("/progress", seconds=1.5, steps=3)
        notes = [u.note for u in updates if isinstance(u, Progress) and u.note]
        assert set(notes) <= {"step 1", "step 2", "step 3"}
        assert notes
        assert updates[-1] == Result(["done"])
        updates = await space.run("/stream", words=4, pause=0.4)
        partials = [u.outputs[0] for u in updates if isinstance(u, Partial)]
        assert partials
        assert all("word0 word1 word2 word3 ".startswith(text) for text in partials)
        assert updates[-1] == Result(["word0 word1 word2 word3 "])

    await speaking(served["fast"], do)


async def test_a_failure_is_in_the_spaces_words(served: dict[str, str]):
    async def do(space: Speaking) -> None:
        with pytest.raises(SpaceRaised, match=r"^No cats\.$"):
            await space.run("/told", text="No cats.")
        with pytest.raises(SpaceRaised, match="It broke midway"):
            await space.run("/raise_midway", count=2)
        with pytest.raises(SpaceRaised) as caught:
            await space.run("/crash")
        assert "secret detail" not in str(caught.value)
        with pytest.raises(EndpointGone, match="The Space no longer has `/vanished`"):
            await space.run("/vanished")

    await speaking(served["trouble"], do)


@pytest.mark.parametrize(
    ("status", "kind", "again"),
    [
        (503, SpaceBusy, True),
        (429, SpaceBusy, True),
        (403, SpaceUnavailable, False),
        (422, InputError, False),
    ],
)
async def test_a_space_that_refuses_a_job_is_told_the_same(
    served: dict[str, str], status: int, kind: type, again: bool
):
    async with before(served["fast"]) as proxy, Network() as network:
        body = {"detail": [{"msg": "too long"}]}
        proxy.answers["/queue/join"] = lambda _: web.json_response(body, status=status)
        connection = Connection(Source(proxy.url), network)
        try:
            await connection.ready()
            with pytest.raises(kind) as caught:
                await Speaking(connection).run("/echo", text="hi")
        finally:
            await connection.close()
        assert (caught.value.safe_to_retry, caught.value.worth_retrying) == (True, again)


@pytest.mark.parametrize("error", [ValueError("Server stopped."), KeyError("unexpected_error")])
def test_what_an_older_space_says_of_its_end_is_no_bug(error: Exception):
    assert isinstance(stock_error(error), SpaceStopped)
    assert stock_error(other := KeyError("other")) is other


async def test_leaving_a_job_cancels_it_alone(served: dict[str, str]):
    async def do(space: Speaking) -> None:
        began = asyncio.Event()

        async def follow(key: str) -> Any:
            updates = space.connection.run(
                "/steps", {"count": 5, "seconds": 0.4}, key=key, stateful=False
            )
            last: Any = None
            async for update in updates:
                if isinstance(update, Partial) or (
                    isinstance(update, Progress) and update.stage is JobStage.RUNNING
                ):
                    began.set()
                last = update
            return last

        left, stays = (asyncio.create_task(follow(key)) for key in ("ada", "ben"))
        await asyncio.wait_for(began.wait(), 10)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        assert await asyncio.wait_for(stays, 15) == Result(["step 5"])

    await speaking(served["trouble"], do)


# What SpaceClient and StockSession replace or rely on. If a new gradio_client changes
# one of these, read it again, adapt spacebot/spaces/client, and put the new digest here.
REPLACED: dict[str, tuple[Callable[..., Any], str]] = {
    "Client.__init__": (Client.__init__, "92b856b5bd6e"),
    "Client.close": (Client.close, "c895bb0e98cb"),
    "Client._space_name_to_src": (Client._space_name_to_src, "808ac6fbab31"),
    "Client._get_space_state": (Client._get_space_state, "9a17fe4aff42"),
    "Client._telemetry_thread": (Client._telemetry_thread, "da4737197622"),
    "Client._login": (Client._login, "1e928f8dad18"),
    "Client._get_config": (Client._get_config, "8eea8451b379"),
    "Client._get_api_info": (Client._get_api_info, "bab4d47dddd8"),
    "Client.send_data": (Client.send_data, "1722866db08a"),
    "Client.submit": (Client.submit, "c8a4d83e73ad"),
    "Endpoint.insert_empty_state": (client.Endpoint.insert_empty_state, "114dad3f14a1"),
    "Endpoint.process_input_files": (client.Endpoint.process_input_files, "fc3f3c4ec4bf"),
    "Endpoint._upload_file": (client.Endpoint._upload_file, "cb95731a5c15"),
    "Endpoint.make_end_to_end_fn": (client.Endpoint.make_end_to_end_fn, "511b69bf882d"),
    "Endpoint.process_predictions": (client.Endpoint.process_predictions, "5e81d35acc68"),
    "Endpoint._upload_upstream_file": (client.Endpoint._upload_upstream_file, "42b891c854ad"),
    "Endpoint._sse_fn_v0": (client.Endpoint._sse_fn_v0, "3adc0b9c0b0a"),
    "utils.get_pred_from_sse_v0": (utils.get_pred_from_sse_v0, "68d2c53ddcd7"),
    "Endpoint._download_file": (client.Endpoint._download_file, "18c8fdef7655"),
    "Endpoint.remove_skipped_components": (
        client.Endpoint.remove_skipped_components,
        "8f97a8d5c65f",
    ),
    "Job.status": (client.Job.status, "8355bdcf959b"),
    "Job.outputs": (client.Job.outputs, "0482cad55538"),
    "Job.cancel": (client.Job.cancel, "eb5f2bff9f36"),
    "utils.stream_sse_v1plus": (utils.stream_sse_v1plus, "bc7635170f1d"),
    "utils.apply_diff": (utils.apply_diff, "5250a7f14a1d"),
    "utils.encode_file_path": (utils.encode_file_path, "6cd776bcaf7f"),
    "utils.traverse": (utils.traverse, "f28947e0bba4"),
}


def digest(function: Callable[..., Any]) -> str:
    """A digest of a function's source."""
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", REPLACED)
def test_what_is_replaced_has_not_changed(name: str):
    function, known = REPLACED[name]
    assert digest(function) == known, f"{name} of gradio_client has changed: read it again"


@pytest.mark.parametrize("ours", [SpaceClient, StockSession, JsonEndpoint])
def test_what_is_replaced_exists(ours: type):
    # `submit` takes what a job here consists of, and returns what is watched.
    added = {"fn_index", "arguments", "submit", "legacy_job", "_upload", "_join", "__init__"}
    added |= {
        "_fetch_config",
        "_page_config",
        "_fetch_info",
        "uploaded",
        "index",
        "takes",
        "_check_prefix",
    }
    stock = client.Endpoint if ours is JsonEndpoint else Client
    for name, member in vars(ours).items():
        if inspect.isfunction(member) and name not in added:
            assert hasattr(stock, name), f"{name} replaces nothing any more"
            theirs = inspect.signature(getattr(stock, name))
            assert list(inspect.signature(member).parameters) == list(theirs.parameters)


def test_an_idle_connection_closes_before_gradios_server_ends_it():
    theirs = inspect.signature(uvicorn.Config).parameters["timeout_keep_alive"].default
    assert theirs > KEEP_ALIVE_SECONDS
