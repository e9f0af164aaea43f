"""The Hub's API through the real huggingface_hub: searches, limits, accounts, errors."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from huggingface_hub import HfApi

from spacebot.errors import HubTokenRefused, HubUnavailable, SpaceBusy, SpaceNotFound
from spacebot.models import GpuQuota, HubUser
from spacebot.spaces.client.hugging_face import HubClient, hub_client
from spacebot.spaces.client.hugging_face.budget import RequestBudget
from spacebot.spaces.client.hugging_face.cache import AnswerCache
from tests.support.apps import free_port
from tests.support.spaces_hub import TOKEN, Hosted, Hub, HubAccount, hub

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEARCH = "/api/spaces/semantic-search"
WISH = "make my picture black and white"


def gray(**fields: Any) -> Hosted:
    """A Space that matches the search."""
    return Hosted(title="Gray", about="picture black white", **fields)


async def names(served: Hub, wish: str = WISH, keywords: tuple[str, ...] = ()) -> list[str]:
    """What a search finds."""
    return [one.space for one in await HubClient(served.api).search(wish, keywords)]


async def test_a_search_by_meaning_gives_what_a_stranger_can_use():
    async with hub() as served:
        served.spaces |= {
            "ada/gray": gray(likes=7, hardware="zero-a10g", tags=["not-for-all-audiences"]),
            "ada/asleep": gray(stages=["SLEEPING"]),
            "ada/paused": gray(stages=["PAUSED"]),
            "ada/broken": gray(stages=["RUNTIME_ERROR"]),
            "ada/private": gray(private=True),
            "ada/flagged": gray(disabled=True),
            "ada/docker": gray(sdk="docker"),
            "ada/other": Hosted(title="Songs about rain"),
        }
        found = await HubClient(served.api).search(WISH)
        # The search does not say which Spaces are disabled.
        assert [one.space for one in found] == ["ada/gray", "ada/asleep", "ada/flagged"]
        first, asleep = found[:2]
        assert (first.title, first.author, first.likes) == ("Gray", "ada", 7)
        assert (first.runs, first.on_zero_gpu, first.nsfw) == (True, True, True)
        assert (asleep.runs, asleep.sleeps, asleep.nsfw) == (False, True, False)
        # With the owner's token, members would see private Spaces.
        assert served.authorizations == [None]


@pytest.mark.parametrize("broken", [True, False])
async def test_where_the_search_by_meaning_does_not_answer_names_are_searched(broken: bool):
    async with hub() as served:
        served.spaces |= {
            "ada/black-board": Hosted(likes=50),
            "ben/black-white-picture": Hosted(likes=1),
            "ben/white-docker": Hosted(sdk="docker"),
            "ben/white-flagged": Hosted(disabled=True),
            "ben/white-paused": Hosted(stages=["PAUSED"]),
        }
        if broken:
            served.refusals[SEARCH] = 500
        found = await names(served, "xyz", ("black", "white", "picture", "fourth"))
        assert found == ["ben/black-white-picture", "ada/black-board"]
        # At most three words: each is a request.
        assert served.asked("/api/spaces") == 3


async def test_spaces_are_found_by_a_part_of_their_name_or_by_their_owner():
    async with hub() as served:
        served.spaces |= {
            "ada/gray": Hosted(likes=1),
            "ben/Gray-2": Hosted(likes=5),
            "ben/other": Hosted(),
        }
        asked = HubClient(served.api)
        assert [one.space for one in await asked.named("GRAY")] == ["ben/Gray-2", "ada/gray"]
        assert [one.space for one in await asked.named("ben/")] == ["ben/Gray-2", "ben/other"]
        assert [one.space for one in await asked.named("ben/oth")] == ["ben/other"]


async def test_what_is_missing_or_hostile_in_a_record_costs_no_other():
    async with hub() as served:
        served.spaces |= {
            "ada/bare": gray(raw=dict.fromkeys(["title", "likes", "tags", "author", "cardData"])),
            "ada/odd": gray(raw={"likes": "many", "tags": {"a": 1}, "title": ["x"]}),
            "ada/long": gray(raw={"title": "@everyone " * 1000}),
            "ada/lines": gray(raw={"title": "one\ntwo\u202ethree\x00"}),
            "ada/no name": gray(),
            "ada/gray": gray(),
        }
        found = {one.space: one for one in await HubClient(served.api).search(WISH)}
        assert found.keys() == {"ada/bare", "ada/odd", "ada/long", "ada/lines", "ada/gray"}
        assert (found["ada/bare"].title, found["ada/bare"].author) == ("bare", "ada")
        assert (found["ada/odd"].title, found["ada/odd"].likes) == ("odd", 0)
        assert len(found["ada/long"].title) == 100
        assert found["ada/lines"].title == "one twothree"


async def test_a_record_that_cannot_be_read_leaves_those_before_it():
    async with hub() as served:
        served.spaces |= {
            "ada/gray": gray(),
            "ada/nameless": Hosted(about="picture black", raw={"id": None}),
        }
        assert await names(served) == ["ada/gray"]


async def test_a_hub_out_of_reach_is_told():
    asked = HubClient(HfApi(endpoint=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(HubUnavailable, match=r"is not answering now\. Try again in a minute"):
        await asked.search(WISH)


async def test_a_silent_hub_times_out_and_holds_no_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub_client, "REQUEST_SECONDS", 0.3)
    async with hub() as served:
        served.spaces["ada/gray"] = gray()
        served.hold = asyncio.Event()
        asked = HubClient(served.api)
        wishes = [f"{WISH} {number}" for number in range(2 * hub_client.MAX_THREADS)]
        told = await asyncio.gather(*map(asked.search, wishes), return_exceptions=True)
        assert {type(one) for one in told} == {HubUnavailable}
        # The library would wait forever; these requests end by themselves.
        await asyncio.get_running_loop().run_in_executor(None, asked._threads.shutdown, True)
        served.hold.set()
        served.hold = None
        assert await names(served) == ["ada/gray"]


async def test_a_429_is_told_with_when_to_try_again_and_nothing_is_sent_before():
    async with hub() as served:
        served.limit, served.reset = 0, 130
        asked = HubClient(served.api)
        for call in (asked.named("gray"), asked.search(WISH), asked.listing("ada/gray")):
            with pytest.raises(SpaceBusy, match=r"Try again in 2 min") as told:
                await call
        assert told.value.wait == pytest.approx(130, abs=2)
        # The library would have slept through the pause in its thread, then tried again.
        assert len(served.requests) == 1
        served.limit = None
        # Whoami is limited apart from the rest, and so is each token.
        assert (await asked.whoami(TOKEN)).name == "loopback"
        with pytest.raises(SpaceNotFound):
            await asked.listing("ada/gray", TOKEN)


async def test_all_requests_share_one_budget():
    async with hub() as served:
        served.spaces["ada/gray"] = gray()
        asked = HubClient(served.api, RequestBudget(most=hub_client.SEARCH_RESERVE + 2))
        await asked.search(WISH)
        await asked.search(f"{WISH}!")
        with pytest.raises(SpaceBusy, match=r"used up its requests .* Try again in 5 min"):
            await asked.search(f"{WISH}?")
        # Jobs get what typing and searching leave.
        with pytest.raises(SpaceBusy):
            await asked.named("gray")
        assert (await asked.listing("ada/gray")).title == "Gray"
        # Other users of the library in this process do not count.
        await asyncio.to_thread(served.api.space_info, "ada/gray", token=False)
        assert len(served.requests) == 4


async def test_a_budget_fills_again_as_its_window_moves_on():
    now = 0.0
    budget = RequestBudget(most=3, window=10, clock=lambda: now)
    budget.take("a")
    now = 4.0
    budget.take("a")
    now = 5.0
    budget.take("a")
    now = 6.0
    with pytest.raises(SpaceBusy) as told:
        budget.take("a")
    assert told.value.wait == 4.0
    with pytest.raises(SpaceBusy) as told:
        budget.take("a", reserve=2)
    assert told.value.wait == 9.0
    now = 10.0
    budget.take("b")
    with pytest.raises(SpaceBusy):
        budget.take("b")


async def test_the_same_search_is_asked_once():
    async with hub() as served:
        served.spaces["ada/gray"] = gray()
        served.hold = asyncio.Event()
        asked = HubClient(served.api)
        searches = [asyncio.create_task(asked.search(WISH)) for _ in range(5)]
        await asyncio.wait_for(served.reached.wait(), 5)
        # A caller that gives up, like a member who keeps typing, costs the others nothing.
        searches[0].cancel()
        served.hold.set()
        for search in searches[1:]:
            assert [one.space for one in await search] == ["ada/gray"]
        assert len(served.requests) == 1


async def test_a_cache_is_bounded_and_keeps_no_error():
    cache = AnswerCache(most=3, seconds=60)
    asked: list[int] = []

    async def ask(number: int) -> int:
        asked.append(number)
        if number == 9:
            raise HubUnavailable("no")
        return number

    for number in (0, 1, 2, 3, 3, 0):
        assert await cache.get(number, lambda number=number: ask(number)) == number
    assert asked == [0, 1, 2, 3, 0]
    for _ in range(2):
        with pytest.raises(HubUnavailable):
            await cache.get(9, lambda: ask(9))
    assert asked[-2:] == [9, 9]


async def test_a_space_is_described_to_those_who_may_see_it():
    async with hub() as served:
        served.spaces["ada/gray"] = gray(private=True, hardware="t4-small", sdk="docker")
        asked = HubClient(served.api)
        with pytest.raises(SpaceNotFound, match="no such Space on Hugging Face, or it is private"):
            await asked.listing("ada/gray")
        listing = await asked.listing("ada/gray", TOKEN)
        assert (listing.sdk, listing.hardware, listing.private) == ("docker", "t4-small", True)
        # A result for one token is not shown without it.
        with pytest.raises(SpaceNotFound):
            await asked.listing("ada/gray")
        served.refusals["/api/spaces/ada/down"] = 503
        with pytest.raises(HubUnavailable, match="has a problem right now"):
            await asked.listing("ada/down")


async def test_whose_a_token_is_and_what_it_may_do():
    async with hub() as served:
        served.accounts |= {
            "hf_write": HubAccount("ben", "write"),
            "hf_fine": HubAccount("cleo", "fineGrained", ["repo.content.read"]),
        }
        asked = HubClient(served.api)
        assert await asked.whoami(TOKEN) == HubUser("loopback", "read")
        assert await asked.whoami("hf_write") == HubUser("ben", "write")
        fine = HubUser("cleo", "fineGrained", frozenset({"repo.content.read"}))
        assert await asked.whoami("hf_fine") == fine
        for wrong in ("hf_revoked", "no header\n", "hf_ü", ""):
            with pytest.raises(HubTokenRefused, match="does not accept this token"):
                await asked.whoami(wrong)


async def test_the_gpu_seconds_of_an_account():
    async with hub() as served:
        used = {"base": 300, "current": 12.5, "resetsAt": "2026-11-28T09:12:03.000Z"}
        served.accounts |= {
            "hf_used": HubAccount("ben", quota=used),
            "hf_fine": HubAccount("cleo", "fineGrained", ["repo.content.read"]),
        }
        asked = HubClient(served.api)
        assert await asked.quota(TOKEN) == GpuQuota(300, 300)
        resets = datetime(2026, 11, 28, 9, 12, 3, tzinfo=UTC)
        assert await asked.quota("hf_used") == GpuQuota(300, 12.5, resets)
        with pytest.raises(HubTokenRefused, match="lacks a permission"):
            await asked.quota("hf_fine")
        with pytest.raises(HubTokenRefused, match="does not accept"):
            await asked.quota("hf_revoked")


async def test_the_name_that_a_space_has_now() -> None:
    async with hub() as served:
        served.spaces["ben/new"] = Hosted()
        served.renamed["ada/old"] = "ben/new"
        asking = HubClient(served.api)
        assert await asking.present_name("ada/old") == "ben/new"
        assert await asking.present_name("ada/gone") == ""
        served.refusals["/api/spaces/ada/other"] = 500
        with pytest.raises(HubUnavailable):
            await asking.present_name("ada/other")
