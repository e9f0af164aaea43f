"""Menus that only one member sees and that live in memory: found by the id in their components."""

from __future__ import annotations

import secrets
from typing import Generic, TypeVar

from cachetools import TTLCache

T = TypeVar("T")

MENU_TTL = 3600.0
MENU_ID = r"(?P<menu>[0-9a-f]{12})"
MENU_EXPIRED = "⌛ This menu is too old, or the bot was restarted. Open it again."


class OpenMenus(Generic[T]):
    """The open menus of one kind by id: at most `most`, each for `MENU_TTL` seconds."""

    def __init__(self, most: int) -> None:
        self._menus = TTLCache[str, T](most, MENU_TTL)

    def add(self, menu: T) -> str:
        """Store a menu and return its id; if there are too many, drop the oldest."""
        key = secrets.token_hex(6)
        self._menus[key] = menu
        return key

    def get(self, key: str) -> T | None:
        """The menu with this id, or None if it has expired."""
        return self._menus.get(key)
