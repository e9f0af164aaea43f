"""Loads modules at their first use that libraries import eagerly but rarely need.

Gradio imports pandas for a cache and a dashboard that the page does not have: 35 MB, and a
second at startup. `cryptography` seals tokens if there is a SECRET_KEY: 6 MB. This is the
standard library's recipe for lazy imports (`importlib.util.LazyLoader`); once something reads
such a module, it behaves as if it had been imported normally.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

LAZY = ("pandas", "cryptography.fernet", "cryptography.hazmat.primitives.kdf.scrypt")


class LazyFinder(MetaPathFinder):
    """Finds the modules with these names; each is loaded when one of its
    attributes is first read."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec with a lazy loader; None for other modules."""
        if fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


def install() -> None:
    """Delay loading the modules in `LAZY`; call this before the libraries are imported."""
    sys.meta_path.insert(0, LazyFinder(LAZY))
