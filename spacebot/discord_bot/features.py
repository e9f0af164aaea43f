"""What the bot offers besides the Spaces' commands: each feature is one line in `Bot.features`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import discord
from discord import app_commands

AppCommand: TypeAlias = (
    app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu
)


async def _nothing() -> None:
    """Do nothing at the start or the end."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature, as the client sees it.

    `commands` creates its commands for Discord, again whenever those of the Spaces change; a
    command whose name a Space has taken is left out. `components` handle its buttons and menus,
    including those posted before a restart. `start` runs once after the login, `close` when the
    client is closed. `refresh` reads again what other processes may have changed.
    """

    commands: Callable[[], Iterable[AppCommand]] = tuple
    components: Sequence[type[discord.ui.DynamicItem[Any]]] = ()
    start: Callable[[], Awaitable[None]] = _nothing
    refresh: Callable[[], Awaitable[None]] = _nothing
    close: Callable[[], Awaitable[None]] = _nothing
