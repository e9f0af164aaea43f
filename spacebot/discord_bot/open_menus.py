"""Menus that only one member sees and that live in memory: found again by the id in their parts."""

from __future__ import annotations

import secrets
import time
from typing import Generic, TypeVar

T = TypeVar("T")

MENU_TTL = 3600.0
MENU_ID = r"(?P<menu>[0-9a-f]{12})"
MENU_EXPIRED = "⌛ This menu is too old, or the bot was restarted. Open it again."


class OpenMenus(Generic[T]):
    """The open menus of a kind by id: at most `most`, each for `MENU_TTL` seconds."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._menus: dict[str, tuple[float, T]] = {}

    def add(self, menu: T) -> str:
        """Keep a menu and return its id; the oldest goes where there are too many."""
        key = secrets.token_hex(6)
        self._menus[key] = time.monotonic(), menu
        while len(self._menus) > self._most:
            del self._menus[next(iter(self._menus))]
        return key

    def get(self, key: str) -> T | None:
        """The menu of this id, or None where it has expired."""
        opened, menu = self._menus.get(key, (0.0, None))
        return menu if time.monotonic() - opened < MENU_TTL else None
