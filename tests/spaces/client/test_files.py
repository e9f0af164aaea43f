"""Downloads: bounded, with the token only from the Space, never from this network."""

from __future__ import annotations

import glob
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from spacebot.models import File
from spacebot.spaces.client import Network
from spacebot.spaces.client.files.files import FileFetcher
from spacebot.spaces.client.transport.network import is_public
from tests.support.listening import listening

TOKEN = {"x-hf-authorization": "Bearer hf_secret", "Cookie": "a=b"}
NOT_HANDED_OVER = "the Space did not provide it"


class Server:
    """A server of files: the headers that it was sent, and where it redirects to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.redirect = ""
        self.url = ""
        self.port = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer with bytes, or a redirect."""
        self.asked.append((request.path, {k.lower(): v for k, v in request.headers.items()}))
        if "away" in request.path:
            raise web.HTTPFound(self.redirect)
        if "missing" in request.path:
            raise web.HTTPNotFound
        size = int(request.query.get("size", "10"))
        if "chunked" in request.path:
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(50):
                await response.write(b"x" * 1000)
            return response
        return web.Response(body=b"x" * size)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """Serve files on loopback."""
    server = Server()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.handle)
    async with listening(app) as root:
        server.port = int(root.rpartition(":")[2])
        server.url = f"{root}/gradio_api/"
        yield server


def named(path: str, **more: Any) -> dict[str, Any]:
    """A file as Gradio writes it."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


async def fetch(server: Server, folder: Path, *values: Any, cap: int = 10_000) -> list[Any]:
    """Download these values' files."""
    async with Network() as network:
        return await FileFetcher(network, server.url, TOKEN).localize(list(values), folder, cap=cap)


async def test_files_are_brought_here_with_the_token(tmp_path: Path):
    async with serving() as server:
        arguments = named("/tmp/x y/cät.png", orig_name="cat.png", mime_type="image/png")
        (text, file, deep) = await fetch(server, tmp_path, "text", arguments, [{"a": arguments}])
    assert text == "text"
    assert isinstance(file, File)
    assert file.path
    assert file.path.read_bytes() == b"x" * 10
    assert (file.name, file.mime, file.size, file.path.suffix) == (
        "cat.png",
        "image/png",
        10,
        ".png",
    )
    assert isinstance(deep[0]["a"], File)
    path, headers = server.asked[0]
    assert path == "/gradio_api/file=/tmp/x y/cät.png"
    assert headers["x-hf-authorization"] == "Bearer hf_secret"
    assert headers["cookie"] == "a=b"


@pytest.mark.parametrize("path", ["chunked", "whole"])
async def test_a_file_over_the_cap_costs_only_itself(tmp_path: Path, path: str):
    async with serving() as server:
        large = named(path if path == "chunked" else "/x?size=50000")
        if path == "whole":
            large = named("x", is_stream=True, url=server.url + "x?size=50000")
        lost, kept = await fetch(server, tmp_path, large, named("small"), cap=2000)
    assert lost.path is None
    assert lost.problem == "it is larger than 0 MB"
    assert kept.path.read_bytes() == b"x" * 10
    assert [str(kept.path)] == glob.glob(f"{tmp_path}/*")


async def test_a_missing_file_is_told(tmp_path: Path):
    async with serving() as server:
        (lost,) = await fetch(server, tmp_path, named("missing"))
    assert (lost.path, lost.problem) == (None, NOT_HANDED_OVER)


HERE = (
    *("127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "0", "[::ffff:127.0.0.1]"),
    # Names that become an address only when they are normalised.
    *("127。0。0。1", "①②⑦.⓪.⓪.①", "127.0.0.¹", "１２７．０．０．１", "127．0．0．1"),
    *("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "localhost.", "LOCALHOST", "127.0.0.1.", "%31%32%37.0.0.1"),
)


@pytest.mark.parametrize("host", HERE)
async def test_a_redirect_cannot_reach_this_machine(tmp_path: Path, host: str):
    async with serving() as space, serving() as inside:
        space.redirect = f"http://{host}:{inside.port}/secret"
        (lost,) = await fetch(space, tmp_path, named("away"))
    assert (lost.path, lost.problem) == (None, NOT_HANDED_OVER)
    assert inside.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://127.1/",
        "file:///etc/passwd",
        "ftp://example.com/x",
    ],
)
async def test_a_redirect_elsewhere_inside_is_refused(tmp_path: Path, address: str):
    async with serving() as space:
        space.redirect = address
        (lost,) = await fetch(space, tmp_path, named("away"))
    assert (lost.path, lost.problem) == (None, NOT_HANDED_OVER)


async def test_a_stream_elsewhere_is_not_sent_the_token(tmp_path: Path):
    async with serving() as space, serving() as inside:
        url = f"http://127.0.0.1:{inside.port}/x"
        (lost,) = await fetch(space, tmp_path, named("x", is_stream=True, url=url))
    assert (lost.path, lost.problem) == (None, NOT_HANDED_OVER)
    assert inside.asked == []


async def test_a_redirect_elsewhere_is_not_sent_the_token(tmp_path: Path, monkeypatch):
    # The other server is on loopback: for this test alone it counts as public.
    monkeypatch.setattr("spacebot.spaces.client.transport.network.is_public", lambda _: True)
    async with serving() as space, serving() as storage:
        space.redirect = f"http://127.0.0.1:{storage.port}/x"
        (file,) = await fetch(space, tmp_path, named("away"))
    assert file.path.read_bytes() == b"x" * 10
    (_, headers) = storage.asked[0]
    assert "x-hf-authorization" not in headers
    assert "cookie" not in headers


async def test_redirects_come_to_an_end(tmp_path: Path):
    async with serving() as space:
        space.redirect = space.url + "file=away"
        (lost,) = await fetch(space, tmp_path, named("away"))
    assert (lost.path, lost.problem) == (None, NOT_HANDED_OVER)
    assert len(space.asked) == 5


def test_what_is_public():
    assert is_public("1.1.1.1")
    assert is_public("2606:4700:4700::1111")
    for inside in (
        *("127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.1.1", "100.64.0.1", "224.0.0.1"),
        *("::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fd00::1", "::", "ff02::1"),
        # IPv4 within IPv6: mapped, compatible, NAT64, 6to4, Teredo.
        *("::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1"),
        *("2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    ):
        assert not is_public(inside)


async def test_a_result_brings_so_many_files_and_bytes_and_says_what_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacebot.spaces.client.files.files.MAX_FILES", 3)
    monkeypatch.setattr("spacebot.spaces.client.files.files.MAX_TOTAL_BYTES", 25)
    async with serving() as server:
        found = await fetch(server, tmp_path, *(named(f"{name}.txt") for name in "abcde"))
    assert len(server.asked) == 3
    assert [one.path is not None for one in found].count(True) == 2
    assert ["MB in total" in (one.problem or "") for one in found[:3]].count(True) == 1
    assert all("at most 3 files" in one.problem for one in found[3:])
    assert all(one.url for one in found)
