"""All of an endpoint's options, and converting their values into Gradio's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from spacebot.errors import InputError
from spacebot.models import (
    Choice,
    DeferredValue,
    Endpoint,
    File,
    Option,
    OptionType,
    Parameter,
)
from spacebot.spaces.inputs.components.base import (
    MAX_CHOICES,
    Input,
    has_default,
    is_needed,
    name_of,
    refuse,
)
from spacebot.spaces.inputs.registry import input_for
from spacebot.spaces.inputs.seeds import keep_given_seed
from spacebot.wording import file_size

# Discord's limits for one command; its subcommands share the characters.
MAX_OPTIONS = 25
MAX_COMMAND_CHARACTERS = 8000
# Kinds whose choices or bounds an event of a page can change.
LIMITED_COMPONENTS = frozenset({"dropdown", "radio", "checkboxgroup", "slider", "number"})


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """The options of an endpoint: those of its command, in Discord's order, and the rest."""

    options: tuple[Option, ...]
    rest: tuple[Option, ...] = ()

    @property
    def all(self) -> tuple[Option, ...]:
        """All of them."""
        return (*self.options, *self.rest)


def options(
    endpoint: Endpoint, budget: int = MAX_COMMAND_CHARACTERS, most: int = MAX_OPTIONS
) -> CommandOptions:
    """The options of a command: required ones first, then the others in order.

    `budget` is how many of its command's 8,000 characters this endpoint may use, including
    its own name and description; `most` is the number of options.
    """
    left = budget - len(endpoint.name) - len(endpoint.description)
    main, further = fields(endpoint)
    kept: dict[str, Option] = {}
    for each in [*sorted(main, key=lambda each: not each.required), *further]:
        fitting = next((form for form in shortenings(each) if option_size(form) <= left), None)
        if fitting is not None and len(kept) < most:
            kept[each.name] = fitting
            left -= option_size(fitting)
    taken = [kept[each.name] for each in by_parameter(endpoint, main + further, kept)]
    rest = [each for each in main if each.name not in kept]
    return CommandOptions(tuple(sorted(taken, key=lambda each: not each.required)), tuple(rest))


def fields(endpoint: Endpoint) -> tuple[list[Option], list[Option]]:
    """The fields for all values, and those for further files."""
    return endpoint.memo(_fields)


def _fields(endpoint: Endpoint) -> tuple[list[Option], list[Option]]:
    names = {name_of(parameter) for parameter in endpoint.parameters}
    main: list[Option] = []
    further: list[Option] = []
    for parameter in endpoint.parameters:
        kinds: set[str] = set()
        for each in own_options(parameter):
            if each.name != name_of(parameter) and each.name in names:
                continue
            names.add(each.name)
            (further if each.type in kinds else main).append(each)
            kinds.add(each.type)
    return main, further


def own_options(parameter: Parameter) -> tuple[Option, ...]:
    """The options of one parameter; none if it cannot be asked for."""
    kind = input_for(parameter)
    return () if kind is None else kind.options(parameter)


def by_parameter(
    endpoint: Endpoint, everything: list[Option], kept: Mapping[str, Option]
) -> list[Option]:
    """The chosen options in the order of the endpoint's parameters."""
    order = {parameter.name: place for place, parameter in enumerate(endpoint.parameters)}
    chosen = [each for each in everything if each.name in kept]
    return sorted(chosen, key=lambda each: order[each.parameter])


def shortenings(each: Option) -> Iterator[Option]:
    """An option as it is, then shorter: many choices can be suggested instead of listed."""
    yield each
    if each.choices:
        yield replace(each, choices=(), autocomplete=True)


def option_size(each: Option) -> int:
    """The characters of an option, as Discord counts them."""
    choices = sum(len(choice.label) + len(str(choice.value)) for choice in each.choices)
    return len(each.name) + len(each.description) + choices


def values(endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Gradio's values for every parameter, from the values by option name.

    It reads attached tables and JSON from disk. Raises InputError, whose sentence names the option,
    for the first value that the Space would reject.
    """
    sent = dict(endpoint.constants)
    arguments = keep_given_seed(endpoint, arguments)
    for parameter, own in group_by_parameter(endpoint, arguments):
        for name, one in own.items():
            check_size(name, one, endpoint.max_file_size)
        late = own and is_late(endpoint, parameter)
        sent[parameter.name] = DeferredValue(parameter, own) if late else value_of(parameter, own)
    return sent


def left_empty(endpoint: Endpoint, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The options that the Space may need: left out, and required only by its API."""
    return tuple(
        name_of(one) for one, own in group_by_parameter(endpoint, arguments) if one.bare and not own
    )


def group_by_parameter(
    endpoint: Endpoint, arguments: Mapping[str, Any]
) -> Iterator[tuple[Parameter, dict[str, Any]]]:
    """Each parameter with its entered values, by option name."""
    main, further = fields(endpoint)
    for parameter in endpoint.parameters:
        names = [each.name for each in main + further if each.parameter == parameter.name]
        kind = input_for(parameter)
        own = {name: arguments[name] for name in names if arguments.get(name) is not None}
        if kind is not None and not (kind.clearable and has_default(kind, parameter)):
            own = {name: one for name, one in own.items() if one != ""}
        yield parameter, own


def value_of(parameter: Parameter, own: Mapping[str, Any]) -> Any:
    """Gradio's value for one parameter: the entered value, otherwise the default,
    otherwise blank."""
    kind = input_for(parameter)
    if kind is None:
        return parameter.default
    if own:
        return kind.value(parameter, own)
    if has_default(kind, parameter):
        return parameter.default
    if is_needed(kind, parameter):
        raise refuse(name_of(parameter), missing_message(kind, parameter))
    return None if parameter.props.get("nullable") else kind.blank(parameter)


def problem_of(
    endpoint: Endpoint, parameter: Parameter, own: Mapping[str, Any]
) -> InputError | None:
    """The error in a parameter's values, if the Space could not accept them.

    Only what is known before attached files are downloaded and the Space's page ran.
    """
    if any(map(_is_attached, own.values())) or (own and is_late(endpoint, parameter)):
        return None
    try:
        value_of(parameter, own)
    except InputError as error:
        return error
    return None


def _is_attached(value: Any) -> bool:
    """Whether a value is a file, in either form."""
    return not isinstance(value, str | int | float)


def still_fitting(endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The earlier values that an endpoint still accepts, without secrets."""
    main, further = fields(endpoint)
    is_file = {one.name: one.type is OptionType.ATTACHMENT for one in main + further}
    fitting = {
        name: one for name, one in arguments.items() if is_file.get(name) is _is_attached(one)
    }
    for parameter, own in group_by_parameter(endpoint, fitting):
        if own and (parameter.secret or problem_of(endpoint, parameter, own)):
            fitting = {name: one for name, one in fitting.items() if name not in own}
    return fitting


def is_late(endpoint: Endpoint, parameter: Parameter) -> bool:
    """Whether a parameter's valid values are known only after the Space's page ran."""
    limited = parameter.component in LIMITED_COMPONENTS
    return limited and endpoint.page is not None and parameter.name in endpoint.page.late


def resolve_now(deferred: DeferredValue) -> Any:
    """Gradio's value for an entered value, whatever the page may do: an unknown choice is sent as
    it is."""
    opened = replace(deferred.parameter, custom=True, minimum=None, maximum=None)
    return value_of(opened, deferred.own)


def partial_values(endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The values so far by parameter, with defaults for the others, without files."""
    found: dict[str, Any] = {}
    for parameter, own in group_by_parameter(endpoint, arguments):
        if own:
            found[parameter.name] = DeferredValue(parameter, own)
        else:
            with contextlib.suppress(InputError):
                found[parameter.name] = value_of(parameter, own)
    return found


def missing_message(kind: Input, parameter: Parameter) -> str:
    """The message about a missing required parameter."""
    others = [each.name for each in kind.options(parameter) if each.name != name_of(parameter)]
    also = f", or use `{others[0]}`" if others else ""
    return f"is needed: give it a value{also}."


def check_size(name: str, one: Any, limit: int | None) -> None:
    """Raise InputError for a file that is larger than the Space accepts, in bytes."""
    if limit is None or not isinstance(one, File):
        return
    length = one.size
    if length is None and one.path is not None:
        length = one.path.stat().st_size
    if length is not None and length > limit:
        raise refuse(
            name,
            f"is {file_size(length)}: this Space accepts at most {file_size(limit)} per file.",
        )


def suggest(endpoint: Endpoint, option_name: str, text: str) -> list[Choice]:
    """Suggestions for an option while a person types, at most 25, the likeliest first."""
    parameter = parameter_of(endpoint, option_name)
    return [] if parameter is None else suggest_for(parameter, text)


def suggest_for(parameter: Parameter, text: str) -> list[Choice]:
    """Suggestions for a parameter while a person types, at most 25, the likeliest first."""
    kind = input_for(parameter)
    return [] if kind is None else kind.suggest(parameter, text)[:MAX_CHOICES]


def parameter_of(endpoint: Endpoint, option_name: str) -> Parameter | None:
    """The parameter that an option asks for, by the option's name."""
    return next((one for one in endpoint.parameters if name_of(one) == option_name), None)
