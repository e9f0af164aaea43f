"""A Space's description becomes its commands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spacebot.errors import EndpointGone, SettingsError
from spacebot.models import (
    AnswerPlace,
    Endpoint,
    ExcludedEndpoint,
    Output,
    PageLogic,
    Parameter,
    Source,
    Space,
)
from spacebot.spaces.outputs.text import code
from spacebot.spaces.schema.app_config import AppConfig, PropertyChanges
from spacebot.spaces.schema.naming import command_names, describe, endpoint_names, title_of
from spacebot.spaces.schema.selection.candidates import (
    MAX_ENDPOINTS,
    Candidate,
    count_unread,
    read_candidates,
    read_steps,
)
from spacebot.spaces.schema.selection.endpoint_set import EndpointSet
from spacebot.spaces.schema.selection.exclusions import sort_candidates
from spacebot.spaces.schema.text import first_sentence, legal_name, plain_text, unique_name
from spacebot.spaces.schema.wiring.follow_ups import (
    FollowUpLink,
    button_only,
    follow_up_links,
    follow_ups_of,
)
from spacebot.spaces.schema.wiring.page_events import (
    Commands,
    is_live,
    is_loaded,
    opening_of,
    page_of,
)
from spacebot.spaces.schema.wiring.steps import with_steps

# Discord's limit of subcommands of one command. If there are more endpoints, the last subcommand
# offers the rest.
MAX_SUBCOMMANDS = 25
MORE_COMMAND = "more"


def read_space(
    source: Source,
    config: Mapping[str, Any],
    info: Mapping[str, Any],
    *,
    opened: PropertyChanges | None = None,
    taken: Collection[str] = (),
    nsfw: bool = False,
    hub_id: str = "",
) -> Space:
    """The commands of an app, from its `/config` and API description.

    `opened` is what the load events of its page set; `taken` holds the names of other Spaces'
    commands; `nsfw` makes them age-restricted, as the source itself may; `hub_id` identifies the
    Space on the Hub. Raises EndpointGone if `source` names a missing endpoint, and SettingsError
    if it fixes a parameter that no endpoint has.
    """
    app = AppConfig(config, opened)
    wanted = "/" + (source.endpoint or "").strip("/")
    endpoints = EndpointSet(app, read_candidates(app, info, wanted), steps=read_steps(app, info))
    kept, reasons = _choose(source, endpoints)
    if not source.endpoint:
        # An endpoint that is named is used as it is.
        names = [candidate.api_name for candidate in kept]
        kept = [with_steps(endpoints, candidate, names) for candidate in kept]
    offered = sort_candidates(endpoints)[0] if source.endpoint else kept
    wired = follow_up_links(endpoints, kept, offered, source)
    _check_fixed(source, kept)
    if not source.endpoint:
        only_buttons = button_only(wired, kept)
        reasons |= only_buttons
        kept = [candidate for candidate in kept if candidate.api_name not in only_buttons]
    title = title_of(app, source)
    listed = _listed_candidates(endpoints, kept)
    names = endpoint_names(endpoints, kept, title, taken=() if listed == kept else (MORE_COMMAND,))
    described = [_endpoint(source, endpoints, c, names[c.api_name], title, wired) for c in kept]
    opening, commands = opening_of(endpoints, kept), Commands(kept)
    found = [
        _with_page(
            replace(one, further=c not in listed, nsfw=nsfw or source.nsfw, hub_id=hub_id),
            page_of(endpoints, c, commands),
            opening,
        )
        for one, c in zip(described, kept, strict=True)
    ]
    only = found[0].name if len(found) == 1 else None
    return Space(
        source=source,
        name=_command_name(app, source, only, taken),
        title=title,
        endpoints=tuple(found),
        excluded=(*(ExcludedEndpoint(name, why) for name, why in reasons.items()), *_unread(info)),
        opening=opening,
        ranking=tuple(one.api_name for one in _ranked(endpoints, kept)),
    )


def _unread(info: Mapping[str, Any]) -> Iterator[ExcludedEndpoint]:
    if more := count_unread(info):
        yield ExcludedEndpoint(f"{more} more endpoints", f"only the first {MAX_ENDPOINTS} are read")


def _choose(source: Source, endpoints: EndpointSet) -> tuple[list[Candidate], dict[str, str]]:
    if source.endpoint:
        wanted = _wanted(source, endpoints)
        problem = wanted.inputs.problem
        return ([], {wanted.api_name: problem}) if problem else ([wanted], {})
    kept, reasons = sort_candidates(endpoints)
    reasons |= {c.api_name: c.inputs.problem for c in kept if c.inputs.problem}
    by_order = {c.api_name: c.order for c in endpoints.candidates}
    reasons = dict(sorted(reasons.items(), key=lambda item: by_order[item[0]]))
    return [c for c in kept if not c.inputs.problem], reasons


def _listed_candidates(endpoints: EndpointSet, kept: list[Candidate]) -> list[Candidate]:
    """The endpoints that get a subcommand: all, or the likeliest to be wanted."""
    if len(kept) <= MAX_SUBCOMMANDS:
        return kept
    return _ranked(endpoints, kept)[: MAX_SUBCOMMANDS - 1]


def _ranked(endpoints: EndpointSet, found: Sequence[Candidate]) -> list[Candidate]:
    """The endpoints, the likeliest to be wanted first."""
    return sorted(found, key=lambda c: (-endpoints.score(c), c.order))


def _wanted(source: Source, endpoints: EndpointSet) -> Candidate:
    name = "/" + (source.endpoint or "").strip("/")
    for candidate in endpoints.candidates:
        if candidate.api_name == name:
            return candidate
    best = _ranked(endpoints, endpoints.candidates)[:10]
    there = ", ".join(code(c.api_name) for c in best) or "no endpoint that has a name"
    more = " and others" if len(endpoints.candidates) > len(best) else ""
    raise EndpointGone(f"{source.space} has no {name}. It has {there}{more}.")


def _endpoint(
    source: Source,
    endpoints: EndpointSet,
    candidate: Candidate,
    name: str,
    title: str,
    wired: Sequence[FollowUpLink],
) -> Endpoint:
    app, event = endpoints.app, candidate.event
    description = first_sentence(plain_text(source.description)) if source.description else ""
    parameters, constants = _fixed(source, candidate)
    return Endpoint(
        space=source.space,
        api_name=candidate.api_name,
        name=name,
        description=description or describe(app, endpoints, candidate, title),
        parameters=parameters,
        outputs=(*candidate.outputs, *candidate.later_outputs),
        constants=constants,
        streams=bool(event and event.streams),
        stateful=_is_stateful(endpoints, candidate),
        takes_history=candidate.inputs.history,
        chats=_chats(endpoints, candidate),
        answer=source.answer or _fitting_answer(candidate.outputs),
        repeatable=source.repeatable,
        max_file_size=app.max_file_size,
        then=follow_ups_of(wired, candidate, source),
        before=candidate.before,
        failing=candidate.failing,
        after=candidate.after,
        gives=candidate.gives_after,
    )


def _with_page(endpoint: Endpoint, page: PageLogic | None, opening: PageLogic | None) -> Endpoint:
    """The endpoint with what its page does before it."""
    if page is None:
        return endpoint
    parameters = tuple(
        replace(one, live=is_live(page, one), loaded=is_loaded(opening, page, one))
        for one in endpoint.parameters
    )
    return replace(endpoint, page=page, parameters=parameters)


def _fitting_answer(outputs: Sequence[Output]) -> AnswerPlace:
    """Where an answer fits best: several players fill a channel, so they get a thread."""
    players = [
        output
        for output in outputs
        if output.component in ("audio", "video") and output.props.get("visible") is not False
    ]
    return AnswerPlace.THREAD if len(players) > 1 else AnswerPlace.CHANNEL


def _is_stateful(endpoints: EndpointSet, candidate: Candidate) -> bool:
    failing = [one for step in candidate.before for one in step.failing]
    steps = (*candidate.before, *failing, *candidate.failing, *candidate.after)
    events = [candidate.event, *(endpoints.app.event(step.api_name) for step in steps)]
    ids = [i for event in events if event for i in (*event.inputs, *event.outputs)]
    kept = any(part and part.type == "state" for part in map(endpoints.app.component, ids))
    return kept or endpoints.app.is_chat


def _chats(endpoints: EndpointSet, candidate: Candidate) -> bool:
    """Whether it can hold a conversation: it takes messages, and it remembers."""
    said = {"textbox", "multimodaltextbox", "chatbot"}
    if not any(p.component in said for p in candidate.inputs.parameters):
        return False
    shows = candidate.shows_chat
    if candidate.inputs.history:
        return shows
    return not shows and endpoints.chats(candidate) and _is_stateful(endpoints, candidate)


def _fixed(source: Source, candidate: Candidate) -> tuple[tuple[Parameter, ...], Mapping[str, Any]]:
    """The parameters left to ask for, and the constants."""
    constants = dict(candidate.inputs.constants)
    asked: list[Parameter] = []
    for parameter in candidate.inputs.parameters:
        name = next((n for n in (parameter.name, parameter.option) if n in source.fixed), None)
        if name is None:
            asked.append(parameter)
        else:
            constants[parameter.name] = _by_label(parameter, source.fixed[name])
    unasked = _unasked(candidate)
    constants |= {name: source.fixed[name] for name in unasked if name in source.fixed}
    return tuple(asked), constants


def _unasked(candidate: Candidate) -> set[str]:
    """The names of the parameters that are sent without being asked for: the constants, and those
    that take the same component as an earlier one."""
    described = {one.get("parameter_name") for one in candidate.entry.get("parameters") or ()}
    named = {name for name in described if isinstance(name, str)}
    return {*candidate.inputs.constants, *named} - {p.name for p in candidate.inputs.parameters}


def _by_label(parameter: Parameter, value: Any) -> Any:
    if any(choice.value == value for choice in parameter.choices):
        return value
    return next((c.value for c in parameter.choices if c.label == value), value)


def _check_fixed(source: Source, kept: list[Candidate]) -> None:
    there = {p.option: p.name for c in kept for p in c.inputs.parameters}
    known = {*there, *there.values(), *(name for c in kept for name in _unasked(c))}
    unknown = [name for name in source.fixed if name not in known]
    if unknown and kept:
        what = source.space + (f"#{source.endpoint}" if source.endpoint else "")
        raise SettingsError(
            f"COMMANDS: {what} has no input named {', '.join(unknown)}. "
            f"It has {', '.join(sorted(there)) or 'none'}."
        )


def _command_name(app: AppConfig, source: Source, only: str | None, taken: Collection[str]) -> str:
    wishes = [legal_name(wish, " ") for wish in command_names(app, source, only)]
    wishes = [wish for wish in wishes if wish] or ["space"]
    if source.name:
        return unique_name(wishes[0], taken)
    return next((wish for wish in wishes if wish not in taken), unique_name(wishes[0], taken))
