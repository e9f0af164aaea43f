"""Plots: as a picture, else as a page that a browser draws."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacebot.spaces.outputs import text
from spacebot.spaces.outputs.files import RenderContext, Rendered, is_uri, join_parts
from spacebot.spaces.outputs.renderers import tables
from spacebot.spaces.outputs.renderers.plotly import vega_lite
from spacebot.spaces.outputs.values import plain_value

log = logging.getLogger(__name__)

_DRAW_SCRIPT = Path(__file__).with_name("draw.py")
_DRAW_TIMEOUT = 15
_MAX_SPEC_LENGTH = 4_000_000
_MAX_ROWS = 20_000
_MAX_MARKED_POINTS = 50
_WIDTH, _HEIGHT = 640, 400
# The units of a native plot's bins, in seconds.
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# A larger chart is drawn with sides of so many pixels, twice as sharp: 16 MB.
_MAX_SIDE = 1000

_PAGE = (
    '<!doctype html><meta charset="utf-8"><title>Plot</title>{scripts}<div id="plot"></div>{run}'
)
_PAGES = {
    "plotly": (
        '<script src="https://cdn.plot.ly/plotly-2.35.2.min.js"></script>',
        "<script>const f = {data}; Plotly.newPlot('plot', f.data, f.layout)</script>",
    ),
    "bokeh": (
        '<script src="https://cdn.bokeh.org/bokeh/release/bokeh-{version}.min.js"></script>'
        '<script src="https://cdn.bokeh.org/bokeh/release/bokeh-widgets-{version}.min.js"></script>'
        '<script src="https://cdn.bokeh.org/bokeh/release/bokeh-tables-{version}.min.js"></script>',
        "<script>Bokeh.embed.embed_item({data}, 'plot')</script>",
    ),
    "altair": (
        '<script src="https://cdn.jsdelivr.net/npm/vega@5"></script>'
        '<script src="https://cdn.jsdelivr.net/npm/vega-lite@5"></script>'
        '<script src="https://cdn.jsdelivr.net/npm/vega-embed@6"></script>',
        "<script>vegaEmbed('#plot', {data})</script>",
    ),
}


class PlotRenderer:
    """A plot: Matplotlib's comes as a picture, the others as a description."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        plot, kind = value["plot"], str(value.get("type") or "")
        if is_uri(plot):
            return place.write_uri(plot)
        described = json.loads(plot) if isinstance(plot, str) else plot
        drawn = draw(self._spec(described, kind)) if place.attachments.folder else None
        return place.write(drawn, ".png") if drawn else self._page(described, kind, place)

    def _spec(self, described: Any, kind: str) -> dict[str, Any] | None:
        """Return the plot as Vega-Lite, if Vega-Lite can express it."""
        if kind == "plotly":
            return vega_lite(described)
        return described if kind == "altair" else None

    def _page(self, described: Any, kind: str, place: RenderContext) -> Rendered:
        """Return a page that shows the plot, or the bare description of an unknown kind."""
        raw = json.dumps(described, ensure_ascii=False)
        if kind not in _PAGES:
            whole = place.write(raw, ".json")
            return join_parts(
                [Rendered("This kind of plot cannot be drawn here. Its data:"), whole]
            )
        scripts, run = _PAGES[kind]
        version = "".join(c for c in str(described.get("version", "")) if c.isdigit() or c == ".")
        page = _PAGE.replace("{scripts}", scripts.replace("{version}", version or "3.8.1"))
        # "</script>" inside the data would end the script.
        page = page.replace("{run}", run.replace("{data}", raw.replace("</", "<\\/")))
        note = f"A {kind.title()} plot: open the attached page in a browser to see it."
        return join_parts([Rendered(text.escape(note)), place.write(page, ".html")])


class NativePlotRenderer:
    """A LinePlot, BarPlot or ScatterPlot: rows of data, drawn as its properties say."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        columns = [str(name) for name in value["columns"]]
        axes = dict(zip(("x", "y"), columns, strict=False))
        known = {name: prop for name, prop in place.props.items() if prop is not None}
        spec = self._spec(value, columns, {**axes, **known})
        if spec and place.attachments.folder and (drawn := draw(spec)):
            return place.write(drawn, ".png")
        rows = [[plain_value(cell) for cell in row] for row in value["data"]]
        return tables.render_table(columns, rows, place)

    def _spec(
        self, value: Mapping[str, Any], columns: list[str], props: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        x, y = props.get("x"), props.get("y")
        if x not in columns or y not in columns or len(value["data"]) > _MAX_ROWS:
            return None
        encoding = {"x": self._x(value, props), "y": self._y(value, props)}
        if (colour := props.get("color")) in columns:
            encoding["color"] = {
                "field": _field(colour),
                "type": _datatype(value, colour),
                "title": props.get("color_title") or str(colour),
            }
        rows = [dict(zip(columns, row, strict=False)) for row in value["data"]]
        # A series of one point would be a line that cannot be seen.
        point, kind = len(rows) < _MAX_MARKED_POINTS, str(value.get("mark") or "point")
        # Bars begin at zero even if the axis does not.
        mark = {"type": kind, "point": point, "clip": kind == "bar"}
        return chart(rows, mark, encoding, props.get("title"))

    def _x(self, value: Mapping[str, Any], props: Mapping[str, Any]) -> dict[str, Any]:
        """Return the x axis, in bins if the plot has them; times are in milliseconds."""
        second = 1000 if _datatype(value, props["x"]) == "temporal" else 1
        made = self._axis("x", value, props, second)
        if bins := _bins(props.get("x_bin")):
            made["bin"] = {"step": bins}
        made["sort"] = _sorted(props.get("sort"), props["y"])
        return made

    def _y(self, value: Mapping[str, Any], props: Mapping[str, Any]) -> dict[str, Any]:
        """Return the y axis: one value for each place on the x axis, if the page shows one."""
        made = self._axis("y", value, props)
        binned = _bins(props.get("x_bin")) is not None
        if value.get("mark") in ("bar", "line"):
            if binned or _datatype(value, props["x"]) == "nominal":
                made["aggregate"] = props.get("y_aggregate") or "sum"
        elif binned:
            made["aggregate"] = "sum"
        return made

    def _axis(
        self, axis: str, value: Mapping[str, Any], props: Mapping[str, Any], unit: float = 1
    ) -> dict[str, Any]:
        """Return what both axes have: column, title, and limits in `unit`."""
        name = props[axis]
        made: dict[str, Any] = {
            "field": _field(name),
            "type": _datatype(value, name),
            "title": props.get(f"{axis}_title") or name,
        }
        if limits := props.get(f"{axis}_lim"):
            ends = {"domainMin": limits[0], "domainMax": limits[1]}
            made["scale"] = {end: at * unit for end, at in ends.items() if at is not None}
        return made


def _datatype(value: Mapping[str, Any], column: Any) -> str:
    """Return Vega-Lite's type of a native plot's column."""
    return (value.get("datatypes") or {}).get(column, "nominal")


def _bins(x_bin: Any) -> float | None:
    """Return the width of a native plot's bins; `10s`, `5m`, `2h` and `1d` are in milliseconds."""
    if isinstance(x_bin, str) and x_bin[-1:] in _SPANS and x_bin[:-1].isdecimal():
        return 1000 * int(x_bin[:-1]) * _SPANS[x_bin[-1]] or None
    return x_bin or None if isinstance(x_bin, int | float) else None


def _sorted(order: Any, y: Any) -> Any:
    """Return how Vega-Lite sorts the x axis; None keeps the order of the rows."""
    if order in ("y", "-y"):
        return {"field": _field(y), "order": "ascending" if order == "y" else "descending"}
    return {"x": "ascending", "-x": "descending"}.get(order) if isinstance(order, str) else order


def chart(
    rows: list[dict[str, Any]], mark: Mapping[str, Any], encoding: Mapping[str, Any], title: Any
) -> dict[str, Any]:
    """Return one Vega-Lite chart of rows."""
    return {
        "data": {"values": rows},
        "mark": mark,
        "encoding": encoding,
        "title": str(title or ""),
        "width": _WIDTH,
        "height": _HEIGHT,
    }


def draw(spec: dict[str, Any] | None) -> bytes | None:
    """Return a Vega-Lite chart as PNG, or None if it cannot be drawn."""
    if spec is None or _has_external_data(spec):
        return None
    raw = json.dumps({"background": "white", **_limit_size(spec)})
    if len(raw) > _MAX_SPEC_LENGTH:
        return None
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_DRAW_SCRIPT)],
            input=raw.encode(),
            capture_output=True,
            timeout=_DRAW_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        log.info("a chart could not be drawn: %s", type(exc).__name__)
        return None
    return done.stdout or None


def _limit_size(spec: Any) -> Any:
    """Return the chart, each of its views of a size that can be drawn."""
    if isinstance(spec, list):
        return [_limit_size(one) for one in spec]
    if not isinstance(spec, Mapping):
        return spec
    # Rows may have columns of any name.
    rows = ("data", "datasets")
    kept = {key: one if key in rows else _limit_size(one) for key, one in spec.items()}
    for side in ("width", "height"):
        if isinstance(kept.get(side), int | float):
            kept[side] = min(kept[side], _MAX_SIDE)
    return kept


def _has_external_data(spec: Any) -> bool:
    """Say whether a chart takes anything from an address or a file."""
    if isinstance(spec, Mapping):
        return "url" in spec or any(map(_has_external_data, spec.values()))
    return isinstance(spec, list) and any(map(_has_external_data, spec))


def _field(name: Any) -> str:
    """Return a column's name as Vega-Lite takes it, where dots and brackets mean a path."""
    return "".join(f"\\{c}" if c in ".[]" else c for c in str(name))
