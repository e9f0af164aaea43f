"""Whatever a stranger sends to any route is refused, never a 500."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote_from_bytes

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from spacebot.models import Job, Reply
from spacebot.web import OwnerAccess, server
from spacebot.web.guard import BODY_LIMITS
from spacebot.web.tryout.file_cache import FileCache
from tests.support.browser.scripted_program import ScriptedHouse

PASSWORD = "correct horse battery"
KEY = "0" * 32
READ = (
    "/healthz",
    "/metrics",
    "/spacebot/status",
    "/spacebot/owner",
    "/spacebot/owner/log",
    "/spacebot/tryout/commands",
    "/spacebot/tryout/form",
    "/spacebot/tryout/files/x",
)
NAMES = ("command", "option", "text", "after", "known", "conversation", "seed", "prompt", "said")
NAMES += ("picture", "files", "password", "action", "target")
DEEP = "[" * 1500 + "]" * 1500
NASTY = (
    b"",
    b"\0",
    b"..",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "²".encode(),
    b"9" * 5000,
    b"nan",
    b"1e999",
)
NASTY += (DEEP.encode(), b"demo compose", b"demo chat", b"demo describe", b"key:0:" + b"9" * 5000)
values = st.sampled_from(NASTY) | st.binary(max_size=60)
pairs = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=5)
# The bytes that a header may have on the wire.
header = st.binary(max_size=40).map(
    lambda raw: bytes(one for one in raw if one > 31 and one != 127)
)
parts = st.lists(st.tuples(st.sampled_from(NAMES), st.none() | values, values), max_size=4)
SLOWLY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Echo(ScriptedHouse):
    """A program whose every command returns its values, checked or not."""

    def _replies(self, job: Job, arguments: str) -> tuple[Reply, ...]:
        return (Reply(f"{arguments}{dict(job.arguments)}"[:2000]),)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    file_cache = FileCache()
    access = OwnerAccess(PASSWORD, hosts=frozenset({"page"}))
    app = FastAPI(**server.app_options(Echo(tmp_path), file_cache, access))
    # A route's error is a 500 here, as in the program, instead of an error of the test.
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://page", headers={"Origin": "http://page"}
    ) as connected:
        yield connected
    file_cache.close()


def query(fields: list[tuple[str, bytes]]) -> str:
    """Bytes as they are in a query or in a form that is urlencoded."""
    return "&".join(f"{name}={quote_from_bytes(value)}" for name, value in fields)


def multipart(fields: list[tuple[str, bytes | None, bytes]]) -> bytes:
    """A form with files, whose names are any bytes without line breaks."""
    target = io.BytesIO()
    for name, filename, value in fields:
        said = b'Content-Disposition: form-data; name="%b"' % name.encode()
        if filename is not None:
            clean = filename.translate(None, b'\r\n"')
            said += b'; filename="%b"' % clean
        target.write(b"--b\r\n%b\r\n\r\n%b\r\n" % (said, value))
    return target.getvalue() + b"--b--\r\n"


@SLOWLY
@given(st.sampled_from(READ), pairs, header)
@example("/spacebot/tryout/form", [("after", b"key:0:" + b"9" * 5000)], b"")
@example("/spacebot/owner", [], b"http://[")
async def test_no_query_and_no_header_ends_in_a_500(client, path, fields, value) -> None:
    for name in ("Origin", "Cookie", "Range", "If-None-Match"):
        answer = await client.get(f"{path}?{query(fields)}", headers={name: value})
        assert answer.status_code != 500


@SLOWLY
@given(st.sampled_from(sorted(BODY_LIMITS)), pairs, values)
async def test_no_form_ends_in_a_500(client, path, fields, raw) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Spacebot-Session": KEY}
    for content in (query(fields).encode(), raw):
        answer = await client.post(f"{path}?command=demo+compose", content=content, headers=headers)
        assert answer.status_code != 500
    for kind in ("application/json", "text/plain", "multipart/form-data"):
        answer = await client.post(path, content=raw, headers=headers | {"Content-Type": kind})
        assert answer.status_code in (415, 422, 400, 404)


@SLOWLY
@given(
    st.sampled_from(["demo compose", "demo describe", "demo chat", "demo write", "gone"]),
    parts,
    st.sampled_from(["utf-8", "utf-8", "unicode_escape", "utf-7", "utf-8; charset=hex"]),
)
@example("demo describe", [("picture", b"..", b"x")], "utf-8")
@example("demo describe", [("picture", b"\0", b"x")], "utf-8")
@example("demo describe", [("picture", "🎉".encode() * 100, b"x")], "utf-8")
@example("demo chat", [("said", None, b"hi"), ("files", b"..", b"x")], "utf-8")
@example("demo compose", [("prompt", None, b"\\ud800")], "unicode_escape")
@example("demo compose", [("prompt", None, b"x")], "utf-8; charset=punycode")
async def test_no_files_end_in_a_500(client, command, fields, charset) -> None:
    answer = await client.post(
        "/spacebot/tryout/run",
        params={"command": command},
        content=multipart(fields),
        headers={
            "Content-Type": f"multipart/form-data; boundary=b; charset={charset}",
            "X-Spacebot-Session": KEY,
        },
    )
    assert answer.status_code in ((200, 400, 404) if charset == "utf-8" else (415,))
    for event in answer.text.split("\n\n"):
        if event.startswith("data: "):
            shown = json.loads(event[6:])
            assert "went wrong in the bot" not in shown["html"]
            assert "went wrong in the bot" not in shown["html"]


@SLOWLY
@given(st.binary(max_size=300), header)
async def test_no_broken_multipart_ends_in_a_500(client, body, boundary) -> None:
    for kind in (
        b"multipart/form-data; boundary=b",
        b"multipart/form-data",
        b"multipart/form-data; boundary=" + boundary,
    ):
        answer = await client.post(
            "/spacebot/tryout/run?command=demo+compose",
            content=b"--b\r\n" + body,
            headers={"Content-Type": kind, "X-Spacebot-Session": KEY},
        )
        assert answer.status_code in (200, 400)


@SLOWLY
@given(header)
async def test_no_session_ends_in_a_500(client, session) -> None:
    answer = await client.post(
        "/spacebot/tryout/run",
        params={"command": "demo compose", "conversation": session.decode("latin-1")},
        content=multipart([("prompt", None, b"x")]),
        headers={
            "Content-Type": "multipart/form-data; boundary=b",
            "X-Spacebot-Session": session,
        },
    )
    assert answer.status_code in (200, 400, 422)
