"""The README as the page shows it: the file of a checkout, or the installed package's."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

FILE = Path(__file__).parents[2] / "README.md"
FRONT_MATTER = re.compile(r"---\n.*?\n---\n+", re.DOTALL)
MISSING = "This installation has no README.\n"


def readme_text(file: Path = FILE) -> str:
    """The README without the lines that only Hugging Face reads. Blocks: it reads a file."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError:
        text = _installed()
    match = FRONT_MATTER.match(text)
    return text[match.end() :] if match else text


def _installed() -> str:
    try:
        about = metadata.metadata("spacebot")
    except metadata.PackageNotFoundError:
        return MISSING
    return str(about.json.get("description", MISSING))
