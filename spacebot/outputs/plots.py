"""Plots: as the picture that the Space drew, else their data as a file."""

from __future__ import annotations

import json
from typing import Any

from spacebot.outputs import tables, text
from spacebot.outputs.files import Place, Shown, is_uri, joined
from spacebot.outputs.values import words


class Plot:
    """A plot: Matplotlib's comes as a picture, the others as a description."""

    def __call__(self, value: Any, place: Place) -> Shown:
        plot, kind = value["plot"], str(value.get("type") or "")
        if is_uri(plot):
            return place.write_uri(plot)
        raw = plot if isinstance(plot, str) else json.dumps(plot)
        whole = place.write(raw.encode(), ".json")
        note = f"A {kind} plot, which only a browser can draw; its data is attached."
        return joined([Shown(text.escape(note)), whole])


class NativePlot:
    """A LinePlot, BarPlot or ScatterPlot: rows of data."""

    def __call__(self, value: Any, place: Place) -> Shown:
        rows = [[words(cell) for cell in row] for row in value["data"]]
        return tables.shown([str(name) for name in value["columns"]], rows, place)
