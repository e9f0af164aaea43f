"""DISCORD_PROXY: all traffic to Discord goes through it, and its refusals are reported."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from spacebot.discord_bot.gateway import reach
from spacebot.settings import Settings
from tests.e2e.conftest import discord
from tests.support.apps import free_port
from tests.support.asking import ask
from tests.support.loopback import DiscordServer
from tests.support.program import running
from tests.support.socks import Socks, socks

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOGIN = ("ada", "p@ss:word/")
ENCODED = "ada:p%40ss%3Aword%2F"
UNKNOWN = "discord.test"


def elsewhere(server: DiscordServer) -> str:
    """Python code that makes the program use a host name for Discord that only the proxy knows."""
    return (
        "import discord.gateway, discord.http, yarl; "
        f"discord.http.Route.BASE = 'http://{UNKNOWN}:{server.port}/api/v10'; "
        "discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = "
        f"yarl.URL('ws://{UNKNOWN}:{server.port}/')"
    )


@pytest.mark.parametrize("variable", ["DISCORD_PROXY", "HTTPS_PROXY", "all_proxy"])
async def test_commands_work_through_socks5_with_a_password(variable: str, served, tmp_path: Path):
    async with discord() as place, socks(LOGIN) as proxy:
        proxy.names[UNKNOWN] = "127.0.0.1"
        env = {variable: f"socks5://{ENCODED}@127.0.0.1:{proxy.port}", "NO_PROXY": "127.0.0.1"}
        before = elsewhere(place.server)
        async with running(
            tmp_path, place.server, served("fast"), env, before=before, ready=False
        ) as started:
            await started.until(lambda: place.server.registered_commands)
            said = await ask(place.ada, "fast echo", text="hi", channel=place.channel)
            assert said.content.split("\n")[1] == "hi"
            # The proxy resolves the name: DNS on this machine may lie or fail.
            assert {asked[:2] for asked in proxy.asked} == {(5, UNKNOWN)}
            # REST, the gateway, and the answer by the interaction's token.
            assert len(proxy.asked) >= 2
            assert LOGIN[1] not in started.log
            assert ENCODED not in started.log


def address(scheme: str, proxy: Socks) -> str:
    return f"{scheme}://127.0.0.1:{proxy.port}"


@pytest.mark.parametrize("scheme", reach.SOCKS_TYPES)
async def test_rest_and_gateway_are_reached_through_each_protocol(scheme: str):
    async with DiscordServer() as server, socks() as proxy:
        found = await reach.probe(server.api_url, proxy=address(scheme, proxy))
        assert (found.api, found.gateway, found.proxy) == ("", "", "DISCORD_PROXY")
        version = 4 if scheme.startswith("socks4") else 5
        # The gateway may reuse the connection that REST released.
        assert set(proxy.asked) == {(version, "127.0.0.1", server.port)}


async def test_what_a_socks_proxy_refuses_is_told():
    async with DiscordServer() as server, socks(LOGIN) as proxy:
        for wrong in ("", "ada:wrong@"):
            at = f"socks5://{wrong}127.0.0.1:{proxy.port}"
            found = await reach.probe(server.api_url, server.gateway_url, proxy=at)
            assert found.api.startswith("the proxy refused: ")
            assert found.gateway == found.api
        assert proxy.denied == 4
        proxy.login, proxy.closed = None, True
        found = await reach.probe(
            server.api_url, server.gateway_url, proxy=address("socks5", proxy)
        )
        assert found.api == found.gateway
        assert found.api == "the proxy refused: Connection not allowed by ruleset"
        nobody = f"socks5://127.0.0.1:{free_port()}"
        found = await reach.probe(server.api_url, server.gateway_url, proxy=nobody)
        assert found.api == found.gateway == "the proxy does not answer"


async def test_a_port_that_speaks_no_socks_is_told():
    async with DiscordServer() as server:
        at = f"socks5://127.0.0.1:{server.port}"
        found = await reach.probe(server.api_url, server.gateway_url, proxy=at)
        assert found.api.startswith("the proxy ")


async def test_a_refusing_proxy_is_tried_again(served, tmp_path: Path):
    async with discord() as place, socks() as proxy:
        proxy.closed = True
        env = {"DISCORD_PROXY": address("socks5", proxy)}
        async with running(tmp_path, place.server, served("fast"), env, ready=False) as started:
            health = await started.until_health("retrying", 120)
            assert health["reason"] == (
                "Discord cannot be reached through DISCORD_PROXY; trying again in 5 s. If this "
                "continues, check the proxy: it must pass HTTPS and WebSockets on to Discord."
            )
            await started.until_page("cannot be reached through DISCORD_PROXY (the proxy refused")
            proxy.closed = False
            await started.until_health("ok")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """A certificate for localhost that no program trusts, and its key."""
    names = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", names[1], "-out",
         names[0]],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return names


async def test_tls_goes_through_and_certificates_are_checked(certificate: tuple[str, str]):
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(*certificate)
    app = web.Application()

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=serving).start()
    url = f"https://localhost:{port}/"
    try:
        async with socks() as proxy:
            connector, _ = reach.choose_connector(address("socks5", proxy))
            async with aiohttp.ClientSession(connector=connector) as session:
                trusting = ssl.create_default_context(cafile=certificate[0])
                async with session.get(url, ssl=trusting) as answer:
                    assert await answer.text() == "hello"
                with pytest.raises(OSError) as refused:
                    await session.get(url, ssl=ssl.create_default_context())
                assert "certificate is not trusted" in reach.describe_cause(refused.value)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("environ", "named", "used"),
    [
        ({}, "", ""),
        ({"HTTPS_PROXY": "http://p:1"}, "HTTPS_PROXY", "http://p:1"),
        ({"all_proxy": "socks5://p:1"}, "all_proxy", "socks5://p:1"),
        ({"https_proxy": "p:3128"}, "https_proxy", "http://p:3128"),
        ({"DISCORD_PROXY": "http://d:1", "HTTPS_PROXY": "x://"}, "DISCORD_PROXY", "http://d:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a, .discord.com"}, "", ""),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, "", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "notdiscord.com"}, "HTTPS_PROXY", "http://p:1"),
        ({"DISCORD_PROXY": "http://d:1", "NO_PROXY": "*"}, "DISCORD_PROXY", "http://d:1"),
    ],
)
async def test_the_environments_proxy_is_taken(environ, named: str, used: str):
    settings = Settings.from_environ(environ)
    assert (settings.discord_proxy_from, settings.discord_proxy) == (named, used)
