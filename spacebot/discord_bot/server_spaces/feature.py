"""Server Spaces as a feature of the client: /space, and the servers' own commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import discord
from discord import app_commands

from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.features import Feature
from spacebot.discord_bot.server_spaces.commands import SpaceCommands
from spacebot.discord_bot.server_spaces.guild_registration import GuildRegistration
from spacebot.discord_bot.server_spaces.guild_tree import GuildCommandTree
from spacebot.discord_bot.server_spaces.server_commands import ModeratorLog, ServerCommands
from spacebot.engine.server_spaces import AddedSpaces


class ServerSpaceFeature:
    """The parts of the feature, and the task that registers what could not be
    registered at once."""

    def __init__(
        self,
        client: discord.Client,
        tree: GuildCommandTree,
        handler: Dispatcher,
        spaces: AddedSpaces,
        *,
        moderator_log: ModeratorLog,
        chat_added: Callable[[], None],
    ) -> None:
        self._client = client
        self.registration = GuildRegistration(client, spaces.store)
        self.commands = ServerCommands(
            tree,
            handler,
            spaces,
            self.registration,
            moderator_log=moderator_log,
            chat_added=chat_added,
        )
        self._unsubscribe: Callable[[], None] | None = spaces.subscribe(self.registration.want)
        self._tasks: list[asyncio.Task[None]] = []
        tree.prepare = self.commands.prepare

    @property
    def feature(self) -> Feature:
        """What the client starts, offers and closes."""
        return Feature(commands=self._own, start=self._start, close=self._close)

    def _own(self) -> list[app_commands.Group]:
        """/space, if the owner lets servers add Spaces."""
        return [SpaceCommands(self.commands)] if self.commands.spaces.policy.is_open else []

    async def _start(self) -> None:
        """Follow changes, and continue what was unfinished at the last stop."""
        self._tasks = [
            asyncio.create_task(self.registration.keep(), name="register servers' commands"),
            asyncio.create_task(self._look(), name="look for servers to register"),
        ]

    async def _look(self) -> None:
        await self._client.wait_until_ready()
        await self.registration.look()

    def joined(self, guild: int) -> None:
        """Register a server's commands, which Discord deleted when the bot left it."""
        self.registration.want(str(guild), anew=True)

    async def _close(self) -> None:
        """End the tasks."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.commands.close()
