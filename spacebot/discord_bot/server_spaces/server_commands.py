"""The commands of added Spaces: built when used, and read again when old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import discord

from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.registration import rules
from spacebot.discord_bot.registration.commands import build_command
from spacebot.discord_bot.server_spaces.guild_registration import GuildRegistration, pack
from spacebot.discord_bot.server_spaces.guild_tree import GuildCommandTree
from spacebot.engine.server_spaces import MAX_HELD_PARTS, AddedSpaces, is_old, size_of, source_of
from spacebot.engine.space_finder import suggest_spaces
from spacebot.engine.store import ServerSpace
from spacebot.errors import (
    EndpointGone,
    InputError,
    SpacebotError,
    SpaceNotFound,
    StoreError,
    kind_of,
)
from spacebot.models import Choice, Space
from spacebot.weighted_cache import WeightedCache

log = logging.getLogger(__name__)

# How many servers' commands are on the tree at once, with `MAX_HELD_PARTS` parts at most.
MAX_BUILT = 256
# How long a command waits for a Space's first reading, in seconds: Discord gives up after 3.
FIRST_READ_WAIT = 2.0
PAUSED = "`/{}` is paused in this server. A moderator can resume it with `/space resume`."
REMOVED_MEANWHILE = "Another moderator has just removed this command."
BEING_READ = "I am still reading {}. Try again in a minute."
# Tells a server's moderators something: the server's id and the text.
ModeratorLog = Callable[[int, str], None]


class ServerCommands:
    """Puts a server's command on the tree when it is used, and keeps it up to date
    with its Space."""

    def __init__(
        self,
        tree: GuildCommandTree,
        handler: Dispatcher,
        spaces: AddedSpaces,
        registration: GuildRegistration,
        *,
        moderator_log: ModeratorLog,
        chat_added: Callable[[], None],
    ) -> None:
        self.spaces = spaces
        self.registration = registration
        self.moderator_log = moderator_log
        self.chat_added = chat_added
        self._tree = tree
        self._handler = handler
        self._built: WeightedCache[tuple[int, str], Space] = WeightedCache(
            MAX_BUILT, MAX_HELD_PARTS, self._take_down
        )
        self._refreshing: dict[str, asyncio.Task[Any]] = {}

    async def suggest(self, interaction: discord.Interaction, text: str) -> list[Choice]:
        """Spaces of the Hub that a moderator may add, by part of their names."""
        return await suggest_spaces(
            self._handler.jobs.catalogue.hub,
            text,
            allows=self.spaces.allows,
            adult=self._handler.age.takes(interaction),
        )

    async def close(self) -> None:
        """Stop reading Spaces."""
        tasks = list(self._refreshing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def own_names(self) -> set[str]:
        """The names of the bot's global commands."""
        commands = self._tree.get_commands(type=discord.AppCommandType.chat_input)
        return {command.name for command in commands}

    def payload(self, row: ServerSpace, space: Space) -> bytes:
        """The command in Discord's format; raises `InputError` if Discord would reject it."""
        sent = build_command(space, self._handler).to_dict(self._tree)
        fit, whys = rules.fit_command(sent)
        if fit is None:
            raise InputError(
                f"Discord does not accept a command of {row.space}: {'; '.join(whys)}. Choose "
                "another Space or `endpoint`."
            )
        return pack(fit)

    async def prepare(self, interaction: discord.Interaction, guild: int, name: str) -> None:
        """Put the command that somebody uses or fills in on the tree; raises `SpacebotError`."""
        typing = interaction.type is discord.InteractionType.autocomplete
        try:
            row = await self.spaces.used(str(guild), name)
        except StoreError:
            if not self._put_held(guild, name):
                raise
            return
        if row is None:
            self._built.drop((guild, name))
            return
        self.spaces.check_row(row)
        if row.paused:
            raise InputError(PAUSED.format(row.name))
        space = await self.spaces.known(row)
        if space is None:
            space = await self._first_read(row)
        elif not typing and is_old(row):
            self._refresh_behind(row)
        # The first reading may have found that the Space was renamed.
        self._put(guild, space.name, space)

    async def _first_read(self, row: ServerSpace) -> Space:
        """Read a Space that has no stored description, for as long as Discord waits."""
        reading = self._refresh_behind(row)
        await asyncio.wait({reading}, timeout=FIRST_READ_WAIT)
        if not reading.done():
            raise InputError(BEING_READ.format(row.space))
        return reading.result()

    def _put_held(self, guild: int, name: str) -> bool:
        """Put a command on the tree if it is in memory; returns whether it was."""
        for space in self.spaces.held(str(guild)):
            if space.name == name:
                self._put(guild, name, space)
                return True
        return False

    def _put(self, guild: int, name: str, space: Space) -> None:
        if self._built.get((guild, name)) is not space:
            command = build_command(space, self._handler)
            self._tree.add_command(command, guild=discord.Object(guild), override=True)
            self._built.put((guild, name), space, size_of(space))
        self._built.use((guild, name))

    def _take_down(self, key: tuple[int, str]) -> None:
        guild, name = key
        self._tree.remove_command(name, guild=discord.Object(guild))

    def _refresh_behind(self, row: ServerSpace) -> asyncio.Task[Space]:
        """Read a Space again while its job runs: once, however many members use it."""
        task = self._refreshing.get(row.id)
        if task is None:
            task = self._refreshing[row.id] = asyncio.create_task(self.refresh(row))
            task.add_done_callback(lambda done: self._refreshed(row, done))
        return task

    def _refreshed(self, row: ServerSpace, task: asyncio.Task[Any]) -> None:
        self._refreshing.pop(row.id, None)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, SpacebotError):
            log.info("an added Space could not be read again: %s", kind_of(error))
        else:
            log.error("an added Space could not be read again", exc_info=error)

    async def refresh(self, row: ServerSpace) -> Space:
        """Read a Space now, and update its command if it changed; raises `SpacebotError`."""
        try:
            space = await self.spaces.read(row.guild, source_of(row))
            payload = self.payload(row, space)
        except SpacebotError as error:
            await self._note_problem(row, error)
            raise
        async with self.spaces.lock(row.guild):
            # Moderators may have renamed or removed the command while its Space was read.
            now = await self._current(row)
            if now.name != row.name:
                space = replace(space, name=now.name)
                payload = self.payload(now, space)
            changed = await self.spaces.take(now, space, payload)
        if changed:
            self.registration.want(row.guild)
        self.note_chats(space)
        return space

    async def _current(self, row: ServerSpace) -> ServerSpace:
        """A row's current state; raises `InputError` if it is gone."""
        for one in await self.spaces.of(row.guild):
            if one.id == row.id:
                return one
        raise InputError(REMOVED_MEANWHILE)

    def note_chats(self, space: Space) -> None:
        """Tell the client that a Space answers messages."""
        if any(endpoint.chats for endpoint in space.endpoints):
            self.chat_added()

    async def _note_problem(self, row: ServerSpace, error: SpacebotError) -> None:
        """Record why a Space cannot be read; if it is gone, tell the moderators once."""
        row = await self._current(row)
        gone = isinstance(error, SpaceNotFound | EndpointGone)
        await self.spaces.change(row, problem=str(error), told=row.told or gone)
        if gone and not row.told:
            said = f"⚠️ `/{row.name}` no longer works: {error} `/space remove` removes it."
            self.moderator_log(int(row.guild), said)
