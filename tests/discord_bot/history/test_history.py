"""/history, as members use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from spacebot.discord_bot.history.pages import HistoryPage
from spacebot.models import AnswerPlace, Source
from tests.support.asking import ask, is_final, shown
from tests.support.automations import Lab, lab
from tests.support.loopback import Interaction, Message

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def there(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """The bot with commands that are quick."""
    sources = [
        Source(served("fast"), "/echo", "echo"),
        Source(served("fast"), "/echo", "other"),
        Source(served("fast"), "/echo", "quiet", answer=AnswerPlace.PRIVATE),
    ]
    async with lab(tmp_path_factory.mktemp("history"), *sources) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def here(there: Lab) -> Lab:
    """A server of its own for each test."""
    guild = there.server.add_guild("Fresh", there.ada, there.ben)
    return replace(there, guild=guild, channel=guild.add_text_channel("art"))


async def history(it: Lab, **given: Any) -> Interaction:
    """Use /history."""
    seen = await it.ada.command("history", given, channel=it.channel)
    assert shown(seen).ephemeral
    return seen


async def run(it: Lab, text: str, command: str = "echo") -> Message:
    """Run a command until its end is stored."""
    said = await ask(it.ada, command, text=text, channel=it.channel)
    await it.home.jobs.drained(5)
    return said


async def test_only_one_s_own_jobs_of_this_place_are_there_and_only_one_sees_them(here: Lab):
    assert shown(await history(here)).content == "You have no jobs here yet."
    answer = await run(here, "a *cat*")
    await ask(here.ben, "echo", text="not mine", channel=here.channel)
    await ask(here.ada, "echo", text="in private")
    quiet = await here.ada.command("quiet", text="hidden", channel=here.channel)
    await quiet.wait(is_final, 20)
    await here.home.jobs.drained(5)
    seen = shown(await history(here))
    assert "1. ✅ **/quiet** text:hidden" in seen.content
    assert r"2. ✅ **/echo** text:a \*cat\*" in seen.content
    assert "1–2 of 2" in seen.content
    assert "not mine" not in seen.content
    assert "in private" not in seen.content
    links = [part["url"] for row in seen.components for part in row["components"] if "url" in part]
    # A private answer has no link.
    assert links == [f"https://discord.com/channels/{here.guild.id}/{here.channel.id}/{answer.id}"]
    direct = await here.ada.command("history")
    assert "in private" in shown(direct).content
    assert "cat" not in shown(direct).content


async def test_it_is_searched_by_command_and_words_and_has_pages(here: Lab):
    for number in range(6):
        await run(here, f"picture {number}")
    await run(here, "Picture of a Dog", "other")
    seen = await history(here, words="picture")
    assert "1–4 of 7" in shown(seen).content
    older = await here.ada.click(shown(seen), "Older ▶")
    assert "5–7 of 7" in shown(older).content
    assert "◀ Newer" in shown(older).buttons()
    assert "1–1 of 1" in shown(await history(here, words="dog PICTURE")).content
    assert "1–6 of 6" not in shown(await history(here, command="/echo")).content
    assert "of 6" in shown(await history(here, command="/echo")).content
    nothing = await history(here, words="zebra")
    assert shown(nothing).content == "None of your jobs here match."


async def test_again_and_a_star_are_beside_each_job(here: Lab):
    await run(here, "first")
    await run(here, "second")
    seen = await history(here)
    again = await here.ada.click(shown(seen), "Again 2")
    await again.wait(is_final, 20)
    assert "first" in shown(again).content
    await here.home.jobs.drained(5)
    custom_id = next(one for one in _ids(shown(seen)) if one.startswith("star:"))
    starred = await here.ada.click(shown(seen), custom_id)
    assert "⭐ **/echo** text:second" in shown(starred).content
    only = await history(here, favourites=True)
    assert "text:second" in shown(only).content
    assert "text:first" not in shown(only).content
    none = await here.ada.click(shown(only), "Remove the star")
    assert shown(none).content == "None of your jobs here match."
    assert not shown(none).buttons()


def _ids(message: Message) -> list[str]:
    parts = (part for row in message.components for part in row["components"])
    return [part["custom_id"] for part in parts if "custom_id" in part]


async def test_nobody_stars_what_is_not_theirs(here: Lab):
    await run(here, "mine")
    (star,) = (one for one in _ids(shown(await history(here))) if one.startswith("star:"))
    await ask(here.ben, "echo", text="theirs", channel=here.channel)
    await here.home.jobs.drained(5)
    theirs = shown(await here.ben.command("history", channel=here.channel))
    # A forged id under a message that they can see.
    for part in (part for row in theirs.components for part in row["components"]):
        if part.get("custom_id", "").startswith("star:"):
            part["custom_id"] = star
    forged = await here.ben.click(theirs, star)
    assert "it is not yours" in shown(forged).content
    assert shown(forged).ephemeral
    assert await here.home.jobs.store.history.stars(str(here.ben.id)) == set()


async def test_a_page_is_what_its_id_says_and_the_id_fits():
    page = HistoryPage(3, True, "/" + "c" * 31, "w|" * 20)
    assert len(f"star:{'0' * 12}:{page.key}") <= 100
    assert HistoryPage.of_ids(*page.key.split(":", 2)) == page


async def test_a_star_survives_a_kill(served: Callable[[str], str], tmp_path: Path):
    source = Source(served("fast"), "/echo", "echo")
    async with lab(tmp_path, source, killed=True) as first:
        await run(first, "kept")
        seen = await history(first)
        star = next(one for one in _ids(shown(seen)) if one.startswith("star:"))
        await first.ada.click(shown(seen), star)
        user, guild = str(first.ada.id), first.guild.id
    async with lab(tmp_path, source) as second:
        (job,) = await second.home.jobs.store.history.of(user, guild, starred=True)
        assert job.arguments == {"text": "kept"}
