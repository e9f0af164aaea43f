"""Moderators' changes to their server's list: each one is checked, stored and registered."""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from spacebot.discord_bot.delivery import DISCORD_ERRORS, Refusal, refusal_of
from spacebot.discord_bot.server_spaces.guild_registration import pack, unpack
from spacebot.discord_bot.server_spaces.server_commands import REMOVED_MEANWHILE, ServerCommands
from spacebot.engine.server_spaces import source_of
from spacebot.engine.store import ServerSpace
from spacebot.errors import InputError, SpaceRenamed
from spacebot.models import Space
from spacebot.spaces.schema.text import legal_name, unique_name

log = logging.getLogger(__name__)

NO_NAME = "A command's name needs a letter or a digit. Choose another `name`."
TAKEN_HERE = "This server already has a command `/{}`, from {}. Choose another `name`."
TAKEN_BY_BOT = "I already have a command `/{}` of my own. Choose another `name`."
ADDED_ALREADY = (
    "This server already has {}, as `/{}`. `/space rename` gives it another name, `/space "
    "refresh` reads it again."
)
REFUSED = "Discord rejected this command. Choose another `name`, or another Space."
REFUSALS = {
    Refusal.NO_ACCESS: (
        "Discord does not let me create commands in this server. Add me again with the link on "
        "my profile, then try again."
    ),
    Refusal.TOO_MANY_COMMANDS: (
        "Discord accepts no more of my commands in this server. Remove one with `/space remove` "
        "first."
    ),
    Refusal.TOO_MANY_CREATED: (
        "Discord lets a server create 200 commands a day, and this server has reached that. Try "
        "again tomorrow."
    ),
}


@dataclass(frozen=True, slots=True)
class AddRequest:
    """What a moderator asks to add."""

    guild: str
    adder: str
    space: str
    endpoint: str | None = None
    name: str = ""
    description: str = ""
    answer: str = ""
    nsfw: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """What was added. `ids` are the server's command ids on Discord; `late` says that Discord fails
    now."""

    row: ServerSpace
    space: Space
    ids: Mapping[str, str]
    late: bool = False


class ListChanges:
    """Adds, renames and removes, for moderators."""

    def __init__(self, commands: ServerCommands) -> None:
        self._commands = commands
        self._spaces = commands.spaces

    async def add(self, request: AddRequest) -> Added:
        """Read a Space, store it and register it; raises `SpacebotError`."""
        try:
            return await self._add(request)
        except SpaceRenamed as error:
            return await self._add(replace(request, space=error.name))

    async def _add(self, request: AddRequest) -> Added:
        request = replace(request, name=_legal(request.name) if request.name else "")
        await self._check(request)
        draft = _row(request, request.name)
        space = await self._spaces.read(request.guild, source_of(draft))
        async with self._spaces.lock(request.guild):
            # Check again: another moderator may have been faster while the Space was read.
            taken = await self._check(request)
            name = request.name or unique_name(space.name, taken)
            row, space = replace(draft, name=name), replace(space, name=name)
            row = replace(
                row,
                title=space.title,
                chats=any(endpoint.chats for endpoint in space.endpoints),
                hub_id=space.hub_id,
            )
            await self._spaces.add(row, self._commands.payload(row, space))
        ids = await self._register(row, lambda: self._spaces.remove(row))
        self._commands.note_chats(space)
        return Added(row, space, ids or {}, late=ids is None)

    async def _check(self, request: AddRequest) -> set[str]:
        """Raise `SpacebotError` if there is no room for this; returns the names that are taken."""
        self._spaces.check(request.space)
        rows = await self._spaces.of(request.guild)
        same = (request.space.casefold(), request.endpoint)
        for row in rows:
            if (row.space.casefold(), row.endpoint) == same:
                raise InputError(ADDED_ALREADY.format(row.space, row.name))
        own = self._commands.own_names()
        if request.name:
            _check_name(request.name, rows, own)
        await self._spaces.check_room(request.guild, rows)
        return own | {row.name for row in rows}

    async def _register(
        self, row: ServerSpace, undo: Callable[[], Awaitable[object]]
    ) -> Mapping[str, str] | None:
        """Register a server's list; returns the commands' ids, or None if Discord fails now.

        What Discord rejects for good is undone, and raised as `InputError`.
        """
        registration = self._commands.registration
        try:
            return await registration.sync(row.guild)
        except DISCORD_ERRORS as error:
            registration.want(row.guild)
            refusal = refusal_of(error)
            if refusal is Refusal.PASSING:
                return None
            await undo()
            log.warning("Discord rejected a server's commands: %s", refusal)
            raise InputError(REFUSALS.get(refusal, REFUSED)) from error

    async def rename(self, row: ServerSpace, wished: str) -> tuple[ServerSpace, bool]:
        """Rename a command; returns its row, and whether Discord knows the new name yet."""
        name = _legal(wished)
        async with self._spaces.lock(row.guild):
            _check_name(name, await self._spaces.of(row.guild), self._commands.own_names())
            await self._spaces.check_creations(row.guild)
            before = await self._spaces.store.payload(row.id)
            if before is None:
                raise InputError(REMOVED_MEANWHILE)
            payload = pack({**unpack(before), "name": name})
            renamed = await self._spaces.change(row, name=name, payload=payload)
        undo = partial(self._spaces.change, row, name=row.name, payload=before)
        return renamed, await self._register(renamed, undo) is not None

    async def remove(self, row: ServerSpace) -> None:
        """Remove a command."""
        async with self._spaces.lock(row.guild):
            await self._spaces.remove(row)
        with contextlib.suppress(*DISCORD_ERRORS):
            await self._commands.registration.sync(row.guild)
            return
        self._commands.registration.want(row.guild)


def _legal(wished: str) -> str:
    name = legal_name(wished.lstrip("/"), " ")
    if not any(character.isalnum() for character in wished):
        raise InputError(NO_NAME)
    return name


def _check_name(name: str, rows: Sequence[ServerSpace], own: Collection[str]) -> None:
    """Raise `InputError` if a name is taken."""
    for row in rows:
        if row.name == name:
            raise InputError(TAKEN_HERE.format(name, row.space))
    if name in own:
        raise InputError(TAKEN_BY_BOT.format(name))


def _row(request: AddRequest, name: str) -> ServerSpace:
    return ServerSpace(
        id=uuid.uuid4().hex[:12],
        guild=request.guild,
        name=name,
        space=request.space,
        adder=request.adder,
        endpoint=request.endpoint,
        description=request.description,
        answer=request.answer,
        nsfw=request.nsfw,
    )
