"""Whatever a Space returns, Discord accepts every message, and none can ping."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacebot.models import Endpoint, File, Output, Reply
from spacebot.spaces import outputs
from spacebot.spaces.outputs import text
from spacebot.spaces.outputs.files import MAX_REQUEST_BYTES

# What Discord would read as a mention, a button, or the bot's own small print.
PINGS = re.compile(
    r"@everyone|@here|(?<!\\)<(?:@[!&]?|#)\d+>|(?<!\\)</\w[^>]*:\d+>|(?<!\\)<a?:\w+:\d+>"
    r"|(?<!\\)<t:\d+(?::\w)?>|(?<!\\)<id:\w+>|^-# ",
    re.MULTILINE,
)
NASTY = (
    "@everyone @here <@123> <@!123> <@&45> <#67> </ban user:89> <:smile:12> <t:1700000000:R>"
    " <id:customize>\n-# asked by the bot\n> quote\n# Title\n[bank](https://evil.example)"
)
PIECES = st.sampled_from(
    [
        "word ",
        "A sentence. ",
        "\n",
        "\n\n",
        "```",
        "```python\n",
        "- a\n  ```\n  code\n  ```\n",
        "> ```\n> " + "code " * 500 + "\n> ```\n",
        "`",
        "**",
        "\\",
        "_x_",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "- item\n",
        "<b>x</b>",
        "<table><tr><td>",
        "@everyone",
        "<@123>",
        "<@&9>",
        "-# small",
        " -# fake",
        "[t](https://x.org)",
        "https://x.org/@everyone",
        "$x^2$",
        "$$",
        "漢字",
        "🎨",
        "x" * 500,
        "&lt;@1&gt;",
        "<think>",
        "\r-# fake",
        "\u2028# fake",
        "\ud800",
        "\u202e",
        "\x00",
        "![](data:image/png;base64,AAAA)",
    ]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200)
SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "label",
                    "value",
                    "data",
                    "headers",
                    "role",
                    "content",
                    "text",
                    "plot",
                    "type",
                    "image",
                    "annotations",
                    "confidences",
                    "confidence",
                    "token",
                    "__type__",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
COMPONENTS = st.sampled_from([*outputs.RENDERERS, "strange"])
CALM = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def check(reply: Reply, file_limit: int) -> None:
    """Raise if Discord would refuse a message or a mention would show."""
    assert len(reply.text) <= 2000
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\u2028]", reply.text)
    reply.text.encode()
    assert reply.text.strip() or reply.files
    assert len(reply.files) <= 10
    sizes = [attached.path.stat().st_size for attached in reply.files]
    assert sum(sizes) <= MAX_REQUEST_BYTES
    assert all(size <= file_limit for size in sizes)
    names = [attached.name for attached in reply.files]
    assert len(set(names)) == len(names)
    for attached in reply.files:
        assert re.fullmatch(r"[\w.-]{1,100}", attached.name)
        assert not attached.name.startswith("SPOILER_")
        assert len(attached.description) <= 1024
    fences = [line for line in reply.text.split("\n") if re.match("[ >]*```", line)]
    assert len(fences) % 2 == 0


def outside_code(shown: str) -> str:
    """Return markdown without its code."""
    return re.sub(r"(?ms)^[ >]*```.*?^[ >]*```$|`[^`\n]+`", "", shown)


def found(shown: str) -> list[str]:
    """Return the mentions outside of code, and the small print that is not the bot's."""
    outside = outside_code(shown)
    return [
        match[0]
        for match in PINGS.finditer(outside)
        if not outside.startswith(("-# The ", "-# 1"), match.start())
    ]


@CALM
@given(
    st.lists(
        st.tuples(st.sampled_from([*outputs.RENDERERS, "strange"]), SHAPES | TEXTS), max_size=6
    ),
    st.sampled_from([1_000, 100_000, 10 << 20]),
)
def test_every_message_is_within_limits(given_: list[tuple[str, Any]], file_limit: int):
    made = tuple(Output(f"Out {i}", kind) for i, (kind, _) in enumerate(given_))
    endpoint = Endpoint("o/s", "/x", "x", "", outputs=made)
    values = [value for _, value in given_]
    with tempfile.TemporaryDirectory() as folder:
        replies = outputs.render(
            endpoint, values, header="**/x**", folder=Path(folder), file_limit=file_limit
        )
        assert replies
        for reply in replies:
            check(reply, file_limit)
            assert not found(reply.text)
    preview = outputs.preview(endpoint, values, header="**/x**")
    assert len(preview.text) <= 2000
    assert not found(preview.text)


@CALM
@given(st.lists(PIECES, min_size=40, max_size=400).map("".join), st.integers(200, 2000))
def test_split_keeps_every_word_and_every_fence(source: str, limit: int):
    source = text.clean(source)
    fenced = f"{text.escape(source)}\n\n{text.fence(source, 'python')}\n\nend"
    chunks = text.split(fenced, limit)
    assert all(0 < len(chunk) <= limit for chunk in chunks)
    assert all(sum(x.startswith("```") for x in c.split("\n")) % 2 == 0 for c in chunks)

    def words(part: str) -> str:
        return re.sub(r"\s|^```\w*$|\\", "", part, flags=re.MULTILINE)

    assert "".join(map(words, chunks)) == words(fenced)


@pytest.mark.parametrize("component", [*outputs.RENDERERS, "strange"])
def test_no_renderer_lets_a_mention_through(component: str, tmp_path: Path):
    shapes: list[Any] = [
        NASTY,
        {"label": NASTY, "confidences": [{"label": NASTY, "confidence": 1.0}]},
        [{"token": NASTY, "class_or_confidence": NASTY}],
        {"headers": [NASTY], "data": [[NASTY]]},
        [{"role": "assistant", "content": NASTY}],
        [{"speaker": NASTY, "text": NASTY}],
        {"type": NASTY, "plot": NASTY},
        {"text": NASTY, "files": [File(NASTY, problem=NASTY)]},
        [{"image": File(NASTY, problem=NASTY), "caption": NASTY}],
    ]
    for value in shapes:
        made = (Output(NASTY, component), Output("Second", "textbox"))
        replies = outputs.render(
            Endpoint("o/s", "/x", "x", "", outputs=made),
            [value, "second"],
            header="**/x**",
            folder=tmp_path,
            file_limit=1 << 20,
            notes=[NASTY],
        )
        for reply in replies:
            check(reply, 1 << 20)
            assert not found(reply.text)
            assert "[bank](https" not in outside_code(reply.text)


def test_many_files_are_spread_by_their_size(tmp_path: Path):
    paths = []
    for number in range(7):
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(b"\1" * (9 << 20))
    endpoint = Endpoint("o/s", "/x", "x", "", outputs=(Output("F", "file"),))
    replies = outputs.render(
        endpoint, [[File(p.name, p) for p in paths]], header="**/x**", folder=tmp_path,
        file_limit=10 << 20,
    )  # fmt: skip
    assert [len(reply.files) for reply in replies] == [2, 2, 2, 1]
