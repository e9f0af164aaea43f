"""What can be compared: the commands that take one text and need nothing else.

`/compare` is an endpoint like others, of no Space: its options, its suggestions,
its form and its recipe are made as theirs are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spacebot import inputs, recipes
from spacebot.catalogue import Catalogue, command_name
from spacebot.errors import EndpointGone, InputError
from spacebot.models import Answer, Choice, Endpoint, Parameter, Source, Space

NAME = "compare"
# It stands where a Space's name would.
SPACE = ""
LEAST, MOST = 2, 4
TOO_FEW = "There are not two commands here that take one text and need nothing else."


def candidates(catalogue: Catalogue) -> dict[str, tuple[Endpoint, str]]:
    """The commands that can be compared, by name without a slash: each with its text's option."""
    found: dict[str, tuple[Endpoint, str]] = {}
    for space in catalogue.spaces:
        for endpoint in space.endpoints:
            option = recipes.takes_text(endpoint)
            # What answers only whoever asks is not shown to all.
            if endpoint.answer is Answer.PRIVATE:
                continue
            if option is not None and not _needed(endpoint) - {option}:
                found[command_name(space, endpoint).removeprefix("/")] = (endpoint, option)
    return found


def _needed(endpoint: Endpoint) -> set[str]:
    options = (option for one in endpoint.parameters for option in inputs.own_options(one))
    return {option.name for option in options if option.required}


def space(catalogue: Catalogue) -> Space:
    """The Space of `/compare`; raises `EndpointGone` where there is nothing to compare."""
    names = list(candidates(catalogue))
    if len(names) < LEAST:
        raise EndpointGone(TOO_FEW)
    endpoint = Endpoint(
        space=SPACE,
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
    return Space(Source(SPACE), NAME, "Compare", (endpoint,))


def chosen(endpoint: Endpoint, given: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The prompt, and the names of the commands to compare; raises `InputError`."""
    values = inputs.values(endpoint, given)
    names: list[str] = values["with"]
    if len(names) < LEAST:
        raise InputError("`with` needs at least two commands, with commas between.", option="with")
    return values["prompt"], names
