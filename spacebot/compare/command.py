"""/compare: which commands it compares, its options, and what a use of it does."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import discord

from spacebot import inputs, recipes
from spacebot.built_in import BuiltIn
from spacebot.compare.comparison import Cell, Comparison
from spacebot.desk import Desk
from spacebot.errors import EndpointGone, InputError
from spacebot.follow import Closed
from spacebot.models import Answer, Choice, Endpoint, Job, Parameter, Source, Space
from spacebot.schema import commands_of
from spacebot.store import State

NAME = "compare"
LEAST, MOST = 2, 4
TOO_FEW = "There are not two commands here that take one text and need nothing else."


def candidates(spaces: Sequence[Space]) -> dict[str, tuple[Endpoint, str]]:
    """The commands that can be compared, by name without a slash: each with its text's option.

    They take one text and need nothing else.
    """
    found: dict[str, tuple[Endpoint, str]] = {}
    for name, endpoint in commands_of(spaces).items():
        option = recipes.takes_text(endpoint)
        # What answers only whoever asks is not shown to all.
        if option is None or endpoint.answer is Answer.PRIVATE:
            continue
        if not _needed(endpoint) - {option}:
            found[name.removeprefix("/")] = (endpoint, option)
    return found


def _needed(endpoint: Endpoint) -> set[str]:
    options = (option for one in endpoint.parameters for option in inputs.own_options(one))
    return {option.name for option in options if option.required}


def describe(spaces: Sequence[Space]) -> Space:
    """The command; raises `EndpointGone` where there is nothing to compare."""
    names = list(candidates(spaces))
    if len(names) < LEAST:
        raise EndpointGone(TOO_FEW)
    endpoint = Endpoint(
        space=NAME,
        api_name=f"/{NAME}",
        name=NAME,
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
                most=MOST,
            ),
        ),
    )
    return Space(Source(NAME), NAME, "Compare", (endpoint,))


def chosen(endpoint: Endpoint, given: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The prompt, and the names of the commands to compare; raises `InputError`."""
    values = inputs.values(endpoint, given)
    names: list[str] = values["with"]
    if len(names) < LEAST:
        raise InputError("`with` needs at least two commands, with commas between.", option="with")
    return values["prompt"], names


async def run(
    desk: Desk,
    interaction: discord.Interaction[Any],
    endpoint: Endpoint,
    given: Mapping[str, Any],
) -> None:
    """Acknowledge, run every command with the prompt, and show what they give."""
    prompt, names = chosen(endpoint, given)
    job = desk.job(interaction, f"/{NAME}", endpoint, given)
    job = await desk.acknowledge(interaction, job)
    # After a restart its asker is told that the answers are lost.
    await desk.jobs.note_known(job, State.SENT)
    known = candidates(desk.jobs.catalogue.spaces)
    comparison = Comparison(desk, job)
    comparison.cells = [_cell(comparison, f"/{name}", prompt, known.get(name)) for name in names]
    with contextlib.suppress(Closed):
        await comparison.run()


def _cell(
    comparison: Comparison, command: str, prompt: str, known: tuple[Endpoint, str] | None
) -> Cell:
    endpoint, option = known or (Endpoint("", "", command, ""), "")
    job = Job(
        id=uuid.uuid4().hex[:12],
        endpoint=replace(endpoint, answer=Answer.CHANNEL),
        asker=comparison.job.asker,
        given={option: prompt},
        command=command,
        message_ref=comparison.job.message_ref,
    )
    cell = Cell(comparison, job)
    if known is None:
        cell.error = EndpointGone("This command is no longer offered.")
    return cell


COMPARE = BuiltIn(NAME, describe, run)
