"""How a result was made: as one line to paste, and with another seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spacebot.models import Endpoint, OptionType, Parameter
from spacebot.spaces import inputs
from spacebot.spaces.inputs.components.base import name_of, one_line
from spacebot.spaces.inputs.form import fields
from spacebot.spaces.inputs.registry import input_for
from spacebot.spaces.inputs.seeds import parameter_words, random_boxes, seed_parameters
from spacebot.spaces.inputs.value_text import describe_value
from spacebot.spaces.outputs.values import last_answer, updated_value, words_in
from spacebot.wording import clip

# What most generators accept, whatever the page says: 32 bits with a sign.
MAX_SEED = 2**31 - 1


def vary_seeds(
    endpoint: Endpoint, arguments: Mapping[str, Any], chance: random.Random | None = None
) -> dict[str, Any]:
    """The same values with other seeds; a box beside them that would draw one is switched off."""
    chance = chance or random.SystemRandom()
    fresh = dict(arguments)
    for parameter in seed_parameters(endpoint):
        name = name_of(parameter)
        fresh[name] = _other_seed(parameter, arguments.get(name, parameter.default), chance)
    return fresh | {name_of(box): False for box in random_boxes(endpoint)}


def _other_seed(parameter: Parameter, before: Any, chance: random.Random) -> int | str:
    """Another seed within the parameter's bounds and steps."""
    step = max(1, int(parameter.step or 1))
    low = int(parameter.minimum if parameter.minimum is not None else 0)
    high = int(parameter.maximum if parameter.maximum is not None else MAX_SEED)
    # Where negative values are allowed, they mean "a random seed".
    low += -(min(low, 0) // step) * step
    count = max(0, min(high, max(MAX_SEED, low)) - low) // step + 1
    drawn = low + chance.randrange(count) * step
    if str(drawn) == str(before) and count > 1:
        drawn = drawn + step if drawn + step <= high else low
    (option,) = inputs.own_options(parameter)
    return str(drawn) if option.type is OptionType.STRING else drawn


def line(command: str, endpoint: Endpoint, arguments: Mapping[str, Any]) -> str:
    """A command with all its options, as one line to paste; secrets are left out."""
    return " ".join(
        [command, *(f"{name}:{text}" for name, text in _value_texts(endpoint, arguments))]
    )


def _value_texts(endpoint: Endpoint, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for parameter, own in inputs.group_by_parameter(endpoint, arguments):
        if not parameter.secret:
            yield from (
                (name, one_line(describe_value(parameter, one))) for name, one in own.items()
            )


def defaults_line(endpoint: Endpoint, arguments: Mapping[str, Any]) -> str:
    """The defaults of the other options, as "size:768 form:Waves", in at most 500 characters."""
    main, _ = fields(endpoint)
    by_name = {parameter.name: parameter for parameter in endpoint.parameters}
    parts = [
        f"{option.name}:{one_line(describe_value(by_name[option.parameter], option.default))}"
        for option in main
        if arguments.get(option.name) is None
        and option.default not in (None, "")
        # The page may have set another value.
        and not (endpoint.page and option.parameter in endpoint.page.late)
    ]
    return clip(" ".join(parts), 500)


def recipe_notes(
    where: str,
    endpoint: Endpoint,
    arguments: Mapping[str, Any],
    page_ran: Sequence[str] = (),
    *,
    hides: bool,
) -> str:
    """The rest of a recipe, in small lines.

    `page_ran` names what the Space's page ran before it; `hides` says that secrets are left out.
    """
    said = [f"On {where}, endpoint `{endpoint.api_name}`."]
    if left := defaults_line(endpoint, arguments):
        said.append(f"The Space's defaults for the rest: `{left.replace('`', chr(39))}`")
    if page_ran:
        first = "; ".join(map(one_line, page_ran))
        said.append(f"The Space's page ran first: {clip(first, 300).replace('`', chr(39))}")
    if hides:
        said.append("Secret values are not stored or shown.")
    return "\n".join(f"-# {one}" for one in said)


def code_block(lines: str) -> str:
    """Lines to paste, as a code block that ends with a line break."""
    return f"```\n{lines.replace('```', chr(39) * 3)}\n```\n"


def result_text(endpoint: Endpoint, values: Any) -> str:
    """A result's text: its first text, or a chat's last answer; empty if it has none."""
    for output, value in zip(endpoint.outputs, values or (), strict=False):
        said = updated_value(value)
        if output.component == "chatbot":
            said = words_in(last_answer(said)) if isinstance(said, list) else ""
        if isinstance(said, Mapping):
            said = said.get("label")
        if isinstance(said, str) and said.strip() and output.component not in UNREADABLE_COMPONENTS:
            return said
    return ""


# Their values are texts, but not meant for people.
UNREADABLE_COMPONENTS = frozenset({"plot", "image", "audio", "video", "file", "model3d"})


def file_option(endpoint: Endpoint, name: str, mime: str | None) -> str | None:
    """The likeliest option of an endpoint that takes a file with this name, or None."""
    found = [one for one in fields(endpoint)[0] if one.type is OptionType.ATTACHMENT]
    fitting = [one for one in found if inputs.is_kind(name, mime, one.file_types)]
    fitting.sort(key=lambda one: (not one.required, not one.file_types))
    return fitting[0].name if fitting else None


def text_option(endpoint: Endpoint) -> str | None:
    """The likeliest option of an endpoint that takes a text, or None."""
    written = [
        parameter
        for parameter in endpoint.parameters
        if parameter.component in inputs.WRITTEN_COMPONENTS
        and not parameter.secret
        and input_for(parameter)
    ]
    written.sort(
        key=lambda one: (not one.required, bool(parameter_words(one) & {"negative", "system"}))
    )
    return name_of(written[0]) if written else None
