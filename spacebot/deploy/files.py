"""The files that a Space of Spacebot consists of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from spacebot.errors import DeployError

ROOT = Path(__file__).parents[2]
SINGLE_FILES = ("README.md", "app.py", "requirements.txt", "LICENSE")
PACKAGE = "spacebot"
# What the Hub itself puts into a new Space; it needs the first for its own use.
NEVER_DELETED = {".gitattributes"}
NEW_SPACE_FILES = {".gitattributes", "README.md"}


def needed_files(root: Path = ROOT) -> dict[str, Path]:
    """The files that the Space needs, by their path there; `DeployError` if one is missing."""
    found = {name: root / name for name in SINGLE_FILES}
    found |= {str(path.relative_to(root)): path for path in _package(root / PACKAGE)}
    missing = [name for name, path in found.items() if not path.is_file()]
    if missing or f"{PACKAGE}/__init__.py" not in found:
        raise DeployError(
            f"{root} is not a complete copy of Spacebot: {', '.join(missing) or PACKAGE} is "
            "missing. Run this from a fresh clone."
        )
    return dict(sorted(found.items()))


def _package(folder: Path) -> Iterator[Path]:
    """The files of the package, without caches and leftovers of editors or the system."""
    for path in folder.rglob("*"):
        names = path.relative_to(folder).parts
        if path.is_file() and not any(name.startswith((".", "__pycache__")) for name in names):
            yield path


def stale_files(there: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """The files on the Space that it no longer needs."""
    return sorted(set(there) - set(wanted) - NEVER_DELETED)


def is_another_app(there: Iterable[str]) -> bool:
    """Whether a Space's files are neither a new Space's nor an earlier Spacebot's."""
    names = set(there)
    return bool(names - NEW_SPACE_FILES) and f"{PACKAGE}/__init__.py" not in names
