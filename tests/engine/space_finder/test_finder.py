"""From a search to results: the commands here, the Hub's Spaces, file types, suggestions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from spacebot.engine.on_demand import ServerSpaces, SpacePolicy
from spacebot.engine.space_finder import FileKind, SpaceFinder, SpaceQuery, kind_of, suggest_spaces
from spacebot.engine.space_finder.kinds import kinds_given, kinds_taken
from spacebot.engine.space_finder.words import ordered_stems
from spacebot.models import Endpoint, Output, Parameter, Source, Space
from spacebot.spaces.client import HubClient
from spacebot.spaces.client.hugging_face.budget import RequestBudget
from tests.support.spaces_hub import Hosted, Hub, hub

pytestmark = pytest.mark.asyncio(loop_scope="session")

GRAY = SpaceQuery("make my picture black and white", "cat.png", "image/png")


def endpoint(
    name: str, takes: Mapping[str, str], gives: str, description: str = "", space: str = ""
) -> Endpoint:
    """An endpoint: its parameters by name, each with its component, and one output."""
    parameters = tuple(Parameter(one, one, kind, required=True) for one, kind in takes.items())
    outputs = (Output("result", gives),)
    return Endpoint(space or "a/b", f"/{name}", name, description, parameters, outputs)


def space(name: str, *endpoints: Endpoint, at: str = "") -> Space:
    """A Space on offer."""
    return Space(Source(at or f"owner/{name}"), name, name, endpoints)


SKETCH = space("sketch", endpoint("draw", {"prompt": "textbox"}, "image", "Draws what you say"))
FILTER = space("filter", endpoint("apply", {"photo": "image"}, "image"))
CUT = space("cut", endpoint("cut", {"photo": "image"}, "image", "Removes the background"))
TUNE = space("tune", endpoint("play", {"prompt": "textbox"}, "audio"))
READER = space("reader", endpoint("read", {"scan": "image"}, "textbox", "OCR of a receipt"))
ANYTHING = space("zip", endpoint("pack", {"file": "file"}, "file"))
HERE = [SKETCH, FILTER, CUT, TUNE, READER, ANYTHING]


async def commands(wish: SpaceQuery, served: Hub) -> list[str]:
    """The commands that a search finds, without the Hub."""
    found = await SpaceFinder(HubClient(served.api)).find(wish, HERE, adult=False)
    return [one.command for one in found.answers if one.command]


async def spaces(served: Hub, wish: SpaceQuery, *here: Space, adult: bool = False) -> list[str]:
    """The Spaces that a search finds."""
    found = await SpaceFinder(HubClient(served.api)).find(wish, here, adult=adult)
    return [one.space for one in found.answers]


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (SpaceQuery("remove the background"), ["/cut"]),
        (SpaceQuery("removing backgrounds!"), ["/cut"]),
        (SpaceQuery("a song about rain"), ["/tune"]),
        (SpaceQuery("draw a cat"), ["/sketch"]),
        (SpaceQuery("read this receipt", "scan.jpg"), ["/reader"]),
        (GRAY, ["/filter", "/cut"]),
        (SpaceQuery("pack this", "data.bin"), ["/zip"]),
        # A Space that does not accept the file is no result.
        (SpaceQuery("remove the background", "song.mp3", "audio/mpeg"), []),
        (SpaceQuery("xyzzy"), []),
        (SpaceQuery(""), []),
        (SpaceQuery("雨の歌"), []),
    ],
)
async def test_a_wish_finds_the_commands_here(wish: SpaceQuery, found: list[str]):
    async with hub() as served:
        assert await commands(wish, served) == found


async def test_commands_come_first_and_leave_room_for_the_hub_s():
    async with hub() as served:
        served.spaces |= {f"ada/gray-{n}": Hosted(about="picture black") for n in range(20)}
        many = [space(f"gray{n}", endpoint("go", {"photo": "image"}, "image")) for n in range(9)]
        found = await SpaceFinder(HubClient(served.api)).find(GRAY, many, adult=False)
        assert [bool(one.command) for one in found.answers] == [True] * 4 + [False] * 6
        served.spaces.clear()
        found = await SpaceFinder(HubClient(served.api)).find(GRAY, many, adult=False)
        assert len([one for one in found.answers if one.command]) == 9


async def test_a_space_that_the_hub_means_is_answered_by_its_command_here():
    async with hub() as served:
        served.spaces["ada/mono"] = Hosted(about="picture black white", likes=4)
        mono = space("mono", endpoint("run", {"photo": "image"}, "image"), at="ada/mono")
        found = await SpaceFinder(HubClient(served.api)).find(GRAY, [FILTER, mono], adult=False)
        assert [(one.command, one.space) for one in found.answers] == [
            ("/mono", "ada/mono"),
            ("/filter", "owner/filter"),
        ]
        listing = found.answers[0].listing
        assert listing is not None
        assert listing.likes == 4


async def test_the_file_s_kind_counts():
    async with hub() as served:
        about = "remove noise background"
        served.spaces |= {
            "ada/text": Hosted(title="Summaries", category="Text Generation", about=about),
            "ada/unsaid": Hosted(title="Cleaner", about=about),
            "ada/photos": Hosted(title="Photo cleaner", stages=["SLEEPING"], about=about),
            "ada/pictures": Hosted(title="Clean", category="Image Editing", about=about),
        }
        assert await spaces(served, SpaceQuery("remove noise", "a.png")) == [
            "ada/pictures",
            "ada/photos",
            "ada/unsaid",
        ]
        # No Space names this file type, so any may accept it.
        assert len(await spaces(served, SpaceQuery("remove noise", "a.glb"))) == 4
        served.requests.clear()
        await spaces(served, SpaceQuery("remove noise", "a.mp3"))
        # The Hub does not see the file.
        assert "q=remove+noise+audio" in served.requests[0]


async def test_a_space_that_is_known_not_to_take_the_file_is_left_out():
    known = {
        "ada/one": space("one", endpoint("say", {"text": "textbox"}, "audio"), at="ada/one"),
        "ada/two": space(
            "two",
            endpoint("say", {"text": "textbox"}, "audio"),
            endpoint("see", {"photo": "image", "prompt": "textbox"}, "textbox"),
            at="ada/two",
        ),
    }

    async def last_known(name: str) -> Space | None:
        return known.get(name)

    async with hub() as served:
        served.spaces |= {name: Hosted(about="picture black") for name in (*known, "ada/three")}
        finder = SpaceFinder(HubClient(served.api), known=last_known)
        found = (await finder.find(GRAY, [], adult=False)).answers
        assert [(one.space, one.takes, one.gives) for one in found] == [
            ("ada/two", "a picture and a text", "a text"),
            ("ada/three", "", ""),
        ]


async def test_what_is_not_for_everyone_or_not_allowed_is_left_out():
    async with hub() as served:
        served.spaces |= {
            "ada/nsfw": Hosted(about="picture black", tags=["not-for-all-audiences"]),
            "bad/gray": Hosted(about="picture black"),
            "ada/gray": Hosted(about="picture black"),
        }
        assert await spaces(served, GRAY) == ["bad/gray", "ada/gray"]
        assert len(await spaces(served, GRAY, adult=True)) == 3
        policy = SpacePolicy(ServerSpaces.LISTED, ["ada/*"])
        finder = SpaceFinder(HubClient(served.api), allows=policy.allows)
        found = await finder.find(GRAY, [], adult=False)
        assert [one.space for one in found.answers] == ["ada/gray"]


async def test_a_block_or_mark_hides_no_space_of_the_settings():
    here = [FILTER, CUT]
    hidden = {one.source.space for one in here}
    async with hub() as served:
        finder = SpaceFinder(HubClient(served.api))
        own = {FILTER.source.space}
        found = await finder.find(GRAY, here, adult=False, hidden=hidden, own=own)
        assert [one.command for one in found.answers] == ["/filter"]


async def test_a_hub_in_trouble_leaves_the_commands():
    async with hub() as served:
        served.limit = 0
        found = await SpaceFinder(HubClient(served.api)).find(GRAY, HERE, adult=False)
        assert [one.command for one in found.answers] == ["/filter", "/cut"]
        assert found.problem.startswith("Hugging Face is rate-limiting this bot.")


async def test_the_longest_words_are_searched_where_meaning_does_not_help():
    async with hub() as served:
        served.refusals["/api/spaces/semantic-search"] = 404
        served.spaces["ada/background-remover"] = Hosted()
        assert await spaces(served, SpaceQuery("remove the background")) == [
            "ada/background-remover"
        ]


@pytest.mark.parametrize(
    ("name", "mime", "kind"),
    [
        ("cat.PNG", None, FileKind.PICTURE),
        ("a", "image/png", FileKind.PICTURE),
        ("song.opus", None, FileKind.SOUND),
        ("film.mkv", None, FileKind.VIDEO),
        ("notes.md", None, FileKind.TEXT),
        ("paper.pdf", None, FileKind.TEXT),
        ("cat.glb", None, FileKind.FILE),
        ("setup.exe", "application/x-msdownload", FileKind.FILE),
        ("", None, FileKind.FILE),
    ],
)
async def test_the_kind_of_a_file(name: str, mime: str | None, kind: FileKind):
    assert kind_of(name, mime) is kind


async def test_what_an_endpoint_takes_and_gives():
    mixed = endpoint("x", {"a": "audio", "v": "video", "n": "number"}, "gallery")
    assert kinds_taken(mixed) == {FileKind.SOUND, FileKind.VIDEO}
    assert kinds_given(mixed) == {FileKind.PICTURE}
    anything = endpoint("x", {"a": "file", "t": "textbox"}, "json")
    assert kinds_taken(anything) == {FileKind.FILE, FileKind.TEXT}
    one = Parameter("a", "a", "file", file_types=(".csv", "image", ".mp3", "image/png"))
    assert kinds_taken(Endpoint("a/b", "/x", "x", "", (one,))) == {
        FileKind.TEXT,
        FileKind.PICTURE,
        FileKind.SOUND,
    }


async def test_words_are_compared_by_their_stems():
    assert ordered_stems("Remove, remover; REMOVED the removing of 2 Bäckgrounds") == [
        "remov",
        "background",
    ]
    assert len(ordered_stems("word" * 100_000)) == 1


async def suggestions(served: Hub, text: str, **more: Any) -> list[str]:
    """The suggestions for a text, with two Spaces of this server."""
    own = ["ada/gray", "owner/demo", "ada/gray"]
    return [one.value for one in await suggest_spaces(HubClient(served.api), text, own, **more)]


async def test_spaces_are_suggested_those_here_first():
    async with hub() as served:
        served.spaces |= {
            "ada/gray": Hosted(likes=1),
            "ben/gray-9": Hosted(title="x" * 200, likes=9),
            "ben/gray-x": Hosted(tags=["not-for-all-audiences"], likes=5),
        }
        assert await suggestions(served, "") == ["ada/gray", "owner/demo"]
        assert await suggestions(served, "g") == ["ada/gray"]
        assert served.requests == []
        assert await suggestions(served, "GRAY") == ["ada/gray", "ben/gray-9"]
        assert await suggestions(served, "gray", adult=True) == [
            "ada/gray",
            "ben/gray-9",
            "ben/gray-x",
        ]
        assert await suggestions(served, "gray", allows=lambda *_: False) == ["ada/gray"]
        # Names that differ only in case are the same Space, spelled as here.
        served.spaces["Owner/Demo"] = Hosted()
        assert await suggestions(served, "DEMO") == ["owner/demo"]
        served.spaces |= {f"cleo/gray-{n}": Hosted() for n in range(40)}
        found = await suggest_spaces(HubClient(served.api), "gray", [])
        assert len(found) == 25
        assert max(len(one.label) for one in found) == 100


async def test_typing_does_not_wait_for_the_hub_and_uses_what_it_says_later(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("spacebot.engine.space_finder.suggestions.SUGGESTION_TIMEOUT", 0.05)
    async with hub() as served:
        served.spaces["ben/gray"] = Hosted()
        served.hold = asyncio.Event()
        asked = HubClient(served.api)
        assert [one.value for one in await suggest_spaces(asked, "gray", ["ada/gray"])] == [
            "ada/gray"
        ]
        served.hold.set()
        # The request continues, and answers the next caller.
        assert [one.space for one in await asked.named("gray")] == ["ben/gray"]
        assert len(served.requests) == 1


async def test_typing_leaves_the_hub_s_requests_to_others():
    async with hub() as served:
        served.spaces["ben/gray"] = Hosted()
        asked = HubClient(served.api, RequestBudget(most=1))
        assert [one.value for one in await suggest_spaces(asked, "gray", [])] == ["ben/gray"]
        assert await suggest_spaces(asked, "grays", []) == []
        assert len(served.requests) == 1
