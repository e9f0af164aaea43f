"""Small files of JSON in DATA_DIR."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def load(path: Path) -> Any:
    """The content of a file; None if there is no file. Raises `OSError` and `ValueError`."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None


def save(path: Path, value: Any) -> None:
    """Write a file atomically; raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value), "utf-8")
    fresh.replace(path)
