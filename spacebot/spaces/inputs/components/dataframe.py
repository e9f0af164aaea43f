"""A Dataframe as input: rows from CSV or JSON, under the headers and types of the Space's table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from spacebot.models import Parameter
from spacebot.spaces.inputs.components.base import fold, quote, refuse
from spacebot.spaces.inputs.components.data import JsonInput, PastedInput

# Gradio reads these as they are, and sends a missing number as null.
MISSING_CELLS = frozenset({"", "nan", "na", "n/a", "null", "none"})
TRUE_CELLS, FALSE_CELLS = (
    frozenset({"true", "yes", "1", "on"}),
    frozenset({"false", "no", "0", "off"}),
)


class DataframeInput(PastedInput):
    """A Dataframe, from CSV or JSON.

    The first line of CSV holds headers if it repeats those of the Space's table. Only a
    table without headers takes them from the text.
    """

    types = (".csv", ".tsv", ".json", ".txt")
    hint = "CSV or JSON"

    def parse(self, parameter: Parameter, name: str, text: Any) -> dict[str, Any]:
        if isinstance(text, str) and not text.lstrip().startswith(("[", "{")):
            return typed_table(parameter, name, *from_csv(parameter, name, text), guess=True)
        value = JsonInput().parse(parameter, name, text)
        if (found := from_json(value, headers_of(parameter))) is None:
            raise refuse(name, f"is not a table: {quote(text)}. Give rows like `[[1, 2], [3, 4]]`.")
        return typed_table(parameter, name, *found)

    def blank(self, parameter: Parameter) -> dict[str, Any]:
        # None would make Gradio's own preprocessing fail.
        return to_table(headers_of(parameter), [])


def csv_rows(text: str) -> list[list[str]]:
    """The rows of a CSV or TSV text. On a single line, as a command has it, ";" ends a row."""
    lines = text.strip("\r\n")
    if "\n" not in lines and "," in lines:
        lines = lines.replace(";", "\n")
    first = lines.partition("\n")[0]
    delimiter = max(",\t;|", key=first.count)
    rows = csv.reader(io.StringIO(lines), delimiter=delimiter, skipinitialspace=True)
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def from_csv(parameter: Parameter, name: str, text: str) -> tuple[list[Any], list[list[Any]]]:
    """The headers and rows of CSV, as wide as its widest row."""
    try:
        first, *rows = csv_rows(text)
    except (csv.Error, ValueError):
        raise refuse(name, "contains no table: give CSV like `name,age; Ann,41`.") from None
    own = headers_of(parameter) if has_own_headers(headers_of(parameter)) else []
    if not is_header_row(first, rows, own):
        first, rows = own, [first, *rows]
    return pad_rows(first, rows, "")


def is_header_row(first: Sequence[str], rows: Sequence[Sequence[str]], own: Sequence[Any]) -> bool:
    """Whether the first line of CSV holds headers; `own` are those of the Space's table."""
    if own:
        return {*map(_folded, first)} <= {*map(_folded, own)}
    return bool(rows) and all(first) and all(parse_numbers([cell]) == [cell] for cell in first)


def typed_table(
    parameter: Parameter,
    name: str,
    names: Sequence[Any],
    rows: Sequence[Sequence[Any]],
    *,
    guess: bool = False,
) -> dict[str, Any]:
    """A table under the Space's headers, cells by their datatype; `guess` reads numbers without."""
    names, rows = order_columns(headers_of(parameter), names, rows)
    kinds = parameter.props.get("datatype")
    # "str" for all columns is what Gradio says if the author set no datatype.
    common = kinds if isinstance(kinds, str) and kinds != "str" else ""
    each = kinds if isinstance(kinds, list) else []
    columns = []
    for place, header in enumerate(names):
        cells = [row[place] for row in rows]
        kind = each[place] if place < len(each) else common
        if kind in ("", "auto") and guess:
            columns.append(parse_numbers(cells))
        else:
            columns.append(convert_column(name, str(header), kind, cells))
    return to_table(names, [list(row) for row in zip(*columns, strict=True)])


def order_columns(
    own: Sequence[Any], names: Sequence[Any], rows: Sequence[Sequence[Any]]
) -> tuple[Sequence[Any], Sequence[Sequence[Any]]]:
    """Columns with the Space's names in its order, missing ones empty; others unchanged."""
    positions = {_folded(one): place for place, one in enumerate(names)}
    places = [positions.get(_folded(one)) for one in own]
    if (
        not has_own_headers(own)
        or len(positions) < len(names)
        or not positions.keys() <= {*map(_folded, own)}
    ):
        return names, rows
    return own, [[None if at is None else row[at] for at in places] for row in rows]


def convert_column(name: str, header: str, kind: Any, cells: Sequence[Any]) -> list[Any]:
    """The cells of one column as its datatype has them; raises InputError."""
    if kind not in ("number", "bool"):
        return list(cells)
    try:
        return [as_number(cell) if kind == "number" else as_bool(cell) for cell in cells]
    except (TypeError, ValueError) as error:
        what = "a number" if kind == "number" else "`true` or `false`"
        raise refuse(
            name,
            f"has {quote(error.args[0])} in the column {quote(header)}, which takes {what}.",
        ) from None


def as_number(cell: Any) -> int | float | None:
    """The number in a cell, None for a missing one; raises ValueError with the cell."""
    if cell is None or isinstance(cell, int | float):
        return cell
    if not isinstance(cell, str):
        raise ValueError(cell)
    if cell.strip().lower() in MISSING_CELLS:
        return None
    try:
        return int(cell)
    except ValueError:
        return parse_finite(cell)


def as_bool(cell: Any) -> bool | None:
    """The truth value in a cell, None for a missing one; raises ValueError with the cell."""
    if cell is None or isinstance(cell, bool):
        return cell
    word = str(cell).strip().lower()
    if word in TRUE_CELLS | FALSE_CELLS:
        return word in TRUE_CELLS
    if word in MISSING_CELLS:
        return None
    raise ValueError(cell)


def parse_numbers(cells: Sequence[str | None]) -> list[Any]:
    """Texts that are all numbers or empty as numbers (None for an empty one), else as they were."""
    try:
        read = [parse_number(cell) if cell else None for cell in cells]
    except ValueError:
        return list(cells)
    return read if any(cell is not None for cell in read) else list(cells)


def parse_number(cell: str) -> int | float:
    """The number in a cell; raises ValueError for none, and for codes like "007"."""
    digits = cell.lstrip("-")
    if len(digits) > 1 and digits.startswith("0") and digits[1] != ".":
        raise ValueError(cell)
    return int(cell) if digits.isdecimal() and digits.isascii() else parse_finite(cell)


def parse_finite(cell: str) -> float:
    """A float that JSON can carry; raises ValueError with a cell like "inf" or "1_000"."""
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(cell) from None
    if value - value != 0 or "_" in cell:
        raise ValueError(cell)
    return value


def from_json(value: Any, head: Sequence[Any]) -> tuple[list[Any], list[list[Any]]] | None:
    """Headers and rows from JSON: Gradio's own shape, rows or objects; None for others."""
    if isinstance(value, dict):
        if isinstance(value.get("data"), list) and isinstance(value.get("headers"), list):
            return pad_rows(value["headers"], value["data"])
        columns = list(value.values())
        if columns and all(isinstance(one, list) for one in columns):
            return list(value), [list(row) for row in zip(*columns, strict=False)]
        value = [value]
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(row, dict) for row in value):
        keys = list(dict.fromkeys(key for row in value for key in row))
        return keys, [[row.get(key) for key in keys] for row in value]
    return pad_rows(head if has_own_headers(head) else [], value)


def pad_rows(
    head: Sequence[Any], rows: Sequence[Any], blank: Any = None
) -> tuple[list[Any], list[list[Any]]]:
    """Headers and rows of one width; headers that are missing are numbers."""
    listed = [row if isinstance(row, list) else [row] for row in rows]
    width = max([len(head), *map(len, listed)])
    names = [*head, *(str(place + 1) for place in range(len(head), width))]
    return names, [[*row, *[blank] * (width - len(row))] for row in listed]


def headers_of(parameter: Parameter) -> list[Any]:
    """The headers of the Space's own table, or numbers from 1 as Gradio gives them."""
    named = parameter.props.get("headers")
    if isinstance(named, list) and named:
        return named
    count = parameter.props.get("column_count") or parameter.props.get("col_count") or [3]
    count = count[0] if isinstance(count, (list, tuple)) and count else count
    # A Space may send anything.
    count = count if isinstance(count, int) and 0 < count <= 100 else 3
    return [str(place + 1) for place in range(count)]


def _folded(header: Any) -> str:
    return fold(str(header))


def has_own_headers(head: Sequence[Any]) -> bool:
    """Whether headers are an author's: Gradio numbers the others from 1."""
    return [str(one) for one in head] != [str(place + 1) for place in range(len(head))]


def to_table(head: Sequence[Any], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """A table as Gradio's Dataframe takes it."""
    return {"headers": list(head), "data": [list(row) for row in rows], "metadata": None}
