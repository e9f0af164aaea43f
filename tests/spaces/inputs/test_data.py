"""Inputs with several options or several lines: tables, JSON, editors, dates."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from spacebot.errors import InputError
from spacebot.models import File
from spacebot.spaces import inputs
from spacebot.spaces.client.files.uploads import holds_upload, with_uploads
from tests.spaces.inputs.test_inputs import attached, data, endpoint, parameter, sent, table


def test_tables_and_json_can_be_attached(tmp_path: Path) -> None:
    def file(name: str, content: bytes) -> File:
        (tmp_path / name).write_bytes(content)
        return File(name, path=tmp_path / name, folder=tmp_path)

    def read(component: str, attachment: File) -> Any:
        whole = endpoint(parameter(component, required=True))
        assert [option.name for option in inputs.options(whole).options] == ["it", "it_file"]
        return inputs.values(whole, {"it_file": attachment})["it"]

    wanted = table(["näme", "code"], [["Zoë, A", "007"], ["Bob", "1"]])
    excel = "näme;code\r\nZoë, A;007\r\nBob;1\r\n".encode("cp1252")
    assert read("dataframe", file("a.csv", excel)) == wanted
    tabs = '\ufeffnäme\tcode\n"Zoë, A"\t007\nBob\t1'.encode()
    assert read("dataframe", file("a.tsv", tabs)) == wanted
    assert read("json", file("a.json", b'{"a": 1}')) == {"a": 1}
    with pytest.raises(InputError, match=r"`it_file` is not a text file: `b\.csv`"):
        read("dataframe", file("b.csv", b"a,b\0\x01"))
    with pytest.raises(InputError, match=r"`it_file` takes a \.json file or a text file: you gave"):
        read("json", file("a.png", b""))
    with pytest.raises(InputError, match="`it_file` is too large to be read as text: at most 5 MB"):
        read("json", file("b.json", b" " * 5_000_001))
    whole = endpoint(parameter("json", required=True))
    with pytest.raises(InputError, match="`it` is needed: give it a value, or use `it_file`"):
        inputs.values(whole, {})


def test_text_and_files_go_together() -> None:
    chat = parameter("multimodaltextbox", multiple=True, required=True, file_types=("image",))
    whole = endpoint(chat)
    names = [option.name for option in inputs.options(whole).options]
    assert names == ["it", "it_file", "it_file_2", "it_file_3", "it_file_4", "it_file_5"]
    arguments = {"it_file_2": attached("b.png"), "it_file": attached("a.png")}
    files = [data("a.png"), data("b.png")]
    assert inputs.values(whole, arguments)["it"] == {"text": "", "files": files}
    with pytest.raises(InputError, match=r"`it_file` takes an image: you gave `a\.txt`"):
        inputs.values(whole, {"it": "hi", "it_file": attached("a.txt")})


def test_an_editor_takes_a_mask_as_its_layer() -> None:
    whole = endpoint(parameter("imageeditor"))
    arguments = {"it_mask": attached("m.png"), "it": attached("a.png")}
    assert inputs.values(whole, arguments)["it"]["layers"] == [data("m.png")]
    with pytest.raises(InputError, match="`it` is needed with its mask: attach the picture too"):
        inputs.values(whole, {"it_mask": attached("m.png")})


def test_a_space_can_name_no_file_of_this_machine() -> None:
    """JSON from a Space or a member stays JSON, whatever it looks like."""
    meta = {"meta": {"_type": "gradio.FileData"}}
    local = {"path": "/etc/passwd", "url": None, **meta}
    web = {"path": "/tmp/gradio/a.png", "url": "https://a.example/file=a.png", **meta}
    history = [{"role": "user", "content": [{"type": "file", "file": local}]}]
    values = inputs.values(
        endpoint(
            parameter("image", name="secret", option="secret", default=local),
            parameter("image", name="own", option="own", default=web),
            parameter("chatbot", name="chat", option="chat"),
            parameter("state", name="state", default=[{"deep": local}]),
            constants={"fixed": {"files": [local]}},
        ),
        {"chat": history},
    )
    assert not holds_upload(values)
    # The Space's own files go back to it under its own names.
    assert values["secret"] == local
    assert values["own"] == web


def test_a_chat_begins_with_its_greeting() -> None:
    greeting = {"role": "assistant", "content": "Hi! Ask me anything."}
    chat = parameter("chatbot", name="history", option="message", default=[greeting])
    values = inputs.values(endpoint(chat), {"message": "Who are you?"})
    asked = {"role": "user", "content": [{"type": "text", "text": "Who are you?"}]}
    assert values["history"] == [greeting, asked]


def test_files_keep_their_order_whatever_the_option_is_called() -> None:
    several = parameter("file", name="img_3", option="img_3", multiple=True)
    arguments = {"img_3_2": attached("b.png"), "img_3": attached("a.png")}
    assert inputs.values(endpoint(several), arguments)["img_3"] == [data("a.png"), data("b.png")]


@settings(max_examples=150, deadline=None)
@hypothesis.given(
    st.sampled_from(sorted(inputs.ASKABLE)),
    st.one_of(
        st.text(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.just(attached("a.bin")),
    ),
)
def test_any_value_is_accepted_or_refused(component: str, anything: object) -> None:
    whole = endpoint(parameter(component))
    with contextlib.suppress(InputError):
        values = with_uploads(inputs.values(whole, {"it": anything}), str)
        json.dumps(values, allow_nan=False)
    assert len(inputs.summarize(whole, {"it": anything})) <= 300
    assert len(inputs.suggest(whole, "it", str(anything))) <= 25


def test_a_date_in_words_is_the_next_one() -> None:
    now = datetime.now(UTC)
    tomorrow = sent(parameter("datetime"), "tomorrow 15:00")
    days = {(now + timedelta(days=ahead)).strftime("%Y-%m-%d 15:00:00") for ahead in (1, 2)}
    assert tomorrow in days
    friday = datetime.fromisoformat(sent(parameter("datetime"), "friday 9:00"))
    assert friday.weekday() == 4
    assert friday.replace(tzinfo=UTC) > now
    (shown,) = inputs.suggest(endpoint(parameter("datetime")), "it", "2026-05-04 3pm")
    assert shown.label == "2026-05-04 15:00:00 · 2026-05-04 3pm"
    assert sent(parameter("datetime"), shown.value) == "2026-05-04 15:00:00"
