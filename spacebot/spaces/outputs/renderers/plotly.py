"""Plotly's lines, points, bars, histograms and pies → Vega-Lite, which draws without a browser."""

# ruff: noqa: ARG001 - every kind of trace is drawn by the same signature

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

_WIDTH, _HEIGHT = 640, 400
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d(?:[T ][\d:.]+Z?)?)?")
# Plotly draws points and lines for few points, and only lines for more.
_MAX_MARKED_POINTS = 20


def vega_lite(figure: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a Plotly figure as a Vega-Lite chart, or None if it has other kinds of traces."""
    traces, layout = figure.get("data") or [], figure.get("layout") or {}
    drawers = [_DRAWERS.get(trace.get("type") or "scatter") for trace in traces]
    if not traces or None in drawers:
        return None
    layers: list[dict[str, Any]] = []
    for number, (trace, drawer) in enumerate(zip(traces, drawers, strict=True), 1):
        name = str(trace.get("name") or f"trace {number}")
        layers += drawer(trace, name, layout) if drawer else []
    if len(traces) == 1 and traces[0].get("type") != "pie":
        for layer in layers:
            layer["encoding"].pop("color", None)
    return {
        "layer": layers,
        "title": _title(layout),
        "width": _WIDTH,
        "height": _HEIGHT,
        "resolve": {"scale": {"color": "shared"}},
    }


def _lines(
    trace: Mapping[str, Any], name: str, layout: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    x, y = _points(trace)
    mode = trace.get("mode") or ("lines+markers" if len(x) < _MAX_MARKED_POINTS else "lines")
    rows = [{"x": a, "y": b, "n": i, "s": name} for i, (a, b) in enumerate(zip(x, y, strict=False))]
    encoding = {
        "x": {"field": "x", **_axis(layout, "xaxis", x)},
        "y": {"field": "y", **_axis(layout, "yaxis", y)},
        "color": _COLOUR,
    }
    if "lines" in mode:
        yield _layer(rows, {"type": "line"}, {**encoding, "order": {"field": "n"}})
    if "markers" in mode:
        yield _layer(rows, {"type": "point", "filled": True}, encoding)


def _bars(
    trace: Mapping[str, Any], name: str, layout: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    x, y = _points(trace)
    rows = [{"x": a, "y": b, "s": name} for a, b in zip(x, y, strict=False)]
    along, across = ("y", "x") if trace.get("orientation") == "h" else ("x", "y")
    encoding = {
        along: {"field": along, **_axis(layout, f"{along}axis", [""]), "sort": None},
        across: {"field": across, **_axis(layout, f"{across}axis", [0])},
        "color": _COLOUR,
    }
    if layout.get("barmode") != "stack":
        encoding[f"{along}Offset"] = {"field": "s"}
    yield _layer(rows, {"type": "bar"}, encoding)


def _histogram(
    trace: Mapping[str, Any], name: str, layout: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    values = _values(trace.get("x"))
    numeric = _kind(values) == "quantitative"
    encoding = {
        "x": {"field": "x", "bin": {"maxbins": 30} if numeric else False,
              **_axis(layout, "xaxis", values)},
        "y": {"aggregate": "count", "title": _title(layout.get("yaxis") or {}) or "count"},
        "color": _COLOUR,
    }  # fmt: skip
    rows = [{"x": value, "s": name} for value in values]
    yield _layer(rows, {"type": "bar", "opacity": 0.8}, encoding)


def _pie(
    trace: Mapping[str, Any], name: str, layout: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    rows = [
        {"s": str(label), "v": value}
        for label, value in zip(_values(trace["labels"]), _values(trace["values"]), strict=False)
    ]
    encoding = {"theta": {"field": "v", "type": "quantitative"}, "color": {**_COLOUR, "sort": None}}
    hole = float(trace.get("hole") or 0)
    yield _layer(rows, {"type": "arc", "innerRadius": hole * _HEIGHT / 2}, encoding)


def _layer(
    rows: list[dict[str, Any]], mark: dict[str, Any], encoding: dict[str, Any]
) -> dict[str, Any]:
    return {"data": {"values": rows}, "mark": mark, "encoding": encoding}


def _points(trace: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return a trace's x and y; a missing axis counts from 0."""
    x, y = _values(trace.get("x")), _values(trace.get("y"))
    return x or list(range(len(y))), y or list(range(len(x)))


def _values(value: Any) -> list[Any]:
    """Return a list, also from Plotly's packed arrays."""
    if isinstance(value, Mapping) and "bdata" in value:
        packed = np.frombuffer(base64.b64decode(value["bdata"]), dtype=f"<{value['dtype']}")
        if isinstance(value.get("shape"), str) and "," in value["shape"]:
            raise ValueError("rows of numbers, where one is expected")
        return packed.tolist()
    return list(value) if isinstance(value, list) else []


def _axis(layout: Mapping[str, Any], name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return the type, title and scale of an axis."""
    axis = layout.get(name) or {}
    kind = {"log": "quantitative", "date": "temporal", "category": "nominal"}.get(
        str(axis.get("type")), _kind(values)
    )
    made: dict[str, Any] = {"type": kind, "title": _title(axis) or None}
    if axis.get("type") == "log":
        made["scale"] = {"type": "log"}
    elif kind == "quantitative" and isinstance(axis.get("range"), list):
        made["scale"] = {"domain": axis["range"]}
    elif kind == "quantitative":
        made["scale"] = {"zero": values == [0]}
    return made


def _kind(values: Sequence[Any]) -> str:
    present = [value for value in values if value is not None]
    if all(isinstance(value, int | float) for value in present):
        return "quantitative"
    dates = all(isinstance(value, str) and _DATE.fullmatch(value) for value in present)
    return "temporal" if dates else "nominal"


def _title(holder: Mapping[str, Any]) -> str:
    title = holder.get("title")
    return str((title.get("text") if isinstance(title, Mapping) else title) or "")


_COLOUR: dict[str, Any] = {"field": "s", "type": "nominal", "title": None}
_DRAWERS = {
    "scatter": _lines,
    "scattergl": _lines,
    "bar": _bars,
    "histogram": _histogram,
    "pie": _pie,
}
