"""A follow-up's button: another endpoint of the Space, with what the result gave."""

from __future__ import annotations

from typing import Any

import discord

from spacebot import followups
from spacebot.desk import Desk
from spacebot.followups import Before
from spacebot.models import Chain, Job
from spacebot.presses.outputs import outputs_of


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
        taken=followups.taken(wanted, int(index), outputs, before.values, before.held),
    )
    endpoint = followups.endpoint_of(desk.jobs.catalogue, record.space, chain)
    given = before.given(wanted, endpoint)
    await desk.run_or_ask(
        interaction,
        f"{record.command}{followups.ARROW}{followups.label_of(wanted, int(index))}",
        endpoint,
        given,
        chain=chain,
        # State that the Space keeps is there by the session of the first job.
        conversation=record.conversation or record.user,
        ask=before.asks(wanted),
    )


async def _before(desk: Desk, job: Job) -> Before:
    before = Before()
    before.add(job)
    while job.chain is not None and await desk.jobs.store.get(job.chain.parent):
        _, job = await desk.jobs.kept.recall(job.chain.parent)
        before.add(job)
    return before
