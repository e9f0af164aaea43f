"""Spaces that visitors of the page bring: real Spaces, found by the loopback Hub."""

from __future__ import annotations

import pytest

from spacebot.engine.catalogue import visitors
from spacebot.engine.on_demand import ServerSpaces, SpacePolicy
from spacebot.errors import InputError, LimitReached, SpaceNotAllowed, SpaceNotFound
from spacebot.models import Job, Requester, Source
from tests.engine.on_demand.test_spaces import TOKEN, catalogue_of
from tests.support.gradio_proxy import before
from tests.support.spaces_hub import Hosted, hub


async def test_a_visitor_s_space_is_read_without_the_owner_s_token(served, tmp_path) -> None:
    async with hub() as hosts, before(served("fast")) as other:
        hosts.spaces["owner/other"] = Hosted(other.url)
        hosts.spaces["by-subdomain/owner-other"] = Hosted(other.url, raw={"id": "owner/other"})
        async with catalogue_of(hosts, tmp_path, token=TOKEN) as catalogue:
            page = "https://huggingface.co/spaces/owner/other"
            for written in ("owner/other", page, "https://owner-other.hf.space/"):
                space = await visitors.read_space(catalogue, written)
                assert space.source.space == "owner/other"
                assert space.endpoints
            with pytest.raises(SpaceNotFound):
                await visitors.read_space(catalogue, "owner/nothing")
            with pytest.raises(InputError, match="not the name of a Space"):
                await visitors.read_space(catalogue, "nothing")
            with pytest.raises(InputError, match="Only Spaces on Hugging Face"):
                await visitors.read_space(catalogue, "http://169.254.169.254/")
        assert set(hosts.authorizations) == {None}
        assert other.tokens == set()


async def test_what_the_owner_offers_is_not_read_again(served, tmp_path) -> None:
    async with hub() as hosts:
        hosts.spaces["owner/own"] = Hosted(served("fast"))
        async with catalogue_of(hosts, tmp_path, Source("owner/own")) as catalogue:
            with pytest.raises(InputError, match="already on offer here"):
                await visitors.read_space(catalogue, "owner/own")
            space = await catalogue.load("owner/own")
            job = Job("1", space.endpoints[0], Requester("tryout:1", "you"), {})
            for _ in range(10):
                visitors.count_run(catalogue, job)


async def test_the_owner_s_rules_and_limits_hold_for_visitors(served, tmp_path) -> None:
    off = SpacePolicy(ServerSpaces.OFF)
    few = SpacePolicy(ServerSpaces.LISTED, ["owner/*"], runs_per_minute=1)
    async with hub() as hosts:
        hosts.spaces["owner/other"] = Hosted(served("fast"))
        async with catalogue_of(hosts, tmp_path / "off", policy=off) as catalogue:
            with pytest.raises(SpaceNotAllowed):
                await visitors.read_space(catalogue, "owner/other")
        async with catalogue_of(hosts, tmp_path / "few", policy=few) as catalogue:
            space = await visitors.read_space(catalogue, "owner/other")
            with pytest.raises(LimitReached, match="read Spaces of your own choice"):
                await visitors.read_space(catalogue, "owner/other")
            job = Job("1", space.endpoints[0], Requester("tryout:1", "you"), {})
            visitors.count_run(catalogue, job)
            with pytest.raises(LimitReached, match="run Spaces of your own choice"):
                visitors.count_run(catalogue, job)


async def test_addresses_that_mean_no_space_are_counted_before_the_hub_is_asked(tmp_path) -> None:
    few = SpacePolicy(runs_per_minute=2)
    async with hub() as hosts, catalogue_of(hosts, tmp_path, policy=few) as catalogue:
        for number in range(2):
            with pytest.raises(SpaceNotFound):
                await visitors.read_space(catalogue, f"aaa{number}.hf.space")
        asked = len(hosts.requests)
        for number in range(2, 5):
            with pytest.raises(LimitReached, match="read Spaces of your own choice"):
                await visitors.read_space(catalogue, f"aaa{number}.hf.space")
        assert len(hosts.requests) == asked
        # Text that names no Space sends no request and counts nowhere.
        with pytest.raises(InputError, match="not the name of a Space"):
            await visitors.read_space(catalogue, "nothing")


async def test_a_space_out_of_reach_is_told_in_time(served, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(visitors, "READ_SECONDS", 0.05)
    async with hub() as hosts:
        hosts.spaces["owner/other"] = Hosted(served("fast"), stages=["APP_STARTING"])
        async with catalogue_of(hosts, tmp_path) as catalogue:
            with pytest.raises(Exception, match="still starting"):
                await visitors.read_space(catalogue, "owner/other")
