"""Endpoints → slash commands, made at run time with discord.py's public API."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.forms.file_types import TypedCommand
from spacebot.errors import InputError
from spacebot.models import Endpoint, Option, OptionType, Space
from spacebot.spaces import inputs
from spacebot.spaces.inputs.components.base import MAX_CHOICES
from spacebot.spaces.inputs.form import MAX_COMMAND_CHARACTERS
from spacebot.spaces.schema import MORE_COMMAND, command_name

# Discord's limit: 100 slash commands for an application.
MAX_COMMANDS = 100
MORE_DESCRIPTION = "What to run; a form asks for the rest"
# The names and descriptions of the subcommand for the other endpoints.
MORE_RESERVE = 200
OPTION_TYPES: dict[OptionType, Any] = {
    OptionType.STRING: str,
    OptionType.INTEGER: int,
    OptionType.NUMBER: float,
    OptionType.BOOLEAN: bool,
    OptionType.ATTACHMENT: discord.Attachment,
}
# Where Discord offers a command, and to whom.
FOR_EVERYONE: Mapping[str, Any] = {
    "allowed_contexts": app_commands.AppCommandContext(
        guild=True, dm_channel=True, private_channel=True
    ),
    "allowed_installs": app_commands.AppInstallationType(guild=True, user=True),
}
FOR_MODERATORS: Mapping[str, Any] = {
    "allowed_contexts": app_commands.AppCommandContext(guild=True),
    "allowed_installs": app_commands.AppInstallationType(guild=True),
    "default_permissions": discord.Permissions(manage_guild=True),
}


def build_command(
    space: Space, dispatcher: Dispatcher
) -> app_commands.Command[Any, ..., Any] | app_commands.Group:
    """One Space → `/name`, or `/name endpoint` if it has several."""
    if len(space.endpoints) == 1:
        return _command(
            space.endpoints[0], space.name, f"/{space.name}", MAX_COMMAND_CHARACTERS, dispatcher
        )
    group = app_commands.Group(
        name=space.name,
        description=_limit(space.title),
        **FOR_EVERYONE,
        nsfw=space.nsfw,
    )
    listed = [endpoint for endpoint in space.endpoints if not endpoint.further]
    further = {endpoint.name: endpoint for endpoint in space.endpoints if endpoint.further}
    room = MAX_COMMAND_CHARACTERS - len(space.name) - 100
    if further:
        group.add_command(_more_command(space, further, dispatcher))
        room -= MORE_RESERVE
    share = room // len(listed)
    for endpoint in listed:
        full = command_name(space, endpoint)
        group.add_command(_command(endpoint, endpoint.name, full, share, dispatcher, top=False))
    return group


def _more_command(
    space: Space, endpoints: Mapping[str, Endpoint], dispatcher: Dispatcher
) -> app_commands.Command[Any, ..., Any]:
    """`/name more endpoint:…`: every endpoint without a subcommand, each with a form."""

    async def callback(interaction: discord.Interaction, endpoint: str) -> None:
        found = endpoints.get(endpoint.strip().lower())
        if found is None:
            raise InputError("There is no endpoint of that name here. Choose one from the list.")
        full = command_name(space, found)
        if any(map(inputs.own_options, found.parameters)):
            await dispatcher.ask(interaction, full, found, {})
        else:
            await dispatcher.answer(interaction, full, found, {})

    async def complete(
        interaction: discord.Interaction,  # noqa: ARG001
        current: str,
    ) -> list[app_commands.Choice[str]]:
        wanted = current.strip().lower()
        labels = {name: f"{name} · {one.description}" for name, one in endpoints.items()}
        found = [name for name, label in labels.items() if wanted in label.lower()]
        found.sort(key=lambda name: not name.startswith(wanted))
        return [
            app_commands.Choice(name=_limit(labels[name]), value=name)
            for name in found[:MAX_CHOICES]
        ]

    app_commands.describe(endpoint=MORE_DESCRIPTION)(callback)
    app_commands.autocomplete(endpoint=complete)(callback)
    return app_commands.Command(
        name=MORE_COMMAND,
        description=_limit(f"{len(endpoints)} more of {space.title}"),
        callback=callback,
    )


def _command(
    endpoint: Endpoint,
    name: str,
    full: str,
    budget: int,
    dispatcher: Dispatcher,
    *,
    top: bool = True,
) -> app_commands.Command[Any, ..., Any]:
    options, rest = _options(endpoint, budget)
    # Neutral parameter names, since an option's name may not be valid in Python.
    named = {f"p{index}": option for index, option in enumerate(options)}

    async def callback(interaction: discord.Interaction, **arguments: Any) -> None:
        values = {named[key].name: value for key, value in arguments.items() if value is not None}
        more = bool(rest) and values.pop(options[-1].name, False)
        if more or any(one.required for one in rest):
            await dispatcher.ask(
                interaction, full, endpoint, values, only={one.name for one in rest}
            )
        else:
            await dispatcher.answer(interaction, full, endpoint, values)

    callback.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                "interaction",
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                annotation=discord.Interaction,
            ),
            *(_parameter(key, option) for key, option in named.items()),
        ]
    )
    app_commands.rename(**{key: option.name for key, option in named.items()})(callback)
    app_commands.describe(**{key: option.description for key, option in named.items()})(callback)
    if choices := {key: _choices(option) for key, option in named.items() if option.choices}:
        app_commands.choices(**choices)(callback)
    if completed := {
        key: _autocomplete(endpoint, option, dispatcher)
        for key, option in named.items()
        if option.autocomplete
    }:
        app_commands.autocomplete(**completed)(callback)
    command = TypedCommand(
        name=name,
        description=_limit(endpoint.description),
        callback=callback,
        **(FOR_EVERYONE if top else {}),
        # Discord has an age flag for a whole command, and rejects one on a subcommand.
        nsfw=endpoint.nsfw and top,
    )
    command.file_types = {option.name: option.file_types for option in options}
    return command


def _options(endpoint: Endpoint, budget: int) -> tuple[list[Option], tuple[Option, ...]]:
    """A command's options; if a form has more, the last option opens it."""
    form = inputs.options(endpoint, budget)
    if not form.rest:
        return list(form.options), ()
    more = Option(
        name=MORE_COMMAND,
        description="Fill in the other settings too, in a form",
        type=OptionType.BOOLEAN,
        parameter="",
    )
    form = inputs.options(endpoint, budget - inputs.option_size(more), inputs.MAX_OPTIONS - 1)
    taken = {one.name for one in form.options}
    names = (
        MORE_COMMAND,
        *(f"{MORE_COMMAND}_{number}" for number in range(2, inputs.MAX_OPTIONS + 2)),
    )
    free = next(name for name in names if name not in taken)
    return [*form.options, replace(more, name=free)], form.rest


def _parameter(key: str, option: Option) -> inspect.Parameter:
    kind = OPTION_TYPES[option.type]
    low, high = option.minimum, option.maximum
    if option.type is OptionType.STRING:
        low, high = option.min_length, option.max_length
    if option.type is OptionType.INTEGER:
        low, high = low if low is None else int(low), high if high is None else int(high)
    bounded = option.type in (OptionType.STRING, OptionType.INTEGER, OptionType.NUMBER)
    if bounded and (low is not None or high is not None) and not option.choices:
        kind = app_commands.Range[kind, low, high]
    return inspect.Parameter(
        key,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=kind,
        default=inspect.Parameter.empty if option.required else None,
    )


def _choices(option: Option) -> list[app_commands.Choice[Any]]:
    return [app_commands.Choice(name=choice.label, value=choice.value) for choice in option.choices]


def _autocomplete(endpoint: Endpoint, option: Option, dispatcher: Dispatcher) -> Any:
    async def complete(
        interaction: discord.Interaction,
        current: str,
    ) -> list[app_commands.Choice[Any]]:
        found = await dispatcher.suggest(interaction, endpoint, option.name, str(current))
        return [app_commands.Choice(name=choice.label, value=choice.value) for choice in found]

    return complete


def _limit(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"


# What Discord adds to a registered command, or omits if it is the default.
def comparable(command: Mapping[str, Any]) -> dict[str, Any]:
    """A command's payload, sent or registered, in comparable form."""
    return {
        "type": command.get("type") or 1,
        "name": command["name"],
        "description": command.get("description") or "",
        "options": [_comparable_option(option) for option in command.get("options") or ()],
        "nsfw": bool(command.get("nsfw")),
        # A number on one side, text on the other.
        "permissions": str(command.get("default_member_permissions") or ""),
        "contexts": sorted(command.get("contexts") or ()),
        "installs": sorted(command.get("integration_types") or ()),
    }


def _comparable_option(option: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("type", "name", "description", "min_value", "max_value", "min_length", "max_length")
    return {
        **{key: option.get(key) for key in kept},
        "required": bool(option.get("required")),
        "autocomplete": bool(option.get("autocomplete")),
        "channels": sorted(option.get("channel_types") or ()),
        "file_types": sorted(option.get("file_types") or ()),
        "choices": [(choice["name"], choice["value"]) for choice in option.get("choices") or ()],
        "options": [_comparable_option(inner) for inner in option.get("options") or ()],
    }


def commands_differ(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the registered commands differ from the wanted ones, in any order."""
    return _by_name(ours) != _by_name(theirs)


def _by_name(commands: Sequence[Mapping[str, Any]]) -> dict[tuple[int, str], dict[str, Any]]:
    return {
        (command.get("type") or 1, command["name"]): comparable(command) for command in commands
    }
