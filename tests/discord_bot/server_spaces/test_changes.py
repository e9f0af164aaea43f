"""A changed Space is read again when it is used; a missing one is reported once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from spacebot.engine.store import ServerSpace
from spacebot.errors import InputError
from spacebot.models import Space
from tests.support.asking import ask, is_final
from tests.support.server_spaces import Town, told, town
from tests.support.spaces_hub import Hosted

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR = 3600.0


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def lab(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """The bot, and a Hub with Spaces that change."""
    folder: Path = tmp_path_factory.mktemp("changes")
    async with town(folder, {"ada/fast": served("fast")}) as there:
        yield there


async def aged(lab: Town, name: str) -> ServerSpace:
    """A row whose description is older than an hour."""
    store = lab.home.jobs.store.server_spaces
    row = await store.find(str(lab.guild.id), name)
    assert row is not None
    await store.change(row.id, read=row.read - HOUR - 1)
    return row


def options(lab: Town, name: str) -> list[str]:
    """The options or subcommands of a server's command, as Discord has it."""
    command = lab.place.server.commands.find(name, lab.guild.id)
    assert command is not None
    return [option["name"] for option in command.get("options", ())]


async def test_a_space_that_changed_is_read_again_when_it_is_used(
    lab: Town, served: Callable[[str], str]
):
    lab.hub.spaces["ada/moves"] = Hosted(served("fast"))
    await lab.space("add", {"space": "ada/moves", "name": "moves"})
    before = options(lab, "moves")
    lab.hub.spaces["ada/moves"] = Hosted(served("stateful"))
    # Not before it is an hour old.
    asked = len(lab.hub.authorizations)
    await ask(lab.place.ada, "moves echo", text="same", channel=lab.place.channel)
    assert options(lab, "moves") == before
    assert len(lab.hub.authorizations) - asked <= 1
    await aged(lab, "moves")
    # The command that Discord still shows no longer fits: the member who uses it is told.
    seen = await lab.place.ada.command("moves echo", text="new", channel=lab.place.channel)
    await seen.wait(is_final, 30)
    await lab.place.server.wait(lambda _: options(lab, "moves") != before, 20)
    assert set(options(lab, "moves")) == {"count", "chat"}
    answer = await ask(lab.place.ada, "moves count", step=3, channel=lab.place.channel)
    assert "total 3" in answer.content
    assert (await lab.rows())[0].problem == ""


async def test_a_rename_while_the_space_is_read_stays(lab: Town, served: Callable[[str], str]):
    lab.hub.spaces["ada/slow"] = Hosted(served("fast"))
    await lab.space("add", {"space": "ada/slow", "name": "early"})
    commands = lab.home.bot.server_spaces.commands  # type: ignore[union-attr]
    async with _reading(lab, "early") as task:
        assert "is now `/late`" in await lab.space("rename", {"name": "early", "to": "late"})
        # The new description differs from the stored one; otherwise nothing is written.
        lab.hub.spaces["ada/slow"] = Hosted(served("stateful"))
    assert (await task).name == "late"
    await lab.place.server.wait(lambda _: "late" in lab.commands(), 10)
    await commands.registration.sync(str(lab.guild.id))
    assert "early" not in lab.commands()
    assert set(options(lab, "late")) == {"count", "chat"}
    answer = await ask(lab.place.ada, "late count", step=3, channel=lab.place.channel)
    assert "total 3" in answer.content


async def test_a_command_that_is_removed_while_its_space_is_read_stays_removed(
    lab: Town, monkeypatch: pytest.MonkeyPatch
):
    lab.hub.spaces["ada/brief"] = lab.hub.spaces["ada/fast"]
    await lab.space("add", {"space": "ada/brief", "name": "brief"})
    commands = lab.home.bot.server_spaces.commands  # type: ignore[union-attr]
    told_moderators: list[str] = []
    monkeypatch.setattr(commands, "moderator_log", lambda _, text: told_moderators.append(text))
    async with _reading(lab, "brief") as task:
        await lab.space("remove", {"name": "brief"})
        del lab.hub.spaces["ada/brief"]
    with pytest.raises(InputError, match="just removed"):
        await task
    assert not told_moderators
    assert "brief" not in lab.commands()


@asynccontextmanager
async def _reading(lab: Town, name: str) -> AsyncIterator[asyncio.Task[Space]]:
    """Read a command's Space again; the Hub answers when the block ends."""
    row = await lab.home.jobs.store.server_spaces.find(str(lab.guild.id), name)
    assert row is not None
    commands = lab.home.bot.server_spaces.commands  # type: ignore[union-attr]
    lab.hub.reached.clear()
    lab.hub.hold = asyncio.Event()
    task = asyncio.create_task(commands.refresh(row))
    try:
        await asyncio.wait_for(lab.hub.reached.wait(), 10)
        yield task
    finally:
        lab.hub.hold.set()
        lab.hub.hold = None


async def test_a_space_that_is_gone_says_so_and_is_told_to_the_moderators_once(lab: Town):
    told_moderators: list[tuple[int, str]] = []

    def tell(guild: int, text: str) -> None:
        told_moderators.append((guild, text))
        lab.home.bot.server_log.write(guild, text)

    log = lab.guild.add_text_channel("log")
    await lab.home.jobs.admission.change(
        lab.guild.id, lambda now: replace(now, log_channel=str(log.id))
    )
    lab.hub.spaces["ada/gone"] = lab.hub.spaces["ada/fast"]
    await lab.space("add", {"space": "ada/gone", "name": "gone"})
    commands = lab.home.bot.server_spaces.commands  # type: ignore[union-attr]
    assert commands.moderator_log == lab.home.bot.server_log.write
    commands.moderator_log = tell
    del lab.hub.spaces["ada/gone"]
    row = await aged(lab, "gone")
    for _ in range(2):
        await aged(lab, "gone")
        await lab.place.ada.command("gone echo", text="x", channel=lab.place.channel)
        for _ in range(100):
            if not commands._refreshing:
                break
            await asyncio.sleep(0.05)
        assert "no such Space" in (await lab.space("list")).partition("/gone")[2]
    ((guild, text),) = told_moderators
    assert guild == lab.guild.id
    assert "`/gone` no longer works" in text
    await log.wait(lambda place: any(text in one.content for one in place.messages), 20)
    assert "no such Space" in await lab.space("refresh", {"name": "gone"})
    assert len(told_moderators) == 1
    # It is back: the list no longer mentions it, and its next absence is reported again.
    lab.hub.spaces["ada/gone"] = lab.hub.spaces["ada/fast"]
    assert "unchanged" in await lab.space("refresh", {"name": "gone"})
    back = await lab.home.jobs.store.server_spaces.find(row.guild, "gone")
    assert back is not None
    assert (back.problem, back.told) == ("", False)


async def test_a_space_of_no_use_is_told(lab: Town, served: Callable[[str], str]):
    for stage, said in (
        ("PAUSED", "paused"),
        ("BUILD_ERROR", "could not be built"),
        ("RUNTIME_ERROR", "has crashed"),
    ):
        lab.hub.spaces["ada/ill"] = Hosted(served("fast"), [stage])
        answer = await lab.space("add", {"space": "ada/ill", "name": "ill"})
        assert not answer.startswith("✅")
        assert said in answer
    lab.hub.spaces["ada/private"] = Hosted(served("fast"), private=True)
    assert "private" in await lab.space("add", {"space": "ada/private"})
    assert "ill" not in lab.commands()


async def test_what_the_owner_blocked_answers_no_more(lab: Town):
    await lab.space("add", {"space": "ada/fast", "name": "quick"})
    policy = lab.home.catalogue.added.policy  # type: ignore[union-attr]
    await policy.block("ada")
    try:
        seen = await lab.place.ada.command("quick echo", text="x", channel=lab.place.channel)
        assert "blocked this Space" in await told(seen)
        said = await lab.space("add", {"space": "ada/other", "name": "other"})
        assert "blocked this Space" in said
    finally:
        await policy.unblock("ada")
    answer = await ask(lab.place.ada, "quick echo", text="free", channel=lab.place.channel)
    assert "free" in answer.content


async def test_a_renamed_space_is_added_by_its_present_name_and_told_under_the_former_one(
    lab: Town, served: Callable[[str], str]
):
    lab.hub.spaces["ada/newer"] = Hosted(served("fast"))
    lab.hub.renamed["ada/older"] = "ada/newer"
    await lab.space("add", {"space": "ada/older", "name": "newer"})
    assert [row.space for row in await lab.rows() if row.name == "newer"] == ["ada/newer"]
    del lab.hub.spaces["ada/newer"]
    lab.hub.spaces["ben/newest"] = Hosted(served("fast"))
    lab.hub.renamed["ada/newer"] = "ben/newest"
    said = await lab.space("refresh", {"name": "newer"})
    assert "This Space is called ben/newest now. Use that name." in said
    assert lab.home.catalogue.added
    assert await lab.home.catalogue.added.remove_everywhere("Ada/NEWER") == 1
