"""A Space that sends too much, or nonsense: limited, left out, or reported in a sentence."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import resource
import threading
import traceback
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from spacebot.engine.catalogue import Catalogue
from spacebot.errors import SpacebotError, SpaceUnavailable, SpaceUnreadable
from spacebot.models import (
    AutocompleteRequest,
    File,
    Parameter,
    Progress,
    Requester,
    Source,
    Upload,
)
from spacebot.spaces import inputs
from spacebot.spaces.client import Connection, Network, Partial, Result
from spacebot.spaces.client.transport import bounded_reading, skip_limit
from spacebot.spaces.client.transport.bounded_reading import MAX_MESSAGE_BYTES, parse_json
from spacebot.spaces.inputs.components.menu import ChoiceMenu
from tests.support.clocks import set_clock
from tests.support.hostile_space import DONE, HostileSpace, hostile
from tests.support.spaces_hub import TOKEN, Hosted, Hub, hub

MIB = 1 << 20
MOST = 200 * MIB
DONE_OK = {"msg": DONE, "success": True, "output": {"data": ["ok"]}}
UNREADABLE = "The Space sent something unreadable"
TOO_MUCH = "The Space sent more than can be read here"


def peak() -> int:
    """This process's peak memory, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def bomb(size: int = 1024 * MIB) -> bytes:
    """A megabyte of gzip that unpacks to `size` zeros."""
    packer = zlib.compressobj(9, wbits=31)
    piece = b" " * MIB
    return b"".join([*(packer.compress(piece) for _ in range(size // MIB)), packer.flush()])


BOMB = bomb()


def explode(encoding: str = "gzip", body: bytes = BOMB) -> Any:
    """A response that is a decompression bomb."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body, headers={"Content-Encoding": encoding})

    return answer


@asynccontextmanager
async def reaching(space: HostileSpace) -> AsyncIterator[Connection]:
    """A connection to a hostile Space."""
    async with Network() as network:
        connection = Connection(Source(space.url), network)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def at_the_hub(served: Hub, space: HostileSpace) -> AsyncIterator[Connection]:
    """A connection to a hostile Space of the Hub, with a token."""
    served.spaces["owner/name"] = Hosted(space.url)
    async with Network(hub=served.api) as network:
        connection = Connection(Source("owner/name"), network, token=TOKEN)
        try:
            yield connection
        finally:
            await connection.close()


async def run(connection: Connection, value: Any = "x") -> list[Any]:
    """Every update of one job."""
    updates = connection.run("/take", {"in_0": value}, key="a", stateful=False, silence=5)
    return [update async for update in updates]


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
@pytest.mark.parametrize("path", ["config", "info", "app_id", "join", "upload", "data", "file=a"])
async def test_a_bomb_is_not_unpacked(tmp_path: Path, path: str, encoding: str):
    body = BOMB if encoding == "gzip" else gzip.compress(BOMB)
    async with hostile() as space, reaching(space) as connection:
        (tmp_path / "a").write_bytes(b"x")
        space.answers[path] = explode(encoding, body)
        before = peak()
        if path in ("config", "info"):
            with pytest.raises((SpaceUnavailable, SpaceUnreadable)):
                await connection.ready()
        elif path == "app_id":
            await connection.ready()
            assert await connection.process() == "1"
        elif path == "file=a":
            await connection.ready()
            named = {"path": "a", "meta": {"_type": "gradio.FileData"}}
            (file,) = await connection.localize([named], tmp_path / "job", cap=50 * MIB)
            assert isinstance(file, File)
            assert file.problem
        else:
            with pytest.raises(SpaceUnreadable):
                await run(connection, Upload(tmp_path / "a", tmp_path, "a"))
        assert peak() - before < MOST


@pytest.mark.parametrize("protocol", ["sse_v3", "sse_v1", "sse"])
@pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
async def test_a_line_without_end_is_cut(protocol: str):
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"data: ")
        while True:
            await response.write(b"x" * MIB)
            sent += 1

    async with hostile() as space, reaching(space) as connection:
        space.takes(protocol, [("textbox", {})])
        space.answers["join" if protocol == "sse" else "data"] = endless
        before = peak()
        with pytest.raises(SpaceUnreadable, match=TOO_MUCH):
            await run(connection)
        assert sent <= 2 * MAX_MESSAGE_BYTES // MIB
        assert peak() - before < MOST
        # Nobody waits for the job: the Space is told so, once it notices that the stream is gone.
        route = "/" if protocol == "sse" else "/cancel"
        while not any(route in path for path in space.asked):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


LEFT_OUT: list[Any] = [
    {"msg": "estimation", "rank": "first", "queue_size": None, "rank_eta": "soon"},
    {"msg": "estimation", "rank": float("nan"), "queue_size": float("inf"), "rank_eta": [1]},
    {"msg": "estimation", "rank": -(10**400), "queue_size": True},
    {"msg": "process_starts", "eta": {}},
    {"msg": "progress", "progress_data": "half way"},
    {"msg": "progress", "progress_data": [7]},
    {"msg": "progress", "progress_data": {"a": 1}},
    {"msg": "progress", "progress_data": [{"index": "1", "length": "x", "progress": "50 %"}]},
    {"msg": "progress", "progress_data": [{"index": [], "unit": {}, "desc": ["x"]}]},
    {"msg": "log", "log": {"a": 1}, "level": []},
    {"msg": "process_generating", "output": "text"},
    {"msg": "process_generating", "output": {"data": "text"}},
    {"msg": "process_generating", "output": {"data": [[["replace", ["a", 5], 1]]]}},
    {"msg": ["process_completed"]},
    {"msg": None},
    b"data: \xff\xfe\xfd\n\n",
    b"data: {not json\n\n",
    b"data: [1, 2]\n\n",
    b"data: 7\n\n",
    b"data:\n\n",
    b"\x00\x01\n\n",
    b'data: {"msg": "progress", "progress_data": ' + b"[" * 900 + b"]" * 900 + b"}\n\n",
    b'data: {"msg": "progress", "x": ' + b"[" * 100_000 + b"}\n\n",
]


@pytest.mark.parametrize("event", LEFT_OUT, ids=range(len(LEFT_OUT)))
async def test_nonsense_about_progress_is_left_out(event: Any):
    async with hostile() as space, reaching(space) as connection:
        began = {"msg": "process_generating", "success": True, "output": {"data": ["o"]}}
        space.events = [event, began, event, DONE_OK]
        updates = await run(connection)
    assert updates[-1] == Result(["ok"])
    for update in updates:
        if isinstance(update, Progress):
            for one in (update.rank, update.size, update.eta, update.fraction, update.step):
                assert one is None or 0 <= one < 10**13
        else:
            assert isinstance(update, Partial | Result) or update.text


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"msg": "unheard"},
        {"msg": "progress", "progress_data": [7]},
        {"msg": "log", "log": ""},
        {"msg": "process_generating", "output": {"data": "text"}},
        {"msg": "estimation", "event_id": "another's"},
        b"data: {not json\n\n",
    ],
)
async def test_a_job_reads_only_so_many_messages_that_mean_nothing(
    monkeypatch: pytest.MonkeyPatch, event: Any
):
    monkeypatch.setattr(skip_limit, "MAX_SKIPPED", 100)
    times = itertools.repeat(0.0)
    set_clock(monkeypatch, skip_limit.__name__, monotonic=lambda: next(times))
    async with hostile() as space, reaching(space) as connection:
        # Heartbeats come as often as the Space likes.
        space.events = [*[{"msg": "heartbeat"}] * 200, *[event] * 100, DONE_OK]
        assert (await run(connection))[-1] == Result(["ok"])
        space.events = [*[event] * 101, DONE_OK]
        with pytest.raises(SpaceUnreadable):
            await run(connection)
        # Over a longer time, as many as it likes.
        times = itertools.count(step=1.0)
        space.events = [*[event] * 1000, DONE_OK]
        assert (await run(connection))[-1] == Result(["ok"])


BROKEN: list[Any] = [
    {"msg": DONE, "success": True, "output": "text"},
    {"msg": DONE, "success": True, "output": {"data": "text"}},
    {"msg": DONE, "success": True, "output": {"data": {"0": "a"}}},
    {"msg": DONE, "success": True, "output": {"data": None}},
    {"msg": DONE, "success": True, "output": ["a"]},
    b'data: {"msg": "process_completed", "event_id": "event", "output": {"data": ["\xff"]}}\n\n',
    b'data: {"msg": "process_completed", "event_id": "event", "output": {"data": [\n\n',
    b'data: {"msg": "process_completed", "event_id": "event", "success": true, '
    b'"output": {"data": ' + b"[" * 900 + b"]" * 900 + b"}}\n\n",
]


@pytest.mark.parametrize("event", BROKEN, ids=range(len(BROKEN)))
async def test_a_result_that_is_none_is_told(event: Any):
    async with hostile() as space, reaching(space) as connection:
        space.events = [event]
        with pytest.raises(SpaceUnreadable, match=UNREADABLE):
            await run(connection)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"\xff", b'{"event_id": 7}'])
@pytest.mark.parametrize("path", ["join", "upload"])
async def test_an_acknowledgement_that_is_none_is_told(tmp_path: Path, path: str, body: bytes):
    (tmp_path / "a").write_bytes(b"x")

    async def say(request: web.Request) -> web.Response:
        return web.Response(body=body)

    async with hostile() as space, reaching(space) as connection:
        space.answers[path] = say
        with pytest.raises(SpaceUnreadable, match=UNREADABLE):
            await run(connection, Upload(tmp_path / "a", tmp_path, "a"))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b"\xff", b"<html>", b"7", b"[" * 5000]
)
@pytest.mark.parametrize("path", ["config", "info"])
async def test_a_description_that_is_none_is_told(path: str, body: bytes):
    async with hostile() as space, reaching(space) as connection:
        setattr(space, path, body)
        with pytest.raises(SpacebotError, match="There is no Gradio app at that address now"):
            await connection.ready()


@pytest.mark.parametrize(
    "data",
    [
        {"path": "a", "meta": "abc"},
        {"path": "..", "meta": {"_type": "gradio.FileData"}},
        {"path": "a", "meta": {"_type": "gradio.FileData"}, "orig_name": "..\0", "size": "x"},
        {"path": "a\ud800", "meta": {"_type": "gradio.FileData"}, "mime_type": 7},
        {"path": "a", "meta": {"_type": "gradio.FileData"}, "is_stream": 1, "url": "http://[::1"},
        {"path": "a", "meta": {"_type": "gradio.FileData"}, "is_stream": 1, "url": {"a": 1}},
    ],
)
async def test_a_file_that_is_none_costs_only_itself(tmp_path: Path, data: dict[str, Any]):
    async with hostile() as space, reaching(space) as connection:
        good = {"path": "good", "meta": {"_type": "gradio.FileData"}}
        await connection.ready()
        found, other = await connection.localize([data, good], tmp_path, cap=1000)
    assert isinstance(other, File)
    assert other.path
    assert not isinstance(found, File) or found.name in ("a", "file", "a\ud800")


@pytest.mark.parametrize("status", [301, 302, 307])
@pytest.mark.parametrize("where", [None, "", "http://[::1", "http://", "//", "http://a b/"])
async def test_a_redirect_that_leads_nowhere_is_told(
    tmp_path: Path, status: int, where: str | None
):
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={} if where is None else {"Location": where})

    async with hostile() as space, reaching(space) as connection:
        space.answers["file=a"] = away
        await connection.ready()
        named = {"path": "a", "meta": {"_type": "gradio.FileData"}}
        (file,) = await connection.localize([named], tmp_path, cap=1000)
    assert file.problem == "the Space did not provide it"


def test_json_costs_no_more_than_it_may():
    for text in ("[" + "[]," * 8_000_000 + "0]", "[" + "{}," * 7_000_000 + "0]"):
        before = peak()
        with pytest.raises(SpaceUnreadable, match=TOO_MUCH):
            parse_json(text.encode())
        assert peak() - before < MOST
    # Large but plausible results are read: 20 MB of text or numbers.
    assert parse_json(json.dumps(["x" * 20_000_000]).encode()) == ["x" * 20_000_000]
    numbers = [0.12345678] * 1_500_000
    assert parse_json(json.dumps(numbers).encode()) == numbers


async def test_a_menu_of_50_000_choices_is_built_and_searched_in_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    threads: list[int] = []
    made, ranked = ChoiceMenu.__init__, ChoiceMenu.ranked

    def making(menu: ChoiceMenu, parameter: Parameter) -> None:
        threads.append(threading.get_ident())
        made(menu, parameter)

    def ranking(menu: ChoiceMenu, *arguments: Any, **options: Any) -> list[str]:
        threads.append(threading.get_ident())
        return ranked(menu, *arguments, **options)

    monkeypatch.setattr(ChoiceMenu, "__init__", making)
    monkeypatch.setattr(ChoiceMenu, "ranked", ranking)
    choices = [[f"choice {number}", number] for number in range(50_000)]
    async with hostile() as space, Network() as network:
        space.takes("sse_v3", [("dropdown", {"choices": choices, "value": 49_999})])
        source = Source("a/b", address=space.url)
        read = asyncio.Event()
        catalogue = Catalogue([source], network, folder=tmp_path)
        catalogue.subscribe(read.set)
        try:
            await catalogue.start()
            await asyncio.wait_for(read.wait(), 60)
            (endpoint,) = catalogue.spaces[0].endpoints
            (option,) = inputs.options(endpoint).options
            assert option.description == "Choice (default choice 49999)"
            ada = Requester("1", "<@1>")
            found = await catalogue.suggest(
                AutocompleteRequest(endpoint, option.name, "4999", {}, ada)
            )
        finally:
            await catalogue.close()
    assert [one.label for one in found][:2] == ["choice 4999", "choice 14999"]
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("protocol", ["sse_v3", "sse_v1", "sse", "ws"])
@pytest.mark.parametrize("prefix", ["{}", "/{}", "{}/gradio_api", "\t{}"])
async def test_a_prefix_that_leads_away_gets_no_request_and_no_token(prefix: str, protocol: str):
    async with hub() as served, hostile() as space, hostile() as elsewhere:
        space.config |= {"protocol": protocol, "api_prefix": prefix.format(elsewhere.url)}
        async with at_the_hub(served, space) as connection:
            with pytest.raises(SpaceUnavailable, match="to another address") as told:
                await run(connection)
        assert not told.value.worth_retrying
        assert space.asked == ["/config"]
        assert elsewhere.asked == []


@pytest.mark.parametrize("protocol", ["sse_v3", "sse_v1", "sse"])
@pytest.mark.filterwarnings("ignore:Setting per-request cookies:DeprecationWarning")
async def test_nothing_that_a_space_says_moves_it_to_another_host(tmp_path: Path, protocol: str):
    (tmp_path / "a").write_bytes(b"x")
    async with hub() as served, hostile() as space, hostile() as elsewhere:
        space.takes(protocol, [("textbox", {})])
        there = {"url": elsewhere.url, "path": f"{elsewhere.url}/a", "is_stream": True}
        file = {**there, "meta": {"_type": "gradio.FileData"}}
        space.events = [{"msg": DONE, "success": True, "output": {"data": [file]}}]
        addresses = ("root", "path", "src", "src_prefixed", "share_url", "space_id", "local_url")
        addresses += ("api_url", "upload_url", "sse_url", "heartbeat_url", "root_url", "proxy_url")
        everywhere = dict.fromkeys(addresses, elsewhere.url)
        space.config |= everywhere
        space.config["dependencies"][0] |= everywhere
        space.info |= everywhere
        async with at_the_hub(served, space) as connection:
            result = (await run(connection, Upload(tmp_path / "a", tmp_path, "a")))[-1]
            assert isinstance(result, Result)
            await connection.localize(result.outputs, tmp_path / "job", cap=MIB)
            await connection.process()
        assert any(path.endswith("/upload") for path in space.asked)
        assert elsewhere.asked == []


@pytest.mark.parametrize("path", ["config", "info", "app_id", "join", "upload", "data"])
async def test_a_redirect_to_another_host_is_not_followed(tmp_path: Path, path: str):
    (tmp_path / "a").write_bytes(b"x")
    async with hub() as served, hostile() as space, hostile() as elsewhere:

        async def away(request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": elsewhere.url + request.path})

        space.answers[path] = away
        async with at_the_hub(served, space) as connection:
            with contextlib.suppress(SpacebotError):
                await run(connection, Upload(tmp_path / "a", tmp_path, "a"))
                await connection.process()
        assert any(asked.endswith(path) for asked in space.asked)
        assert elsewhere.asked == []


@pytest.mark.parametrize(
    "raw", [b"[" + b"[]," * 1_300_000 + b"[]]", b'"' + b"\xff" * 300_000 + b'"', b"[1," * 100_000]
)
def test_what_cannot_be_read_is_not_held_by_its_error(raw: bytes):
    """The error lives until a full collection, in a task whose frames it holds."""
    with pytest.raises(SpaceUnreadable) as caught:
        bounded_reading.parse_json(bytearray(raw))
    error: BaseException | None = caught.value
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == bounded_reading.__file__:
                held = [one for one in frame.f_locals.values() if isinstance(one, str | bytes)]
                assert not [one for one in held if len(one) > 1000]
                assert not frame.f_locals.get("raw")
        assert not hasattr(error, "object")
        error = error.__cause__ or error.__context__
