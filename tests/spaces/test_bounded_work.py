"""Text from a Space takes time in proportion to its length."""

from __future__ import annotations

import contextlib
import re
import time
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacebot.discord_bot.conversations import transcript
from spacebot.engine import job_text
from spacebot.engine.jobs import records
from spacebot.models import (
    Choice,
    Endpoint,
    ExcludedEndpoint,
    JobStage,
    Output,
    Parameter,
    Progress,
    Reply,
    Source,
)
from spacebot.spaces.client.error_mapping import job_error
from spacebot.spaces.client.legacy.describe import embedded_config
from spacebot.spaces.client.page.chain_steps import with_step_names, with_steps
from spacebot.spaces.client.quota import quota_exceeded
from spacebot.spaces.client.validation_messages import validation_message
from spacebot.spaces.inputs.components.menu import menu_of, prepare_menus
from spacebot.spaces.outputs import text
from spacebot.spaces.outputs.renderers.tables import _plain
from spacebot.spaces.schema import read_space
from spacebot.spaces.schema.app_config import MAX_CHAIN, AppConfig
from spacebot.spaces.schema.option_text import is_empty_name, option_name, read_hint, read_label
from spacebot.spaces.schema.selection.candidates import MAX_ENDPOINTS
from spacebot.spaces.schema.text import (
    UniqueNames,
    first_sentence,
    legal_name,
    plain_text,
    spaced_words,
)
from tests.support import hostile_space

# Patterns that look for an end and do not find it are slow on these.
HOSTILE = [
    "\n", " ", "\t \n", "<", "<a ", "<a>", "<!--", "<style>", "<script ", "<h1>", "<h1", "<h2>",
    "[", "[a](", "[](((", "![", "](", "(", "`", "``` ", "```a\n", "> ```\n", "*", "**a", "_a_",
    "__i18n__{", "\\", "# ", "#", ">", "- ", "1", "1.", "a1", "input1", "no GPU ", "'", "\"a",
    "https://", "http://.", "@everyone", "<@1", "&", "&#x", "é", "\u0301", "ﷺ", ".", "。", "a. ",
    "window.gradio_config = ", ";", "</script>", "; ", "exceeded ", "1 validation error for ",
    "the ", "please ", "optional ", "-_", "Aa", "{", "|", "x",
]  # fmt: skip


def heading(raw: str) -> str:
    """The title of an app whose page begins with a text."""
    block = {"id": 1, "type": "markdown", "props": {"value": raw}}
    return AppConfig({"components": [block], "dependencies": []}).title


def hint(raw: str) -> str:
    """The description of an option whose author describes it with a text."""
    parameter = Parameter("a", raw, "textbox", option="a", description=raw)
    return read_hint(parameter, placeholder=True) + read_label(parameter)


def from_page(raw: str) -> str:
    """The config in an old Space's page, if it has one."""
    with contextlib.suppress(ValueError):
        return embedded_config(f"window.gradio_config = {raw}")
    return ""


READERS: dict[str, Callable[[str], object]] = {
    "note": lambda raw: job_text.harmless_line(raw, 120),
    "progress": lambda raw: job_text.progress_line(Progress(JobStage.RUNNING, note=raw, unit=raw)),
    "failure": lambda raw: job_text.describe_failure(job_error({"error": raw})),
    "escape": text.escape,
    "code": text.code,
    "fence": text.fence,
    "bold": text.bold,
    "named link": lambda raw: text.named_link(raw, f"https://a.org/{raw}"),
    "table": lambda raw: text.table([raw], [[raw]]),
    "split": text.split,
    "tail": lambda raw: text.tail(raw, 1900),
    "cell": _plain,
    "plain": plain_text,
    "sentence": first_sentence,
    "name": legal_name,
    "spaced": spaced_words,
    "option": lambda raw: option_name(raw, raw, "textbox"),
    "empty": is_empty_name,
    "hint": hint,
    "heading": heading,
    "page": from_page,
    "validation": validation_message,
    "quota": lambda raw: quota_exceeded(raw, raw),
}


def timed(read: Callable[[str], object], raw: str) -> float:
    """The processor time of one reading."""
    began = time.process_time()
    read(raw)
    return time.process_time() - began


def seconds(read: Callable[[str], object], raw: str) -> float:
    """The processor time of one reading, the least of two."""
    return min(timed(read, raw), timed(read, raw))


@pytest.mark.parametrize("name", READERS)
def test_eight_times_the_text_takes_about_eight_times_the_work(name: str) -> None:
    read = READERS[name]
    read("warm")
    for piece in HOSTILE:
        short, long = piece * (4000 // len(piece)), piece * (32_000 // len(piece))
        # Quadratic work would grow 64 times.
        for end in ("", "x", "!"):
            if timed(read, long + end) > 0.02:
                took = seconds(read, long + end)
                assert took < 0.02 or took < 24 * seconds(read, short + end), (piece, end, took)


def test_eight_times_the_names_take_about_eight_times_the_work() -> None:
    def read(raw: str) -> object:
        # Each letter is a name of its own, most of them set earlier.
        return list(map(UniqueNames().add, raw))

    took = seconds(read, "aB1 _é" * 1000)
    assert took < 24 * seconds(read, "aB1 _é" * 125), took


LINES = st.sampled_from(
    [
        *("```", "```python", "> ```", " " * 20 + "```", "```" + "x" * 3000, "> ```" + "y" * 90),
        *("> " + "code " * 300, "word " * 50, "1. item", "\\" * 99, "- x", "# Title", "-# small"),
        "",
    ]
)
TEXTS = st.lists(LINES | st.text(max_size=80), max_size=40).map("\n".join)


@given(TEXTS, st.integers(1, 4000))
@settings(max_examples=400, deadline=None)
def test_a_text_is_split_whole_into_pieces_within_the_limit(raw: str, limit: int) -> None:
    pieces = text.split(raw, limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    # Closed and reopened fences, and escapes, may add to that.
    left = iter("".join(pieces))
    kept = [letter for letter in raw if letter not in "`\\>" and not letter.isspace()]
    assert all(any(letter == one for one in left) for letter in kept)


@given(TEXTS, st.integers(200, 4000))
@settings(max_examples=200, deadline=None)
def test_the_end_of_a_text_is_within_the_limit(raw: str, limit: int) -> None:
    assert len(text.tail(raw, limit)) <= limit


def test_quoted_code_with_a_long_first_line_is_split_to_the_end() -> None:
    raw = "> ```" + "x" * 1990 + "\n> " + "code " * 3000
    assert "".join(text.split(raw)).count("code") == 3000


def test_a_unit_of_thousands_of_characters_is_cut_like_its_note() -> None:
    step = Progress(JobStage.RUNNING, step=1, steps=2, unit="<b>it@everyone</b>" * 1000)
    line = job_text.progress_line(step)
    assert len(line) < 80
    assert not re.search(r"<b>|@everyone", line)


def test_what_a_browser_would_not_show_is_not_shown() -> None:
    assert plain_text("Name <!-- never closed <b>x") == "Name"
    assert plain_text("a [link](https://a.org/b_(c)) and **more**") == "a link and more"
    assert (
        text.plain_line("<style>p {}</style>One <b>two</b> &amp; three<br>four", 40)
        == "One two & three four"
    )


def test_a_menu_of_the_same_label_is_made_once_and_in_linear_work() -> None:
    choices = tuple(Choice("same", number) for number in range(5000))
    parameter = Parameter("a", "A", "dropdown", option="a", choices=choices)
    menu = menu_of(parameter)
    assert menu_of(parameter) is menu
    assert [menu.exactly(one) for one in menu.ranked("same")] == list(choices)


def test_numbered_names_fill_the_gaps_and_stay_within_32_letters() -> None:
    names = UniqueNames(["paint_3", "paint_4"])
    assert [names.add("paint") for _ in range(4)] == ["paint", "paint_2", "paint_5", "paint_6"]
    long = [names.add("a" * 32) for _ in range(12)]
    assert long[8:] == ["a" * 30 + "_9", *("a" * 29 + f"_{number}" for number in (10, 11, 12))]


def wired(count: int, after: Callable[[int], object]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The description of an app with that many endpoints; `after` says what each follows."""
    fields = [("textbox", {})] * 3
    config, info = hostile_space.config("sse_v3", fields), hostile_space.info(fields)
    (shape,), (entry,) = config["dependencies"], info["named_endpoints"].values()
    config["dependencies"] = [
        {**shape, "id": n, "api_name": f"step{n}", "outputs": [n % 3], "trigger_after": after(n)}
        for n in range(count)
    ]
    for event in config["dependencies"][:2]:
        # The page's load events decide what the commands offer.
        event["targets"] = [[None, "load"]]
    info["named_endpoints"] = {f"/step{n}": entry for n in range(count)}
    return config, info


GRAPHS: dict[str, Callable[[int], object]] = {
    "alone": lambda _: None,
    "a chain": lambda n: n - 1 if n else None,
    "a fan": lambda n: 0 if n else None,
    "a circle": lambda n: (n + 1) % 600,
    "circles of two": lambda n: n ^ 1,
}


@pytest.mark.parametrize("graph", GRAPHS)
def test_eight_times_the_events_take_about_eight_times_the_work(graph: str) -> None:
    def read(raw: str) -> object:
        config, info = wired(len(raw), GRAPHS[graph])
        entry = info["named_endpoints"].pop("/step1")
        return with_steps(with_step_names(config), {"named_endpoints": {"/step1": entry}})

    took = seconds(read, "." * 8000)
    assert took < 24 * seconds(read, "." * 1000), took


@pytest.mark.parametrize("graph", GRAPHS)
def test_an_app_of_hundreds_of_events_is_read_to_the_end(graph: str) -> None:
    config, info = wired(600, GRAPHS[graph])
    app = AppConfig(config)
    assert max(len(list(app.earlier(event))) for event in app.events) <= MAX_CHAIN
    space = read_space(Source("a/b"), config, info)
    read = {one.api_name for one in space.endpoints} | {one.api_name for one in space.excluded}
    beyond = f"{600 - MAX_ENDPOINTS} more endpoints"
    assert read >= {f"/step{n}" for n in range(MAX_ENDPOINTS)}
    assert ExcludedEndpoint(beyond, f"only the first {MAX_ENDPOINTS} are read") in space.excluded
    (wanted,) = read_space(Source("a/b", "step590"), config, info).endpoints
    assert wanted.api_name == "/step590"


def test_menus_live_as_long_as_their_parameters() -> None:
    def built() -> weakref.ref[object]:
        parameter = Parameter("a", "A", "dropdown", choices=(Choice("x", 1),))
        prepare_menus([parameter])
        return weakref.ref(menu_of(parameter))

    assert built()() is None


def test_values_are_told_apart_by_type_and_content() -> None:
    values = (1, True, "1", None, [1, {"a": [2]}], {"a": 1, "b": [True]}, 2.5)
    choices = tuple(Choice(f"c{number}", value) for number, value in enumerate(values))
    menu = menu_of(Parameter("a", "A", "dropdown", choices=choices))
    assert [menu.label(value) for value in values] == [one.label for one in choices]
    assert menu.label({"b": [True], "a": 1.0}) == "c5"
    assert not menu.holds(False)
    assert not menu.holds([1, {"a": [3]}])


class Counted(list[Any]):
    """A list that counts how many of its items are looked at."""

    def __init__(self, items: list[Any]) -> None:
        super().__init__(items)
        self.seen = 0

    def __iter__(self) -> Iterator[Any]:
        for one in super().__iter__():
            self.seen += 1
            yield one


@pytest.mark.parametrize("items", [[[]] * 300_000, ["word"] * 300_000, [{"k": 1}] * 300_000])
def test_storing_a_long_result_depends_on_its_beginning(
    items: list[Any], monkeypatch: pytest.MonkeyPatch
):
    """On the event loop, so it is neither encoded nor walked through."""
    chat = Endpoint("a/b", "/chat", "chat", "", outputs=(Output("Chat", "chatbot"),))
    values, encoded = Counted(items), list[Any]()
    monkeypatch.setattr(
        records, "json", SimpleNamespace(dumps=lambda *one, **_: encoded.append(one))
    )
    assert records.storable_result([values]) is None
    assert values.seen <= records.MAX_RESULT_LENGTH
    values.seen, most = 0, 20_000
    monkeypatch.setattr(transcript, "MAX_KEPT_LENGTH", most)
    assert not transcript.is_kept([values])
    assert transcript.history_of(chat, [values]) is None
    assert transcript.answer_text(chat, [values], [Reply("posted")]) == "posted"
    assert values.seen <= 3 * most
    assert encoded == []
