"""Whatever JSON a Space sends, each renderer shows it or reports it as unreadable."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacebot.models import Endpoint, File, Output
from spacebot.spaces import outputs

CALM = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
ODD = st.sampled_from(
    [
        *("\ud800", "\udfff\ud800", "\x00", "", " ", "a\u202eb", "data:", "data:,", "{", "[1"),
        *("data:image/png;base64,AAAA", "data:;base64,%%"),
        *("data:image/svg+xml,<svg/>", "a" * 3000),
        *(
            "<table><tr><td>",
            "```",
            "$x",
            "quantitative",
            "plotly",
            "altair",
            "bokeh",
            "matplotlib",
        ),
        '{"data": [{"type": "pie"}]}',
    ]
)
NUMBERS = st.sampled_from(
    [*(float("nan"), float("inf"), -float("inf"), 1e308, 10**400, -(10**400), 2**63, 0, -1, 1.5)]
)
KEYS = st.sampled_from(
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
        "class_or_confidence",
        "speaker",
        "files",
        "path",
        "url",
        "meta",
        "_type",
        "video",
        "caption",
        "composite",
        "layers",
        "background",
        "columns",
        "datatypes",
        "mark",
        "x",
        "y",
        "layout",
        "xaxis",
        "title",
        "range",
        "name",
        "bdata",
        "dtype",
        "shape",
        "mode",
        "labels",
        "values",
        "hole",
        "metadata",
        "component",
        "props",
        "__type__",
        "visible",
        "color",
        "datatype",
        "choices",
    ]
)
FILES = st.builds(File, ODD, st.none(), url=ODD | st.just("https://a.org/b"))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | NUMBERS | ODD | FILES
JSON = st.recursive(
    LEAVES | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5)
        | st.fixed_dictionaries({"plot": inner, "type": ODD})
        | st.fixed_dictionaries({"columns": st.lists(inner, max_size=3), "data": inner})
        | st.fixed_dictionaries({"headers": inner, "data": st.lists(inner, max_size=3)})
    ),
    max_leaves=12,
)


def rendered(component: str, value: Any, props: dict[str, Any]) -> None:
    """Render and preview one value; raises what the worker would report."""
    endpoint = Endpoint("a/b", "/x", "x", "d", outputs=(Output("Out", component, props),))
    with tempfile.TemporaryDirectory() as folder:
        replies = outputs.render(
            endpoint, [value], header="H", folder=Path(folder), file_limit=1 << 20
        )
    for reply in (
        *replies,
        outputs.preview(endpoint, outputs.trim_for_preview([value]), header="H"),
    ):
        assert 0 < len(reply.text) <= 2000
        reply.text.encode()


@pytest.mark.parametrize("component", [*outputs.RENDERERS, "strange"])
@CALM
@given(JSON, st.dictionaries(KEYS, JSON, max_size=4))
def test_arbitrary_json_is_shown(component: str, value: Any, props: dict[str, Any]) -> None:
    rendered(component, value, props)


def test_a_confidence_beyond_what_a_float_holds_is_shown() -> None:
    rendered(
        "label", {"label": "cat", "confidences": [{"label": "cat", "confidence": 10**400}]}, {}
    )
