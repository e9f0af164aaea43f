"""Loads modules at their first use that libraries import eagerly but rarely need.

Gradio imports pandas for a cache and a dashboard that the page does not have: 35 MB, and a
second at startup. `cryptography` seals tokens if there is a SECRET_KEY: 6 MB. Only some options
and results have a date, sound or Markdown: 8 MB together. `RenderPool.warm` loads Markdown's
converter beside the first job.

`importlib.util.LazyLoader` is not used: before Python 3.11.9 and 3.12.3, a second thread that
reads the module while it loads finds it half empty (python/cpython#114763).
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LAZY = (
    "pandas",
    "cryptography.fernet",
    "cryptography.hazmat.primitives.kdf.scrypt",
    "dateparser",
    "soundfile",
    "spacebot.spaces.outputs.markdown",
)


class LazyModule(ModuleType):
    """Stands for a module, and imports it when one of its attributes is first read.

    The import takes the interpreter's own lock for the module, so other threads wait for it.
    """

    _lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


class LazyFinder(MetaPathFinder, Loader):
    """Finds the modules with these names, each once: what it gives is a `LazyModule`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """The spec of a `LazyModule`; None for other modules, and the second time."""
        if fullname not in self._names:
            return None
        self._names.remove(fullname)
        return ModuleSpec(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        """Load nothing yet."""
        module.__class__ = LazyModule


def install() -> None:
    """Delay loading the modules in `LAZY`; call this before the libraries are imported."""
    sys.meta_path.insert(0, LazyFinder(LAZY))
