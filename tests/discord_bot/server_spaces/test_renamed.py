"""A Space that its author renames keeps the owner's block and the moderators' age mark."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import sqlalchemy as sa

from spacebot.engine.admin import Admin
from spacebot.engine.on_demand import SpacePolicy
from tests.support.asking import ask, shown
from tests.support.loopback import Interaction
from tests.support.server_spaces import Town, told, town
from tests.support.spaces_hub import Hosted

pytestmark = pytest.mark.asyncio(loop_scope="module")

BLOCKED = "The bot's owner has blocked this Space."
ADULT = "age-restricted"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lab(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """The bot, and a Hub where authors rename their Spaces."""
    policy = SpacePolicy(runs_per_minute=1000)
    async with town(tmp_path_factory.mktemp("renamed"), {}, policy=policy) as there:
        yield there


def owner(lab: Town) -> Admin:
    """The owner's view of the bot."""
    return Admin(lab.home.jobs, lab.home.catalogue)


def rename(lab: Town, former: str, present: str) -> None:
    """Rename a Space as the Hub does: the former name redirects to the new one."""
    lab.hub.spaces[present] = lab.hub.spaces.pop(former)
    lab.hub.renamed[former] = present


async def run(lab: Town, space: str) -> Interaction:
    """What a member gets from a Space's /echo."""
    form = await lab.place.ada.command(
        "run", space=space, endpoint="echo", channel=lab.place.channel
    )
    await form.wait(lambda one: one.modal is not None or one.message is not None, 60)
    if form.modal is None:
        return form
    return await lab.place.ada.submit(form, {"text": "hi"})


async def said(seen: Interaction) -> str:
    """The final text of an answer."""
    await seen.wait(
        lambda one: (
            one.message is not None and any(word in one.message.text for word in (BLOCKED, ADULT))
        ),
        60,
    )
    assert seen.message is not None
    return seen.message.text


async def listed(lab: Town, space: str) -> bool:
    """Whether `/find` shows a Space."""
    seen = await lab.place.ada.command("find", wish=space, channel=lab.place.channel)
    await told(seen)
    return f"/{space}" in str(shown(seen).embeds)


async def suggested(lab: Town, space: str) -> bool:
    """Whether `/run` suggests a Space."""
    found = await lab.place.ada.autocomplete(
        "run", option="space", text=space, channel=lab.place.channel
    )
    return space in [one["value"] for one in found]


@pytest.mark.parametrize("when", ["renamed-later", "renamed-before", "hub-silent"])
async def test_a_block_holds_under_a_later_name(lab: Town, served: Callable[[str], str], when: str):
    former, present = f"ada/{when}", f"ben/{when}"
    lab.hub.spaces[former] = Hosted(served("fast"))
    if when == "renamed-before":
        rename(lab, former, present)
        await lab.space("add", {"space": present, "endpoint": "/echo", "name": "quick"})
        await ask(lab.place.ada, "quick", text="before", channel=lab.place.channel)
    if when == "hub-silent":
        lab.hub.refusals[f"/api/spaces/{former}"] = 500
    await owner(lab).act("block", former)
    lab.hub.refusals.clear()
    if former in lab.hub.spaces:
        rename(lab, former, present)
    else:
        seen = await lab.place.ada.command("quick", text="x", channel=lab.place.channel)
        assert BLOCKED in await told(seen)
    assert not await listed(lab, present)
    if when != "hub-silent":
        assert not await suggested(lab, present)
        # A new Space under the former name is a different Space.
        lab.hub.spaces[former] = Hosted(served("fast"))
    for name in (former, present):
        assert BLOCKED in await said(await run(lab, name))
        assert BLOCKED in await lab.space("add", {"space": name, "endpoint": "/sleep"})
        assert not await listed(lab, name)
        assert not await suggested(lab, name)
    # It survives a restart.
    added = lab.home.catalogue.added
    assert added is not None
    added.policy.blocked = {}
    await added.policy.load(lab.home.jobs.store.blocked_spaces)
    assert BLOCKED in await lab.space("add", {"space": present, "endpoint": "/sleep"})
    await owner(lab).act("unblock", former)
    assert await listed(lab, present)
    assert "✅" in await lab.space("add", {"space": present, "endpoint": "/sleep", "name": when})


@pytest.mark.parametrize("earlier", [False, True], ids=["now", "added by an earlier version"])
async def test_an_age_mark_holds_under_a_later_name(
    lab: Town, served: Callable[[str], str], earlier: bool
):
    former, present = f"ada/mild-{earlier}", f"ben/wild-{earlier}"
    lab.hub.spaces[former] = Hosted(served("fast"))
    marked = {"space": former, "endpoint": "/echo", "name": "adult", "age_restricted": True}
    await lab.space("add", marked)
    if earlier:
        await lab.home.jobs.store.execute(sa.text("UPDATE server_spaces SET hub_id = NULL"))
    rename(lab, former, present)
    assert not await listed(lab, present)
    assert earlier or not await suggested(lab, present)
    assert ADULT in await said(await run(lab, present))
    assert not await suggested(lab, present)
    rows = {row.name: row for row in await lab.rows()}
    assert rows["adult"].hub_id == lab.hub.spaces[present].hub_id
    # The same with its own command, which nobody marked.
    await lab.space("add", {"space": present, "endpoint": "/echo", "name": "plain"})
    seen = await lab.place.ada.command("plain", text="x", channel=lab.place.channel)
    assert ADULT in await said(seen)
    for name in ("adult", "plain"):
        await lab.space("remove", {"name": name})
