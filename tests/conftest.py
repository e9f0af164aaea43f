"""For every test: none of the developer's settings or home, and no network but loopback."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from spacebot.settings import VARIABLES
from spacebot.settings.proxy import STANDARD_VARIABLES
from tests.support.apps import serve
from tests.support.postgres import Postgres

HOME = tempfile.TemporaryDirectory(prefix="spacebot-tests-", ignore_cleanup_errors=True)
# Names that mean this machine; every other name is unknown, as on a machine without network.
LOCAL = {None, "", "localhost", "0.0.0.0", "::", socket.gethostname()}

# The tests must not see the tokens, Spaces and caches of the person who runs them.
for _name in (
    *(one.name for one in VARIABLES),
    "SPACE_ID",
    "SPACE_HOST",
    "SYSTEM",
    *STANDARD_VARIABLES,
):
    os.environ.pop(_name, None)
os.environ |= {
    "HOME": HOME.name,
    "HF_HOME": f"{HOME.name}/huggingface",
    "GRADIO_TEMP_DIR": f"{HOME.name}/gradio",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


def pytest_unconfigure() -> None:
    """Remove this run's home folder."""
    HOME.cleanup()


def is_local(host: Any) -> bool:
    """Whether a host, as a name or an address, is this machine."""
    if host in LOCAL:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Fail every connection that leaves this machine, as without a network."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def refuse(sock: socket.socket, address: Any) -> None:
        if sock.family != socket.AF_UNIX and not is_local(address[0]):
            raise OSError(101, f"Network is unreachable: tests stay on loopback, not {address}")

    def guarded_connect(sock: socket.socket, address: Any) -> None:
        refuse(sock, address)
        connect(sock, address)

    def guarded_connect_ex(sock: socket.socket, address: Any) -> int:
        refuse(sock, address)
        return connect_ex(sock, address)

    def guarded_lookup(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not is_local(name) and not _is_address(name):
            raise socket.gaierror(
                socket.EAI_NONAME, f"Name or service not known: tests stay on loopback, not {name}"
            )
        return getaddrinfo(host, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_lookup)
        yield


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


@pytest.fixture(scope="session")
def served() -> Iterator[Callable[[str], str]]:
    """`served("kinds")`: the address of that test Space, served once for all tests."""
    urls: dict[str, str] = {}
    with ExitStack() as stack:

        def url(name: str) -> str:
            if name not in urls:
                urls[name] = stack.enter_context(serve(name))
            return urls[name]

        yield url


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL, one for all tests."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def demo_url() -> Iterator[str]:
    """The address of the embedded Space, served once for all tests."""
    from spacebot import demo

    app = demo.serve()
    yield app.url
    app.close()
