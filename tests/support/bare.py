"""A Python that has only what requirements.txt brings, as a fresh install has."""

from __future__ import annotations

import re
from collections import deque
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HIDER = """\
import importlib.abc, sys
class Hider(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} in a fresh install", name=name)
sys.meta_path.insert(0, Hider())
"""


def brought(requirements: Path) -> set[str]:
    """The distributions of a requirements file, with those that they require."""
    lines = re.sub(r"#.*", "", requirements.read_text()).split("\n")
    waiting = deque(Requirement(line) for line in lines if line.strip())
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.popleft()
        name = canonicalize_name(wanted.name)
        for extra in {"", *wanted.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            needed = map(Requirement, metadata.requires(name) or ())
            waiting.extend(
                each
                for each in needed
                if each.marker is None or each.marker.evaluate({"extra": extra})
            )
    return {name for name, _ in seen}


def hide_the_rest(requirements: Path, folder: Path) -> None:
    """Write a sitecustomize into the folder; on PYTHONPATH it hides all other modules."""
    there = brought(requirements)
    hidden = {
        module
        for module, owners in metadata.packages_distributions().items()
        if not {canonicalize_name(owner) for owner in owners} & there
    }
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(HIDER.format(hidden=hidden))
