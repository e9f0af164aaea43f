"""The embedded Space does real work, seen through the stock client."""

import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.utils import Status
from PIL import Image, ImageDraw

from spacebot import demo
from spacebot.demo import music, painting, palette, talk
from tests.support.patience import PATIENCE

RUNNING = (Status.PROCESSING, Status.PROGRESS)


@pytest.fixture(scope="module")
def served() -> Iterator[demo.DemoServer]:
    """The embedded Space, served once for this file."""
    running = demo.serve()
    yield running
    running.close()
    running.close()


@pytest.fixture
def client(served, tmp_path) -> Client:
    """A session of its own on the embedded Space."""
    return Client(served.url, verbose=False, download_files=str(tmp_path))


def samples(path: str) -> np.ndarray:
    """A WAV file's samples, one row a moment."""
    with wave.open(path) as tune:
        assert tune.getframerate() == music.SAMPLE_RATE
        frames = np.frombuffer(tune.readframes(tune.getnframes()), np.int16)
        return frames.reshape(-1, tune.getnchannels())


def test_every_endpoint_says_what_it_does(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {"/compose", "/paint", "/describe", "/chat", "/slow"}
    assert all(endpoint["description"] for endpoint in endpoints.values())


def test_compose_is_the_same_for_the_same_seed_and_never_silent(client):
    tune = samples(client.predict("calm piano", 1, 5, api_name="/compose"))
    assert len(tune) == 5 * music.SAMPLE_RATE
    assert np.sqrt((tune.astype(float) ** 2).mean()) > 1000
    again = samples(client.predict("calm piano", 1, 5, api_name="/compose"))
    other_seed = samples(client.predict("calm piano", 2, 5, api_name="/compose"))
    other_words = samples(client.predict("happy piano", 1, 5, api_name="/compose"))
    assert np.array_equal(tune, again)
    assert not np.array_equal(tune, other_seed)
    assert not np.array_equal(tune, other_words)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("slow sad piano", {"tempo": 72, "scale": music.MINOR, "voice": "piano"}),
        ("fast happy chiptune", {"tempo": 124, "scale": music.MAJOR, "voice": "chip"}),
        ("techno", {"tempo": 126, "drums": True}),
        ("zen garden", {"scale": music.HIRAJOSHI, "voice": "guitar"}),
    ],
)
def test_the_words_decide_the_mood(prompt, expected):
    mood = music.read_mood(prompt)
    assert {name: getattr(mood, name) for name in expected} == expected


@pytest.mark.parametrize("voice", sorted(music.VOICES))
def test_every_voice_sounds_and_does_not_click(voice):
    note = music.VOICES[voice](440.0, 0.5)
    assert np.abs(note).max() > 0.1
    assert abs(note[0]) < 0.01
    assert abs(note[-1]) < 0.01


@pytest.mark.parametrize("form", sorted(painting.PAINTERS))
def test_paint_gives_a_png_of_the_size_asked_for(client, form):
    path = client.predict("teal lights", 256, 1, form, api_name="/paint")
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("PNG", (256, 256))
        assert len(picture.convert("RGB").getcolors(256 * 256) or []) > 50
    again = client.predict("teal lights", 256, 1, form, api_name="/paint")
    other = client.predict("teal lights", 256, 2, form, api_name="/paint")
    assert Path(path).read_bytes() == Path(again).read_bytes()
    assert Path(path).read_bytes() != Path(other).read_bytes()


def test_the_words_decide_form_and_colours():
    assert painting.choose_form("a sunset over the hills") == "mountains"
    assert painting.choose_form("a galaxy") == "sky"
    assert painting.choose_form("jazz") == "flow"
    rng = np.random.default_rng(0)
    red, green, blue = painting.choose_palette("something blue", rng)[2]
    assert blue > red
    assert blue > green


def test_describe_names_size_and_colours(client, tmp_path):
    Image.new("RGB", (300, 200), "#2a62d0").save(tmp_path / "blue.png")
    words, label = client.predict(handle_file(str(tmp_path / "blue.png")), api_name="/describe")
    assert words.startswith("300 × 200 pixels, landscape (3:2)")
    assert words.endswith("Mostly blue (100%).")
    assert label["label"] == "blue"
    assert label["confidences"][0]["confidence"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ("#313338", "dark grey"),
        ("#1e1e1e", "dark grey"),
        ("#282c34", "dark grey"),
        ("#0b0b0c", "black"),
        ("#8c8c8c", "grey"),
        ("#f2f3f5", "white"),
        ("#17472a", "dark green"),
        ("#12275a", "dark blue"),
    ],
)
def test_a_screenshot_with_text_has_the_colour_of_its_background(colour, name):
    picture = Image.new("RGB", (640, 400), colour)
    ImageDraw.Draw(picture).text((20, 20), "some words on it", fill="#dbdee1")
    assert next(iter(palette.colour_shares(picture))) == name


def test_describe_asks_for_the_missing_picture(client):
    with pytest.raises(Exception, match="Attach one"):
        client.predict(None, api_name="/describe")


def test_chat_remembers_its_session_and_no_other(served, client):
    said = client.predict("Hello! My name is Ada. What is 2+2?", api_name="/chat")
    assert said == "Nice to meet you, Ada. I will remember your name. 2+2 = 4"
    assert client.predict("what is my name?", api_name="/chat") == "Your name is Ada."
    stranger = Client(served.url, verbose=False)
    assert "not told me" in stranger.predict("what is my name?", api_name="/chat")


def test_chat_streams_word_by_word(client):
    job = client.submit("count to 12", api_name="/chat")
    assert job.result(20) == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12."
    assert len(job.outputs()) >= 12


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        (
            "Hello! My name is Ann. What is 2+2?",
            "Nice to meet you, Ann. I will remember your name.",
        ),
        ("Hello! My name is Ann. What is 2+2?", "2+2 = 4"),
        (
            "Hi, my name is Ann, and what is 2+2?",
            "meet you, Ann. I will remember your name. 2+2 = 4",
        ),
        ("12 * (7 + 1)", "12 * (7 + 1) = 96"),
        ("What is 7 times 8?", "7*8 = 56"),
        ("1/3", "1/3 = 0.3333333333"),
        ("2^10", "2^10 = 1,024"),
        ("1/0", "nothing can be divided by zero"),
        ("9**9**9", "could not work out"),
        ("who am I?", "Your name is Ada"),
        ("what is my favourite colour?", "Your favourite colour is teal"),
        ("what did I say first?", "“call me Ada”"),
        ("how many messages did I send?", "message 3"),
        ("count to 100000", "up to 500"),
        ("tell me a story about a fox", "a teal lamp"),
        ("hello", "Hello, Ada!"),
        ("help", "**what is my name?**"),
        ("…", "Say something in words"),
        ("quite something", "Ada, you said 2 words"),
    ],
)
def test_chat_answers(message, reply):
    assert reply in talk.answer(message, ["call me Ada", "my favourite colour is teal"])


async def test_slow_tells_its_progress(client):
    started = time.monotonic()
    job = client.submit(2, 4, api_name="/slow")
    seen = [
        update.progress_data[0].index
        async for update in job
        if update.type == "status" and update.progress_data
    ]
    assert job.result(10) == "Worked through 4 steps."
    assert time.monotonic() - started >= 2
    assert {0, 1} <= set(seen)
    assert len(set(seen)) >= 3


def test_many_people_are_served_side_by_side(served):
    clients = [Client(served.url, verbose=False) for _ in range(8)]
    jobs = [client.submit(2, 2, api_name="/slow") for client in clients]
    running = [0]
    ends = time.monotonic() + 30 * PATIENCE
    while time.monotonic() < ends and not all(job.done() for job in jobs):
        running.append(sum(job.status().code in RUNNING for job in jobs))
        time.sleep(0.05)
    assert all(job.result(0) == "Worked through 2 steps." for job in jobs)
    assert max(running) > 2


def test_two_apps_live_in_one_process(served):
    with_it = demo.serve()
    assert with_it.url != served.url
    assert Client(with_it.url, verbose=False).predict("hi", api_name="/chat").startswith("Hello")
    with_it.close()
    assert Client(served.url, verbose=False).predict("hi", api_name="/chat").startswith("Hello")
