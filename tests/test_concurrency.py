"""Which event loop the bot runs on."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

from spacebot.concurrency import new_event_loop


class _Other(asyncio.SelectorEventLoop):
    """Not asyncio's own."""


def test_uvloop_is_used_where_it_is_installed(monkeypatch: Any) -> None:
    # None is what Python takes for a module that is not installed.
    for module, used in ((SimpleNamespace(new_event_loop=_Other), True), (None, False)):
        monkeypatch.setitem(sys.modules, "uvloop", module)
        loop = new_event_loop()
        loop.close()
        assert isinstance(loop, _Other) is used
