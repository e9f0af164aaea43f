"""On-demand Spaces: read when used, remembered, and without the owner's token."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from spacebot.engine.catalogue import Catalogue
from spacebot.engine.on_demand import OnDemandSpaces, SpacePolicy, pool
from spacebot.engine.on_demand.known import (
    MAX_DESCRIPTION_BYTES,
    MAX_PACKED_BYTES,
    MAX_PARSED,
    KnownSpace,
    KnownSpaces,
    parse,
)
from spacebot.engine.store import Store, StoredDescription
from spacebot.errors import (
    EndpointGone,
    SpaceNotAllowed,
    SpaceNotFound,
    SpaceRenamed,
    SpaceUnavailable,
    SpaceUnreadable,
    StoreError,
)
from spacebot.models import Account, Source, Space
from spacebot.spaces.client import Network, Result, SpaceDescription
from tests.support.bot_in_loop import described
from tests.support.clocks import set_clock
from tests.support.gradio_proxy import before
from tests.support.spaces_hub import TOKEN, Hosted, Hub, hub

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEMBER = Account("user:1", TOKEN)
ON_DEMAND = "spacebot.engine.on_demand.spaces"


@asynccontextmanager
async def catalogue_of(
    served: Hub, folder: Path, *sources: Source, token: str = "", policy: SpacePolicy | None = None
) -> AsyncIterator[Catalogue]:
    """A catalogue of this Hub, as `runtime` builds it."""
    async with Network(hub=served.api, wake=2.0) as network, Store.in_folder(folder) as store:
        policy = policy or SpacePolicy()
        await policy.load(store.blocked_spaces)
        on_demand = OnDemandSpaces(network, store.descriptions, policy)
        catalogue = Catalogue(sources, network, folder=folder, token=token, on_demand=on_demand)
        await catalogue.start()
        await described(catalogue)
        try:
            yield catalogue
        finally:
            await catalogue.close()


async def run(catalogue: Catalogue, space: str, endpoint: str, **values: object) -> Result:
    """What a call returns."""
    running = catalogue.connection(space).run(endpoint, values, key="k", stateful=False)
    return [one async for one in running if isinstance(one, Result)][-1]


async def test_a_space_is_read_once_and_found_after_a_restart(served, tmp_path: Path):
    async with hub() as hosts:
        hosts.spaces["owner/fast"] = hosted = Hosted(served("fast"))
        async with catalogue_of(hosts, tmp_path) as catalogue:
            both = await asyncio.gather(*(catalogue.load("owner/fast") for _ in range(2)))
            assert both[0] is both[1]
            assert {one.api_name for one in both[0].endpoints} >= {"/echo"}
            assert (await catalogue.load("owner/fast")) is both[0]
            assert hosted.asked == 1
            assert (await run(catalogue, "owner/fast", "/echo", text="hi")).outputs == ["hi"]
        hosts.spaces.clear()
        async with catalogue_of(hosts, tmp_path) as catalogue:
            endpoint = await catalogue.find("owner/fast", "/echo")
            assert (endpoint.space, endpoint.api_name) == ("owner/fast", "/echo")
            with pytest.raises(SpaceNotFound, match="/token set"):
                await catalogue.load("owner/fast", fresh=True)


async def test_a_space_of_another_name_is_sent_nothing_and_its_name_is_told(served, tmp_path: Path):
    """The owner's lists and marks use the current name."""
    async with hub() as hosts, before(served("fast")) as proxy:
        hosts.spaces["bad/new"] = Hosted(proxy.url, stages=["SLEEPING"])
        hosts.renamed["good/old"] = "bad/new"
        async with catalogue_of(hosts, tmp_path) as catalogue:
            for name in ("good/old", "Bad/New"):
                with pytest.raises(SpaceRenamed, match=r"called bad/new now") as told:
                    await catalogue.load(name, MEMBER)
                assert told.value.name == "bad/new"
                # Nor does an earlier job go there.
                with pytest.raises(SpaceRenamed):
                    await run(catalogue, name, "/echo", text="hi")
        assert proxy.requests == []


async def test_a_space_of_the_settings_may_be_renamed_but_not_passed_on(served, tmp_path: Path):
    async with hub() as hosts, before(served("fast")) as kept, before(served("fast")) as passed:
        hosts.spaces["Owner/New"], hosts.spaces["other/new"] = Hosted(kept.url), Hosted(passed.url)
        hosts.renamed |= {"owner/old": "Owner/New", "owner/sold": "other/new"}
        sources = [Source("owner/old", nsfw=True), Source("owner/sold")]
        async with catalogue_of(hosts, tmp_path, *sources, token=TOKEN) as catalogue:
            own, sold = (catalogue.connections[one.space] for one in sources)
            async with asyncio.timeout(60):
                await asyncio.gather(own.tried.wait(), sold.tried.wait())
            assert (own.answers, sold.answers) == (True, False)
            assert "This Space is other/new on Hugging Face now" in sold.reason
            # Its current name does not get a member past the owner's mark.
            with pytest.raises(SpaceNotAllowed, match="one of this bot's own Spaces"):
                await catalogue.load("Owner/New")
        assert kept.tokens == {f"Bearer {TOKEN}"}
        assert passed.requests == []


async def test_an_old_description_is_read_again(served, tmp_path: Path, monkeypatch):
    async with hub() as hosts, catalogue_of(hosts, tmp_path) as catalogue:
        hosts.spaces["owner/fast"] = hosted = Hosted(served("fast"))
        await catalogue.load("owner/fast")
        hour_later = time.time() + 3601
        set_clock(monkeypatch, "spacebot.engine.on_demand.known", now=lambda: hour_later)
        await catalogue.load("owner/fast")
        assert hosted.asked == 2


async def test_the_owner_s_token_is_never_sent_to_a_space_that_no_setting_names(
    served, tmp_path: Path
):
    async with hub() as hosts, before(served("fast")) as own, before(served("fast")) as other:
        hosts.spaces["owner/own"] = Hosted(own.url)
        hosts.spaces["owner/other"] = Hosted(other.url)
        sources = [Source("owner/own")]
        async with catalogue_of(hosts, tmp_path, *sources, token=TOKEN) as catalogue:
            async with asyncio.timeout(20):
                await catalogue.connections["owner/own"].tried.wait()
            assert set(hosts.authorizations) == {f"Bearer {TOKEN}"}
            assert own.tokens == {f"Bearer {TOKEN}"}
            hosts.authorizations.clear()
            await catalogue.load("owner/other")
            await run(catalogue, "owner/other", "/echo", text="hi")
            result = await run(catalogue, "owner/other", "/file")
            files = catalogue.connection("owner/other")
            await files.localize(result.outputs, tmp_path, cap=20_000_000)
        assert set(hosts.authorizations) == {None}
        assert len(other.requests) > 3
        assert other.tokens == set()


async def test_a_private_space_is_seen_by_its_account_alone(served, tmp_path: Path):
    async with hub() as hosts, catalogue_of(hosts, tmp_path) as catalogue:
        hosts.spaces["owner/secret"] = Hosted(served("fast"), private=True)
        space = await catalogue.load("owner/secret", MEMBER)
        assert space.endpoints
        with pytest.raises(SpaceNotFound):
            await catalogue.load("owner/secret")
        with pytest.raises(SpaceNotFound):
            await catalogue.find("owner/secret", "/echo")
        assert await catalogue.find("owner/secret", "/echo", account=MEMBER)


async def test_connections_close_when_idle(served, tmp_path: Path, monkeypatch):
    async with hub() as hosts, catalogue_of(hosts, tmp_path) as catalogue:
        hosts.spaces["owner/fast"] = Hosted(served("fast"))
        await catalogue.load("owner/fast")
        first = catalogue.connection("owner/fast")
        assert first.is_open
        assert catalogue.on_demand is not None
        connections = catalogue.on_demand._pool
        connections._swept()
        assert catalogue.connection("owner/fast") is first
        monkeypatch.setattr(pool, "IDLE_SECONDS", 0.0)
        async with first.sessions.hold("k", stateful=False):
            connections._swept()
            assert catalogue.connection("owner/fast") is first
        connections._swept()
        assert len(connections) == 0
        assert connections._sweeping is None
        assert (await run(catalogue, "owner/fast", "/echo", text="hi")).outputs == ["hi"]


async def test_a_block_of_another_process_holds_here(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mine, theirs = SpacePolicy(), SpacePolicy()
    async with hub() as hosts, catalogue_of(hosts, tmp_path, policy=mine) as catalogue:
        hosts.spaces["owner/fast"] = Hosted(served("fast"))
        await catalogue.load("owner/fast")
        async with Store.in_folder(tmp_path) as store:
            await theirs.load(store.blocked_spaces)
            await theirs.block("owner/fast")
            await theirs.identify("owner/fast", "id")
            monkeypatch.setattr("spacebot.engine.on_demand.policy.REFRESH_SECONDS", -1.0)
            with pytest.raises(SpaceNotAllowed, match="has blocked this Space"):
                await catalogue.load("owner/fast", fresh=True)
            assert mine.blocked == {"owner/fast": "id"}
            await theirs.unblock("owner/fast")
            await mine.refresh()
            assert (await catalogue.load("owner/fast", fresh=True)).endpoints


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another process"])
async def test_an_unblock_while_the_hub_is_asked_stays(tmp_path: Path, elsewhere: bool):
    policy = SpacePolicy()
    async with hub() as hosts, catalogue_of(hosts, tmp_path, policy=policy) as catalogue:
        hosts.spaces["owner/fast"] = Hosted(hosts.url)
        hosts.hold = asyncio.Event()
        hosts.reached.clear()
        assert catalogue.on_demand is not None
        blocking = asyncio.create_task(catalogue.on_demand.block("owner/fast"))
        await asyncio.wait_for(hosts.reached.wait(), 60)
        async with Store.in_folder(tmp_path) as store:
            if elsewhere:
                await store.blocked_spaces.delete("owner/fast")
            else:
                await policy.unblock("owner/fast")
            hosts.hold.set()
            await blocking
            await asyncio.gather(*catalogue.on_demand._identifying.values())
            assert await store.blocked_spaces.all() == {}
        await policy.reload()
        assert policy.allows("owner/fast")


async def test_a_blocked_space_that_the_hub_does_not_know_costs_no_reading_anything(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    policy = SpacePolicy()
    async with hub() as hosts, catalogue_of(hosts, tmp_path, policy=policy) as catalogue:
        hosts.spaces["owner/fast"] = Hosted(served("fast"))
        assert catalogue.on_demand is not None
        await catalogue.on_demand.block("owner/gone")
        for _ in range(2):
            await catalogue.load("owner/fast", fresh=True)
        assert hosts.asked("/api/spaces/owner/gone") == 1
        # The Hub is asked again later: the author may have published it under another name.
        hosts.spaces["owner/back"] = Hosted(served("fast"))
        hosts.renamed["owner/gone"] = "owner/back"
        set_clock(monkeypatch, ON_DEMAND, monotonic=lambda: time.monotonic() + 601)
        await catalogue.load("owner/fast", fresh=True)
        assert policy.blocked == {"owner/gone": hosts.spaces["owner/back"].hub_id}


async def test_a_silent_hub_delays_a_reading_for_a_moment_only(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    policy = SpacePolicy()
    async with hub() as hosts, catalogue_of(hosts, tmp_path, policy=policy) as catalogue:
        assert catalogue.on_demand is not None
        answer = asyncio.Event()

        async def id_of(_: str) -> str:
            await answer.wait()
            return "id"

        monkeypatch.setattr(catalogue.on_demand.hub, "id_of", id_of)
        monkeypatch.setattr(f"{ON_DEMAND}.IDENTIFY_TIMEOUT", 0.1)
        hosts.spaces["owner/fast"] = Hosted(served("fast"))
        await policy.block("owner/slow")
        for _ in range(2):
            await asyncio.wait_for(catalogue.load("owner/fast", fresh=True), 60)
        # A late answer counts.
        asked = list(catalogue.on_demand._identifying.values())
        assert len(asked) == 1
        answer.set()
        await asyncio.gather(*asked)
        assert policy.blocked == {"owner/slow": "id"}


async def test_what_members_may_use_is_the_owner_s_to_say(served, tmp_path: Path):
    policy = SpacePolicy()
    async with hub() as hosts, catalogue_of(hosts, tmp_path, policy=policy) as catalogue:
        hosts.spaces["owner/fast"] = Hosted(served("fast"))
        await catalogue.load("owner/fast")
        await policy.block("Owner")
        for refused in (catalogue.load("owner/fast"), catalogue.find("owner/fast", "/echo")):
            with pytest.raises(SpaceNotAllowed, match="has blocked this Space"):
                await refused
        with pytest.raises(SpaceNotAllowed):
            catalogue.connection("owner/fast")
    async with catalogue_of(hosts, tmp_path, policy=(after := SpacePolicy())):
        assert not after.allows("owner/fast")
        await after.unblock("owner")
        assert after.allows("owner/fast")


@pytest.mark.parametrize(
    ("sdk", "told"),
    [("static", "This is a static Space"), ("docker", "This is a Docker Space")],
)
async def test_a_space_that_is_no_gradio_app(sdk: str, told: str, tmp_path: Path):
    async with hub() as hosts, catalogue_of(hosts, tmp_path) as catalogue:
        # The Hub itself answers 404 to what a Gradio app would answer.
        hosts.spaces["owner/other"] = Hosted(hosts.url, sdk=sdk)
        with pytest.raises(SpaceUnavailable, match=told) as caught:
            await catalogue.load("owner/other")
        assert not caught.value.worth_retrying


async def test_only_names_of_the_hub_are_on_demand(tmp_path: Path, served: Callable[[str], str]):
    async with hub() as hosts, catalogue_of(hosts, tmp_path) as catalogue:
        for name in (served("fast"), "localhost:7860/x", "owner", "owner/../x"):
            with pytest.raises(EndpointGone):
                await catalogue.load(name)


async def test_what_nobody_used_for_long_is_forgotten_and_read_again(served, tmp_path: Path):
    async with hub() as hosts, Store.in_folder(tmp_path) as store:
        hosts.spaces["owner/fast"] = hosted = Hosted(served("fast"))
        async with Network(hub=hosts.api) as network:
            for _ in range(2):
                spaces = OnDemandSpaces(network, store.descriptions, SpacePolicy())
                assert (await spaces.find("owner/fast", "/echo")).name == "echo"
                await spaces.close()
                await store.descriptions.trim(older=time.time() - 60)
            assert hosted.asked == 1
            await store.descriptions.trim(older=time.time() + 60)
            spaces = OnDemandSpaces(network, store.descriptions, SpacePolicy())
            assert await spaces.last_known("owner/fast") is None
            assert (await spaces.find("owner/fast", "/echo")).name == "echo"
            await spaces.close()
        assert hosted.asked == 2


async def test_a_forgotten_space_that_sleeps_is_not_waited_for(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("spacebot.engine.on_demand.spaces.FIND_TIMEOUT", 0.2)
    async with hub() as hosts, catalogue_of(hosts, tmp_path) as catalogue:
        hosts.spaces["owner/fast"] = Hosted(served("fast"), ["SLEEPING"])
        with pytest.raises(SpaceUnavailable, match="has to be read again, which takes a while"):
            await catalogue.find("owner/fast", "/echo")


async def test_a_bounded_number_is_held_in_memory(tmp_path: Path):
    async with Store.in_folder(tmp_path) as store:
        known = KnownSpaces(store.descriptions)
        for number in range(3 * MAX_PARSED):
            space = KnownSpace(Space(Source(f"owner/{number}"), "n", "N"), b"x", time.time())
            await known.put((f"owner/{number}", ""), space)
        assert len(known) == MAX_PARSED
        for number in range(4):
            large = KnownSpace(Space(Source("o/l"), "n", "N"), bytes(MAX_PACKED_BYTES), 0.0)
            await known.put((f"large/{number}", ""), large)
        assert len(known) == 1


async def test_a_description_that_is_too_large_is_refused_and_not_stored(served, tmp_path: Path):
    noise = random.Random(1).randbytes(MAX_DESCRIPTION_BYTES).hex()

    def grow(config: dict[str, Any]) -> None:
        config["css"] = noise

    async with hub() as hosts, before(served("fast"), grow) as proxy:
        hosts.spaces["owner/large"] = Hosted(proxy.url)
        async with catalogue_of(hosts, tmp_path) as catalogue:
            with pytest.raises(SpaceUnreadable, match="too large for this bot"):
                await catalogue.load("owner/large")
            assert await catalogue.last_known("owner/large") is None


async def test_a_description_of_any_shape_costs_only_its_own_space(tmp_path: Path, caplog):
    async with Store.in_folder(tmp_path) as store:
        await store.descriptions.put("owner/odd", "", StoredDescription(b"no zlib", time.time()))
        assert await KnownSpaces(store.descriptions).get(("owner/odd", "")) is None
    with pytest.raises(SpaceUnreadable):
        parse(Source("owner/odd"), SpaceDescription({"components": 1, "dependencies": 2}, {}))


async def test_a_database_that_fails_keeps_nobody_from_what_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async def fails(*_: object, **__: object) -> None:
        raise StoreError("The database is gone.")

    async with Store.in_folder(tmp_path) as store:
        known = KnownSpaces(store.descriptions)
        key = ("ada/fast", "")
        await known.put(key, KnownSpace(Space(Source(key[0]), "fast", "Fast", ()), b"", 0.0))
        held = await known.get(key)
        assert held is not None
        held.touched = 0.0
        monkeypatch.setattr(store, "_write", fails)
        monkeypatch.setattr(store, "_read", fails)
        assert await known.get(key) is held
        assert await KnownSpaces(store.descriptions).get(key) is None
