"""Commands as Discord has them: made from the Space's own description, sent only on a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spacebot.models import Source
from tests.e2e.conftest import Place, discord
from tests.support.apps import free_port, serve
from tests.support.asking import ask
from tests.support.bot_in_loop import at_home
from tests.support.loopback import NotSendable
from tests.support.program import APP, running

pytestmark = pytest.mark.asyncio(loop_scope="session")

STRING, INTEGER, BOOLEAN, NUMBER, ATTACHMENT = 3, 4, 5, 10, 11


def registered(place: Place, name: str) -> dict[str, Any]:
    """A command as it is registered."""
    return next(c for c in place.server.registered_commands if c["name"] == name)


def options_of(place: Place, endpoint: str) -> list[dict[str, Any]]:
    """The options of a subcommand of /kinds."""
    subcommands = registered(place, "kinds")["options"]
    return next(o["options"] for o in subcommands if o["name"] == endpoint)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("text", {"name": "text", "type": STRING, "max_length": 20, "required": True}),
        ("number", {"name": "number", "type": NUMBER, "min_value": -10, "max_value": 10}),
        (
            "whole",
            {"name": "whole_number", "type": INTEGER, "min_value": 0, "max_value": 100},
        ),
        ("slider", {"name": "share", "type": NUMBER, "min_value": 0, "max_value": 1}),
        ("steps", {"name": "steps", "type": INTEGER, "min_value": 1, "max_value": 50}),
        ("checkbox", {"name": "tick", "type": BOOLEAN}),
        ("image", {"name": "picture", "type": ATTACHMENT, "required": True}),
        ("audio", {"name": "sound", "type": ATTACHMENT, "required": True}),
        ("video", {"name": "film", "type": ATTACHMENT, "required": True}),
        ("file", {"name": "paper", "type": ATTACHMENT, "required": True}),
    ],
)
async def test_an_option_is_what_the_space_says(place: Place, endpoint: str, expected: dict):
    (option,) = options_of(place, endpoint)
    wanted = {"required": False} | expected
    assert {key: option.get(key, False) for key in wanted} == wanted
    assert 1 <= len(option["description"]) <= 100


async def test_choices_show_labels_and_send_values(place: Place):
    (radio,) = options_of(place, "radio")
    assert [choice["name"] for choice in radio["choices"]] == ["Small one", "Large one"]
    (dropdown,) = options_of(place, "dropdown")
    assert [choice["name"] for choice in dropdown["choices"]] == ["One", "Two", "Three"]


async def test_required_options_come_first(place: Place):
    options = options_of(place, "both")
    required = [option.get("required", False) for option in options]
    assert required == sorted(required, reverse=True)


async def test_one_endpoint_is_a_command_of_its_own(place: Place):
    command = registered(place, "musicgen")
    assert [option["name"] for option in command["options"]] == ["prompt", "seed"]
    assert command["contexts"] == [0, 1, 2]
    assert sorted(command["integration_types"]) == [0, 1]


@pytest.mark.parametrize(
    ("command", "options", "told"),
    [
        ("kinds text", {"text": "x" * 21}, "text"),
        ("kinds steps", {"steps": 51}, "steps"),
        ("kinds number", {"number": -11}, "number"),
        ("kinds text", {}, "required"),
    ],
)
async def test_discord_refuses_what_breaks_the_bounds(place: Place, command, options, told):
    with pytest.raises(NotSendable, match=told):
        await place.ada.command(command, options, channel=place.channel)


async def test_what_discord_lets_through_is_refused_here(place: Place):
    said = await ask(place.ada, "kinds text", {"text": " "}, channel=place.channel)
    assert said.content.split("\n")[-1] == "✏️ `text` is empty: give it some text."


async def test_a_value_between_a_slider_s_steps_reaches_the_space(place: Place):
    said = await ask(place.ada, "kinds slider", {"share": 0.3}, channel=place.channel)
    assert said.content.split("\n")[1] == "0.3"


async def test_an_attachment_of_the_wrong_kind_is_refused(place: Place):
    # A client that does not know `file_types` yet.
    options = {"picture": ("notes.txt", b"no picture", "text/plain")}
    said = await ask(place.ada, "kinds image", options, channel=place.channel)
    told = said.content.split("\n")[-1]
    assert told.startswith("✏️ `picture` ")
    assert "notes.txt" in told
    assert "image" in told


async def test_an_attachment_over_the_spaces_limit_is_refused(tmp_path: Path):
    with serve("kinds", max_file_size="10kb") as address:
        source = Source(address, name="kinds")
        async with discord() as place, at_home(place.server, source, folder=tmp_path):
            options = {"anything": ("big.bin", b"x" * 20_000)}
            said = await ask(place.ada, "kinds any_file", options, channel=place.channel)
    assert said.content.split("\n")[-1] == (
        "✏️ `anything` is 20 kB: this Space accepts at most 10 kB per file. Attach a smaller one."
    )


async def test_commands_are_sent_only_when_they_differ(tmp_path: Path):
    port = free_port()
    source = Source(f"http://127.0.0.1:{port}", name="one")

    def puts(place: Place) -> int:
        requests = place.server.requests
        return sum(r.method == "PUT" and r.path.endswith("/commands") for r in requests)

    async with discord() as place:
        with serve("fast", port):
            async with at_home(place.server, source, folder=tmp_path):
                pass
            assert puts(place) == 1
            async with at_home(place.server, source, folder=tmp_path) as home:
                await home.bot.registration.sync()
            assert puts(place) == 1
        with serve("stateful", port):
            async with at_home(place.server, source, folder=tmp_path):
                names = {"count", "chat"}
                await place.server.wait(
                    lambda s: (
                        {
                            o["name"]
                            for o in next(c for c in s.registered_commands if c["name"] == "one")[
                                "options"
                            ]
                        }
                        == names
                    ),
                    10,
                )
            assert puts(place) == 2


async def test_the_list_in_app_py_is_offered(space, tmp_path: Path):
    listed = [
        {
            "space": space("musicgen"),
            "endpoint": "/predict",
            "name": "tune",
            "description": "Compose a tune",
            "fixed": {"seed": 42},
            "answer": "thread",
        },
        {"space": space("fast"), "endpoint": "/echo", "name": "secretly", "answer": "private"},
    ]
    copy = tmp_path / "app.py"
    text = APP.read_text()
    assert "COMMANDS: list[dict] = []" in text
    copy.write_text(text.replace("COMMANDS: list[dict] = []", f"COMMANDS = {listed!r}"))
    async with discord() as place, running(tmp_path, place.server, app_py=copy):
        tune = registered(place, "tune")
        assert tune["description"] == "Compose a tune"
        assert [option["name"] for option in tune["options"]] == ["prompt"]
        said = await ask(place.ada, "tune", prompt="a waltz", channel=place.channel)
        assert said.thread is not None
        assert len(said.thread.messages[0].attachments) == 2
        said = await ask(place.ada, "secretly", text="psst", channel=place.channel)
        assert said.ephemeral
