"""A job: acknowledged at once, run in its own session, answered under the request."""

from __future__ import annotations

import asyncio
import io
import sqlite3
import wave
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from PIL import Image

from spacebot.models import Source
from tests.e2e.conftest import PROMPT, Place, discord
from tests.support.apps import media
from tests.support.asking import ask, is_final, shown, until
from tests.support.bot_in_loop import Home, at_home
from tests.support.program import Program

pytestmark = pytest.mark.asyncio(loop_scope="session")


def lines(text: str) -> list[str]:
    """The lines of a message without the last one, which says how long it took."""
    *rest, last = text.split("\n")
    assert last.startswith("-# Done in "), text
    return rest


async def test_fifty_at_once_are_acknowledged(shared: tuple[Place, Program]):
    place, program = shared
    seen = await asyncio.gather(
        *(place.ada.command("fast sleep", seconds=0.2, channel=place.channel) for _ in range(50))
    )
    assert all(one.acknowledged for one in seen), program.log
    await asyncio.gather(*(one.wait(is_final, 60) for one in seen))
    assert all("Done in" in shown(one).content for one in seen), program.log


async def test_a_disk_that_is_busy_does_not_cost_the_acknowledgement(
    space: Callable[[str], str], tmp_path: Path
):
    source = Source(space("fast"), name="fast")
    async with discord() as here, at_home(here.server, source, folder=tmp_path):
        with closing(sqlite3.connect(tmp_path / "spacebot.db", isolation_level=None)) as busy:
            busy.execute("BEGIN IMMEDIATE")
            seen = await here.ada.command("fast echo", text="hello", channel=here.channel)
            assert seen.acknowledged
            # Nothing starts before it is stored.
            assert "Starting" in shown(seen).content
            busy.execute("ROLLBACK")
        await seen.wait(is_final, 30)
        assert "hello" in lines(shown(seen).content)


async def test_several_jobs_of_one_user_run_side_by_side(place: Place):
    jobs = [
        ask(place.ada, "trouble crowd", {"seconds": 3}, channel=place.channel) for _ in range(4)
    ]
    answers = await asyncio.gather(*jobs)
    assert all("runs" in lines(answer.content)[1] for answer in answers)
    most = await ask(place.ada, "trouble crowd_most", channel=place.channel)
    side_by_side = int(lines(most.content)[0].split(" of ")[0])
    assert side_by_side >= 3


async def test_the_answer_stands_under_what_discord_does_not_say_above_it(place: Place):
    answer = await ask(place.ada, "fast echo", text="good *morning*", channel=place.channel)
    assert lines(answer.content) == [
        "-# text: good \\*morning\\*",
        "good \\*morning\\*",
    ]
    assert not answer.pings
    assert answer.edits == 1


@pytest.mark.parametrize(
    ("endpoint", "options", "answer"),
    [
        ("text", {"text": "hello"}, "hello"),
        ("number", {"number": -2.25}, "-2.25"),
        ("number", {}, "2.5"),
        ("whole", {"whole_number": 7}, "7"),
        ("slider", {"share": 0.75}, "0.75"),
        ("steps", {"steps": 30}, "30"),
        ("checkbox", {"tick": False}, "No"),
        ("checkbox", {}, "Yes"),
        ("radio", {"size": "Large one"}, "Large one"),
        ("dropdown", {"count": "Three"}, "Three"),
    ],
)
async def test_plain_values_come_back(place: Place, endpoint: str, options: Any, answer: str):
    said = await ask(place.ben, f"kinds {endpoint}", options, channel=place.channel)
    assert lines(said.content)[bool(options) :] == [answer]


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each kind."""
    folder = tmp_path_factory.mktemp("given")
    picture = Image.effect_noise((160, 120), 80).convert("RGB")
    picture.save(folder / "cat.png")
    (folder / "notes.txt").write_text("some notes\n" * 20)
    film = folder / "film.mp4"
    film.write_bytes(Path(media.short_film()).read_bytes())
    with wave.open(str(folder / "tone.wav"), "wb") as tune:
        tune.setparams((1, 2, 8000, 0, "NONE", ""))
        tune.writeframes(bytes(range(200)) * 200)
    return {path.suffix: path for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("endpoint", "option", "kind"),
    [
        ("image", "picture", ".png"),
        ("png", "picture", ".png"),
        ("audio", "sound", ".wav"),
        ("video", "film", ".mp4"),
        ("file", "paper", ".txt"),
        ("any_file", "anything", ".wav"),
    ],
)
async def test_files_come_back_as_a_direct_call_gives_them(
    place: Place,
    space: Callable[[str], str],
    arguments: dict[str, Path],
    tmp_path: Path,
    endpoint: str,
    option: str,
    kind: str,
):
    path = arguments[kind]
    options = {option: (path.name, path.read_bytes())}
    said = await ask(place.ada, f"kinds {endpoint}", options, channel=place.channel)
    assert said.content.startswith(f"-# {option}: {path.name}")
    (posted,) = said.attachments

    def direct() -> bytes:
        client = Client(space("kinds"), verbose=False, download_files=str(tmp_path))
        got = client.predict(handle_file(str(path)), api_name=f"/{endpoint}")
        client.close()
        return Path(got).read_bytes()

    assert posted.data == await asyncio.to_thread(direct)
    if kind == ".png":
        with Image.open(io.BytesIO(posted.data)) as picture:
            assert picture.size == (160, 120)


async def test_a_missing_picture_is_no_trouble(place: Place):
    said = await ask(place.ada, "kinds both", prompt="a cat", strength=0.5, channel=place.channel)
    assert lines(said.content)[1:] == ["**Loud**: A CAT", "", "**Strength**: 0.5"]


async def test_each_user_has_a_session(place: Place):
    for user, step, total in (
        (place.ada, 2, 2),
        (place.ben, 1, 1),
        (place.ada, 3, 5),
        (place.ben, 1, 2),
    ):
        said = await ask(user, "stateful count", step=step, channel=place.channel)
        assert lines(said.content)[1:] == [f"total {total}"]


async def test_jobs_of_one_session_take_turns(place: Place):
    cy = place.server.add_user("cy")
    place.guild.add_member(cy)
    jobs = [ask(cy, "stateful count", step=1, channel=place.channel) for _ in range(5)]
    answers = await asyncio.gather(*jobs)
    totals = sorted(lines(answer.content)[1] for answer in answers)
    assert totals == [f"total {number}" for number in range(1, 6)]


NO_REASON = (
    "❌ The Space failed and did not say why. "
    "Try other values or another file; if it happens again, tell the author of the Space."
)


@pytest.mark.parametrize(
    ("command", "options", "told"),
    [
        ("told", {"text": "No cats today."}, "❌ The Space says: No cats today."),
        ("told_html", {}, "❌ The Space says: The model is full. Get help."),
        (
            "told_quota",
            {},
            "⏳ The bot's GPU quota on Hugging Face has 12 s left and this needs 60 s, "
            "so this cannot run now. "
            "It resets in 1:23:45.",
        ),
        ("crash", {}, NO_REASON),
        ("raise_midway", {"count": 2}, "step 2\n❌ The Space says: It broke midway."),
        ("nothing", {}, "Done. The Space returned nothing to show."),
        (
            "warned",
            {},
            "Done. The Space returned nothing to show.\n"
            "-# The Space says: The picture was empty, so there is nothing to show.",
        ),
    ],
)
async def test_trouble_is_told_in_the_same_message(place: Place, command, options, told):
    said = await ask(place.ada, f"trouble {command}", options, channel=place.channel, seconds=200)
    header, rest = said.content.split("\n", 1) if options else ("", said.content)
    assert not options or header.startswith("-# ")
    assert rest.removesuffix("\n" + rest.split("\n")[-1]) == told or rest == told
    # A job that ran is not repeated, and a quota takes hours to return.
    assert not any("Trying the Space again" in version.content for version in said.history)
    assert not said.attachments
    assert not said.pings


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("trouble pings", {}),
        ("trouble told", {"text": "@everyone <@1> <@&2>"}),
        ("fast echo", {"text": "@everyone @here <@1> <@&2>"}),
    ],
)
async def test_nothing_pings(place: Place, command: str, options: dict[str, str]):
    seen = await place.ada.command(command, options, channel=place.channel)
    await seen.wait(is_final, 20)
    assert "@everyone" in shown(seen).content.replace("\u200b", "")
    assert not shown(seen).pings
    assert shown(seen).history[0].content.endswith("-# ⏳ Starting")


async def test_a_long_answer_is_split(place: Place):
    seen = await place.ada.command("trouble huge", characters=5000, channel=place.channel)
    await seen.wait(lambda one: is_final(one) and len(one.followups) >= 2, 20)
    parts = [shown(seen).content, *(one.content for one in seen.followups)]
    assert all(len(part) <= 2000 for part in parts)
    assert len(parts) == 3
    assert "print('a line of code')" in parts[0]
    assert all(part.count("```") % 2 == 0 for part in parts)
    assert sum(part.count("quick brown fox") for part in parts) >= 65


async def test_a_very_long_answer_is_a_file_with_its_beginning(place: Place):
    said = await ask(place.ada, "trouble huge", characters=20_000, channel=place.channel)
    (whole,) = said.attachments
    assert whole.filename.endswith((".md", ".txt"))
    assert len(whole.data) == pytest.approx(20_000, abs=10)
    assert "The whole text (" in said.content
    assert len(said.content) <= 2000


async def test_a_file_over_the_limit_of_the_place_is_told(place: Place):
    said = await ask(place.ada, "trouble big_file", megabytes=12, channel=place.channel)
    assert not said.attachments
    # The Space is on loopback, so nobody could open a link to it.
    assert lines(said.content)[1].endswith(".bin** is too large to post here (12.6 MB).")


async def test_a_file_too_large_costs_none_beside_it(place: Place):
    said = await ask(place.ada, "trouble two_files", megabytes=12, channel=place.channel)
    assert [file.data for file in said.attachments] == [b"small"]
    assert "12.6 MB" in said.content


async def test_a_place_of_its_own_limit(place: Place):
    boosted = place.server.add_guild("Boosted", place.ada, premium_tier=2)
    channel = boosted.add_text_channel("big")
    said = await ask(place.ada, "trouble big_file", megabytes=12, channel=channel)
    assert [len(file.data) for file in said.attachments] == [12 * 1024 * 1024]


async def test_cancelling_one_job_does_not_disturb_its_sibling(place: Place):
    options = {"count": 6, "seconds": 0.7}
    first = await place.ada.command("trouble steps", options, channel=place.channel)
    second = await place.ada.command("trouble steps", options, channel=place.channel)
    await until(first, "\nstep")
    pressed = await place.ada.click(shown(first), "Cancel")
    assert shown(pressed).ephemeral
    assert shown(pressed).content == "Cancelled: the Space stops after its current step."
    cancelled = await until(first, "🛑")
    assert cancelled.content.endswith("🛑 Cancelled: the Space stops after its current step.")
    await second.wait(is_final, 20)
    assert lines(shown(second).content)[1:] == ["step 6"]


async def test_only_who_asked_or_a_moderator_may_cancel(place: Place):
    mod = place.server.add_user("mod")
    place.guild.add_member(mod, "manage_messages")
    seen = await place.ada.command("trouble hang", seconds=30, channel=place.channel)
    await until(seen, "Working")
    pressed = await place.ben.click(shown(seen), "Cancel")
    assert shown(pressed).content == "Only the person who asked, or a moderator, can cancel this."
    pressed = await mod.click(shown(seen), "Cancel")
    dropped = "Cancelled: the Space cannot be stopped in the middle, so its result is dropped."
    assert shown(pressed).content == dropped
    assert (await until(seen, "🛑")).content.endswith(f"🛑 {dropped}")


async def test_a_private_answer_is_seen_by_one(place: Place):
    before = len(place.channel.messages)
    said = await ask(place.ada, "quiet", text="No.", channel=place.channel)
    assert said.ephemeral
    assert said.content.endswith("❌ The Space says: No.")
    assert len(place.channel.messages) == before


async def test_a_private_answer_of_several_messages_is_seen_by_one(place: Place):
    seen = await place.ada.command("quiet-files", count=12, channel=place.channel)
    await seen.wait(lambda one: is_final(one) and one.followups, 20)
    posted = [shown(seen), *seen.followups]
    assert all(one.ephemeral for one in posted)
    assert [len(one.attachments) for one in posted] == [10, 2]


async def test_what_is_more_than_a_user_install_may_post_comes_by_direct_message(place: Place):
    cy = place.server.add_user("cy5", installed=True)
    channel = place.server.add_guild("Far", cy, has_bot=False).add_text_channel("far")
    seen = await cy.command("trouble many_files", count=12, channel=channel)
    seen.sent_followups = 5
    direct = place.server.dm_with(cy)
    await direct.wait(lambda one: one.messages, 20)
    assert "Done in" in shown(seen).content
    posted = [shown(seen), *direct.messages]
    assert [len(one.attachments) for one in posted] == [10, 2]


async def test_files_that_may_not_be_attached_come_by_direct_message(place: Place):
    channel = place.guild.add_text_channel("no-files", deny=("attach_files",))
    notes = {"paper": ("notes.txt", b"some notes")}
    said = await ask(place.ben, "kinds file", notes, channel=channel)
    assert "-# I cannot attach `notes.txt` here: " in said.content
    assert said.content.endswith("I need the Attach Files permission. Sent by direct message.")
    assert not said.attachments
    (sent,) = place.server.dm_with(place.ben).messages[-1].attachments
    assert sent.data == b"some notes"


async def test_it_works_in_direct_messages_and_where_only_installed(place: Place):
    cy = place.server.add_user("cy2", installed=True)
    assert "hi" in (await ask(cy, "fast echo", text="hi")).content
    elsewhere = place.server.add_guild("Elsewhere", cy, has_bot=False)
    channel = elsewhere.add_text_channel("far")
    said = await ask(cy, "fast echo", text="ho", channel=channel)
    assert lines(said.content)[1:] == ["ho"]
    group = place.server.add_group(cy, place.ada)
    assert lines((await ask(cy, "fast echo", text="hu", channel=group)).content)[1:] == ["hu"]


async def test_no_prompt_and_no_user_is_logged(shared: tuple[Place, Program]):
    place, program = shared
    await ask(place.ada, "trouble told", text=PROMPT, channel=place.channel)
    await ask(place.ada, "fast echo", text=PROMPT, channel=place.channel)
    await program.until(lambda: "SpaceRaised" in program.log)
    assert PROMPT not in program.log
    assert str(place.ada.id) not in program.log
    assert PROMPT not in await program.page()


async def test_nothing_is_left_behind(place: Place, home: Home):
    for _ in range(100):
        if not home.jobs.running:
            break
        await asyncio.sleep(0.1)
    assert home.jobs.running == ()
    assert home.jobs.queue.running == home.jobs.queue.waiting == 0
    assert not list((home.jobs._results.folder).iterdir())
