"""Another time of day for one module.

The `time` module itself is never changed: every event loop of the process relies on its
`monotonic`, and a loop that sees a later time sleeps until then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest


def set_clock(
    patch: pytest.MonkeyPatch,
    *modules: str,
    monotonic: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> None:
    """Give modules, by their full names, another time than the rest of the process."""
    for module in modules:
        patch.setattr(f"{module}.time", SimpleNamespace(monotonic=monotonic, time=now))
