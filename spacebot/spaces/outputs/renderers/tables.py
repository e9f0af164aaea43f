"""Tables: aligned where they are small, else as a CSV file with their first rows shown."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from spacebot.spaces.outputs import text
from spacebot.spaces.outputs.files import RenderContext, Rendered, join_parts
from spacebot.spaces.outputs.values import plain_value

# What a code block holds on a wide screen without breaking lines.
_MAX_WIDTH = 90
_MAX_ROWS = 20
_MAX_CELL_WIDTH = 40
_PREVIEW_ROWS = 5
_MAX_LENGTH = 1700


class DataframeRenderer:
    """A table with headers."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        if isinstance(value, list):
            value = {"headers": [], "data": value}
        rows = [[_cell(cell) for cell in row] for row in _with_visible_nan(value["data"])]
        count = max([len(value["headers"]), *map(len, rows)])
        headers = [_cell(name) for name in value["headers"]] or [str(i + 1) for i in range(count)]
        if not any(any(row) for row in rows):
            return Rendered()
        return render_table(
            headers, rows, place, _marked_columns(place.props.get("datatype"), len(headers))
        )


def render_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    place: RenderContext,
    marked: Sequence[int] = (),
) -> Rendered:
    """Return a table as text, else as CSV with its first rows; `marked` columns hold markup."""
    source, written = as_csv(headers, rows), rows
    rows = [
        [_plain(cell) if at in marked else _brief(cell) for at, cell in enumerate(row)]
        for row in rows
    ]
    links = any("](" in cell or "href" in cell for row in written for cell in row)
    fits = len(rows) <= _MAX_ROWS and all(
        len(cell) <= _MAX_CELL_WIDTH for row in rows for cell in row
    )
    aligned = text.table(headers, rows, _MAX_CELL_WIDTH) if fits else ""
    if 0 < len(aligned) <= _MAX_LENGTH and _width(aligned) <= _MAX_WIDTH:
        inline = Rendered(text.fence(aligned), source=source, suffix=".csv")
        # The file keeps the addresses, which have no place here.
        return join_parts([inline, _csv(source, place)]) if marked and links else inline
    whole = _csv(source, place)
    size = f"{len(rows):,} rows, {len(headers):,} columns"
    return join_parts(
        [Rendered(f"{text.fence(_preview(headers, rows))}\n{text.small(size)}"), whole]
    )


def _csv(source: str, place: RenderContext) -> Rendered:
    # Excel takes a CSV file for UTF-8 only with a byte order mark.
    return place.write("\ufeff" + source, ".csv")


def _marked_columns(kinds: Any, count: int) -> list[int]:
    """Return the columns whose cells hold Markdown or HTML."""
    kinds = kinds if isinstance(kinds, list) else [kinds] * count
    return [number for number, kind in enumerate(kinds) if kind in ("markdown", "html")]


def _plain(cell: str) -> str:
    """Return a cell of Markdown or HTML without its marks, as leaderboards link their names."""
    named = re.sub(r"!?\[([^\[\]]*)\]\([^()\s]*\)", r"\1", cell)
    return text.strip_to_line(named) if "<" in named else " ".join(named.split())


def as_csv(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as CSV."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([headers, *rows])
    return stream.getvalue()


def _preview(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the first rows, with as many columns as have room."""
    for count in range(min(len(headers), _MAX_WIDTH // 3), 0, -1):
        more = ["…"] if count < len(headers) else []
        lines = [[*row[:count], *more] for row in rows[:_PREVIEW_ROWS]]
        aligned = text.table([*headers[:count], *more], lines, _MAX_CELL_WIDTH // 2)
        if _width(aligned) <= _MAX_WIDTH or count == 1:
            return aligned + ("\n…" if len(rows) > _PREVIEW_ROWS else "")
    return ""


def _width(aligned: str) -> int:
    return max(map(text.width, aligned.split("\n")))


def _brief(cell: str) -> str:
    """Return a number with many digits as a person reads it; the file keeps them all."""
    return f"{float(cell):.6g}" if re.fullmatch(r"-?\d{1,9}\.\d{5,20}", cell) else cell


def _with_visible_nan(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Rows in which NaN can be seen: Gradio sends null for NaN and infinity."""
    width = max(map(len, rows), default=0)
    numeric = [
        all(row[at] is None or _is_number(row[at]) for row in rows if at < len(row))
        for at in range(width)
    ]
    if not any(numeric):
        return rows
    return [
        ["NaN" if cell is None and numeric[at] else cell for at, cell in enumerate(row)]
        for row in rows
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return plain_value(value)
