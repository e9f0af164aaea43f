"""The example of docs/buttons.md: DeepFloyd IF's four pictures, each made larger twice."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from spacebot.models import FollowUp, Source
from spacebot.settings import command_source
from tests.e2e.conftest import Place, discord
from tests.support.asking import ask, is_final, shown
from tests.support.bot_in_loop import at_home
from tests.support.loopback import Interaction, Message

pytestmark = pytest.mark.asyncio(loop_scope="session")
DOCUMENT = Path(__file__).parents[2] / "docs" / "buttons.md"


def example() -> dict:
    """The entry of COMMANDS that docs/buttons.md shows."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    text = next(block for block in blocks if "/upscale1024" in block)
    assert len(text.strip().splitlines()) < 15
    (assigned,) = ast.parse(text).body
    assert isinstance(assigned, ast.Assign)
    (entry,) = ast.literal_eval(assigned.value)
    return entry


async def result(seen: Interaction) -> Message:
    """The final answer to an interaction."""
    await seen.wait(is_final, 30)
    return shown(seen)


def width(message: Message) -> int:
    """The width of the picture in a message."""
    return Image.open(io.BytesIO(message.attachments[0].data)).width


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deepfloyd(
    space: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Place, Source, Path]]:
    """A Discord, and that entry with the address of the test Space."""
    source = command_source(example() | {"space": space("deepfloyd")})
    async with discord() as place:
        yield place, source, tmp_path_factory.mktemp("deepfloyd")


async def test_the_readme_s_example(deepfloyd: tuple[Place, Source, Path]) -> None:
    place, source, folder = deepfloyd
    async with at_home(place.server, source, folder=folder):
        options = {"prompt": "sea", "seed": 5}
        four = await ask(place.ada, "deepfloyd", options, channel=place.channel)
        assert len(four.attachments) >= 4
        rows = [[button["label"] for button in row["components"]] for row in four.components]
        assert rows[0] == ["Upscale 1", "Upscale 2", "Upscale 3", "Upscale 4"]
        assert rows[1] == ["Again", "Vary", "Edit…", "Send to…"]
        assert rows[2] == ["Recipe", "Save as…", "Delete"]
        larger = await result(await place.ben.click(four, "Upscale 3"))
        # It cannot run again without the result that it came from.
        assert list(larger.buttons())[:2] == ["Upscale to 1024", "Recipe"]
        assert "Save as…" not in larger.buttons()
        assert larger.content.startswith(f"**/deepfloyd ▸ Upscale 3** for <@{place.ben.id}>")
        assert width(larger) == 256
    # The store has all that a button needs: a restart changes nothing.
    async with at_home(place.server, source, folder=folder):
        largest = await result(await place.ada.click(larger, "Upscale to 1024"))
        assert width(largest) == 1024
        assert largest.content.startswith("**/deepfloyd ▸ Upscale 3 ▸ Upscale to 1024**")
        again = await result(await place.ada.click(larger, "Again"))
        assert width(again) == 256
        assert again.attachments[0].data == larger.attachments[0].data
        recipe = await place.ada.click(largest, "Recipe")
        assert "/deepfloyd prompt:sea seed:5\n" in shown(recipe).content
        form = await place.ada.click(larger, "Edit…")
        assert form.modal is not None
        asked = [part["label"] for part in form.modal["components"]]
        assert "Guidance scale" in asked
        assert "Selected index" not in asked


async def test_what_a_space_refuses_is_told_with_its_words(
    deepfloyd: tuple[Place, Source, Path],
) -> None:
    place, source, folder = deepfloyd
    async with at_home(place.server, source, folder=folder):
        options = {"prompt": "sea", "number_of_images": 1}
        one = await ask(place.ada, "deepfloyd", options, channel=place.channel)
        none = await result(await place.ada.click(one, "Upscale 4"))
        assert "There is no picture 3" in none.content


async def test_a_button_that_is_no_longer_declared_says_so(
    deepfloyd: tuple[Place, Source, Path],
) -> None:
    place, source, folder = deepfloyd
    async with at_home(place.server, source, folder=folder):
        four = await ask(place.ada, "deepfloyd", prompt="sea", channel=place.channel)
    fewer = Source(source.space, source.endpoint, source.name)
    async with at_home(place.server, fewer, folder=folder):
        seen = await place.ada.click(four, "Upscale 1")
        assert "This button is no longer offered" in shown(seen).content


async def test_state_goes_on_in_the_session_of_the_first_job(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    more = FollowUp("One more", "/count", fixed={"step": 1})
    source = Source(space("stateful"), "/count", "count", then=(more,))
    async with discord() as place, at_home(place.server, source, folder=tmp_path):
        first = await ask(place.ada, "count", step=5, channel=place.channel)
        assert "total 5" in first.content
        other = await ask(place.ben, "count", step=2, channel=place.channel)
        assert "total 2" in other.content
        second = await result(await place.ben.click(first, "One more"))
        assert "total 6" in second.content


async def test_state_is_each_result_s_own_and_found_again_after_a_restart(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    more = FollowUp("One more", "/count", fixed={"step": 1})
    source = Source(space("stateful"), "/count", "count", then=(more,))
    async with discord() as place:
        async with at_home(place.server, source, folder=tmp_path):
            first = await ask(place.ada, "count", step=5, channel=place.channel)
            other = await ask(place.ada, "count", step=70, channel=place.channel)
            assert "total 70" in other.content
        async with at_home(place.server, source, folder=tmp_path):
            second = await result(await place.ben.click(first, "One more"))
            assert "total 6" in second.content
            again = await result(await place.ben.click(second, "Again"))
            assert "total 7" in again.content
            anew = await result(await place.ben.click(first, "Again"))
            assert "total 5" in anew.content


async def test_each_picture_of_a_gallery_has_its_button(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    turn = FollowUp("Turn", "/turn", take={"picture": "0[index]"}, each=3)
    source = Source(space("album"), "/pictures", "album", then=(turn,))
    async with discord() as place, at_home(place.server, source, folder=tmp_path):
        two = await ask(place.ada, "album", count=2, channel=place.channel)
        assert list(two.buttons())[:3] == ["Turn 1", "Turn 2", "Turn 3"]
        turned = await result(await place.ben.click(two, "Turn 2"))
        assert Image.open(io.BytesIO(turned.attachments[0].data)).size == (10, 20)
        none = await place.ben.click(two, "Turn 3")
        assert "There is no number 3 in this result: it has 2." in shown(none).content


async def test_a_picture_goes_back_by_the_space_s_own_path(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    echo = FollowUp("Echo", "/png", take={"value": 0})
    source = Source(space("kinds"), "/png", "picture", then=(echo,))
    async with discord() as place, at_home(place.server, source, folder=tmp_path) as home:
        out = io.BytesIO()
        Image.new("RGB", (33, 4), "teal").save(out, "PNG")
        file = ("a.png", out.getvalue(), "image/png")
        first = await ask(place.ada, "picture", {"picture": file}, channel=place.channel)
        second = await result(await place.ben.click(first, "Echo"))
        assert Image.open(io.BytesIO(second.attachments[0].data)).size == (33, 4)
        assert home.catalogue.status(lambda _: (0, 0))[0].reason == ""


async def test_a_space_cannot_have_a_file_of_this_machine(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    (private := tmp_path / "private.txt").write_text("not for Spaces")
    tell = FollowUp("Tell", "/tell", take={"data": 0})
    source = Source(space("studio"), "/odd", "odd", then=(tell,))
    async with discord() as place, at_home(place.server, source, folder=tmp_path):
        first = await ask(place.ada, "odd", path=str(private), channel=place.channel)
        seen = await result(await place.ada.click(first, "Tell"))
        # Uploaded, it would have a path of the Space's own.
        assert f"the path is {private}" in seen.content.replace("\\", "") or "❌" in seen.content


async def test_a_follow_up_that_cannot_work_is_told_to_the_owner(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    wrong = FollowUp("Echo", "/png", take={"colour": 0})
    source = Source(space("kinds"), "/png", "picture", then=(wrong,))
    async with (
        discord() as place,
        at_home(place.server, source, folder=tmp_path, commands=False) as home,
    ):
        reason = home.catalogue.status(lambda _: (0, 0))[0].reason
        assert "/png has no input named colour. It has value." in reason


async def test_a_follow_up_asks_whoever_presses_it_for_a_key_of_their_own(
    space: Callable[[str], str], tmp_path: Path
) -> None:
    again = FollowUp("Once more", "/login", take={"prompt": 0, "key": "key"})
    source = Source(space("studio"), "/login", "login", then=(again,))
    async with discord() as place, at_home(place.server, source, folder=tmp_path):
        first = await ask(place.ada, "login", prompt="x", key="adas-own", channel=place.channel)
        assert "x with a key of 8" in first.content
        for member, key in ((place.ben, "bens"), (place.ada, "adas-other")):
            form = await member.click(first, "Once more")
            assert form.modal is not None
            answer = await result(await member.submit(form, {"Key": key}))
            assert f"x with a key of 8 with a key of {len(key)}" in answer.content
