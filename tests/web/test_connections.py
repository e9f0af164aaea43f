"""Connections that keep the page waiting: raw sockets, like a slowloris attack."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from spacebot.web import PageServer, connections, serve
from tests.support.browser.chromium import free_port
from tests.support.browser.scripted_program import ScriptedHouse

ASK = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HEAD = 1.0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    page = serve(ScriptedHouse(tmp_path_factory.mktemp("house")), "127.0.0.1", free_port())
    yield page
    page.close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch) -> None:
    monkeypatch.setattr(connections, "HEAD_TIMEOUT", HEAD)


@contextlib.contextmanager
def connected(served: PageServer) -> Iterator[socket.socket]:
    where = urlsplit(served.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as sock:
        yield sock


def answered(sock: socket.socket) -> str:
    """The status line of the response, read in full."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(next(x for x in head.lower().split(b"\r\n") if b"content-length" in x)[16:])
    while len(body) < length:
        body += sock.recv(65_536)
    return head.split(b"\r\n")[0].decode()


def drip(sock: socket.socket, seconds: float) -> bool:
    """Send a header byte by byte; whether the page ended the connection meanwhile."""
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            sock.sendall(b"a")
            time.sleep(0.05)
    except OSError:
        return True
    return False


def test_headers_that_come_byte_by_byte_have_a_deadline(served: PageServer):
    with connected(served) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        assert drip(sock, 20)


def test_the_second_request_of_a_connection_has_the_same_deadline(served: PageServer):
    with connected(served) as sock:
        sock.sendall(ASK)
        assert answered(sock) == "HTTP/1.1 200 OK"
        sock.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        assert drip(sock, 20)


def test_a_connection_that_says_nothing_is_ended(served: PageServer):
    with connected(served) as sock, contextlib.suppress(ConnectionResetError):
        assert sock.recv(1) == b""


def test_a_request_in_time_and_a_used_connection_are_served(served: PageServer):
    with connected(served) as sock:
        for _ in range(4):
            sock.sendall(ASK[:20])
            time.sleep(HEAD / 2)
            sock.sendall(ASK[20:])
            assert answered(sock) == "HTTP/1.1 200 OK"


def test_a_request_that_is_answered_for_long_has_no_deadline(served: PageServer):
    asked = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\n"
    with connected(served) as sock:
        # `guard` waits for the body.
        sock.sendall(asked)
        time.sleep(2 * HEAD)
        sock.sendall(b"a=b")
        assert answered(sock).startswith("HTTP/1.1 ")


def test_more_connections_than_fit_keep_nobody_out(served: PageServer, monkeypatch):
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
    monkeypatch.setattr(connections, "HEAD_TIMEOUT", 600.0)
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(served)) for _ in range(60)]
        for sock in slow:
            with contextlib.suppress(OSError):
                sock.sendall(b"GET / HTTP/1.1\r\nX-Slow: a")
        with connected(served) as sock:
            sock.sendall(ASK)
            assert answered(sock) == "HTTP/1.1 200 OK"
        assert len(served.demo.server.server_state.connections) <= 20
