"""Only an `Upload` names a file of this machine: a Space's values never open one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from aiohttp import web
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from spacebot.discord_bot.conversations import transcript
from spacebot.engine import follow_ups
from spacebot.errors import InputError, SpacebotError
from spacebot.models import Endpoint, EndpointStep, File, Requester, Source, Upload
from spacebot.spaces import inputs
from spacebot.spaces.client import Connection, Network, Result, SpaceDescription
from spacebot.spaces.client.files.uploads import MOST_WITHIN, inline_file, open_upload, with_uploads
from spacebot.spaces.client.legacy.values import from_legacy, payload
from spacebot.spaces.client.steps import output_values
from spacebot.spaces.client.transport.network import SpaceExecutor
from spacebot.spaces.inputs.components.base import name_of
from spacebot.spaces.inputs.form import value_of
from spacebot.spaces.schema import read_space
from tests.spaces.client.test_legacy import Old, old
from tests.spaces.inputs.test_inputs import parameter
from tests.support.hostile_space import DONE, HostileSpace, hostile

PROTOCOLS = ("sse_v3", "sse_v2.1", "sse_v2", "sse_v1", "sse")
SECRET = b"DISCORD_TOKEN=the-owners-own"
META = {"_type": "gradio.FileData"}

_watched: list[tuple[str, list[str]]] = []


def _note_opened(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watched:
        folder, seen = _watched[-1]
        with contextlib.suppress(TypeError, ValueError):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path.startswith(folder):
                seen.append(path)


sys.addaudithook(_note_opened)


@contextlib.contextmanager
def watching(folder: Path) -> Iterator[list[str]]:
    """The files under `folder` that this process opens during the block."""
    seen: list[str] = []
    _watched.append((os.path.realpath(folder), seen))
    try:
        yield seen
    finally:
        _watched.pop()


def file_shaped(path: str) -> st.SearchStrategy[Any]:
    """JSON that some version of Gradio treats as a file."""
    leaves = st.sampled_from(
        [
            {"path": path, "meta": META},
            {"path": path, "meta": META, "url": f"file://{path}", "is_stream": True},
            {"path": path, "meta": META, "url": None, "orig_name": "a.png", "size": 1},
            {"path": path},
            {"path": path, "meta": "abc"},
            {"name": path, "is_file": True},
            {"name": path, "data": None, "orig_name": path, "is_file": True},
            {"path": path, "folder": os.path.dirname(path), "name": "a"},
            {"file": {"name": "a", "path": path, "folder": os.path.dirname(path)}},
            path,
            f"file://{path}",
        ]
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=2),
            st.builds(lambda key, one: {key: one}, st.sampled_from(["a", path, "value"]), inner),
            st.builds(lambda one: {"__type__": "update", "value": one}, inner),
            st.builds(lambda one: {"text": "x", "files": [one]}, inner),
        ),
        max_leaves=4,
    )


async def described(space: HostileSpace, network: Network) -> tuple[Connection, Any]:
    """Connect and read the description as the program does."""
    said: list[SpaceDescription] = []
    connection = Connection(Source(space.url), network, changed=said.append)
    await connection.ready()
    read = read_space(connection.source, said[0].config, said[0].info)
    return connection, read.endpoints[0]


async def all_ways(space: HostileSpace, protocol: str, shape: Any, folder: Path) -> None:
    """Send file-shaped JSON back from every place that a Space can put it in."""
    space.takes(
        protocol,
        [
            ("dropdown", {"choices": [["Pick me", shape]], "value": None}),
            ("json", {"value": shape}),
            ("chatbot", {"value": [{"role": "assistant", "content": shape}], "type": "messages"}),
            ("image", {"value": shape}),
            ("state", {"value": shape}),
            ("textbox", {"value": "words"}),
        ],
    )
    output = {"data": [shape]}
    space.events = [
        {"msg": "process_generating", "success": True, "output": output},
        {"msg": DONE, "success": True, "output": output},
    ]
    async with Network() as network:
        connection, endpoint = await described(space, network)
        try:
            picked = {one.name: "Pick me" for one in inputs.options(endpoint).options[:1]}
            for one in (
                endpoint,
                follow_ups.with_constants(endpoint, {"in_1": shape, "in_3": shape}),
                transcript.build_question(endpoint, {}, [shape], "hi", ())[0],
            ):
                with contextlib.suppress(InputError):
                    values = inputs.values(one, picked)
                    values |= output_values(EndpointStep("/take", gives={0: "in_5"}), [shape])
                    await sent(connection, values, folder)
        finally:
            await connection.close()


async def sent(
    connection: Connection, values: dict[str, Any], folder: Path, page: Endpoint | None = None
) -> None:
    """Run one job to its end and download its files."""
    running = connection.run("/take", values, key="a", stateful=False, silence=5, page=page)
    with contextlib.suppress(SpacebotError):
        async for update in running:
            if isinstance(update, Result):
                await connection.localize(update.outputs, folder, cap=1000)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file outside every job's folder, which nothing may open."""
    path = tmp_path / "outside" / ".env"
    path.parent.mkdir()
    path.write_bytes(SECRET)
    return path


# What gradio_client itself does for the first of the protocols.
@pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_that_a_space_wrote_opens_a_file(tmp_path: Path, canary: Path, protocol: str):
    here = tmp_path / "job"

    @settings(
        max_examples=12 if protocol == "sse_v3" else 4,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @hypothesis.given(file_shaped(str(canary)))
    def attempt(shape: Any) -> None:
        async def one() -> None:
            async with hostile() as space:
                await all_ways(space, protocol, shape, here)
                joined = [body for body in space.bodies if b"session_hash" in body]
                assert len(joined) >= 3, "the jobs never came to the Space"
                # It came back as plain JSON.
                values = json.loads(joined[0])["data"]
                assert values[0] == shape
                assert SECRET not in b"".join(space.bodies)

        with watching(canary.parent) as seen:
            asyncio.run(one())
        assert seen == []

    attempt()


def page_event(number: int, target: list[Any], inputs: list[int], output: int) -> dict[str, Any]:
    """An event of a page that sets one of its components."""
    return {
        **{"id": number, "targets": [target], "inputs": inputs, "outputs": [output]},
        **{"api_name": f"event_{number}", "api_visibility": "private", "backend_fn": True},
        **{"queue": True, "cancels": [], "types": {"generator": False, "cancel": False}},
    }


async def by_page(space: HostileSpace, shape: Any, folder: Path) -> None:
    """Send file-shaped JSON back that the page's events set, or that is suggested from them."""
    space.takes(
        "sse_v3",
        [
            ("dropdown", {"choices": [["A", "a"]], "value": None}),
            ("json", {"value": None}),
            ("textbox", {"value": "words"}),
        ],
    )
    space.config["dependencies"] += [
        page_event(1, [101, "load"], [], 1),
        page_event(2, [2, "change"], [2], 0),
    ]
    update = {"__type__": "update", "choices": [["Pick me", shape]], "value": shape}
    space.events = [{"msg": DONE, "success": True, "output": {"data": [update]}}]
    async with Network() as network:
        connection, endpoint = await described(space, network)
        try:
            filled = {"in_2": "other words"}
            offer = await connection.offered(endpoint, "in_0", filled, Requester("1", "<@1>"))
            assert [one.value for one in offer.choices] == [shape]
            others = [one for one in endpoint.parameters if one.name != offer.name]
            picked = replace(endpoint, parameters=(offer, *others))
            options = {one.name: name_of(one) for one in endpoint.parameters}
            for one, given in ((endpoint, {}), (picked, {options["in_0"]: "Pick me"})):
                values = inputs.values(one, {options["in_2"]: "other words", **given})
                await sent(connection, values, folder, page=one)
        finally:
            await connection.close()


def test_nothing_that_a_page_s_events_set_or_suggest_opens_a_file(tmp_path: Path, canary: Path):
    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @hypothesis.given(file_shaped(str(canary)))
    def attempt(shape: Any) -> None:
        async def one() -> None:
            async with hostile() as space:
                await by_page(space, shape, tmp_path / "job")
                bodies = [json.loads(body) for body in space.bodies if b"session_hash" in body]
                taken = [body["data"] for body in bodies if body.get("fn_index") == 0]
                assert len(taken) == 2
                for data in taken:
                    # As plain JSON.
                    assert data[:2] == [shape, shape]
                assert SECRET not in b"".join(space.bodies)

        with watching(canary.parent) as seen:
            asyncio.run(one())
        assert seen == []

    attempt()


async def by_socket(shape: Any, folder: Path) -> list[Any]:
    """Give file-shaped JSON by the queue of Gradio 3, and send it back; what the Space got."""

    async def answer(space: Old) -> None:
        for kind in ("process_generating", DONE):
            message = {"msg": kind, "success": True, "output": {"data": [shape]}}
            await space.socket.send_json(message)

    async with old(answer) as (space, connection):
        description = connection.description
        read = read_space(connection.source, description.config, description.info)
        for endpoint in read.endpoints:
            if endpoint.api_name in ("/invert", "/pictures", "/bundle", "/film"):
                names = [one.name for one in endpoint.parameters]
                values = dict.fromkeys(names, shape)
                results: list[Any] = []
                for _ in range(2):
                    running = connection.run(endpoint.api_name, values, key="a", stateful=False)
                    with contextlib.suppress(SpacebotError):
                        results = [u.outputs async for u in running if isinstance(u, Result)]
                    await connection.localize([*results], folder, cap=1000)
                    values = dict.fromkeys(names, results)
    return space.heard


def test_what_a_queue_of_gradio_3_gives_opens_no_file(tmp_path: Path, canary: Path):
    @settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @hypothesis.given(file_shaped(str(canary)))
    def attempt(shape: Any) -> None:
        with watching(canary.parent) as seen:
            heard = asyncio.run(by_socket(shape, tmp_path / "job"))
        assert sum("data" in one for one in heard) >= 4, "the jobs never came to the Space"
        assert seen == []

    attempt()


SKETCH = {"tool": "sketch", "source": "upload"}
SLOW = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
OLD = ("annotatedimage", "file", "gallery", "highlightedtext", "image", "json", "video")


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@hypothesis.given(data=st.data(), component=st.sampled_from(OLD))
def test_what_a_gradio_3_wrote_opens_no_file(tmp_path: Path, data: st.DataObject, component: str):
    canary = tmp_path / ".env"
    canary.write_bytes(SECRET)
    shape = data.draw(file_shaped(str(canary)))
    with watching(tmp_path) as seen:
        value = with_uploads(from_legacy(shape, component), open_upload)
        payload([value], [{"type": component, "props": SKETCH}], fn_index=0)
    assert seen == []


async def run_with(upload: Upload) -> HostileSpace:
    """Send one job with this upload."""
    async with hostile() as space, Network() as network:
        connection, _ = await described(space, network)
        try:
            values = {"in_0": [{"deep": upload}]}
            async for _ in connection.run("/take", values, key="a", stateful=False):
                pass
        finally:
            await connection.close()
    return space


@pytest.mark.parametrize("where", ["link", "link/..", "folder", "up", "absolute", "fifo", "gone"])
async def test_an_upload_stays_in_its_folder(tmp_path: Path, where: str):
    (tmp_path / "secret").write_bytes(SECRET)
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "out").symlink_to(tmp_path)
    os.mkfifo(folder / "fifo")
    path = {
        "link": folder / "link",
        "link/..": folder / "out" / "secret",
        "folder": folder,
        "up": folder / ".." / "secret",
        "absolute": tmp_path / "secret",
        "fifo": folder / "fifo",
        "gone": folder / "gone",
    }[where]
    with pytest.raises(InputError, match="Attach it again"):
        await run_with(Upload(path, folder, "a.png"))


async def test_what_was_saved_for_the_job_is_sent(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"a picture")
    space = await run_with(Upload(tmp_path / "a", tmp_path, "【案】#.png"))
    (uploaded,) = [body for body in space.bodies if b"a picture" in body]
    assert "【案】#.png".encode() in uploaded
    (joined,) = [json.loads(body) for body in space.bodies if b"session_hash" in body]
    sent_file = {"path": "/tmp/gradio/uploaded", "orig_name": "【案】#.png", "meta": META}
    assert joined["data"] == [[{"deep": sent_file}]]


def test_a_result_is_no_attachment(tmp_path: Path):
    """A file that came from a Space has no folder of a job, and cannot be attached."""
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(InputError, match="could not be read"):
        value_of(parameter("image"), {"it": File("a.png", path=tmp_path / "a.png", url="http://a")})
    kept = File("a.png", path=tmp_path / "a.png", folder=tmp_path)
    assert File.from_json(json.loads(json.dumps(kept.to_json()))) == kept


def test_a_file_too_large_for_a_message_is_not_read(tmp_path: Path):
    with (tmp_path / "a").open("wb") as file:
        file.truncate(MOST_WITHIN + 1)
    with pytest.raises(InputError, match="larger than the Space accepts"):
        inline_file(Upload(tmp_path / "a", tmp_path, "a"))


@pytest.mark.parametrize("sent", ["data:,x", "data:image/png;base64,eA==", "data:image/png,@"])
def test_a_picture_to_draw_on_that_is_none_is_told(sent: str):
    picture = {"path": "a.png", "url": sent, "meta": META}
    with pytest.raises(InputError, match="cannot be read"):
        payload([picture], [{"type": "image", "props": SKETCH}])


def test_only_what_is_in_the_folder_is_opened(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"x")
    with open_upload(Upload(tmp_path / "a", tmp_path, "a")) as file:
        assert file.read() == b"x"


async def test_five_hundred_jobs_share_a_few_threads():
    async with hostile() as space, Network() as network:
        connection, _ = await described(space, network)
        before = threading.active_count()

        async def one(number: int) -> int:
            updates = connection.run("/take", {"in_0": "x"}, key=str(number), stateful=False)
            async for _ in updates:
                pass
            return threading.active_count()

        try:
            most = max(await asyncio.gather(*map(one, range(500))))
        finally:
            await connection.close()
    assert most - before <= 16


async def test_a_lookup_that_finds_nothing_is_told():
    # A future rejects StopIteration, so its caller would wait forever.
    executor = SpaceExecutor()
    empty: Iterator[None] = iter(())
    with pytest.raises(LookupError, match="something that the Space names is missing"):
        await asyncio.wait_for(executor.call(next, empty), 30)
    executor.close()


async def test_a_space_that_does_not_answer_keeps_no_other_waiting():
    async with hostile() as slow, hostile() as quick, Network() as network:
        stuck, go = asyncio.Semaphore(0), asyncio.Event()

        async def join(request: Any) -> Any:
            stuck.release()
            await go.wait()
            raise ConnectionResetError

        slow.answers["join"] = join
        (one, _), (other, _) = await described(slow, network), await described(quick, network)

        async def run(connection: Connection, key: str) -> Any:
            updates = connection.run("/take", {"in_0": "x"}, key=key, stateful=False)
            return [update async for update in updates][-1]

        waiting = [asyncio.create_task(run(one, str(number))) for number in range(40)]
        try:
            for _ in range(8):
                await stuck.acquire()
            assert await run(other, "a") == Result(["ok"])
            assert not any(task.done() for task in waiting)
        finally:
            go.set()
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await one.close()
            await other.close()


async def test_a_job_that_is_cancelled_while_it_joins_is_taken_back():
    async with hostile() as space, Network() as network:
        asked, go = asyncio.Event(), asyncio.Event()

        async def join(request: Any) -> Any:
            asked.set()
            await go.wait()
            return web.json_response({"event_id": "late"})

        space.answers["join"] = join
        connection, _ = await described(space, network)

        async def run() -> None:
            async for _ in connection.run("/take", {"in_0": "x"}, key="a", stateful=True):
                pass

        try:
            task = asyncio.create_task(run())
            await asked.wait()
            task.cancel()
            go.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            cancels = [
                json.loads(body)
                for path, body in zip(space.asked, space.bodies, strict=True)
                if path.endswith("/cancel")
            ]
            assert [one["event_id"] for one in cancels] == ["late"]
        finally:
            await connection.close()
