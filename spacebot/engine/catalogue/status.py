"""What the page shows about a Space."""

from __future__ import annotations

from collections.abc import Mapping

from spacebot.models import CommandStatus, ExcludedEndpoint, Source, Space, SpaceStatus
from spacebot.spaces.client import Connection
from spacebot.spaces.schema import commands_of

# How many events of a page are named to the owner.
MAX_EVENT_LABELS = 30


def status_of(
    source: Source,
    space: Space | None,
    connection: Connection,
    reason: str,
    counts: tuple[int, int],
) -> SpaceStatus:
    """What the page shows about a Space; `counts` are its jobs running and waiting."""
    running, waiting = counts
    run, not_run = _page_events(space, connection.pages.not_run())
    return SpaceStatus(
        name=space.title if space else source.name or source.space,
        source=source.space,
        url=source.url,
        answers=connection.answers,
        since=connection.since,
        reason=reason,
        commands=_command_statuses(space),
        excluded=space.excluded if space else (),
        page_events=run,
        page_excluded=not_run,
        running=running,
        waiting=waiting,
    )


def _page_events(
    space: Space | None, not_run: Mapping[int, str]
) -> tuple[tuple[str, ...], tuple[ExcludedEndpoint, ...]]:
    """The events of a Space's page that run before its commands, and those that do not.

    `not_run` says why an event did not run, by its number.
    """
    pages = [endpoint.page for endpoint in space.endpoints if endpoint.page] if space else []
    pages += [space.opening] if space and space.opening else []
    events = [event for page in pages for event in page.events]
    left_out = [one for page in pages for one in page.excluded]
    left_out += [
        ExcludedEndpoint(event.label, not_run[event.index])
        for event in events
        if event.index in not_run
    ]
    run = list(dict.fromkeys(event.label for event in events if event.index not in not_run))
    more = (f"and {len(run) - MAX_EVENT_LABELS} more",) if len(run) > MAX_EVENT_LABELS else ()
    return (*run[:MAX_EVENT_LABELS], *more), tuple(dict.fromkeys(left_out))[:MAX_EVENT_LABELS]


def _command_statuses(space: Space | None) -> tuple[CommandStatus, ...]:
    if space is None:
        return ()
    return tuple(
        CommandStatus(name, endpoint.description) for name, endpoint in commands_of([space]).items()
    )
