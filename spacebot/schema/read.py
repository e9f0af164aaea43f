"""A Space's description becomes its commands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spacebot.errors import EndpointGone, SettingsError
from spacebot.models import Answer, Endpoint, LeftOut, Output, Page, Parameter, Source, Space
from spacebot.schema.app import App, Opened
from spacebot.schema.candidates import ENDPOINTS, Candidate, read_candidates, unread
from spacebot.schema.follow_ups import Link, links, then_of, under
from spacebot.schema.naming import command_names, describe, endpoint_names, title_of
from spacebot.schema.page_events import is_live, is_loaded, opening_of, page_of
from spacebot.schema.plumbing import sort_out
from spacebot.schema.steps import with_steps
from spacebot.schema.words import first_sentence, legal_name, plain, unique_name
from spacebot.schema.yard import Yard

# Discord's limit of subcommands of one command. Where there are more endpoints, the last
# subcommand offers the rest.
MOST_ENDPOINTS = 25
MORE = "more"


def read_space(
    source: Source,
    config: Mapping[str, Any],
    info: Mapping[str, Any],
    *,
    opened: Opened | None = None,
    taken: Collection[str] = (),
) -> Space:
    """The commands that an app's `/config` and API description give.

    `opened` is what the load events of its page set; `taken` holds the names of other
    Spaces' commands. Raises EndpointGone when `source` names an endpoint that is not
    there, and SettingsError when it fixes a parameter that no endpoint has.
    """
    app = App(config, opened)
    wanted = "/" + (source.endpoint or "").strip("/")
    yard = Yard(app, read_candidates(app, info, wanted))
    kept, reasons = _choose(source, yard)
    if not source.endpoint:
        # Who names an endpoint has it as it is.
        kept = [with_steps(yard, candidate) for candidate in kept]
    offered = sort_out(yard)[0] if source.endpoint else kept
    wired = links(yard, kept, offered, source)
    _check_fixed(source, kept)
    if not source.endpoint:
        only_buttons = under(wired, kept)
        reasons |= only_buttons
        kept = [candidate for candidate in kept if candidate.api_name not in only_buttons]
    title = title_of(app, source)
    listed = _listed(yard, kept)
    names = endpoint_names(yard, kept, title, taken=() if listed == kept else (MORE,))
    described = [_endpoint(source, yard, c, names[c.api_name], title, wired) for c in kept]
    opening = opening_of(yard, kept)
    endpoints = [
        _on_page(replace(one, further=c not in listed), page_of(yard, c, kept), opening)
        for one, c in zip(described, kept, strict=True)
    ]
    only = endpoints[0].name if len(endpoints) == 1 else None
    return Space(
        source=source,
        name=_command_name(app, source, only, taken),
        title=title,
        endpoints=tuple(endpoints),
        left_out=(*(LeftOut(name, why) for name, why in reasons.items()), *_unread(info)),
        opening=opening,
    )


def _unread(info: Mapping[str, Any]) -> Iterator[LeftOut]:
    if more := unread(info):
        yield LeftOut(f"{more} more endpoints", f"only the first {ENDPOINTS} are read")


def _choose(source: Source, yard: Yard) -> tuple[list[Candidate], dict[str, str]]:
    if source.endpoint:
        wanted = _wanted(source, yard)
        return ([], {wanted.api_name: _why(wanted)}) if wanted.inputs.problem else ([wanted], {})
    kept, reasons = sort_out(yard)
    reasons |= {c.api_name: _why(c) for c in kept if c.inputs.problem}
    by_order = {c.api_name: c.order for c in yard.candidates}
    reasons = dict(sorted(reasons.items(), key=lambda item: by_order[item[0]]))
    return [c for c in kept if not c.inputs.problem], reasons


def _listed(yard: Yard, kept: list[Candidate]) -> list[Candidate]:
    """The endpoints that get a subcommand: all, or those that people most likely come for."""
    if len(kept) <= MOST_ENDPOINTS:
        return kept
    return sorted(kept, key=lambda c: (-yard.score(c), c.order))[: MOST_ENDPOINTS - 1]


def _why(candidate: Candidate) -> str:
    return candidate.inputs.problem


def _wanted(source: Source, yard: Yard) -> Candidate:
    name = "/" + (source.endpoint or "").strip("/")
    for candidate in yard.candidates:
        if candidate.api_name == name:
            return candidate
    best = sorted(yard.candidates, key=lambda c: (-yard.score(c), c.order))[:10]
    there = ", ".join(c.api_name for c in best) or "no endpoint that has a name"
    more = " and others" if len(yard.candidates) > len(best) else ""
    raise EndpointGone(f"{source.space} has no {name}. It has {there}{more}.")


def _endpoint(
    source: Source, yard: Yard, candidate: Candidate, name: str, title: str, wired: Sequence[Link]
) -> Endpoint:
    app, event = yard.app, candidate.event
    description = first_sentence(plain(source.description)) if source.description else ""
    parameters, constants = _fixed(source, candidate)
    return Endpoint(
        space=source.space,
        api_name=candidate.api_name,
        name=name,
        description=description or describe(app, yard, candidate, title),
        parameters=parameters,
        outputs=(*candidate.outputs, *candidate.later_outputs),
        constants=constants,
        streams=bool(event and event.streams),
        stateful=_is_stateful(yard, candidate),
        takes_history=candidate.inputs.history,
        chats=_chats(yard, candidate),
        answer=source.answer or _fitting(candidate.outputs),
        repeatable=source.repeatable,
        max_file_size=app.max_file_size,
        then=then_of(wired, candidate, source),
        before=candidate.before,
        failing=candidate.failing,
        after=candidate.after,
        gives=candidate.gives_after,
    )


def _on_page(endpoint: Endpoint, page: Page | None, opening: Page | None) -> Endpoint:
    """The endpoint with what its page does before it."""
    if page is None:
        return endpoint
    parameters = tuple(
        replace(one, live=is_live(page, one), loaded=is_loaded(opening, page, one))
        for one in endpoint.parameters
    )
    return replace(endpoint, page=page, parameters=parameters)


def _fitting(outputs: Sequence[Output]) -> Answer:
    """Where an answer fits best: several players together fill a channel, so they get a thread."""
    players = [
        output
        for output in outputs
        if output.component in ("audio", "video") and output.props.get("visible") is not False
    ]
    return Answer.THREAD if len(players) > 1 else Answer.CHANNEL


def _is_stateful(yard: Yard, candidate: Candidate) -> bool:
    failing = [one for step in candidate.before for one in step.failing]
    steps = (*candidate.before, *failing, *candidate.failing, *candidate.after)
    events = [candidate.event, *(yard.app.event(step.api_name) for step in steps)]
    ids = [i for event in events if event for i in (*event.inputs, *event.outputs)]
    kept = any(part and part.type == "state" for part in map(yard.app.component, ids))
    return kept or yard.app.is_chat


def _chats(yard: Yard, candidate: Candidate) -> bool:
    """Whether it is one side of a conversation: by what is said, and by what is remembered."""
    said = {"textbox", "multimodaltextbox", "chatbot"}
    if not any(p.component in said for p in candidate.inputs.parameters):
        return False
    shows = any(output.component == "chatbot" for output in candidate.outputs)
    if candidate.inputs.history:
        return shows
    return not shows and yard.chats(candidate) and _is_stateful(yard, candidate)


def _fixed(source: Source, candidate: Candidate) -> tuple[tuple[Parameter, ...], Mapping[str, Any]]:
    """Parameters left to ask for, and the values to send unasked."""
    constants = dict(candidate.inputs.constants)
    asked: list[Parameter] = []
    for parameter in candidate.inputs.parameters:
        name = next((n for n in (parameter.name, parameter.option) if n in source.fixed), None)
        if name is None:
            asked.append(parameter)
        else:
            constants[parameter.name] = _by_label(parameter, source.fixed[name])
    unasked = candidate.inputs.constants
    constants |= {name: source.fixed[name] for name in unasked if name in source.fixed}
    return tuple(asked), constants


def _by_label(parameter: Parameter, value: Any) -> Any:
    if any(choice.value == value for choice in parameter.choices):
        return value
    return next((c.value for c in parameter.choices if c.label == value), value)


def _check_fixed(source: Source, kept: list[Candidate]) -> None:
    there = {p.option: p.name for c in kept for p in c.inputs.parameters}
    known = {*there, *there.values(), *(name for c in kept for name in c.inputs.constants)}
    unknown = [name for name in source.fixed if name not in known]
    if unknown and kept:
        what = source.space + (f"#{source.endpoint}" if source.endpoint else "")
        raise SettingsError(
            f"COMMANDS: {what} has no input named {', '.join(unknown)}. "
            f"It has {', '.join(sorted(there)) or 'none'}."
        )


def _command_name(app: App, source: Source, only: str | None, taken: Collection[str]) -> str:
    wishes = [legal_name(wish, " ") for wish in command_names(app, source, only)]
    wishes = [wish for wish in wishes if wish] or ["space"]
    if source.name:
        return unique_name(wishes[0], taken)
    return next((wish for wish in wishes if wish not in taken), unique_name(wishes[0], taken))
