"""The test Spaces do what the other tests rely on, seen through the stock client."""

import concurrent.futures
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tests.support.apps import media, serve, spawn


@pytest.fixture(scope="module")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Serve a test Space once, and give a new session on it at each call."""
    served: dict[str, tuple] = {}

    def client(name: str) -> Client:
        if name not in served:
            manager = serve(name)
            served[name] = manager, manager.__enter__()
        downloads = tmp_path_factory.mktemp("downloads")
        return Client(served[name][1], verbose=False, download_files=str(downloads))

    yield client
    for manager, _ in served.values():
        manager.__exit__(None, None, None)


def test_musicgen_gives_sound_and_a_film_that_follow_the_seed(connect):
    musicgen = connect("musicgen")
    sound, film = musicgen.predict("piano music", 1, api_name="/predict")
    with wave.open(sound) as tune:
        assert tune.getnframes() / tune.getframerate() == pytest.approx(3, abs=0.1)
        assert max(tune.readframes(tune.getnframes())) > 100
    assert media.streams(film) == {"audio", "video"}
    again, _ = musicgen.predict("piano music", 1, api_name="/predict")
    other, _ = musicgen.predict("piano music", 2, api_name="/predict")
    assert Path(again).read_bytes() == Path(sound).read_bytes()
    assert Path(other).read_bytes() != Path(sound).read_bytes()


@pytest.mark.parametrize(
    ("endpoint", "value"),
    [
        ("text", "hello"),
        ("long_text", "a\nb"),
        ("number", -2.25),
        ("whole", 7),
        ("slider", 0.75),
        ("steps", 30),
        ("checkbox", False),
        ("radio", "l"),
        ("dropdown", 3),
    ],
)
def test_kinds_echo_plain_values(connect, endpoint, value):
    assert connect("kinds").predict(value, api_name=f"/{endpoint}") == value


@pytest.mark.parametrize("endpoint", ["image", "png", "audio", "video", "file", "any_file"])
def test_kinds_echo_files(connect, endpoint, tmp_path):
    arguments = _media(endpoint, tmp_path)
    shown = connect("kinds").predict(handle_file(arguments), api_name=f"/{endpoint}")
    path = Path(shown)
    if endpoint in ("image", "png"):
        with Image.open(path) as picture:
            assert picture.size == (40, 30)
    else:
        assert path.read_bytes() == Path(arguments).read_bytes()


def _media(endpoint: str, folder: Path) -> str:
    if endpoint == "video":
        return media.short_film()
    path = folder / {"image": "a.png", "png": "a.png", "audio": "a.wav"}.get(endpoint, "a.txt")
    if endpoint in ("image", "png"):
        Image.new("RGB", (40, 30), "teal").save(path)
    elif endpoint == "audio":
        with wave.open(str(path), "wb") as tune:
            tune.setparams((1, 2, 8000, 0, "NONE", ""))
            tune.writeframes(bytes(range(200)) * 80)
    else:
        path.write_text("paper")
    return str(path)


def test_kinds_take_a_missing_picture(connect):
    assert connect("kinds").predict("a", None, 0.5, api_name="/both") == ("A", None, 0.5)


@pytest.mark.parametrize(
    ("endpoint", "arguments", "text"),
    [
        ("told", ["No."], "No."),
        ("told_html", [], "<b>full</b>"),
        ("told_quota", [], "Try again in 1:23:45"),
        ("raise_midway", [2], "It broke midway."),
    ],
)
def test_trouble_raises_in_its_own_words(connect, endpoint, arguments, text):
    with pytest.raises(AppError, match=text):
        connect("trouble").submit(*arguments, api_name=f"/{endpoint}").result(20)


def test_trouble_hides_a_plain_exception(connect):
    with pytest.raises(AppError) as caught:
        connect("trouble").predict(api_name="/crash")
    assert "secret detail" not in str(caught.value)


def test_trouble_gives_awkward_answers(connect):
    trouble = connect("trouble")
    assert trouble.predict(api_name="/nothing") is None
    assert trouble.predict("a", api_name="/no_output") == ()
    assert "value" not in trouble.predict(api_name="/update_only")
    assert "@everyone" in trouble.predict(api_name="/pings")
    assert len(trouble.predict(5000, api_name="/huge")) == 5000
    assert Path(trouble.predict(2, api_name="/big_file")).stat().st_size == 2 * 1024 * 1024
    assert [Path(p).stat().st_size for p in trouble.predict(1, api_name="/two_files")] == [5, 2**20]


async def test_trouble_warns_in_a_toast_and_returns_nothing(connect):
    job = connect("trouble").submit(api_name="/warned")
    logs = [update.log async for update in job if update.type == "status" and update.log]
    assert job.result(20) is None
    assert logs[0] == ("The picture was empty, so there is nothing to show.", "warning")


def test_trouble_counts_who_runs_side_by_side(connect):
    trouble = connect("trouble")

    def counted() -> tuple[int, int]:
        most, _, runs = trouble.predict(api_name="/crowd_most").split()
        return int(most), int(runs)

    # Others may have used it before.
    _, before = counted()
    # Long enough for all five to start on a slow machine.
    jobs = [trouble.submit(3, api_name="/crowd") for _ in range(5)]
    concurrent.futures.wait(jobs, 60)
    most, runs = counted()
    assert (most >= 5, runs - before) == (True, 5)


def test_trouble_streams_and_waits(connect):
    trouble = connect("trouble")
    job = trouble.submit(3, 0.05, api_name="/steps")
    job.result(20)
    assert job.outputs() == ["step 1", "step 2", "step 3"]
    assert trouble.predict(0.1, api_name="/hang") == "awake"
    assert trouble.predict(0.1, api_name="/block") == "done"
    assert trouble.predict(0.1, api_name="/one_by_one") == "awake"


def test_stateful_keeps_each_session_to_itself(connect):
    first, second = connect("stateful"), connect("stateful")
    assert first.predict(2, api_name="/count") == "total 2"
    assert first.predict(3, api_name="/count") == "total 5"
    assert second.predict(1, api_name="/count") == "total 1"
    assert first.predict("hi", api_name="/chat") == "0 before. You said: hi"
    assert first.predict("ho", api_name="/chat") == "1 before. You said: ho"
    assert second.predict("he", api_name="/chat") == "0 before. You said: he"


def test_fast_answers(connect):
    fast = connect("fast")
    assert fast.predict("hi", api_name="/echo") == "hi"
    assert float(fast.predict(0.01, api_name="/sleep")) > 0
    assert fast.predict(0.2, 4, api_name="/progress") == "done"
    job = fast.submit(3, 0, api_name="/stream")
    assert job.result(20) == "word0 word1 word2 "
    assert Path(fast.predict(api_name="/file")).stat().st_size == 9 * 2**20


def test_everything_echoes_its_inputs(connect, tmp_path):
    everything = connect("everything")
    picture = handle_file(_media("png", tmp_path))
    arguments = {
        "checkbox_group": ["apple"],
        "multiselect": ["apple", "date"],
        "voice": "voice-250",
        "color": "#00ff00",
        "datetime": "2026-11-22 15:00:00",
        "date": "2026-11-22",
        "code": "y = 2",
        "json": {"b": [1]},
        "label": {"label": "x", "confidences": [{"label": "x", "confidence": 0.5}]},
        "markdown": "**a**",
        "html": "<i>a</i>",
    }
    for endpoint, value in arguments.items():
        assert everything.predict(value, api_name=f"/{endpoint}") == value
    for endpoint, value in {"password": "pw", "email": "a@b.c", "custom_value": "kiwi"}.items():
        assert everything.predict(value, api_name=f"/{endpoint}") == repr(value)
    rows = {"headers": ["name", "age"], "data": [["Bob", 3]], "metadata": None}
    assert everything.predict(rows, api_name="/dataframe")["data"] == [["Bob", 3]]
    said = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert everything.predict(said, api_name="/chatbot")[0]["content"] == said[0]["content"]
    words = [{"token": "Ada", "class_or_confidence": "person"}]
    assert "Ada" in everything.predict(words, api_name="/highlighted")
    sketch = {"background": picture, "layers": [], "composite": None}
    assert everything.predict(sketch, api_name="/image_editor")["background"]
    assert len(everything.predict([picture, picture], api_name="/image_slider")) == 2
    assert len(everything.predict([picture, picture], api_name="/files")) == 2
    shown = everything.predict([{"image": picture, "caption": "a"}], api_name="/gallery")
    assert shown[0]["caption"] == "a"
    message = everything.predict({"text": "hi", "files": [picture]}, api_name="/multimodal")
    assert message["text"] == "hi"
    assert len(message["files"]) == 1


def test_everything_gives_every_output(connect):
    everything = connect("everything")
    endpoints = everything.view_api(return_format="dict", print_info=False)["named_endpoints"]
    arguments = [name for name in endpoints if name.startswith("/give_")]
    assert len(arguments) >= 14
    for endpoint in arguments:
        assert everything.predict(api_name=endpoint)
    assert len(endpoints["/many"]["parameters"]) == 30
    assert everything.predict(api_name="/many").startswith("0, 1, True, text 3, apple")
    assert everything.predict("a", api_name="/hidden") == "a|small|12"
    with_value, without, missing = everything.predict(api_name="/updates")
    assert with_value["value"] == "the value"
    assert "value" not in without
    assert missing is None
    words, _, label, film = everything.predict("abc", api_name="/several")
    assert (words, label["label"]) == ("cba", "long")
    assert media.streams(film) == {"audio", "video"}


def test_deepfloyd_makes_one_of_four_pictures_larger_twice(connect):
    deepfloyd = connect("deepfloyd")
    pictures, _, result = deepfloyd.predict(
        "a galaxy", "", 1, 4, 4, "smart100", 50, api_name="/generate64"
    )
    second = (result, 2, 0, 4, "smart50", 50)
    larger = deepfloyd.predict(*second, api_name="/upscale256")
    largest = deepfloyd.predict(*second, "a galaxy", "", 0, 9, 40, api_name="/upscale1024")
    assert len({Path(shown["image"]).read_bytes() for shown in pictures}) == 4
    for path, size in ((pictures[2]["image"], 64), (larger, 256), (largest, 1024)):
        with Image.open(path) as picture:
            assert picture.size == (size, size)
    with pytest.raises(AppError, match="no picture 7"):
        deepfloyd.predict(result, 7, 0, 4, "smart50", 50, api_name="/upscale256")


def test_codellama_uses_the_history_it_is_sent(connect):
    codellama = connect("codellama")
    _, history = codellama.predict("fibonacci please", [], "", 256, 0.3, api_name="/chat")
    assert "def fibonacci" in history[-1]["content"][0]["text"]
    stranger = connect("codellama")
    _, longer = stranger.predict("now a prime", history, "", 256, 0.3, api_name="/chat")
    assert longer[-1]["content"][0]["text"].startswith("Answer 2.")
    assert len(longer) == 4


def test_falcon_keeps_its_history_by_session(connect):
    falcon, stranger = connect("falcon"), connect("falcon")
    falcon.predict("my name is Bo", "", 0.8, 0.9, api_name="/chat")
    assert falcon.predict("who am I?", "loud", 0.8, 0.9, api_name="/chat") == "YOUR NAME IS BO."
    assert "not told me" in stranger.predict("who am I?", "", 0.8, 0.9, api_name="/chat")


def test_a_spawned_space_can_be_killed_and_started_again():
    with spawn("trouble") as app:
        client = Client(app.url, verbose=False)
        assert client.predict(0, api_name="/hang") == "awake"
        # Half a second, so that the client's stream is open before the Space dies.
        job = client.submit(0.5, api_name="/die")
        with pytest.raises(concurrent.futures.CancelledError):
            job.result(30)
        app.process.wait(10)
        app.restart()
        assert Client(app.url, verbose=False).predict(0, api_name="/hang") == "awake"
