"""A Space that does not answer: its last known commands, the messages, and its return."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacebot.engine.catalogue import catalogue as catalogue_module
from spacebot.engine.jobs import JobDeadlines
from spacebot.models import Source
from tests.e2e.conftest import discord
from tests.support.apps import free_port, serve
from tests.support.asking import ask
from tests.support.bot_in_loop import Home, at_home

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOT_ANSWERING = "The Space is not answering now. Try again in a minute."


def reason(home: Home) -> str:
    """What the page says about the only Space."""
    return home.catalogue.status(lambda _: (0, 0))[0].reason


async def test_a_space_down_at_the_start_keeps_its_commands(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(catalogue_module, "FIRST_RETRY_PAUSE", 0.2)
    port = free_port()
    source = Source(f"http://127.0.0.1:{port}", name="one")
    patient = JobDeadlines(retry=0)
    async with discord() as place:
        with serve("fast", port):
            async with at_home(place.server, source, folder=tmp_path):
                pass
        async with at_home(place.server, source, folder=tmp_path, deadlines=patient) as home:
            command = next(c for c in place.server.registered_commands if c["name"] == "one")
            assert "echo" in [option["name"] for option in command["options"]]
            said = await ask(place.ada, "one echo", text="hi", channel=place.channel)
            assert said.content.split("\n")[-1] == f"❌ {NOT_ANSWERING}"
            known = " Its commands come from its last known description."
            assert reason(home) == NOT_ANSWERING + known
            with serve("fast", port):
                said = await ask(place.ada, "one echo", text="hi", channel=place.channel)
                assert said.content.split("\n")[1] == "hi"
                assert reason(home) == ""


async def test_an_endpoint_that_vanished_is_told(tmp_path: Path):
    port = free_port()
    source = Source(f"http://127.0.0.1:{port}", "/echo", "one")
    async with discord() as place:
        with serve("fast", port):
            async with at_home(place.server, source, folder=tmp_path):
                pass
        with serve("stateful", port):
            async with at_home(place.server, source, folder=tmp_path, commands=False) as home:
                assert reason(home).startswith(f"{source.space} has no /echo. It has ")


async def test_an_address_without_a_gradio_app_is_told(tmp_path: Path):
    async with discord() as place:
        source = Source(place.server.base_url, name="none")
        async with at_home(place.server, source, folder=tmp_path, commands=False) as home:
            assert reason(home) == (
                "There is no Gradio app at that address now, or one too old or too broken to use."
            )
