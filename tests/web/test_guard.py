"""What the page accepts from strangers: how much, how fast, from where, for which host."""

from __future__ import annotations

import asyncio
import re
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount, Route

from spacebot.web import OwnerAccess, PageServer, guard, serve
from spacebot.web.guard import BODY_LIMITS, DEFAULT_BODY, MEBIBYTE, BodyReader, known_host
from tests.support.browser.chromium import free_port
from tests.support.browser.scripted_program import ScriptedHouse
from tests.support.clocks import set_clock

HUGE = 64 * MEBIBYTE
# The memory that the test, its client and the server may use while HUGE passes through.
ROOM = 32 * MEBIBYTE
METHODS = ("GET", "POST", "PUT", "DELETE")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    house = ScriptedHouse(tmp_path_factory.mktemp("house"))
    page = serve(house, "127.0.0.1", free_port(), access=OwnerAccess("correct horse battery"))
    yield page
    page.close()


def paths(routes) -> Iterator[str]:
    """Every path of an app, its parameters filled in."""
    for route in routes:
        if isinstance(route, Mount):
            yield from (route.path + path for path in paths(route.routes))
        elif isinstance(route, Route):
            yield re.sub(r"\{(\w+)(:\w+)?\}", "x", route.path)
        elif hasattr(route, "routes"):
            yield from paths(route.routes)
        else:
            # Such as FastAPI's included routers, which list their routes in another way.
            yield from paths(route.original_router.routes)


def spools() -> int:
    """How many bytes the process has open in temporary files."""
    folder = Path("/proc/self/fd")
    total = 0
    for entry in folder.iterdir():
        try:
            if str(entry.readlink()).startswith(tempfile.gettempdir()):
                total += entry.stat().st_size
        except OSError:
            continue
    return total


def peak() -> int:
    """This process's peak memory, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def send(url: str, method: str, path: str, *, chunked: bool) -> tuple[int, int]:
    """Send HUGE as fast as possible; returns the status and how many bytes the server read."""
    parts = httpx.URL(url)
    reader, writer = await asyncio.open_connection(parts.host, parts.port)
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {HUGE}"
    kind = BODY_LIMITS.get(path, DEFAULT_BODY).type
    head = (
        f"{method} {path}?command=demo+compose HTTP/1.1\r\n{length}\r\n"
        f"Host: {parts.host}:{parts.port}\r\n"
        f"Content-Type: {kind}; boundary=b\r\nOrigin: http://{parts.host}:{parts.port}\r\n"
        f"X-Spacebot-Session: {'0' * 32}\r\n\r\n"
    )
    writer.write(head.encode())
    start = b'--b\r\nContent-Disposition: form-data; name="password"; filename="x"\r\n\r\n'
    piece = start + bytes(256 * 1024)
    answer = asyncio.ensure_future(reader.readline())
    taken = 0
    try:
        while taken < HUGE and not answer.done():
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
            taken += len(piece)
            await asyncio.sleep(0)
        line = await asyncio.wait_for(answer, 10)
    finally:
        writer.transport.abort()
    return int(line.split()[1]), taken


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_no_route_takes_a_huge_body(served: PageServer, chunked: bool) -> None:
    everything = sorted(set(paths(served.demo.app.routes)))
    assert BODY_LIMITS.keys() <= set(everything)
    assert {"/login", "/gradio_api/upload", "/gradio_api/queue/join"} <= set(everything)
    before = peak()
    for path in everything:
        for method in METHODS:
            status, taken = await send(served.url, method, path, chunked=chunked)
            # A route without a body may say so instead of counting.
            refusals = {413} if path in BODY_LIMITS or not chunked else {404, 413}
            if method != "POST" and path in BODY_LIMITS:
                refusals |= {405}
            assert status in refusals, (method, path)
            most = BODY_LIMITS.get(path, DEFAULT_BODY).max_bytes
            # Beyond the limit, the contents of two socket buffers.
            assert taken < most + 8 * MEBIBYTE, (method, path)
    assert spools() < MEBIBYTE
    assert peak() - before < ROOM


async def test_a_file_where_none_belongs_is_refused_and_not_echoed(served: PageServer) -> None:
    secret = "not for your eyes"
    own = {"Origin": served.url.rstrip("/")}
    async with httpx.AsyncClient(base_url=served.url, headers=own) as client:
        for path in sorted(BODY_LIMITS.keys() - {"/spacebot/tryout/run"}):
            answer = await client.post(path, files={"password": ("x", secret.encode())})
            assert (answer.status_code, secret in answer.text) == (415, False), path
        answer = await client.post(
            "/spacebot/tryout/run", params={"command": secret}, files={"a": ("x", secret.encode())}
        )
        assert (answer.status_code, secret in answer.text) == (400, False)
        answer = await client.post("/spacebot/tryout/run", data={"a": secret})
        assert (answer.status_code, secret in answer.text) == (415, False)
        answer = await client.post("/login", data={"username": secret})
        assert (answer.status_code, secret in answer.text) == (404, False)


async def test_the_origin_is_looked_at_before_the_body(served: PageServer) -> None:
    for path in BODY_LIMITS:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(served.url).port)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n"
            f"Content-Type: {BODY_LIMITS[path].type}\r\nContent-Length: 10\r\n\r\n"
        )
        writer.write(head.encode())  # and never its body
        line = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        assert line.split()[1] == b"403", path


async def test_a_slow_body_times_out(served: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_GRACE", 0.2)
    for path in BODY_LIMITS:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(served.url).port)
        head = (
            f"POST {path}?command=demo+compose HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Origin: http://127.0.0.1\r\nContent-Type: {BODY_LIMITS[path].type}; boundary=b\r\n"
            f"X-Spacebot-Session: {'0' * 32}\r\nContent-Length: 10000\r\n\r\n--b\r\n"
        )
        writer.write(head.encode())
        line = await asyncio.wait_for(reader.readline(), 20)
        writer.close()
        assert line.split()[1] == b"408", path


async def test_a_steady_sender_has_the_time_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    set_clock(monkeypatch, "spacebot.web.guard", monotonic=lambda: now)
    body = BODY_LIMITS["/spacebot/tryout/run"]

    async def receive():
        nonlocal now
        now += 1
        return {"type": "http.request", "body": bytes(64 * 1024), "more_body": True}

    reading = BodyReader(body, receive)
    for _ in range(body.max_bytes // (64 * 1024)):
        await reading.receive()
    assert now - reading._began > 400


async def test_only_so_many_uploads_are_read_at_once(served: PageServer) -> None:
    port = httpx.URL(served.url).port
    path = "/spacebot/tryout/run"
    head = (
        f"POST {path}?command=demo+compose HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Origin: http://127.0.0.1\r\nContent-Type: {BODY_LIMITS[path].type}; boundary=b\r\n"
        f"X-Spacebot-Session: {'0' * 32}\r\nContent-Length: 10000\r\n\r\n--b\r\n"
    ).encode()
    writers = []
    try:
        for _ in range(BODY_LIMITS[path].at_once):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            writers.append(writer)
        await asyncio.sleep(0.3)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        writer.write(head)
        line = await asyncio.wait_for(reader.readline(), 10)
        assert line.split()[1] == b"503"
    finally:
        for writer in writers:
            writer.close()
    # A closed connection frees its place.
    async with httpx.AsyncClient(base_url=served.url) as client:
        async with asyncio.timeout(10):
            while not await uploaded(client):  # noqa: ASYNC110 - only the server knows
                await asyncio.sleep(0.05)


async def uploaded(client: httpx.AsyncClient) -> bool:
    """Whether an upload was taken."""
    answer = await client.post(
        "/spacebot/tryout/run",
        params={"command": "demo compose"},
        headers={"Origin": str(client.base_url).rstrip("/"), "X-Spacebot-Session": "0" * 32},
        files={"prompt": (None, "sea")},
    )
    return answer.status_code == 200


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost:7860", True),
        ("127.0.0.1:7860", True),
        ("[::1]:7860", True),
        ("192.168.1.7", True),
        ("bot.example.com", True),
        ("BOT.example.com.:443", True),
        ("me-bot.hf.space", True),
        ("", True),
        ("evil.example", False),
        ("bot.example.com.evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("other.hf.space", False),
        ("127.0.0.1@evil.example", False),
        ("[::1", False),
        ("x:y:z", False),
    ],
)
def test_a_host_is_known_or_not(host: str, known: bool) -> None:
    assert known_host(host, frozenset({"bot.example.com", "me-bot.hf.space"})) is known
    assert known_host(host, frozenset({"*"}))


async def test_a_name_that_was_pointed_here_gets_nothing(served: PageServer) -> None:
    async with httpx.AsyncClient(base_url=served.url) as client:
        for path in ("/", "/config", "/metrics", "/spacebot/status", "/spacebot/tryout/commands"):
            answer = await client.get(path, headers={"Host": "evil.example"})
            assert (answer.status_code, "ALLOWED_HOSTS" in answer.json()["detail"]) == (421, True)


async def test_every_answer_has_the_headers(served: PageServer) -> None:
    async with httpx.AsyncClient(base_url=served.url) as client:
        for path in ("/", "/config", "/healthz", "/nothing", "/gradio_api/upload"):
            headers = (await client.get(path)).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"


async def test_hugging_face_alone_may_frame_its_space(tmp_path: Path) -> None:
    access = OwnerAccess(hosted=True, hosts=frozenset({"me-bot.hf.space"}))
    page = serve(ScriptedHouse(tmp_path), "127.0.0.1", free_port(), access=access)
    try:
        async with httpx.AsyncClient(base_url=page.url) as client:
            headers = (await client.get("/", headers={"Host": "me-bot.hf.space"})).headers
    finally:
        page.close()
    (frames,) = re.findall(r"frame-ancestors ([^;]*)", headers["content-security-policy"])
    assert frames == "https://huggingface.co https://*.huggingface.co"
    assert "x-frame-options" not in headers
