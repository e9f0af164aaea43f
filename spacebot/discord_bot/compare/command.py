"""/compare: the commands that it compares, its options, and running it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord

from spacebot.discord_bot.compare.comparison import Comparison, ComparisonCell
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.engine import recipes
from spacebot.engine.built_in import BuiltIn
from spacebot.engine.follow import SurfaceClosed
from spacebot.engine.store import RecordState
from spacebot.errors import EndpointGone, InputError
from spacebot.models import AnswerPlace, Choice, Endpoint, Job, Parameter, Source, Space
from spacebot.spaces import inputs

COMMAND_NAME = "compare"
MIN_COMMANDS, MAX_COMMANDS = 2, 4
TOO_FEW_COMMANDS = "There are fewer than two commands here that need one text and nothing else."


def comparable_commands(commands: Mapping[str, Endpoint]) -> dict[str, tuple[Endpoint, str]]:
    """The commands that take one text and need nothing else, by name, with that text's option."""
    found: dict[str, tuple[Endpoint, str]] = {}
    for name, endpoint in commands.items():
        option = recipes.text_option(endpoint)
        # Commands that answer privately must not answer publicly here.
        if option is None or endpoint.answer is AnswerPlace.PRIVATE:
            continue
        if not _needed(endpoint) - {option}:
            found[name.removeprefix("/")] = (endpoint, option)
    return found


def _needed(endpoint: Endpoint) -> set[str]:
    options = (option for one in endpoint.parameters for option in inputs.own_options(one))
    return {option.name for option in options if option.required}


def describe_command(commands: Mapping[str, Endpoint]) -> Space:
    """The command; raises `EndpointGone` if there is nothing to compare."""
    names = list(comparable_commands(commands))
    if len(names) < MIN_COMMANDS:
        raise EndpointGone(TOO_FEW_COMMANDS)
    endpoint = Endpoint(
        space=COMMAND_NAME,
        api_name=f"/{COMMAND_NAME}",
        name=COMMAND_NAME,
        description="Give one prompt to several commands, and see the answers side by side",
        parameters=(
            Parameter("prompt", "Prompt", "textbox", "prompt", required=True, max_length=4000),
            Parameter(
                "with",
                "Commands",
                "checkboxgroup",
                "with",
                description="The commands to compare",
                required=True,
                choices=tuple(Choice(name, name) for name in names),
                max_items=MAX_COMMANDS,
            ),
        ),
    )
    return Space(Source(COMMAND_NAME), COMMAND_NAME, "Compare", (endpoint,))


def read_choice(endpoint: Endpoint, arguments: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The prompt, and the names of the commands to compare; raises `InputError`."""
    values = inputs.values(endpoint, arguments)
    names: list[str] = values["with"]
    if len(names) < MIN_COMMANDS:
        raise InputError("`with` needs at least two commands, separated by commas.", option="with")
    return values["prompt"], names


async def run_comparison(
    dispatcher: Dispatcher,
    interaction: discord.Interaction,
    endpoint: Endpoint,
    arguments: Mapping[str, Any],
) -> None:
    """Acknowledge, run every command with the prompt, and show the answers."""
    prompt, names = read_choice(endpoint, arguments)
    job = dispatcher.job(interaction, f"/{COMMAND_NAME}", endpoint, arguments)
    job = await dispatcher.acknowledge(interaction, job, jobs=len(names))
    # After a restart, the requester is told that the answers are lost.
    await dispatcher.jobs.note_known(job, RecordState.SENT)
    dispatcher.jobs.admission.sent(job.id)
    known = comparable_commands(await dispatcher.commands_for(interaction))
    comparison = Comparison(dispatcher, job)
    comparison.cells = [_cell(comparison, f"/{name}", prompt, known.get(name)) for name in names]
    with contextlib.suppress(SurfaceClosed):
        await comparison.run()


def _cell(
    comparison: Comparison, command: str, prompt: str, known: tuple[Endpoint, str] | None
) -> ComparisonCell:
    endpoint, option = known or (Endpoint("", "", command, ""), "")
    job = Job(
        id=uuid.uuid4().hex[:12],
        endpoint=replace(endpoint, answer=AnswerPlace.CHANNEL),
        requester=comparison.job.requester,
        arguments={option: prompt},
        command=command,
        message_ref=comparison.job.message_ref,
    )
    cell = ComparisonCell(comparison, job)
    if known is None:
        cell.error = EndpointGone("This command is no longer offered.")
    return cell


COMPARE = BuiltIn(COMMAND_NAME, describe_command, run_comparison)
