"""Long JSON is parsed in pieces, and long outputs are patched without copies."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from gradio_client.utils import apply_diff
from hypothesis import given, settings
from hypothesis import strategies as st

from spacebot.errors import SpaceUnreadable
from spacebot.spaces.client.transport import json_parser
from spacebot.spaces.client.transport.bounded_reading import MAX_PARSED_BYTES, parse_json, weight
from spacebot.spaces.client.transport.diffs import apply_edits
from spacebot.spaces.client.transport.event_stream import MessageReader

MIB = 1 << 20
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
)


@given(VALUES, st.sampled_from([None, 1]), st.sampled_from([9, 16, 60]))
@settings(deadline=None)
def test_pieces_make_the_same_value(value: Any, indent: int | None, window: int):
    for ascii_only in (True, False):
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json_parser, "WINDOW_LENGTH", window)
            assert json_parser.loads(f" {text}\n") == value


@given(VALUES, st.integers(0, 200), st.sampled_from(["", "]", "}", ",", ":", '"', "1", "e"]))
@settings(deadline=None)
def test_what_is_no_json_is_refused_as_before(value: Any, at: int, mark: str):
    text = json.dumps([value, {"a": value}])
    broken = text[:at] + mark + text[at + 1 :]
    try:
        expected = json.loads(broken)
    except ValueError:
        expected = ValueError
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_parser, "WINDOW_LENGTH", 12)
        try:
            assert json_parser.loads(broken) == expected
        except ValueError:
            assert expected is ValueError


def test_a_large_table_is_read_and_never_in_one_go(monkeypatch):
    longest = 0

    class Watched(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            nonlocal longest
            value, end = super().raw_decode(s, idx)
            longest = max(longest, end - idx)
            return value, end

    monkeypatch.setattr(json_parser.json, "JSONDecoder", Watched)
    rows = [[n, f"name {n}", n / 3, "some words in a cell", True] for n in range(290_000)]
    table = {"data": [{"headers": list("abcde"), "data": rows}]}
    raw = bytearray(json.dumps(table).encode())
    assert len(raw) > 19_000_000
    assert parse_json(raw) == table
    # Its bytes were dropped before its values were made.
    assert not raw
    assert longest <= json_parser.WINDOW_LENGTH
    assert weight(table) < MAX_PARSED_BYTES


EDITS = [
    [["replace", ["a", 0], 5]],
    [["append", ["t"], "more"], ["append", ["t"], " and more"]],
    [["add", ["a", 1], {"x": 1}], ["replace", ["a", 1, "x"], 2], ["delete", ["a", 0], None]],
    [["add", ["new"], [1]], ["append", ["new"], [2]], ["delete", ["t"], None]],
    [["replace", [], "all"], ["append", [], " of it"]],
    [["append", ["a", 2, "deep"], [3]], ["add", ["a", 2, "deep", 0], 0]],
]


@pytest.mark.parametrize("diff", EDITS)
def test_a_patch_makes_what_the_stock_client_makes(diff: list[Any]):
    value = {"a": [1, 2, {"deep": [1, 2]}], "t": "text", "rest": {"large": [0]}}
    before = copy.deepcopy(value)
    made = apply_edits(value, copy.deepcopy(diff))
    assert made == apply_diff(value, diff)
    assert value == before
    if isinstance(made, dict):
        # Unchanged parts are not copied.
        assert made["rest"] is value["rest"]


@pytest.mark.parametrize("new", ["x" * 20 * MIB, [0] * 2_000_000])
def test_a_stream_makes_no_output_larger_than_one_message_may(new: Any):
    reading = MessageReader("mine", grown=len(new))

    def step(data: Any) -> Any:
        reading.grown += 20 * MIB
        message = {"msg": "process_generating", "success": True, "output": {"data": [data]}}
        return reading.read(message)

    def append(times: int) -> None:
        for _ in range(times):
            step([["append", [], new]])

    assert step(new)
    with pytest.raises(SpaceUnreadable, match="more than can be read"):
        append(20)
    assert weight(reading.outputs) < 2 * MAX_PARSED_BYTES
