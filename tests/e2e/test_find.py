"""`/find`: a request, the results, a try; with a loopback Discord and Hub, and real Gradio apps."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from spacebot.models import Source
from spacebot.spaces.client.hugging_face.budget import RequestBudget
from tests.e2e.conftest import Place, discord
from tests.support.asking import is_final, shown
from tests.support.bot_in_loop import Home, at_home
from tests.support.loopback import Interaction, Message
from tests.support.spaces_hub import Hosted, Hub, hub

pytestmark = pytest.mark.asyncio(loop_scope="session")

BROKEN = {"/api/spaces/semantic-search": 503, "/api/spaces": 503}
WISH = "make my picture black and white"


def picture() -> bytes:
    """A small PNG in colour."""
    out = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(out, "PNG")
    return out.getvalue()


PICTURE = ("cat.png", picture(), "image/png")


@dataclass(frozen=True)
class Found:
    """A Discord, its bot, and the Hub that the bot searches."""

    place: Place
    home: Home
    hub: Hub


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def started(
    space: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Found]:
    """A bot with commands of its own, and the Hub beside."""
    sources = [Source(space("monochrome"), name="mono"), Source(space("fast"), name="fast")]
    folder = tmp_path_factory.mktemp("find")
    async with (
        hub() as served,
        discord() as place,
        at_home(place.server, *sources, folder=folder, hub=served.api) as home,
    ):
        yield Found(place, home, served)


@pytest.fixture
def it(started: Found, space: Callable[[str], str]) -> Found:
    """The same, with two Spaces on the Hub and no requests to it yet."""
    started.hub.spaces = {
        "ada/gray": Hosted(
            space("monochrome"),
            title="Gray",
            description="Black and white pictures",
            likes=12,
            hardware="zero-a10g",
        ),
        "ben/songs": Hosted(title="Songs", about="song rain", stages=["SLEEPING"]),
    }
    started.hub.requests.clear()
    started.hub.refusals.clear()
    started.hub.limit = started.hub.hold = None
    started.home.catalogue.hub._searches.close()
    started.home.catalogue.hub.budget = RequestBudget()
    return started


async def ready(seen: Interaction) -> Message:
    """The answer, as soon as it arrives."""
    await seen.wait(is_final, 20)
    return shown(seen)


async def find(it: Found, wish: str, **more: Any) -> Message:
    """What `/find` answers."""
    seen = await it.place.ada.command("find", wish=wish, channel=it.place.channel, **more)
    assert seen.acknowledged
    return await ready(seen)


def fields(message: Message) -> dict[str, str]:
    """The titles of the results."""
    (embed,) = message.embeds
    return {one["name"]: one["value"] for one in embed["fields"]}


def labels(message: Message) -> list[str]:
    """The commands to try."""
    (select,) = [part for part in message.walk() if part["type"] == 3]
    return [option["label"] for option in select["options"]]


async def test_commands_come_first_then_the_hub_s_spaces(it: Found) -> None:
    message = await find(it, WISH, file=PICTURE)
    assert message.ephemeral
    found = fields(message)
    assert list(found) == ["1. Monochrome", "2. Gray"]
    assert found["1. Monochrome"].startswith("`/mono`, a command here")
    assert "Takes a picture and a text, returns a picture and a text." in found["1. Monochrome"]
    assert found["2. Gray"].splitlines() == [
        "[ada/gray](<https://huggingface.co/spaces/ada/gray>) · by ada · ♥ 12 · ZeroGPU · running",
        "Black and white pictures",
    ]
    asleep = fields(await find(it, "a song about rain"))
    assert "asleep: its first job wakes it" in asleep["1. Songs"]


async def test_an_open_answer_holds_no_endpoints(it: Found) -> None:
    await find(it, WISH, file=PICTURE)
    menus = list(it.home.bot.find.menus._menus.values())
    assert any(answer.command for menu in menus for answer in menu.answers)
    assert {answer.endpoint for menu in menus for answer in menu.answers} == {None}


async def test_a_command_that_was_found_is_tried_with_the_wish_and_the_file(it: Found) -> None:
    message = await find(it, WISH, file=PICTURE)
    form = await it.place.ada.choose(message, "1. Monochrome")
    assert form.modal is not None, form.describe()
    result = await ready(await it.place.ada.submit(form))
    assert Image.open(io.BytesIO(result.attachments[0].data)).mode == "L"
    assert f"note: {WISH}" in result.content
    assert not result.ephemeral


async def test_a_space_of_the_hub_is_tried_with_the_wish_and_the_file(it: Found) -> None:
    message = await find(it, WISH, file=PICTURE)
    form = await it.place.ada.choose(message, "2. Gray")
    await form.wait(lambda one: one.modal is not None or one.message is not None, 10)
    assert form.modal is not None, form.describe()
    result = await ready(await it.place.ada.submit(form))
    assert result.content.startswith(f"**/run space:ada/gray** for <@{it.place.ada.id}>")
    assert Image.open(io.BytesIO(result.attachments[0].data)).mode == "L"
    assert f"note: {WISH}" in result.content
    # Now that it was read, its inputs and outputs are known.
    again = fields(await find(it, WISH, file=PICTURE))
    assert "Takes a picture and a text, returns a picture and a text." in again["2. Gray"]
    # Its result can be sent on and run again.
    assert {"Again", "Send to…"} <= result.buttons().keys()
    second = await ready(await it.place.ben.click(result, "Again"))
    assert Image.open(io.BytesIO(second.attachments[0].data)).mode == "L"


async def test_a_space_that_is_gone_when_it_is_tried_says_so(it: Found) -> None:
    message = await find(it, "a song about rain")
    del it.hub.spaces["ben/songs"]
    seen = await it.place.ada.choose(message, "1. Songs")
    await seen.wait(lambda one: one.message is not None, 10)
    assert "There is no such Space on Hugging Face" in shown(seen).content


async def test_nothing_found_says_what_to_do(it: Found) -> None:
    message = await find(it, "xyzzy @everyone `code`")
    assert message.content.startswith("Nothing found for ")
    assert "Try other words" in message.content
    assert "@everyone" not in message.content
    assert not message.components


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ({"limit": 0}, "Hugging Face is rate-limiting this bot. Try again in 55 s."),
        (
            {"refusals": dict.fromkeys(["/api/spaces/semantic-search", "/api/spaces"], 503)},
            "has a problem right now",
        ),
    ],
)
async def test_a_hub_in_trouble_is_told_beside_the_commands(
    it: Found, trouble: Mapping[str, Any], told: str
) -> None:
    for name, value in trouble.items():
        setattr(it.hub, name, value)
    message = await find(it, WISH, file=PICTURE)
    assert list(fields(message)) == ["1. Monochrome"]
    assert "-# This list has no Spaces from Hugging Face: Hugging Face" in message.content
    assert told in message.content
    alone = await find(it, "xyzzy plugh")
    assert alone.content.startswith("Hugging Face")
    assert told in alone.content


async def test_a_slow_hub_times_out_while_others_are_answered(
    it: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spacebot.spaces.client.hugging_face.hub_client.REQUEST_SECONDS", 0.5)
    it.hub.hold = asyncio.Event()
    waiting = await it.place.ada.command(
        "find", wish="slow wish about songs", channel=it.place.channel
    )
    # Acknowledged at once; nobody else waits for the Hub.
    assert waiting.acknowledged
    seen = await it.place.ben.command("fast echo", text="hello", channel=it.place.channel)
    assert "hello" in (await ready(seen)).content
    assert (
        "Hugging Face is not answering now. Try again in a minute."
        in (await ready(waiting)).content
    )
    it.hub.hold.set()


async def test_what_an_author_wrote_neither_formats_nor_pings(it: Found) -> None:
    title = "@everyone **bold** [x](https://evil.example) <@1>\n# big `code`"
    it.hub.spaces = {
        "ada/__evil__": Hosted(title=title, description=title * 50, about=WISH),
        "ada/long": Hosted(title="w" * 10_000, description="d" * 10_000, about=WISH),
        "ada/bare": Hosted(about=WISH, raw={"title": None, "likes": None, "cardData": None}),
        **{f"ada/{'x' * 80}-{n}": Hosted(title="_" * 500, about=WISH) for n in range(20)},
    }
    # The loopback Discord refuses whatever exceeds its limits.
    message = await find(it, WISH)
    (embed,) = message.embeds
    assert len(embed["fields"]) == 10
    text = "\n".join((*fields(message), *fields(message).values()))
    assert "@everyone" not in text
    assert not re.search(r"(?<!\\)(<@1>|\*\*bold|\[x\]|`code)", text)
    assert "\n# big" not in text


async def test_a_file_of_an_unknown_kind_is_reported(it: Found) -> None:
    it.hub.spaces = {"cleo/unpack": Hosted(title="Unpack", about="unpack archives")}
    program = ("setup`.exe", b"MZ", "application/x-msdos")
    message = await find(it, "unpack it", file=program)
    assert "is not a picture, sound, video or text, so you have to try" in message.content
    assert list(fields(message)) == ["1. Unpack"]
    nothing = await find(it, "xyzzy", file=program)
    assert "Nothing found" in nothing.content
    assert "is not a picture, sound, video or text" in nothing.content


async def test_age_restricted_spaces_show_in_age_restricted_channels_alone(it: Found) -> None:
    it.hub.spaces["ada/gray"].tags = ["not-for-all-audiences"]
    assert list(fields(await find(it, "black and white"))) == ["1. Monochrome"]
    channel = it.place.guild.add_text_channel("adults", nsfw=True)
    seen = await it.place.ada.command("find", wish="black and white", channel=channel)
    assert list(fields(await ready(seen))) == ["1. Monochrome", "2. Gray"]


async def test_send_to_leads_to_another_space_with_the_result(it: Found) -> None:
    said = it.place.ada.say("", channel=it.place.channel, files=[PICTURE])
    menu = await it.place.ben.message_command("Use in a Space…", said)
    form = await it.place.ben.click(shown(menu), "Another Space…")
    assert form.modal is not None, form.describe()
    assert form.modal["components"][0]["label"] == "What to do with cat.png?"
    found = await ready(await it.place.ben.submit(form, {"What to do with cat.png?": WISH}))
    assert list(fields(found)) == ["1. Monochrome", "2. Gray"]
    form = await it.place.ben.choose(found, "1. Monochrome")
    result = await ready(await it.place.ben.submit(form))
    assert Image.open(io.BytesIO(result.attachments[0].data)).mode == "L"


async def test_a_text_is_what_another_space_works_on(it: Found) -> None:
    said = it.place.ada.say("a poem of mine", channel=it.place.channel)
    menu = await it.place.ben.message_command("Use in a Space…", said)
    form = await it.place.ben.click(shown(menu), "Another Space…")
    found = await ready(await it.place.ben.submit(form, {"What to do with this text?": "echo it"}))
    (title,) = [one for one in labels(found) if "ast" in one][:1]
    form = await it.place.ben.choose(found, title)
    result = await ready(await it.place.ben.submit(form))
    assert "a poem of mine" in result.content


async def test_what_no_command_takes_can_go_to_another_space(
    tmp_path: Path, space: Callable[[str], str]
) -> None:
    async with (
        hub() as served,
        discord() as place,
        at_home(
            place.server, Source(space("fast"), "/echo"), folder=tmp_path, hub=served.api
        ) as home,
    ):
        assert home.bot.find
        said = place.ada.say("", channel=place.channel, files=[PICTURE])
        menu = await place.ben.message_command("Use in a Space…", said)
        assert shown(menu).content == "No command here accepts **cat.png**. Another Space might:"
        assert list(shown(menu).buttons()) == ["Another Space…"]


async def test_a_menu_or_form_from_before_a_restart_says_so(it: Found) -> None:
    message = await find(it, WISH, file=PICTURE)
    it.home.bot.find.menus._menus.clear()
    seen = await it.place.ada.choose(message, "1. Monochrome")
    assert "This menu is too old" in shown(seen).content
