"""A follow-up's button: another endpoint of the Space, with what the result gave."""

from __future__ import annotations

from typing import Any

import discord

from spacebot import followups
from spacebot.buttons import FOLLOW
from spacebot.desk import Desk
from spacebot.followups import Before
from spacebot.models import Chain, Job
from spacebot.presses.base import JobButton
from spacebot.presses.outputs import outputs_of


class Follow(JobButton, spec=FOLLOW):
    """Calls another endpoint of the Space, as its owner declared it."""

    async def run(self, desk: Desk, interaction: discord.Interaction[Any]) -> None:
        """Run what the owner declared under this result, for whoever pressed."""
        job, key, index = self.ids
        await _follow(desk, interaction, job, key, int(index))


async def _follow(
    desk: Desk, interaction: discord.Interaction[Any], job: str, key: str, index: int
) -> None:
    record, kept = await desk.jobs.kept.recall(job)
    wanted = followups.find(kept.endpoint.then, key, index)
    outputs = await outputs_of(desk, job)
    before = await _before(desk, kept)
    chain = kept.chain
    chain = Chain(
        parent=job,
        root=chain.root if chain else record.api_name,
        command=chain.command if chain else record.command,
        path=(*(chain.path if chain else ()), wanted.label),
        taken=followups.taken(wanted, index, outputs, before.values, before.held),
    )
    endpoint = followups.endpoint_of(desk.jobs.catalogue, record.space, chain)
    given = before.given(wanted, endpoint)
    await desk.run_or_ask(
        interaction,
        f"{record.command}{followups.ARROW}{followups.label_of(wanted, index)}",
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
