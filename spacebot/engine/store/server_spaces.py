"""The Spaces that servers added, and what was last sent to Discord for each server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import sqlalchemy as sa

from spacebot.engine.store.part import StorePart
from spacebot.engine.store.tables import by_key, guild_commands, server_spaces
from spacebot.models import ServerSpaceTotals


@dataclass(frozen=True, slots=True)
class ServerSpace:
    """One Space that a server's moderators added, as a command of that server alone.

    `name` is the command's, without its slash; `space` is "owner/name". Without an `endpoint`, it
    offers all of the Space's; an empty `description` or `answer` leaves the choice to the Space.
    `adder` is the moderator. `title` is the Space's own; `chats` says that it answers messages.
    `problem` says why it could not be read last time, and `told` whether the moderators know.
    `read` is when it was last read, in epoch seconds; `hub_id`, if known, identifies the Space on
    the Hub whatever its name. Other ids are Discord's, as text.
    """

    id: str
    guild: str
    name: str
    space: str
    adder: str
    endpoint: str | None = None
    description: str = ""
    answer: str = ""
    nsfw: bool = False
    paused: bool = False
    title: str = ""
    chats: bool = False
    problem: str = ""
    told: bool = False
    read: float = field(default_factory=time.time)
    created: float = field(default_factory=time.time)
    hub_id: str | None = None

    def offers(self, space: str, hub_id: str) -> bool:
        """Whether it is of this Space, by its name or the Hub's id of it."""
        return self.space.casefold() == space.casefold() or bool(hub_id and hub_id == self.hub_id)


@dataclass(frozen=True, slots=True)
class GuildCommands:
    """What was last sent to Discord for a server.

    `digest` is the payload's; `commands` holds the ids by name; `created` lists when commands were
    created within the last day (epoch seconds). `pending` says that the server's list has changed
    since.
    """

    guild: str
    digest: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)
    created: Sequence[float] = ()
    pending: bool = False
    registered: float = 0.0


class ServerSpaceStore(StorePart):
    """The added Spaces in the store.

    Each row also holds its command in Discord's format, `payload`, so a server's list can be
    registered without reading the Spaces' descriptions.
    """

    async def of(self, guild: str) -> list[ServerSpace]:
        """What a server added, oldest first."""
        return await self._select(server_spaces.c.guild == guild)

    async def find(self, guild: str, name: str) -> ServerSpace | None:
        """A server's command with this name."""
        mine = sa.and_(server_spaces.c.guild == guild, server_spaces.c.name == name)
        found = await self._select(mine)
        return found[0] if found else None

    async def all(self, *, limit: int) -> list[ServerSpace]:
        """The newest `limit` of all servers."""
        newest = server_spaces.c.created.desc()
        return await self._select(sa.true(), newest, limit=limit)

    async def using(self, space: str) -> list[ServerSpace]:
        """Every server's row for a Space, ignoring case."""
        return await self._select(sa.func.lower(server_spaces.c.space) == space.lower())

    async def _select(
        self, where: sa.ColumnElement[bool], order: Any = server_spaces.c.created, limit: int = -1
    ) -> list[ServerSpace]:
        chosen = sa.select(*_COLUMNS).where(where).order_by(order, server_spaces.c.id)
        found = await self._rows(chosen.limit(limit) if limit >= 0 else chosen)
        return [ServerSpace(**row._mapping) for row in found]

    async def payloads(self, guild: str) -> list[bytes]:
        """A server's commands in Discord's format, oldest first."""
        order = (server_spaces.c.created, server_spaces.c.id)
        mine = server_spaces.c.guild == guild
        chosen = sa.select(server_spaces.c.payload).where(mine).order_by(*order)
        return [row.payload for row in await self._rows(chosen)]

    async def payload(self, row: str) -> bytes | None:
        """One command in Discord's format."""
        chosen = sa.select(server_spaces.c.payload).where(server_spaces.c.id == row)
        found = await self._rows(chosen)
        return found[0].payload if found else None

    async def totals(self) -> ServerSpaceTotals:
        """How many there are in all servers, by state."""
        table = server_spaces.c
        count = sa.func.count
        query = sa.select(
            count(),
            count(table.guild.distinct()),
            count(sa.case((table.problem != "", 1))),
            count(sa.case((table.paused, 1))),
        ).select_from(server_spaces)
        (row,) = await self._rows(query)
        return ServerSpaceTotals(*row)

    async def any_chats(self) -> bool:
        """Whether any server added a Space that answers messages."""
        chosen = sa.select(server_spaces.c.id).where(server_spaces.c.chats).limit(1)
        return bool(await self._rows(chosen))

    async def add(self, added: ServerSpace, payload: bytes) -> None:
        """Add a row; once this returns, it outlives a SIGKILL."""
        row = {item.name: getattr(added, item.name) for item in fields(added)}
        await self._put(server_spaces, {**row, "payload": payload})

    async def change(self, row: str, **values: Any) -> None:
        """Change columns of a row."""
        mine = server_spaces.c.id == row
        await self._execute(server_spaces.update().where(mine).values(**values))

    async def delete(self, row: str) -> None:
        """Delete a row."""
        await self._execute(server_spaces.delete().where(server_spaces.c.id == row))

    async def registration(self, guild: str) -> GuildCommands:
        """What was last sent to Discord for a server."""
        chosen = sa.select(guild_commands).where(guild_commands.c.guild == guild)
        found = await self._rows(chosen)
        return GuildCommands(**by_key(found[0], guild_commands)) if found else GuildCommands(guild)

    async def registered(self) -> list[tuple[str, float, bool]]:
        """The servers with their own commands: guild, when registered, whether an update is due."""
        table = guild_commands.c
        due = sa.or_(table.pending, table.digest != "")
        chosen = sa.select(table.guild, table.registered, table.pending).where(due)
        return [(row.guild, row.registered, row.pending) for row in await self._rows(chosen)]

    async def note(self, guild: str, **values: Any) -> None:
        """Change what is known about a server's registration."""
        mine = guild_commands.c.guild == guild
        blank = sa.select(*(sa.literal(value, column.type) for column, value in _blank(guild)))
        missing = blank.where(~sa.exists().where(mine))
        await self._execute(guild_commands.insert().from_select(_REGISTRATION, missing))
        await self._execute(guild_commands.update().where(mine).values(**values))


# Everything but the payload.
_COLUMNS = [server_spaces.c[item.name] for item in fields(ServerSpace)]
_REGISTRATION = [column.name for column in guild_commands.c]


def _blank(guild: str) -> list[tuple[sa.Column[Any], Any]]:
    first = GuildCommands(guild)
    return [(column, getattr(first, column.name)) for column in guild_commands.c]
