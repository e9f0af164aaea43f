"""Which files Discord's client lets a member choose, and the names that Spaces see."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacebot.discord_bot.forms.file_types import file_types
from spacebot.discord_bot.registration.commands import commands_differ
from spacebot.models import Source
from tests.e2e.conftest import discord
from tests.support.asking import ask
from tests.support.bot_in_loop import at_home
from tests.support.loopback import NotSendable


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        (("image",), ["image", ".bmp", ".tif", ".tiff", ".heic"]),
        ((".CSV", ".tsv"), [".csv", ".tsv"]),
        ((), []),
        (("text",), []),
        (("image", "anything else"), []),
        (("image", "audio", "video"), []),
        (tuple(f".e{number}" for number in range(11)), []),
    ],
)
def test_what_discord_cannot_express_is_left_to_the_member(accepted, sent) -> None:
    assert file_types(accepted) == sent


async def test_a_wrong_file_is_refused_while_it_is_chosen(served, tmp_path: Path) -> None:
    source = Source(served("kinds"), name="kinds")
    async with discord() as place, at_home(place.server, source, folder=tmp_path) as home:
        wrong = ("notes.txt", b"words")
        with pytest.raises(NotSendable, match=r"image"):
            await place.ada.command("kinds image", picture=wrong, channel=place.channel)
        # The commands that Discord reports compare as equal, so nothing is registered again.
        ours = [command.to_dict(home.bot.tree) for command in home.bot.tree.get_commands()]
        assert not commands_differ(ours, place.server.registered_commands)


@pytest.mark.parametrize("name", ["#.txt", "【案】.txt", "отчёт 2.txt", "..txt", "a b.txt"])
async def test_a_space_sees_the_name_that_the_member_gave(served, tmp_path: Path, name) -> None:
    source = Source(served("kinds"), name="kinds")
    async with discord() as place, at_home(place.server, source, folder=tmp_path):
        arguments = {"paper": (name, b"words")}
        said = await ask(place.ada, "kinds file", arguments, channel=place.channel)
        assert said.attachments[0].data == b"words"
        assert name in said.content.replace("\\", "")
