"""A follow-up's button: another endpoint of the Space, with what the result gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import discord

from spacebot import followups, inputs
from spacebot.desk import Desk
from spacebot.inputs.base import name_of
from spacebot.models import Chain, Endpoint, File, FollowUp, Job, Theirs
from spacebot.presses.outputs import outputs_of

# Between the names of what a job followed, as in "/if ▸ Upscale 2".
ARROW = " ▸ "


async def follow(
    desk: Desk, interaction: discord.Interaction[Any], job: str, key: str, index: str
) -> None:
    """Run what the owner declared under this result, for whoever pressed."""
    record, kept = await desk.jobs.kept.recall(job)
    wanted = followups.find(kept.endpoint.then, key, int(index))
    outputs = await outputs_of(desk, job)
    before = await _before(desk, kept)
    chain = kept.chain
    chain = Chain(
        parent=job,
        root=chain.root if chain else record.api_name,
        command=chain.command if chain else record.command,
        path=(*(chain.path if chain else ()), wanted.label),
        taken=followups.taken(wanted, int(index), outputs, before.values),
    )
    endpoint = followups.endpoint_of(desk.jobs.catalogue, record.space, chain)
    given = _files(wanted, before, endpoint)
    await desk.run_or_ask(
        interaction,
        f"{record.command}{ARROW}{_label(wanted, int(index))}",
        endpoint,
        given,
        chain=chain,
        # State that the Space keeps is there by the session of the first job.
        conversation=record.conversation or record.user,
    )


@dataclass(slots=True)
class _Before:
    """What a result, and what it followed, was made with: the nearest counts."""

    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)

    def add(self, job: Job) -> None:
        """Take what one more job was made with."""
        attached: set[str] = set()
        for parameter, own in inputs.by_owner(job.endpoint, job.given):
            found = [one for one in own.values() if isinstance(one, File)]
            if found:
                attached.add(parameter.name)
                self.files.setdefault(parameter.name, found[0])
                self.values.setdefault(parameter.name, None)
        for name, value in inputs.values(job.endpoint, job.given).items():
            # An attached file is named by a path of this machine: it goes by upload again.
            if name not in attached:
                self.values.setdefault(name, value.value if isinstance(value, Theirs) else value)


async def _before(desk: Desk, job: Job) -> _Before:
    before = _Before()
    before.add(job)
    while job.chain is not None and await desk.jobs.store.get(job.chain.parent):
        _, job = await desk.jobs.kept.recall(job.chain.parent)
        before.add(job)
    return before


def _files(wanted: FollowUp, before: _Before, endpoint: Endpoint) -> dict[str, File]:
    """What was attached before and is taken again, by the option that takes it."""
    options = {parameter.name: name_of(parameter) for parameter in endpoint.parameters}
    return {
        options[parameter]: before.files[source]
        for parameter, source in wanted.take.items()
        if isinstance(source, str) and source in before.files and parameter in options
    }


def _label(wanted: FollowUp, index: int) -> str:
    return f"{wanted.label} {index + 1}" if wanted.each > 1 else wanted.label
