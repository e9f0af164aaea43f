"""The process: how it starts, how it ends, and what it says when Discord refuses it."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import pytest

from tests.e2e.conftest import PROMPT, Place, discord
from tests.support import program
from tests.support.asking import shown, until
from tests.support.program import Program, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOKEN_REFUSED = (
    "Discord refused DISCORD_TOKEN. In the Developer Portal, under Bot, press Reset "
    "Token, set the new one as DISCORD_TOKEN, and start again."
)
MISTAKE = (
    "The bot stopped because of a bug; the log has the details. Start it again, and "
    "please report it."
)


async def test_the_page_and_healthz_say_that_it_is_connected(shared: tuple[Place, Program]):
    _, started = shared
    page = await started.until_page("Connected")
    assert "as <strong>spacebot" in page
    assert "/musicgen" in page
    health = await started.get("/healthz")
    assert (health.status_code, health.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_a_job_in_flight(space, tmp_path: Path, number: int):
    async with discord() as place, running(tmp_path, place.server, space("trouble")) as started:
        started.prompts.append(PROMPT)
        seen = await place.ada.command("trouble hang", seconds=60, channel=place.channel)
        await place.ada.command("trouble told", text=PROMPT, channel=place.channel)
        await until(seen, "Working")
        assert await started.stop(number) < program.STOP
        # The person who asked is told: no message is left saying that the job still runs.
        assert shown(seen).content.split("\n")[-1] == (
            "❌ The bot is restarting. This job is saved: within a minute it continues, or you are "
            "told."
        )


async def test_a_silent_space_does_not_hold_up_the_end(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        async with (
            discord() as place,
            running(tmp_path, place.server, address, ready=False) as started,
        ):
            await started.until(lambda: place.server.gateway.ready)
            assert await started.stop() < program.STOP


async def test_a_refused_token_is_told_and_not_tried_again(tmp_path: Path):
    # Shaped like a bot's token, of an application that does not exist.
    env = {"DISCORD_TOKEN": "MTAwMDAwMDAwMDAwMDAwMDAx.absent.not-the-right-token-not-at-all"}
    async with (
        discord() as place,
        running(tmp_path, place.server, env=env, ready=False) as started,
    ):
        told = await started.until_health("failed")
        assert told == {"status": "failed", "reason": TOKEN_REFUSED, "code": 503}
        await started.until_page(TOKEN_REFUSED)
        assert TOKEN_REFUSED in started.log
        await asyncio.sleep(6)  # longer than the first pause before another try
        logins = [r for r in place.server.requests if r.path.endswith("/users/@me")]
        assert len(logins) == 1
        assert place.server.gateway.identifies == 0


async def test_a_bug_in_the_bot_is_told(space, tmp_path: Path):
    bug = (
        "from spacebot.discord_bot.client import Bot\n"
        "async def setup_hook(self): raise ZeroDivisionError('a bug')\n"
        "Bot.setup_hook = setup_hook"
    )
    async with (
        discord() as place,
        running(tmp_path, place.server, space("fast"), before=bug, ready=False, clean=False) as it,
    ):
        told = await it.until_health("failed")
        assert (told["code"], told["reason"]) == (503, MISTAKE)
        await it.until_page(MISTAKE)
        assert MISTAKE in it.log
        assert "ZeroDivisionError: a bug" in it.log


async def test_a_bug_in_the_thread_is_told(space, tmp_path: Path):
    bug = (
        "import spacebot.engine.catalogue\n"
        "async def start(self): raise ZeroDivisionError('a bug')\n"
        "spacebot.engine.catalogue.Catalogue.start = start"
    )
    async with (
        discord() as place,
        running(tmp_path, place.server, space("fast"), before=bug, ready=False, clean=False) as it,
    ):
        told = await it.until_health("failed")
        assert (told["code"], told["reason"]) == (503, MISTAKE)
        await it.until_page(MISTAKE)
        assert "ZeroDivisionError: a bug" in it.log


async def test_discord_down_at_the_start_is_told_and_heals(space, tmp_path: Path):
    async with discord() as place:
        place.server.limits.fail("GET /users/@me", 0, times=2)
        async with running(tmp_path, place.server, space("fast"), ready=False) as started:
            told = (
                "Discord cannot be reached from here; trying again in 5 s. "
                "If this continues, this host may block Discord: set DISCORD_PROXY."
            )
            health = await started.until_health("retrying")
            assert (health["code"], health["reason"]) == (503, told)
            await started.until_health("ok")
            assert told in started.log


async def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, log = program.refused(tmp_path, {"GRADIO_SERVER_PORT": str(port)})
    assert code == 2
    assert log.strip().splitlines()[-1] == (
        f"GRADIO_SERVER_PORT: {port} cannot be used. Accepted: a port that no other program "
        "listens on, at an address of this machine (GRADIO_SERVER_NAME is 127.0.0.1)."
    )
    assert "Traceback" not in log


async def test_a_wrong_setting_stops_the_start_in_one_line(tmp_path: Path):
    # test_settings has the accepted values of each setting and its error.
    code, log = program.refused(tmp_path, {"SPACES": "Loud=a/b"})
    assert (code, log.strip()) == (
        2,
        "SPACES: 'Loud=a/b' cannot be used. Accepted: before the = of 'Loud=a/b', a command's "
        "name: 1–32 lower-case letters, digits, - or _.",
    )


async def test_without_a_token_the_page_explains(tmp_path: Path, space):
    async with running(tmp_path, None, space("fast")) as started:
        page = await started.until_page("/fast")
        assert "No token set" in page
        assert (await started.get("/healthz")).status_code == 200
        commands = (await started.get("/spacebot/tryout/commands")).json()
        assert "fast echo" in [command["name"] for command in commands]
