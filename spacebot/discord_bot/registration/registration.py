"""Registering the commands with Discord: all that it accepts, even if it rejects some."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import discord
from discord import app_commands

from spacebot.discord_bot.delivery import Refusal, refusal_of
from spacebot.discord_bot.discord_internals import refused_fields
from spacebot.discord_bot.registration import rules
from spacebot.discord_bot.registration.commands import commands_differ
from spacebot.engine.catalogue import Catalogue
from spacebot.errors import EndpointGone

log = logging.getLogger(__name__)

Payload = dict[str, Any]


class CommandRegistration:
    """Keeps the registered commands in step with the command tree.

    `told` says why each missing command is not registered; `count` is how many are.
    """

    def __init__(
        self, client: discord.Client, tree: app_commands.CommandTree[Any], catalogue: Catalogue
    ) -> None:
        self._client = client
        self._tree = tree
        self._catalogue = catalogue
        self._unbuilt: list[str] = []
        self._unfit: list[str] = []
        # What Discord itself rejected, exactly as sent → why. It would reject it again.
        self._refused: dict[str, str] = {}
        self._logged: set[str] = set()
        self.count = 0

    @property
    def problems_text(self) -> str:
        """Which commands are not registered, and why, in a sentence; empty if all are."""
        left_out = [*self._unbuilt, *self._unfit]
        return f"Not registered with Discord: {'; '.join(left_out)}." if left_out else ""

    def clear(self) -> None:
        """Remove every command from the tree."""
        self._tree.clear_commands(guild=None)
        self._unbuilt = []

    def add(self, name: str, make: Callable[[], Any]) -> None:
        """Add a command to the tree, or note why that is impossible, without affecting others.

        A command that is not offered now (`EndpointGone`) is left out without a note.
        """
        try:
            self._tree.add_command(make())
        except EndpointGone:
            return
        except Exception as error:
            self._note(self._unbuilt, f"/{name}: it could not be made into a command", error)

    def _note(self, where: list[str], line: str, error: BaseException | None = None) -> None:
        where.append(line)
        if line not in self._logged:
            self._logged.add(line)
            log.error("left out %s", line, exc_info=error)

    async def sync(self, *, register: bool = True) -> None:
        """Register the commands if they differ from the registered ones; or only see what is
        registered, where another process does.

        `CommandTree.sync` sends the whole list each time, and new names count against 200 a day.
        Until every Space has answered, unknown registered commands stay: they may belong to a Space
        that has not answered yet.
        """
        application = self._client.application_id
        assert application is not None
        theirs = await self._client.http.get_global_commands(application)
        while True:
            ours = self._wanted(theirs)
            if not register:
                self.count = len(theirs)
                return
            if not commands_differ(ours, theirs):
                break
            try:
                await self._client.http.bulk_upsert_global_commands(application, payload=ours)
            except discord.HTTPException as error:
                if not self._refuse(ours, error):
                    raise
            else:
                log.info("registered %d commands with Discord", len(ours))
                break
        self.count = len(ours)

    def _wanted(self, theirs: Sequence[Mapping[str, Any]]) -> list[Payload]:
        """What to register: our commands, as far as Discord accepts them."""
        self._unfit = []
        ours = [fit for one in self._tree.get_commands() if (fit := self._fit(one))]
        if not self._catalogue.complete:
            names = {command["name"] for command in ours}
            ours += [dict(command) for command in theirs if command["name"] not in names]
        return ours

    def _fit(self, command: Any) -> Payload | None:
        sent = self._not_refused(command.to_dict(self._tree))
        if sent is None:
            return None
        fit, whys = rules.fit_command(sent)
        for why in whys:
            self._note(self._unfit, why)
        return fit

    def _not_refused(self, command: Payload) -> Payload | None:
        """The command without what Discord rejected before; None if nothing is left."""
        if why := self._refused.get(_key(command)):
            self._note(self._unfit, f"{rules.display_name(command)}: {why}")
            return None
        options = command.get("options") or []
        kept = [one for one in options if _key(one) not in self._refused]
        for one in options:
            if why := self._refused.get(_key(one)):
                self._note(self._unfit, f"{rules.display_name(command)} {one['name']}: {why}")
        if options and not kept:
            return None
        return {**command, "options": kept} if options else command

    def _refuse(self, sent: Sequence[Payload], error: discord.HTTPException) -> bool:
        """Remember the commands that a refusal names; returns whether it names any
        of those sent."""
        if refusal_of(error) is not Refusal.INVALID:
            return False
        before = len(self._refused)
        for index, about in refused_fields(error).items():
            if index.isdigit() and int(index) < len(sent):
                self._refused |= dict(_refused_parts(sent[int(index)], about))
        return len(self._refused) > before


def _refused_parts(command: Payload, about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parts of a command that Discord rejects: its subcommands, if only those are named."""
    named = about.get("options") if about.keys() == {"options"} else None
    options = command.get("options") or []
    parts = [(options[int(i)], why) for i, why in (named or {}).items() if i.isdigit()]
    if parts and all(one["type"] in (rules.SUBCOMMAND, rules.GROUP) for one, _ in parts):
        return [(_key(one), _first_message(why)) for one, why in parts]
    return [(_key(command), _first_message(about))]


def _first_message(about: Mapping[str, Any]) -> str:
    """Discord's first message about something that it rejects."""
    for key, value in about.items():
        if key == "_errors":
            return f"Discord says: {str(value[0].get('message', ''))[:200]}".rstrip(".")
        if isinstance(value, dict):
            return _first_message(value)
    return "Discord refuses it"


def _key(sent: Mapping[str, Any]) -> str:
    return json.dumps(sent, sort_keys=True, default=str)
