"""MusicGen's signature: the answer in a thread named by the prompt, and without a thread."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from gradio_client import Client

from tests.e2e.conftest import Place
from tests.support.apps import media
from tests.support.asking import ask
from tests.support.loopback import Message

pytestmark = pytest.mark.asyncio(loop_scope="session")


def playable(message: Message, folder: Path) -> list[set[str]]:
    """The content of each attachment, fully decoded."""
    found = []
    for file in message.attachments:
        path = folder / file.filename
        path.write_bytes(file.data)
        found.append(media.streams(path))
    return found


async def test_sound_and_film_come_in_a_thread_named_by_the_prompt(
    place: Place, space, tmp_path: Path
):
    said = await ask(place.ada, "musicgen", prompt="piano music", seed=3, channel=place.channel)
    assert said.thread is not None
    assert said.thread.name == "piano music"
    header = f"**/musicgen** for {place.ada.mention} · prompt: piano music · seed: 3"
    first, last = said.content.split("\n")
    # Discord shows the command above the reply, and nowhere in the thread.
    assert first == "-# prompt: piano music · seed: 3"
    assert last.endswith(f" · in <#{said.thread.id}>")
    assert not said.attachments
    (posted,) = said.thread.messages
    assert posted.content.startswith(header)
    assert playable(posted, tmp_path) == [{"audio"}, {"audio", "video"}]
    assert not posted.pings

    def direct() -> bytes:
        client = Client(space("musicgen"), verbose=False, download_files=str(tmp_path))
        sound, _ = client.predict("piano music", 3, api_name="/predict")
        client.close()
        return Path(sound).read_bytes()

    assert posted.attachments[0].data == await asyncio.to_thread(direct)


@pytest.mark.parametrize("prompt", ["a b " * 60, ".", "@everyone **bold**", "🎵" * 80])
async def test_any_prompt_gives_a_legal_name(place: Place, prompt: str):
    said = await ask(place.ada, "musicgen", prompt=prompt, channel=place.channel)
    assert said.thread is not None
    assert 1 <= len(said.thread.name) <= 100
    assert not said.pings
    assert all(not message.pings for message in said.thread.messages)


async def test_in_direct_messages_there_is_no_thread(place: Place, tmp_path: Path):
    said = await ask(place.ada, "musicgen", prompt="drums")
    assert said.thread is None
    assert playable(said, tmp_path) == [{"audio"}, {"audio", "video"}]


@pytest.mark.parametrize("denied", ["create_public_threads", "send_messages_in_threads"])
async def test_where_a_thread_is_refused_the_answer_stands_here(
    place: Place, tmp_path: Path, denied: str
):
    channel = place.guild.add_text_channel(f"no-{denied[:6]}", deny=(denied,))
    said = await ask(place.ada, "musicgen", prompt="drums", channel=channel)
    assert playable(said, tmp_path) == [{"audio"}, {"audio", "video"}]


async def test_in_a_thread_the_answer_stands_there(place: Place, tmp_path: Path):
    thread = place.ada.start_thread("band", place.channel)
    said = await ask(place.ada, "musicgen", prompt="drums", channel=thread)
    assert said.thread is None
    assert playable(said, tmp_path) == [{"audio"}, {"audio", "video"}]
