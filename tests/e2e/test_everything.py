"""Every component of Gradio, typed by a person in Discord and answered by the real bot."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from tests.coverage.compare import Answer
from tests.coverage.person import Person, person_at

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # Gradio leaves the picture files that it passes on as paths to the garbage collector.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning"
    ),
]


def png(colour: str = "teal", size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


OBJ = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
PICTURE, OTHER = ("cat.png", png()), ("dog.png", png("navy"))


@dataclass
class Try:
    """A command of tests/support/apps/everything.py, what is typed, and what has to come back.

    `says` are texts that must be read, `files` the names of the files that must be
    there, in order, `check` looks at all of it.
    """

    command: str
    arguments: dict[str, Any] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    check: Callable[[Answer], bool] = lambda _: True


def same_pixels(*wanted: bytes) -> Callable[[Answer], bool]:
    return lambda answer: [pixels(data) for data in answer.pictures] == list(map(pixels, wanted))


def pixels(data: bytes) -> tuple[tuple[int, int], Any]:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.size, picture.convert("RGB").getpixel((5, 5))


def sized(width: int, height: int) -> Callable[[Answer], bool]:
    """A picture of that size, or a larger one if both are 0."""

    def check(answer: Answer) -> bool:
        (data,) = answer.pictures
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size == (width, height) if width else min(picture.size) > 200

    return check


def sent(*data: bytes) -> Callable[[Answer], bool]:
    return lambda answer: tuple(one for _, one in answer.files) == data


def drawn_on(answer: Answer) -> bool:
    """The navy picture under the mask's colour, with room for a legend below."""
    (data,) = answer.pictures
    with Image.open(io.BytesIO(data)) as picture:
        navy, masked = picture.getpixel((115, 75)), picture.getpixel((90, 30))
        return navy == (0, 0, 128) != masked and picture.width == 120 and picture.height > 80


def sixty_rows(answer: Answer) -> bool:
    rows = list(csv.reader(io.StringIO(answer.files[0][1].decode("utf-8-sig"))))
    return (
        len(rows) == 61 and rows[0] == ["name", "n", "share"] and rows[60][:2] == ["row 59", "59"]
    )


INPUTS = [
    Try("checkbox_group", {"fruits": "apple, cherry"}, ("apple, cherry",)),
    Try("checkbox_group", {}, ("date",)),
    Try("multiselect", {"fruits": "banana, date"}, ("banana, date",)),
    Try("multiselect", {"fruits": "fig"}, ("✏️ `fruits` has no choice `fig`.",)),
    Try("voice", {"voice": "Voice 212"}, ("Voice 212",)),
    Try("color", {"colour": "teal"}, ("`#008080`",)),
    Try("datetime", {"when": "2026-05-04 15:00"}, ("2026-05-04 15:00:00",)),
    Try("date", {"day": "2026-05-04"}, ("2026-05-04",)),
    Try("code", {"code": "print('hi')"}, ("```python\nprint('hi')\n```",)),
    Try("json", {"json": '{"b": [1, 2]}'}, ('"b": [',)),
    Try("json", {"json_file": ("a.json", b'{"c": 3}')}, ('"c": 3',)),
    Try("dataframe", {"table": "name,age; Zoë,41"}, ("Zoë", "41")),
    Try("dataframe", {"table_file": ("a.csv", b"name,age\nBob,7\n")}, ("Bob", "7")),
    Try("model3d", {"model": ("a.obj", OBJ)}, files=("a.obj",), check=sent(OBJ)),
    Try(
        "gallery",
        {"pictures": PICTURE, "pictures_2": OTHER},
        check=same_pixels(PICTURE[1], OTHER[1]),
    ),
    Try(
        "files",
        {"papers": ("a.txt", b"one"), "papers_2": ("b.txt", b"two")},
        files=("a.txt", "b.txt"),
        check=sent(b"one", b"two"),
    ),
    Try("image_editor", {"sketch": PICTURE}, check=sized(64, 48)),
    Try("image_slider", {"pair": PICTURE, "pair_2": OTHER}, check=lambda a: len(a.pictures) == 2),
    Try(
        "multimodal",
        {"message": "look", "message_file": PICTURE},
        ("look",),
        check=same_pixels(PICTURE[1]),
    ),
    Try("password", {"password": "hunter2"}, ("'hunter2'",)),
    Try("email", {"mail": "a@example.com"}, ("a@example.com",)),
    Try("custom_value", {"fruit": "fig"}, ("'fig'",)),
    Try("upload_button", {"upload": ("a.txt", b"one")}, ("a.txt",)),
    Try("hidden", {"prompt": "a cat"}, ("a cat|small|12",)),
    Try("many", {}, ("0, 1, True, text 3", "25, 26, False, text 28, banana")),
    Try(
        "several",
        {"text": "abc"},
        ("**Words**: cba", "long", "60%"),
        check=lambda a: [name.rpartition(".")[2] for name, _ in a.files] == ["png", "mp4"],
    ),
]
OUTPUTS = [
    Try("label", {}, ("cat", "70%", "dog", "30%")),
    Try("markdown", {}, ("*x*",)),
    Try("html", {}, ("**x**",)),
    Try("highlighted", {}, ("Ada", "person")),
    Try("give_label", {}, ("cat", "70%", "dog", "25%", "bird", "5%")),
    Try("give_highlighted", {}, ("**Ada** `person` wrote in **London** `place`",)),
    Try("give_annotated", {}, ("box", "mask"), check=drawn_on),
    Try("give_image_pair", {}, check=same_pixels(png("navy", (120, 80)), png("teal", (120, 80)))),
    Try("give_gallery", {}, ("1. Picture 1", "12. Picture 12"), check=lambda a: len(a.files) == 12),
    Try("give_model", {}, check=sent(OBJ)),
    Try("give_markdown", {}, ("# Title", "a  b", "[link](<https", "x²", "```python")),
    Try("give_html", {}, ("Title", "**bold** word & [a link](<https://example.com>)")),
    Try("give_chat", {}, ("Here it is.",), check=sized(120, 80)),
    Try("give_table", {}, ("row 0",), check=sixty_rows),
    Try("give_download", {}, check=lambda a: next(a.attached).count("\n") == 60),
    Try("give_line_plot", {}, check=sized(0, 0)),
    Try("give_scatter_plot", {}, check=sized(0, 0)),
    Try("give_bar_plot", {}, check=sized(0, 0)),
    Try("updates", {}, ("the value",)),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def person(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Person]:
    async with person_at(served("everything"), tmp_path_factory.mktemp("bot")) as typing:
        yield typing


@pytest.mark.parametrize("tried", INPUTS + OUTPUTS, ids=lambda tried: tried.command)
async def test_a_component_end_to_end(tried: Try, person: Person) -> None:
    found = person.find(f"/{tried.command}")
    assert found is not None
    answer = await person.ask(found[0], tried.arguments, 60)
    said = "\n".join(answer.texts).replace("\\", "")
    for text in tried.says:
        assert text in said
    if tried.files:
        assert tuple(name for name, _ in answer.files) == tried.files
    assert tried.check(answer), (said, [name for name, _ in answer.files])


async def test_every_endpoint_of_the_app_is_tried(person: Person) -> None:
    tried = {one.command for one in INPUTS + OUTPUTS}
    space = person.space
    there = [e.api_name for e in space.endpoints] + [left.api_name for left in space.excluded]
    assert {name.strip("/") for name in there} - tried == {"chatbot"}
