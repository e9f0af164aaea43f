"""Follow-ups that the owner declared: what a result's buttons call, and with what of it.

Values that a Space returned go back to it as `Theirs`: hidden outputs, state by
the session of the first job, and files by the Space's own paths.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spacebot.catalogue import Catalogue
from spacebot.errors import EndpointGone, InputError
from spacebot.models import Chain, Endpoint, FollowUp, Theirs

GONE = "This button is no longer offered: the list of commands was changed."
LOST = (
    "This needs what the Space returned then, which was too large to be kept, or is forgotten. "
    "Run the first command again."
)


@dataclass(frozen=True, slots=True)
class Button:
    """One button of a follow-up: `key` finds the follow-up again, `index` is its place."""

    label: str
    key: str
    index: int


def buttons(then: Sequence[FollowUp]) -> Iterator[Button]:
    """The buttons under a result: "Upscale 1", "Upscale 2" … where there are several of one."""
    for one in then:
        for index in range(one.each):
            label = f"{one.label} {index + 1}" if one.each > 1 else one.label
            yield Button(label, key_of(one), index)


def key_of(one: FollowUp) -> str:
    """Four letters that name a follow-up in a button's id, wherever in the list it stands."""
    return f"{zlib.crc32(one.label.encode()) & 0xFFFF:04x}"


def find(then: Sequence[FollowUp], key: str, index: int) -> FollowUp:
    """The follow-up of a button; raises `EndpointGone`."""
    for one in then:
        if key_of(one) == key and index < one.each:
            return one
    raise EndpointGone(GONE)


def taken(
    wanted: FollowUp, index: int, outputs: Sequence[Any] | None, made_with: Mapping[str, Any]
) -> dict[str, Any]:
    """The values that a follow-up takes, by parameter; raises `InputError` where one is lost.

    `outputs` are the raw ones of the result; `made_with` the values by parameter
    that it, and what it followed, were made with.
    """
    found: dict[str, Any] = {}
    for parameter, source in wanted.take.items():
        known = outputs if isinstance(source, int) else made_with
        try:
            found[parameter] = known[source]  # type: ignore[index]
        except (LookupError, TypeError) as error:
            raise InputError(LOST) from error
    if wanted.index is not None:
        found[wanted.index] = index
    return found


def endpoint_of(catalogue: Catalogue, space: str, chain: Chain) -> Endpoint:
    """The endpoint of a job that follows another, as it is declared now; raises `EndpointGone`."""
    endpoint = catalogue.find(space, chain.root, chain.command)
    for label in chain.path:
        wanted = next((one for one in endpoint.then if one.label == label), None)
        if wanted is None:
            raise EndpointGone(GONE)
        endpoint = replace(catalogue.follow_up(space, wanted), answer=endpoint.answer)
    return with_taken(endpoint, chain.taken)


def with_taken(endpoint: Endpoint, values: Mapping[str, Any]) -> Endpoint:
    """An endpoint that is sent these values of the Space's own, unasked."""
    return replace(
        endpoint,
        parameters=tuple(one for one in endpoint.parameters if one.name not in values),
        constants={**endpoint.constants, **{name: Theirs(one) for name, one in values.items()}},
    )
