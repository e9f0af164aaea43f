"""Gradio's values → messages: a row for each renderer, with what a person reads."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from spacebot.models import Endpoint, File, Output, Reply
from spacebot.spaces import outputs

HEADER = "**/demo** · asked by <@1>"
LIMIT = 10 * 1024 * 1024


def png(path: Path, size: tuple[int, int] = (8, 8), colour: Any = "red") -> Path:
    """Write a real picture."""
    Image.new("RGBA" if len(str(colour)) > 12 else "RGB", size, colour).save(path, "PNG")
    return path


def wav(path: Path, seconds: float = 0.1) -> Path:
    """Write real sound: silence, 8,000 samples a second."""
    with wave.open(str(path), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(8000)
        stream.writeframes(b"\0\0" * int(8000 * seconds))
    return path


def endpoint(*outputs_: tuple[str, str] | Output, name: str = "demo") -> Endpoint:
    """Make an endpoint whose outputs are (label, component) pairs."""
    made = tuple(one if isinstance(one, Output) else Output(*one) for one in outputs_)
    return Endpoint("owner/space", "/demo", name, "", outputs=made)


def render(of: Endpoint, values: Sequence[Any], folder: Path, **changed: Any) -> tuple[Reply, ...]:
    """Render with the usual header and limit."""
    return outputs.render(
        of, values, **{"header": HEADER, "folder": folder, "file_limit": LIMIT, **changed}
    )


def text_of(component: str, value: Any, folder: Path, **props: Any) -> str:
    """Return the text of a lone output, without the header."""
    (reply,) = render(endpoint(Output("Out", component, props)), [value], folder)
    assert reply.text.startswith(HEADER)
    return reply.text.removeprefix(HEADER).removeprefix("\n")


WORDS = [
    ("textbox", "Hello *there*", "Hello \\*there\\*"),
    ("textbox", 42, "42"),
    ("textbox", ["a", "b"], "a, b"),
    ("number", 3.0, "3"),
    ("number", 0.125, "0.125"),
    ("slider", 7, "7"),
    ("checkbox", False, "No"),
    ("checkbox", True, "Yes"),
    ("datetime", "2026-11-22 10:00:00", "2026-11-22 10:00:00"),
    ("checkboxgroup", ["one", "two"], "one, two"),
    ("colorpicker", "#ff8800", "`#ff8800`"),
    ("markdown", "**b** and [x](https://a.org/)", "**b** and [x](<https://a.org/>) (a.org)"),
    (
        "html",
        '<a href="https://good.example">x](https:&#47;/evil.example) [y</a>',
        "<https://good.example>",
    ),
    ("html", '<a href="https://a.org">x](b) [y</a>', "[x)(b) (y](<https://a.org>) (a.org)"),
    ("markdown", "[https://bank.example](https://evil.example/)", "<https://evil.example/>"),
    ("markdown", "[x](javascript:alert)", "x"),
    ("markdown", "#### Deep", "**Deep**"),
    ("html", "<p>a &amp; <b>b</b>\n c</p><script>x()</script>", "a & **b** c"),
    ("json", {"a": [1]}, '```json\n{\n  "a": [\n    1\n  ]\n}\n```'),
    ("json", "A *chat* answer", "A *chat* answer"),
    ("json", {"role": "assistant", "content": "A *chat* answer"}, "A *chat* answer"),
    ("html", "<button>Click <b>me</b></button>", "Click **me**"),
    ("html", "<p>yes</p><button>Copy</button>", "yes"),
    ("timer", 0.5, "0.5"),
    ("browserstate", {"a": 1}, '```json\n{\n  "a": 1\n}\n```'),
    ("api", {"a": 1}, '```json\n{\n  "a": 1\n}\n```'),
    ("paramviewer", {"a": 1}, '```json\n{\n  "a": 1\n}\n```'),
    ("label", {"label": "cat", "confidences": []}, "**cat**"),
    (
        "label",
        {"label": "cat", "confidences": [{"label": "cat", "confidence": 0.75}]},
        "```\ncat  ████████████░░░░   75%\n```",
    ),
    (
        "highlightedtext",
        [
            {"token": "Ada", "class_or_confidence": "PER"},
            {"token": " wrote ", "class_or_confidence": None},
            {"token": "it", "class_or_confidence": 0.5},
        ],
        "**Ada** `PER` wrote **it** `0.50`",
    ),
    ("dataframe", {"headers": ["n", "v"], "data": [["a", 1], ["b", 20]]}, None),
    ("chatbot", [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}], "yo"),
    (
        "chatbot",
        [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": "thinking", "metadata": {"title": "Thought"}},
            {"role": "assistant", "content": [{"type": "text", "text": "**yo**"}]},
        ],
        "**yo**",
    ),
    ("chatbot", [["hi", "old pairs"]], "old pairs"),
    ("multimodaltextbox", {"text": "look", "files": []}, "look"),
    ("dialogue", [{"speaker": "A", "text": "x_y"}], "**A**: x\\_y"),
    ("neverheard", {"a": 1}, '```json\n{\n  "a": 1\n}\n```'),
    ("neverheard", "plain *text*", "plain \\*text\\*"),
    ("neverheard", 1.5, "1.5"),
    ("image", {"odd": "shape"}, '```json\n{\n  "odd": "shape"\n}\n```'),
    ("label", 7, "**7**"),
]


@pytest.mark.parametrize(("component", "value", "expected"), WORDS)
def test_words(component: str, value: Any, expected: str | None, tmp_path: Path):
    shown = text_of(component, value, tmp_path)
    assert expected is None or shown == expected


def test_code_keeps_its_language(tmp_path: Path):
    shown = text_of("code", "print('```')", tmp_path, language="python")
    assert shown == "```python\nprint('`\u200b`\u200b`')\n```"


def test_choices_show_their_labels(tmp_path: Path):
    choices = [["Small", 1], ["Large", 2]]
    assert text_of("radio", 2, tmp_path, choices=choices) == "Large"
    assert text_of("checkboxgroup", [1, 2], tmp_path, choices=choices) == "Small, Large"


def test_tables_show_few_digits_and_files_keep_all(tmp_path: Path):
    value = {"headers": ["v"], "data": [[1 / 3]] * 30}
    (reply,) = render(endpoint(("T", "dataframe")), [value], tmp_path)
    assert "0.333333\n" in reply.text
    assert str(1 / 3) in reply.files[0].path.read_text()


def test_numbers_that_are_none_are_shown(tmp_path: Path):
    cells = [[float("inf"), "x"], [None, None], [1.5, "z"]]
    shown = text_of("dataframe", {"headers": ["a", "b"], "data": cells}, tmp_path)
    lines = [line.split() for line in shown.split("\n")[3:6]]
    assert lines == [["inf", "x"], ["NaN"], ["1.5", "z"]]
    assert "NaN" in text_of("dataframe", {"headers": ["1"], "data": [[None]]}, tmp_path)


def test_small_table_is_aligned(tmp_path: Path):
    value = {"headers": ["name", "v"], "data": [["a", 1], ["漢字", 20.5]]}
    assert text_of("dataframe", value, tmp_path) == (
        "```\nname     v\n────  ────\na        1\n漢字  20.5\n```"
    )


def test_a_leaderboards_links_are_names_and_their_addresses_are_in_the_file(tmp_path: Path):
    row = ["<a href='https://a.example/m1'>m1</a>", "[card](https://a.example/card)", "a < b"]
    value = {"headers": ["model", "card", "note"], "data": [row]}
    board = Output("T", "dataframe", {"datatype": ["html", "markdown", "str"]})
    (reply,) = render(endpoint(board), [value], tmp_path)
    assert "\nm1     card  a < b\n" in reply.text
    assert reply.files[0].path.read_text("utf-8-sig").splitlines()[1] == ",".join(row)


def test_large_table_is_csv_with_its_first_rows(tmp_path: Path):
    value = {"headers": ["n", "square"], "data": [[i, i * i] for i in range(100)]}
    (reply,) = render(endpoint(("T", "dataframe")), [value], tmp_path)
    assert "-# 100 rows, 2 columns" in reply.text
    assert reply.files[0].name == "demo.csv"
    assert reply.files[0].path.read_text("utf-8-sig").splitlines()[100] == "99,9801"


def test_long_json_is_attached(tmp_path: Path):
    value = {str(i): "x" * 50 for i in range(100)}
    (reply,) = render(endpoint(("J", "json")), [value], tmp_path)
    assert json.loads(reply.files[0].path.read_text()) == value
    assert reply.files[0].name == "demo.json"
    assert "…\n```" in reply.text


@pytest.mark.parametrize(
    "values",
    [(), (None,), ("",), ({"__type__": "update"},), ({"visible": True},), ([],)],
)
def test_an_empty_result_is_described_in_words(values: tuple[Any, ...], tmp_path: Path):
    (reply,) = render(endpoint(("Out", "textbox")), values, tmp_path)
    assert reply.text == f"{HEADER}\nDone. The Space returned nothing to show."


def test_a_note_explains_an_empty_answer(tmp_path: Path):
    notes = ["No face <b>found</b> @everyone", "No face <b>found</b> @everyone"]
    (reply,) = render(endpoint(("Out", "image")), [None], tmp_path, notes=notes)
    assert reply.text.endswith(
        "Done. The Space returned nothing to show.\n"
        "-# The Space says: No face found @\u200beveryone"
    )


def test_updates_are_unwrapped(tmp_path: Path):
    assert text_of("textbox", {"__type__": "update", "value": "real"}, tmp_path) == "real"


def test_several_outputs_are_labelled_in_order_without_the_empty_ones(tmp_path: Path):
    of = endpoint(
        ("First", "textbox"), ("Gone", "image"), ("Cut out", "image"), ("Long", "textbox")
    )
    file = File("x.png", png(tmp_path / "x.png"))
    (reply,) = render(of, ["one", None, file, "two\nlines"], tmp_path)
    assert reply.text == f"{HEADER}\n**First**: one\n\n**Cut out**: `x.png`\n\n**Long**\ntwo\nlines"
    assert [one.name for one in reply.files] == ["x.png"]


def test_labels_that_gradio_made_up_are_not_shown(tmp_path: Path):
    of = endpoint(("value_144", "textbox"), ("output 1", "label"), ("", "number"))
    (reply,) = render(of, ["a", 7, 3], tmp_path)
    assert reply.text == f"{HEADER}\na\n\n**7**\n\n3"


def test_musicgen_posts_audio_and_video(tmp_path: Path):
    video = tmp_path / "v"
    video.write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 64)
    of = endpoint(("Generated Music", "audio"), ("Video", "video"))
    values = [File("audio.wav", wav(tmp_path / "a.wav")), File("tmpab12.mp4", video)]
    (reply,) = render(of, values, tmp_path)
    assert [one.name for one in reply.files] == ["generated-music.wav", "video.mp4"]


def test_pictures_carry_the_prompt_as_alt_text(tmp_path: Path):
    file = File("image.png", png(tmp_path / "i.png"))
    (reply,) = render(endpoint(("O", "image")), [file], tmp_path, alt="a cat " * 500)
    assert reply.files[0].name == "demo.png"
    assert reply.files[0].description.startswith("a cat a cat")
    assert len(reply.files[0].description) <= 1024


def test_the_ending_follows_the_content(tmp_path: Path):
    file = File("picture.jpg", png(tmp_path / "i.jpg"))
    (reply,) = render(endpoint(("O", "image")), [file], tmp_path)
    assert reply.files[0].name == "picture.png"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("SPOILER_x.png", "x.png"),
        ("a b\n*c*.png", "a-b-c.png"),
        ("image.png", "demo.png"),
        ("名前.png", "名前.png"),
        ("x" * 300 + ".png", "x" * 60 + ".png"),
        ("", "i.png"),
    ],
)
def test_file_names_are_safe(arguments: str, name: str, tmp_path: Path):
    (reply,) = render(endpoint(("O", "file")), [File(arguments, png(tmp_path / "i.png"))], tmp_path)
    assert reply.files[0].name == name


def test_gallery_goes_ten_to_a_message_with_captions(tmp_path: Path):
    path = png(tmp_path / "i.png")
    value = [{"image": File("i.png", path), "caption": f"cat_{i}"} for i in range(23)]
    replies = render(endpoint(("G", "gallery")), [value], tmp_path)
    assert [len(reply.files) for reply in replies] == [10, 10, 3]
    assert replies[0].files[2].description == "cat_2"
    assert "3\\. cat\\_2" in replies[0].text
    assert len({one.name for reply in replies for one in reply.files}) == 23


def test_a_flood_of_files_ends_in_a_zip(tmp_path: Path):
    path = png(tmp_path / "i.png")
    replies = render(endpoint(("G", "file")), [[File("i.png", path)] * 100], tmp_path)
    assert [len(reply.files) for reply in replies] == [10, 10, 10, 10]
    assert replies[-1].files[-1].name == "more.zip"
    assert any("The other 61 files are in `more.zip`." in reply.text for reply in replies)


def test_data_addresses_become_files(tmp_path: Path):
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
    (plot,) = render(endpoint(("P", "plot")), [{"type": "matplotlib", "plot": uri}], tmp_path)
    assert plot.files[0].path.read_bytes() == stream.getvalue()
    (page,) = render(endpoint(("P", "html")), [f"<p>hi<img src='{uri}' alt='dot'>"], tmp_path)
    assert page.files[0].description == "dot"
    (written,) = render(endpoint(("P", "markdown")), [f"hi ![dot]({uri})"], tmp_path)
    assert written.files[0].name == "demo.png"
    (odd,) = render(endpoint(("P", "textbox")), [uri], tmp_path)
    assert odd.files[0].name == "demo.png"


def test_annotated_pictures_are_drawn(tmp_path: Path):
    base = File("base.png", png(tmp_path / "base.png", (100, 80), "white"))
    mask = File("m.png", png(tmp_path / "m.png", (100, 80), (255, 0, 0, 255)))
    value = {"image": base, "annotations": [{"image": mask, "label": "cat"}]}
    (reply,) = render(endpoint(("A", "annotatedimage")), [value], tmp_path)
    assert reply.text.endswith("Marked in the picture: cat")
    with Image.open(reply.files[0].path) as drawn:
        assert drawn.width == 100
        assert drawn.height > 80
        assert drawn.getpixel((50, 40)) != (255, 255, 255)


def test_image_slider_gives_two_and_editor_its_composite(tmp_path: Path):
    one, two = (File(f"{n}.png", png(tmp_path / f"{n}.png")) for n in ("before", "after"))
    (reply,) = render(endpoint(("S", "imageslider")), [[one, two]], tmp_path)
    assert [file.name for file in reply.files] == ["before.png", "after.png"]
    value = {"background": one, "layers": [], "composite": two}
    (reply,) = render(endpoint(("E", "imageeditor")), [value], tmp_path)
    assert [file.name for file in reply.files] == ["after.png"]


def test_chat_answers_bring_their_files(tmp_path: Path):
    file = File("i.png", png(tmp_path / "i.png"))
    content = [{"type": "text", "text": "Here"}, {"component": "image", "value": file, "props": {}}]
    said = [{"role": "assistant", "content": content}]
    (reply,) = render(endpoint(("C", "chatbot")), [said], tmp_path)
    assert reply.text == f"{HEADER}\nHere"
    assert reply.files[0].name == "i.png"


def test_a_missing_file_is_told_and_costs_no_other(tmp_path: Path):
    gone = File("a.mp4", problem="The Space sent 900 MB.", url="https://o-s.hf.space/file=/a.mp4")
    here = File("b.png", png(tmp_path / "b.png"))
    (reply,) = render(endpoint(("F", "file")), [[gone, here]], tmp_path)
    assert reply.text == (
        f"{HEADER}\n**a.mp4**: The Space sent 900 MB. Get it from the Space:"
        " <https://o-s.hf.space/file=/a.mp4>"
        " (the link works until the Space restarts or clears the file)."
    )
    assert [one.name for one in reply.files] == ["b.png"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:7860/x", "http://10.1.2.3/x", "http://box.local/x", "http://box/x"]
)
def test_private_addresses_are_not_revealed(url: str, tmp_path: Path):
    (reply,) = render(endpoint(("F", "file")), [File("a.bin", url=url)], tmp_path)
    assert reply.text == f"{HEADER}\n**a.bin**: It could not be fetched from the Space."


def test_too_large_pictures_become_webp(tmp_path: Path):
    noise = Image.effect_noise((400, 400), 80).convert("RGB")
    noise.save(tmp_path / "noise.png")
    (reply,) = render(
        endpoint(("O", "image")), [File("noise.png", tmp_path / "noise.png")], tmp_path,
        file_limit=60_000,
    )  # fmt: skip
    assert reply.files[0].name == "noise.webp"
    assert reply.files[0].path.stat().st_size <= 60_000


def test_a_picture_without_a_name_has_its_label_s(tmp_path: Path):
    file = File("image.webp", png(tmp_path / "image.webp"))
    (reply,) = render(endpoint(("Before / after", "image"), ("I", "textbox")), [file, ""], tmp_path)
    assert reply.files[0].name == "before-after.png"


def test_too_large_sound_becomes_mp3(tmp_path: Path):
    file = File("tune.wav", wav(tmp_path / "t.wav", seconds=20))
    (reply,) = render(endpoint(("O", "audio")), [file], tmp_path, file_limit=100_000)
    assert reply.files[0].name == "tune.mp3"
    assert reply.files[0].path.stat().st_size <= 100_000


def test_text_that_discord_cannot_show_is_converted_but_files_stay(tmp_path: Path):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.tiff")
    file = File("a.tiff", tmp_path / "a.tiff")
    (picture,) = render(endpoint(("O", "image")), [file], tmp_path)
    assert picture.files[0].name == "a.webp"
    (kept,) = render(endpoint(("O", "file")), [file], tmp_path)
    assert kept.files[0].path == file.path


@pytest.mark.parametrize("component", ["textbox", "markdown", "html", "code", "json", "chatbot"])
def test_endless_text_takes_no_endless_time(component: str, tmp_path: Path):
    source = "Some **words** of a long story.\n\n" * 60_000
    value = [{"role": "assistant", "content": source}] if component == "chatbot" else source
    (reply,) = render(endpoint(("T", component)), [value], tmp_path)
    assert reply.files[0].path.stat().st_size > 1_900_000


def test_what_stays_too_large_is_a_link(tmp_path: Path):
    path = tmp_path / "v.bin"
    path.write_bytes(b"\1" * 300_000)
    file = File("model.bin", path, url="https://o-s.hf.space/model.bin")
    (reply,) = render(endpoint(("O", "file")), [file], tmp_path, file_limit=100_000)
    assert not reply.files
    assert "**model.bin** is too large to post here (300 kB). Get it from the Space:" in reply.text


def test_long_text_goes_to_three_messages_and_longer_to_a_file(tmp_path: Path):
    paragraph = "A sentence of some length. " * 20
    replies = render(endpoint(("T", "markdown")), ["\n\n".join([paragraph] * 9)], tmp_path)
    assert len(replies) == 3
    assert not any(reply.files for reply in replies)
    source = "\n\n".join([f"# Part\n{paragraph}"] * 40)
    (reply,) = render(endpoint(("T", "markdown")), [source], tmp_path)
    assert reply.files[0].name == "demo.md"
    assert reply.files[0].path.read_text() == source
    assert reply.text.endswith(f"-# The whole text ({len(source):,} characters) is in `demo.md`.")


def test_preview_shows_the_end_of_a_growing_text():
    of = endpoint(("T", "textbox"))
    assert outputs.preview(of, ["so far"], header=HEADER).text == f"{HEADER}\nso far"
    reply = outputs.preview(of, ["word " * 2000 + "end"], header=HEADER)
    assert len(reply.text) <= 2000
    assert reply.text.endswith("word end")
    assert outputs.preview(of, [None], header=HEADER).text == HEADER


HIDDEN = Output("Where", "textbox", {"visible": False})


def test_what_the_page_hides_is_not_posted(tmp_path: Path):
    of = endpoint(("Said", "textbox"), HIDDEN)
    (reply,) = render(of, ["done", "/tmp/gradio/result.json"], tmp_path)
    assert "done" in reply.text
    assert "result.json" not in reply.text

    # The function itself makes it appear.
    shown = {"__type__": "update", "value": "at the top", "visible": True}
    assert "at the top" in render(of, ["done", shown], tmp_path)[0].text

    # Or hides another; data that only looks like an update is data.
    both = endpoint(("Said", "textbox"), ("Drawn", "textbox"))
    hidden = {"__type__": "update", "value": "in pencil", "visible": False}
    assert "pencil" not in render(both, ["done", hidden], tmp_path)[0].text
    data = {"visible": False, "size": 3}
    pair = endpoint(("Said", "textbox"), ("Layer", "json"))
    assert '"size": 3' in render(pair, ["done", data], tmp_path)[0].text

    # It is all there is, and for people.
    assert "in the middle" in render(of, ["", "in the middle"], tmp_path)[0].text
    assert "result.json" not in render(of, ["", "/tmp/gradio/result.json"], tmp_path)[0].text
