"""Application commands: what Discord accepts, and what is registered."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any

from .errors import ApiError, Problems, check_file_types

if TYPE_CHECKING:
    from .server import DiscordServer

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, CHANNEL, NUMBER, ATTACHMENT = 1, 2, 3, 4, 5, 7, 10, 11
# The kinds of channels in Discord's description of its API.
CHANNELS = {0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}
EXACT = 2**53
MOST_CHARACTERS = 8000
MOST_BY_TYPE = {1: 100, 2: 15, 3: 15}
CREATES_A_DAY = 200
Path = tuple[str | int, ...]


def is_name(name: str) -> bool:
    """Whether Discord accepts it as the name of a slash command or option.

    Its rule is ^[-_'\\p{L}\\p{N}\\p{sc=Deva}\\p{sc=Thai}]{1,32}$, in lower case if there is one.
    """
    return name == name.lower() and all(
        c in "-_'" or unicodedata.category(c)[0] in "LN" or "ऀ" <= c <= "ॿ" or "฀" <= c <= "๿"
        for c in name
    )


class CommandCheck:
    """Checks one command as it was sent; everything wrong goes to `problems` under `path`."""

    def __init__(self, problems: Problems, path: Path) -> None:
        self.problems, self.path = problems, path
        self.characters = 0

    def check(self, command: dict[str, Any]) -> None:
        """Checks the whole command."""
        kind = command.get("type") or 1
        if kind == 1:
            self._named(self.path, command)
            self._options(self.path, command.get("options"), depth=0)
            self._total()
        else:
            self.problems.length((*self.path, "name"), command.get("name"), 1, 32)
            if command.get("description") or command.get("options"):
                text = "Context menu commands cannot have description"
                code = "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION"
                self.problems.add((*self.path, "description"), code, text)

    def _total(self) -> None:
        if self.characters > MOST_CHARACTERS:
            text = f"Command exceeds maximum size ({MOST_CHARACTERS})"
            self.problems.add(self.path, "APPLICATION_COMMAND_TOO_LARGE", text)

    def _named(self, path: Path, thing: dict[str, Any]) -> None:
        name, description = thing.get("name"), thing.get("description")
        self.problems.length((*path, "name"), name, 1, 32)
        self.problems.length((*path, "description"), description, 1, 100)
        if isinstance(name, str) and name and not is_name(name):
            text = "Command name is invalid"
            self.problems.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", text)
        self.characters += len(str(name or "")) + len(str(description or ""))

    def _options(self, path: Path, options: list[dict[str, Any]] | None, depth: int) -> None:
        if not options:
            return
        self.problems.length((*path, "options"), options, 0, 25)
        seen: set[str] = set()
        optional = False
        kinds = {option.get("type") in (SUBCOMMAND, GROUP) for option in options}
        for index, option in enumerate(options):
            here = (*path, "options", index)
            self._named(here, option)
            self._option(here, option, depth)
            if option.get("name") in seen:
                code, text = "APPLICATION_COMMAND_OPTIONS_NAME_NOT_UNIQUE", "Option name is used"
                self.problems.add((*here, "name"), code, text)
            seen.add(option.get("name", ""))
            if option.get("required") and optional:
                text = "Required options must be placed before non-required options"
                self.problems.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
            optional = optional or not option.get("required")
        if len(kinds) > 1:
            text = "Sub-command and sub-command group option types are mutually exclusive"
            code = "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"
            self.problems.add((*path, "options"), code, text)

    def _option(self, path: Path, option: dict[str, Any], depth: int) -> None:
        kind = option.get("type")
        if kind not in range(1, 12):
            text = "This field is required" if kind is None else "Value must be one of 1–11."
            self.problems.add((*path, "type"), "BASE_TYPE_CHOICES", text)
        elif kind in (SUBCOMMAND, GROUP):
            self._nested(path, option, depth)
        else:
            self._bounds(path, option)
            self._choices(path, option)
            self._channels(path, option)
            check_file_types(self.problems, path, option, fits=option["type"] == ATTACHMENT)

    def _channels(self, path: Path, option: dict[str, Any]) -> None:
        for index, kind in enumerate(option.get("channel_types") or ()):
            if option["type"] != CHANNEL or kind not in CHANNELS:
                here = (*path, "channel_types", index)
                self.problems.add(here, "BASE_TYPE_CHOICES", f"{kind} is no type of a channel here")

    def _nested(self, path: Path, option: dict[str, Any], depth: int) -> None:
        # Groups are only at the top level, subcommands there or in a group.
        if depth > 1 or (option["type"] == GROUP and depth > 0):
            text = "Sub-command option types are not allowed here"
            self.problems.add((*path, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
            return
        if option["type"] == GROUP and not option.get("options"):
            self.problems.add((*path, "options"), "BASE_TYPE_REQUIRED", "This field is required")
        self._options(path, option.get("options"), depth + 1 if option["type"] == GROUP else 2)

    def _bounds(self, path: Path, option: dict[str, Any]) -> None:
        low, high = option.get("min_value"), option.get("max_value")
        for key, value in (("min_value", low), ("max_value", high)):
            if value is None:
                continue
            if option["type"] not in (INTEGER, NUMBER):
                text = f"{key} is not allowed for this option type"
                self.problems.add((*path, key), "APPLICATION_COMMAND_OPTIONS_VALUE", text)
            self._number((*path, key), option["type"], value)
        if low is not None and high is not None and low > high:
            text = "min_value must be less than or equal to max_value"
            self.problems.add((*path, "min_value"), "APPLICATION_COMMAND_OPTIONS_VALUE", text)
        least, most = option.get("min_length"), option.get("max_length")
        if (least, most) != (None, None) and option["type"] != STRING:
            text = "Lengths are not allowed for this option type"
            self.problems.add((*path, "max_length"), "APPLICATION_COMMAND_OPTIONS_VALUE", text)
        if least is not None and not 0 <= least <= 6000:
            self.problems.add((*path, "min_length"), "NUMBER_TYPE_MAX", "Must be 0–6000.")
        if most is not None and not max(1, least or 1) <= most <= 6000:
            self.problems.add((*path, "max_length"), "NUMBER_TYPE_MAX", "Must be 1–6000.")

    def _number(self, path: Path, kind: int, value: Any) -> None:
        wanted = int if kind == INTEGER else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted):
            self.problems.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not of this type.')
        elif abs(value) > EXACT:
            text = f"Value must be between -{EXACT} and {EXACT}."
            self.problems.add(path, "NUMBER_TYPE_MAX", text)

    def _choices(self, path: Path, option: dict[str, Any]) -> None:
        choices = option.get("choices") or []
        self.problems.length((*path, "choices"), choices, 0, 25)
        typed = option["type"] in (STRING, INTEGER, NUMBER)
        if option.get("autocomplete") and (choices or not typed):
            text = "Choices cannot be set along with autocomplete"
            code = "APPLICATION_COMMAND_AUTOCOMPLETE_NOT_ALLOWED"
            self.problems.add((*path, "autocomplete"), code, text)
        names = [choice.get("name") for choice in choices]
        if len(set(names)) < len(names):
            text = "Choice names must be unique"
            code = "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_NOT_UNIQUE"
            self.problems.add((*path, "choices"), code, text)
        for index, choice in enumerate(choices):
            here = (*path, "choices", index)
            self.problems.length((*here, "name"), choice.get("name"), 1, 100)
            self.characters += len(str(choice.get("name", ""))) + len(str(choice.get("value", "")))
            check_choice_value(self.problems, (*here, "value"), option["type"], choice.get("value"))


def check_choice_value(problems: Problems, path: Path, kind: int, value: Any) -> None:
    """Checks that a choice's value has the type of its option, and its bounds."""
    if kind == STRING:
        if isinstance(value, str):
            problems.length(path, value, 1, 100)
        else:
            problems.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
    elif kind in (INTEGER, NUMBER):
        CommandCheck(problems, ())._number(path, kind, value)
    else:
        problems.add(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "No choices for this type")


class Commands:
    """The registry. `places` maps None (global) or a guild's id to its commands by id."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.places: dict[int | None, dict[int, dict[str, Any]]] = {None: {}}
        # Names that Discord refuses for unpublished reasons.
        self.refused: set[str] = set()
        # By place: Discord counts them for each guild, and for the global ones.
        self.created_today: Counter[int | None] = Counter()
        self.writes = 0

    def all(self, guild: int | None = None) -> list[dict[str, Any]]:
        """The commands of a place."""
        return list(self.places.get(guild, {}).values())

    def find(self, name: str, guild: int | None, kind: int = 1) -> dict[str, Any] | None:
        """A command by name as a person in `guild` sees it: the guild's own comes first."""
        for place in (guild, None) if guild else (None,):
            for command in self.places.get(place, {}).values():
                if command["name"] == name and command["type"] == kind:
                    return command
        return None

    def replace(self, guild: int | None, sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Bulk overwrite: all of a place's commands at once, or none."""
        problems = Problems()
        seen: set[tuple[int, str]] = set()
        for index, command in enumerate(sent):
            CommandCheck(problems, (index,)).check(command)
            self._refuse(problems, (index,), command)
            key = (command.get("type") or 1, str(command.get("name")))
            if key in seen:
                text = "Application command names must be unique"
                problems.add((index, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", text)
            seen.add(key)
        problems.raise_any()
        self._room(sent)
        old = {(c["type"], c["name"]): c for c in self.all(guild)}
        self._count(guild, sum(key not in old for key in seen))
        fresh = [self._stored(guild, command, old) for command in sent]
        self.places[guild] = {int(command["id"]): command for command in fresh}
        self.server.changed()
        return fresh

    def _refuse(self, problems: Problems, path: Path, thing: dict[str, Any]) -> None:
        if thing.get("name") in self.refused:
            problems.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Not this name")
        for index, option in enumerate(thing.get("options") or ()):
            self._refuse(problems, (*path, "options", index), option)

    def create(self, guild: int | None, sent: dict[str, Any]) -> dict[str, Any]:
        """Adds one, or overwrites the one of the same name."""
        problems = Problems()
        CommandCheck(problems, ()).check(sent)
        problems.raise_any()
        key = (sent.get("type") or 1, sent["name"])
        old = {(c["type"], c["name"]): c for c in self.all(guild)}
        if key not in old:
            self._room([*self.all(guild), sent])
            self._count(guild, 1)
        command = self._stored(guild, sent, old)
        self.places.setdefault(guild, {})[int(command["id"])] = command
        self.server.changed()
        return command

    def edit(self, guild: int | None, command: int, sent: dict[str, Any]) -> dict[str, Any]:
        """Changes one."""
        old = self.get(guild, command)
        merged = old | sent
        problems = Problems()
        CommandCheck(problems, ()).check(merged)
        problems.raise_any()
        stored = self._stored(guild, merged, {(old["type"], merged["name"]): old})
        self.places[guild][command] = stored
        self.server.changed()
        return stored

    def get(self, guild: int | None, command: int) -> dict[str, Any]:
        """One by id; ApiError 10063."""
        try:
            return self.places[guild][command]
        except KeyError:
            raise ApiError(10063) from None

    def delete(self, guild: int | None, command: int) -> None:
        """Removes a command."""
        self.get(guild, command)
        del self.places[guild][command]
        self.server.changed()

    def _room(self, commands: list[dict[str, Any]]) -> None:
        for kind, most in MOST_BY_TYPE.items():
            if sum((c.get("type") or 1) == kind for c in commands) > most:
                text = f"Maximum number of application commands reached ({most})."
                raise ApiError(30032, message=text)

    def _count(self, guild: int | None, created: int) -> None:
        self.writes += 1
        if self.created_today[guild] + created > CREATES_A_DAY:
            raise ApiError(30034)
        self.created_today[guild] += created

    def forget(self, guild: int) -> None:
        """Does what Discord does when a guild removes the bot: its commands there are gone."""
        self.places.pop(guild, None)
        self.server.changed()

    def _stored(
        self, guild: int | None, sent: dict[str, Any], old: dict[tuple[int, str], dict[str, Any]]
    ) -> dict[str, Any]:
        kind = sent.get("type") or 1
        before = old.get((kind, sent["name"]))
        command: dict[str, Any] = {
            "id": before["id"] if before else str(self.server.ids.next()),
            "application_id": str(self.server.application_id),
            "version": str(self.server.ids.next()),
            "type": kind,
            "name": sent["name"],
            "name_localizations": sent.get("name_localizations"),
            "description": sent.get("description") or "",
            "description_localizations": sent.get("description_localizations"),
            "default_member_permissions": sent.get("default_member_permissions"),
            "integration_types": sent.get("integration_types") or [0],
            "nsfw": bool(sent.get("nsfw")),
        }
        if sent.get("options"):
            command["options"] = sent["options"]
        if guild:
            command["guild_id"] = str(guild)
        else:
            command["dm_permission"] = sent.get("dm_permission", True) is not False
            command["contexts"] = sent.get("contexts")
        if command["default_member_permissions"] is not None:
            command["default_member_permissions"] = str(command["default_member_permissions"])
        return command
