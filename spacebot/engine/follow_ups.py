"""Follow-ups, the owner's and the page's: what a result's buttons call, and with which values.

A Space's values go back to it unchanged: hidden outputs, state through the session of the first
job, and files by the Space's own paths.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spacebot.engine.catalogue import Catalogue
from spacebot.errors import EndpointGone, InputError
from spacebot.models import (
    NO_ACCOUNT,
    Account,
    DeferredValue,
    Endpoint,
    File,
    FollowUp,
    FollowUpChain,
    Job,
)
from spacebot.spaces import inputs
from spacebot.spaces.client.files.uploads import holds_upload
from spacebot.spaces.inputs.components.base import name_of
from spacebot.spaces.outputs.values import updated_value

# Separates the names in a chain, as in "/if ▸ Upscale 2".
PATH_SEPARATOR = " ▸ "
# One item of an output: "0[2]", or "0[index]" by the number of the button.
OUTPUT_ITEM = re.compile(r"(\d+)\[(\d+|index)\]")
FOLLOW_UP_GONE = "This button is no longer offered: the list of commands was changed."
RESULT_NOT_KEPT = (
    "This needs what the Space returned then, which was too large to store, or is no longer "
    "stored. Run the first command again."
)


@dataclass(frozen=True, slots=True)
class FollowUpButton:
    """One button of a follow-up: `key` identifies the follow-up, `index` is the button's place."""

    label: str
    key: str
    index: int


def follow_up_buttons(
    then: Sequence[FollowUp], outputs: Sequence[Any] = ()
) -> Iterator[FollowUpButton]:
    """The buttons under a result with these raw outputs: “Upscale 1”, “Upscale 2” …"""
    for one in then:
        for index in range(_count(one, outputs)):
            yield FollowUpButton(label_of(one, index), key_of(one), index)


def _count(one: FollowUp, outputs: Sequence[Any]) -> int:
    held = outputs[one.of] if one.of is not None and one.of < len(outputs) else None
    held = updated_value(held)
    return min(one.each, len(held)) if isinstance(held, list) else one.each


def label_of(one: FollowUp, index: int) -> str:
    """The label of a follow-up's button."""
    return f"{one.label} {index + 1}" if one.each > 1 else one.label


def key_of(one: FollowUp) -> str:
    """Four letters that identify a follow-up in a button's id, whatever its place in the list."""
    return f"{zlib.crc32(one.label.encode()) & 0xFFFF:04x}"


def find_follow_up(then: Sequence[FollowUp], key: str, index: int) -> FollowUp:
    """The follow-up of a button; raises `EndpointGone`."""
    for one in then:
        if key_of(one) == key and index < one.each:
            return one
    raise EndpointGone(FOLLOW_UP_GONE)


@dataclass(slots=True)
class PriorValues:
    """The values of a result's job and the jobs before it, by parameter: the nearest job's count.

    Attachments are in `files`: they have a path on this machine, and go to the Space as uploads
    again. `secret` parameters are never reused: they belong to the member who entered them, and are
    asked for.
    """

    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    secret: set[str] = field(default_factory=set)

    def add(self, job: Job) -> None:
        """Add the values of one more job."""
        self.secret |= {one.name for one in job.endpoint.parameters if one.secret}
        attached: dict[str, File] = {}
        for parameter, own in inputs.group_by_parameter(job.endpoint, job.arguments):
            if found := [one for one in own.values() if isinstance(one, File)]:
                attached[parameter.name] = found[0]
        for name, value in inputs.values(job.endpoint, job.arguments).items():
            if name in self.secret or name in attached or name in self.values or name in self.files:
                continue
            value = inputs.resolve_now(value) if isinstance(value, DeferredValue) else value
            if not holds_upload(value):
                self.values[name] = value
        for name, file in attached.items():
            if name not in self.values:
                self.files.setdefault(name, file)

    def behind(self, earlier: PriorValues) -> None:
        """Add older values, for parameters that have none yet."""
        self.secret |= earlier.secret
        for name, value in earlier.values.items():
            if name not in self.files:
                self.values.setdefault(name, value)
        for name, file in earlier.files.items():
            if name not in self.values:
                self.files.setdefault(name, file)

    @property
    def held(self) -> set[str]:
        """What cannot be used as a value: attachments and secrets."""
        return {*self.files, *self.secret}

    def asks(self, wanted: FollowUp) -> set[str]:
        """The follow-up's parameters that would take a secret."""
        return {parameter for parameter, source in wanted.take.items() if source in self.secret}

    def attached_files(self, wanted: FollowUp, endpoint: Endpoint) -> dict[str, File]:
        """The earlier attachments that are reused, by the option that takes each."""
        options = {parameter.name: name_of(parameter) for parameter in endpoint.parameters}
        return {
            options[parameter]: self.files[source]
            for parameter, source in wanted.take.items()
            if isinstance(source, str) and source in self.files and parameter in options
        }


def taken_values(
    wanted: FollowUp,
    index: int,
    outputs: Sequence[Any] | None,
    made_with: Mapping[str, Any],
    held: Container[Any] = (),
) -> dict[str, Any]:
    """The values that a follow-up takes, by parameter; raises `InputError` if one is lost.

    `outputs` are the result's raw outputs; `made_with` the values by parameter of its job and the
    jobs before it, without those that are `held` (`PriorValues.held`).
    """
    found: dict[str, Any] = {}
    for parameter, source in wanted.take.items():
        if source in held:
            continue
        item = OUTPUT_ITEM.fullmatch(source) if isinstance(source, str) else None
        known = outputs if item or isinstance(source, int) else made_with
        try:
            value = known[int(item[1]) if item else source]  # type: ignore[index]
        except (LookupError, TypeError) as error:
            raise InputError(RESULT_NOT_KEPT) from error
        found[parameter] = _pick_item(value, item[2], index) if item else updated_value(value)
    if wanted.index is not None:
        found[wanted.index] = index
    return found


def _pick_item(value: Any, which: str, index: int) -> Any:
    """One picture or file of an output that contains several, as an input takes it."""
    value = updated_value(value)
    several = value if isinstance(value, list) else []
    number = index if which == "index" else int(which)
    if number >= len(several):
        raise InputError(f"There is no number {number + 1} in this result: it has {len(several)}.")
    one = several[number]
    # A gallery's entries also have a caption.
    held = one if isinstance(one, Mapping) else {}
    return held.get("image") or held.get("video") or one


async def endpoint_of(
    catalogue: Catalogue,
    space: str,
    chain: FollowUpChain,
    account: Account = NO_ACCOUNT,
    *,
    guild: str = "",
) -> Endpoint:
    """The endpoint of a job in a chain, as declared now; raises `EndpointGone`.

    `guild` is the server whose command began the chain.
    """
    endpoint = await catalogue.find(space, chain.root, chain.command, account, guild=guild)
    for label in chain.path:
        wanted = next((one for one in endpoint.then if one.label == label), None)
        if wanted is None:
            raise EndpointGone(FOLLOW_UP_GONE)
        called = await catalogue.follow_up(space, wanted, account)
        endpoint = replace(called, answer=endpoint.answer)
    return with_constants(endpoint, chain.taken)


def with_constants(endpoint: Endpoint, values: Mapping[str, Any]) -> Endpoint:
    """An endpoint with these values of the Space's own as constants."""
    page = endpoint.page and replace(endpoint.page, late=endpoint.page.late - values.keys())
    return replace(
        endpoint,
        page=page,
        parameters=tuple(one for one in endpoint.parameters if one.name not in values),
        constants={**endpoint.constants, **values},
    )
