"""A follow-up's button: another endpoint of the Space, called with values of the result."""

from __future__ import annotations

from dataclasses import replace

import discord

from spacebot.discord_bot.button_base import FOLLOW
from spacebot.discord_bot.buttons.base import JobButton
from spacebot.discord_bot.buttons.outputs import outputs_of
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.engine import follow_ups
from spacebot.engine.follow_ups import PriorValues
from spacebot.models import FollowUpChain, Job


class FollowButton(JobButton, spec=FOLLOW):
    """Calls another endpoint of the Space, as its owner declared it."""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        job, key, index = self.ids[0], self.ids[1], int(self.ids[2])
        record, kept = await dispatcher.jobs.archive.recall(job)
        wanted = follow_ups.find_follow_up(kept.endpoint.then, key, index)
        outputs = await outputs_of(dispatcher, job)
        before = await _prior_values(dispatcher, kept)
        chain = kept.chain
        chain = FollowUpChain(
            parent=job,
            root=chain.root if chain else record.api_name,
            command=chain.command if chain else record.command,
            path=(*(chain.path if chain else ()), wanted.label),
            taken=follow_ups.taken_values(wanted, index, outputs, before.values, before.held),
        )
        account = await dispatcher.jobs.account(record.account or "")
        endpoint = await dispatcher.jobs.archive.follow_up_of(record, chain, account)
        if endpoint.stateful:
            # Its input is in the session of that job and of its account.
            chain = replace(chain, account=record.account or "")
        await dispatcher.run_or_ask(
            interaction,
            f"{record.command}{follow_ups.PATH_SEPARATOR}{follow_ups.label_of(wanted, index)}",
            endpoint,
            before.attached_files(wanted, endpoint),
            chain=chain,
            # The Space's state is in the session of the first job.
            conversation=record.conversation or record.user,
            ask=before.asks(wanted),
        )


async def _prior_values(dispatcher: Dispatcher, job: Job) -> PriorValues:
    before = PriorValues()
    before.add(job)
    while job.chain is not None and await dispatcher.jobs.store.get(job.chain.parent):
        _, job = await dispatcher.jobs.archive.recall(job.chain.parent)
        before.add(job)
    return before
