"""Where interactions become jobs: commands, buttons, and what a restart left behind."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord

from spacebot import words
from spacebot.buttons import cancel_view, is_running
from spacebot.delivery import Delivery
from spacebot.errors import EndpointGone, SpacebotError
from spacebot.jobs import Jobs, to_job
from spacebot.models import Answer, Asker, Endpoint, File, Job
from spacebot.places import DELETED, NOBODY, Place
from spacebot.store import Record, State

log = logging.getLogger(__name__)

# So many interrupted jobs are taken up side by side after a restart.
AT_ONCE = 10
FORGOTTEN = "This job is no longer kept. Use the command again."


class Desk:
    """Answers interactions: each becomes a job, and the job an answer."""

    def __init__(self, client: discord.Client, jobs: Jobs) -> None:
        self.client = client
        self.jobs = jobs
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(
        self,
        interaction: discord.Interaction[Any],
        command: str,
        endpoint: Endpoint,
        given: Mapping[str, Any],
    ) -> None:
        """Acknowledge an interaction, run the job and post what it gives.

        `given` holds Discord's values by option name, attachments as they are.
        """
        private = endpoint.answer is Answer.PRIVATE
        job = Job(
            id=uuid.uuid4().hex[:12],
            endpoint=endpoint,
            asker=Asker(
                user=str(interaction.user.id),
                mention=interaction.user.mention,
                place=str(interaction.channel_id),
            ),
            given={name: _named(value) for name, value in given.items()},
            file_limit=interaction.filesize_limit,
            command=command,
            place=Place.of(interaction, private=private).to_json(),
        )
        # Within Discord's 3 seconds, by a message that is edited from now on.
        answered = await interaction.response.send_message(
            f"{words.header(job, command)}\n-# ⏳ Starting",
            ephemeral=private,
            allowed_mentions=NOBODY,
            view=cancel_view(job.id),
        )
        job = replace(job, place={**job.place, "message": answered.message_id})
        delivery = Delivery(self.client, self.jobs, job)
        try:
            await delivery.fetch(given)
        except SpacebotError as error:
            await delivery.fail(error)
            return
        await delivery.run()

    async def repeat(self, interaction: discord.Interaction[Any], job: str) -> None:
        """Run a kept job again, for whoever pressed."""
        record = await self.jobs.store.get(job)
        if record is None:
            await interaction.response.send_message(FORGOTTEN, ephemeral=True)
            return
        try:
            endpoint = self.jobs.catalogue.find(record.space, record.api_name)
        except EndpointGone as error:
            await interaction.response.send_message(words.failure(error), ephemeral=True)
            return
        await self.answer(interaction, record.command, endpoint, to_job(record, endpoint).given)

    async def recover(self) -> None:
        """Take up, or tell of, every job that a restart interrupted."""
        records = [
            record
            for record in await self.jobs.store.unfinished()
            if self.jobs.find(record.id) is None
        ]
        if records:
            log.info("%d jobs were interrupted by the restart", len(records))
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(record: Record) -> None:
            async with limit:
                await self._recover(record)

        await asyncio.gather(*map(one, records))

    async def _recover(self, record: Record) -> None:
        """Take up one job where that is safe, or tell its asker."""
        try:
            delivery = Delivery(self.client, self.jobs, self._job(record))
            if not await self._is_waited_for(delivery):
                await self.jobs.store.mark(record.id, state=State.CANCELLED, ended=time.time())
            elif record.state == State.WAITING or delivery.job.endpoint.repeatable:
                log.info("job %s %s is taken up again", record.id, record.command)
                task = asyncio.create_task(delivery.run(kept=True), name=f"job {record.id}")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                await delivery.tell_lost()
                await self.jobs.store.mark(record.id, state=State.LOST, ended=time.time())
        except Exception:
            log.exception("job %s could not be recovered", record.id)

    def _job(self, record: Record) -> Job:
        try:
            endpoint = self.jobs.catalogue.find(record.space, record.api_name)
        except EndpointGone:
            # Enough to tell of it; running it says that the endpoint is gone.
            endpoint = Endpoint(record.space, record.api_name, record.command, "")
        return to_job(record, endpoint)

    async def _is_waited_for(self, delivery: Delivery) -> bool:
        """Whether the job's message still stands there unanswered.

        A process can be killed after it posted a result and before it noted so.
        """
        try:
            message = await delivery.writer.fetch()
        except discord.HTTPException as error:
            return error.code not in DELETED
        return message is None or is_running(message)


def _named(value: Any) -> Any:
    """An attachment by its name, before it was fetched."""
    if isinstance(value, discord.Attachment):
        return File(name=value.filename, size=value.size, mime=value.content_type)
    return value
