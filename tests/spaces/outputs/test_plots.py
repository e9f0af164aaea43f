"""Plots: drawn if Vega-Lite can express them, otherwise a page to open."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from spacebot.models import Endpoint, Output, Reply
from spacebot.spaces import outputs
from spacebot.spaces.outputs.renderers.plots import _limit_size

PACKED = {"dtype": "f8", "bdata": base64.b64encode(struct.pack("<3d", 1, 4, 2)).decode()}
CHART: dict[str, Any] = {
    "data": {"values": [{"a": "A", "b": 28}, {"a": "B", "b": 55}]},
    "mark": "bar",
    "encoding": {"x": {"field": "a"}, "y": {"field": "b", "type": "quantitative"}},
}


def show(kind: str, plot: Any, folder: Path) -> Reply:
    """Render a plot as Gradio sends it: its description as JSON text."""
    endpoint = Endpoint("o/s", "/x", "x", "", outputs=(Output("P", "plot"),))
    value = {"type": kind, "plot": json.dumps(plot)}
    (reply,) = outputs.render(endpoint, [value], header="H", folder=folder, file_limit=10 << 20)
    return reply


@pytest.mark.parametrize(
    "traces",
    [
        [{"type": "scatter", "y": PACKED}, {"x": ["2026-01-01", "2026-02-01"], "y": [1, 2]}],
        [{"type": "bar", "x": ["a", "b"], "y": [1, 2]}, {"type": "bar", "x": ["a"], "y": [3]}],
        [{"type": "bar", "orientation": "h", "y": ["a", "b"], "x": [1, 2]}],
        [{"type": "histogram", "x": [1, 2, 2, 3]}],
        [{"type": "pie", "labels": ["a", "b"], "values": [1, 2], "hole": 0.4}],
    ],
)
def test_common_plotly_figures_are_drawn(traces: list[dict[str, Any]], tmp_path: Path):
    reply = show("plotly", {"data": traces, "layout": {"title": {"text": "T"}}}, tmp_path)
    assert [attached.name for attached in reply.files] == ["x.png"]
    with Image.open(reply.files[0].path) as picture:
        assert picture.width > 600
        assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 10


def test_other_figures_become_a_page(tmp_path: Path):
    figure = {"data": [{"type": "surface", "z": [[1]], "name": "</script><b>"}], "layout": {}}
    reply = show("plotly", figure, tmp_path)
    assert reply.text == "H\nA Plotly plot: open the attached page in a browser to see it."
    assert reply.files[0].name == "x.html"
    page = reply.files[0].path.read_text()
    assert "</script><b>" not in page
    assert '"surface"' in page
    bokeh = show("bokeh", {"version": "3.8.1", "root_id": "p1", "doc": {}}, tmp_path)
    assert "bokeh-3.8.1.min.js" in bokeh.files[0].path.read_text()
    odd = show("strange", {"a": 1}, tmp_path)
    assert odd.files[0].name == "x.json"


def test_altair_is_drawn(tmp_path: Path):
    assert show("altair", CHART, tmp_path).files[0].name == "x.png"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://127.0.0.1:1/x.json"])
def test_a_chart_that_fetches_is_not_drawn_here(address: str, tmp_path: Path):
    reply = show("altair", {**CHART, "data": {"url": address}}, tmp_path)
    assert reply.files[0].name == "x.html"


def test_a_broken_chart_becomes_a_page(tmp_path: Path):
    assert show("altair", {"mark": 7}, tmp_path).files[0].name == "x.html"


def test_a_chart_that_wants_to_be_huge_is_drawn_at_a_bounded_size(tmp_path: Path):
    rows = [{"width": 5000, "height": n} for n in range(5)]
    axes = {"x": {"field": "width"}, "y": {"field": "height", "type": "quantitative"}}
    view = {"mark": "bar", "encoding": axes, "width": 20_000, "height": 20_000.0}
    for data in ({"data": {"values": rows}}, {"data": {"name": "d"}, "datasets": {"d": rows}}):
        reply = show("altair", {**data, "vconcat": [view]}, tmp_path)
        with Image.open(reply.files[0].path) as drawn:
            assert 2000 <= drawn.width <= 2400
            assert 2000 <= drawn.height <= 2400
    bounded = _limit_size({"datasets": {"d": rows}, "layer": [{"height": 1e9}]})
    assert bounded == {"datasets": {"d": rows}, "layer": [{"height": 1000}]}
    container = {"width": "container", "height": {"step": 20}}
    assert _limit_size(container) == container


def test_a_chart_that_makes_too_much_data_becomes_a_page(tmp_path: Path):
    endless = {"sequence": {"start": 0, "stop": 10**9, "as": "x"}}
    reply = show("altair", {**CHART, "data": endless}, tmp_path)
    assert reply.files[0].name == "x.html"
