"""The comparison itself: it finds what is there and reports what is missing."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.coverage.compare import BROUGHT, Answer, difference

ROWS = [
    ("textbox", "a_b *c*", "a\\_b \\*c\\*", True),
    ("textbox", "a cat", "a dog", False),
    ("number", 1234.5, "1,234.5", True),
    ("number", 7, "8", False),
    ("checkbox", True, "Yes", True),
    ("markdown", "# T\n[x](https://a.org)", "# T\n[x](<https://a.org>)", True),
    ("html", "<b>One</b> two", "**One** three", False),
    ("json", {"a": [1]}, '```json\n{\n  "a": [\n    1\n  ]\n}\n```', True),
    ("json", {"a": [1]}, '```json\n{\n  "a": [\n    2\n  ]\n}\n```', False),
    ("json", {"role": "assistant", "content": "hi"}, "hi", True),
    ("dataframe", {"headers": ["n"], "data": [["Ada", 0.123456789]]}, "Ada  0.123457", True),
    ("dataframe", {"headers": ["n"], "data": [["Ada"], ["Bob"]]}, "Ada", False),
    ("label", {"label": "cat", "confidences": [{"label": "cat", "confidence": 0.7}]}, "cat 70%", 1),
    ("label", {"label": "cat", "confidences": [{"label": "cat", "confidence": 0.7}]}, "cat", False),
    ("highlightedtext", [{"token": "Ada", "class_or_confidence": "PER"}], "**Ada** `PER`", True),
    ("chatbot", [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "a", 1),
    ("textbox", {"__type__": "update", "value": "new"}, "new", True),
    ("textbox", {"__type__": "update", "visible": False}, "", True),
    ("plot", {"type": "plotly", "plot": "{}"}, "", False),
]


@pytest.mark.parametrize(("component", "value", "text", "carried"), ROWS)
def test_a_value_is_looked_for_in_what_a_person_reads(
    component: str, value: Any, text: str, carried: bool
) -> None:
    found = difference(component, value, Answer((text,)), {})
    assert (found == "") is bool(carried), found


def test_pictures_are_equal_by_their_pixels(tmp_path: Path) -> None:
    folder = tmp_path / BROUGHT
    folder.mkdir()
    picture = Image.new("RGB", (20, 10), "teal")
    picture.save(folder / "a.png")

    def answer(colour: str, size: tuple[int, int]) -> Answer:
        out = io.BytesIO()
        Image.new("RGB", size, colour).save(out, "WEBP")
        return Answer(("",), (("a.webp", out.getvalue()),))

    value = str(folder / "a.png")
    assert difference("image", value, answer("teal", (20, 10)), {}) == ""
    assert difference("image", value, answer("navy", (20, 10)), {})
    assert difference("image", value, answer("teal", (10, 20)), {})
    assert difference("image", value, Answer(("a.png",)), {})


def test_what_was_chosen_may_go_by_its_label() -> None:
    assert difference("dropdown", "voice-1", Answer(("Ada",)), {"voice-1": "Ada"}) == ""
    assert difference("dropdown", "voice-1", Answer(("Bob",)), {"voice-1": "Ada"})
