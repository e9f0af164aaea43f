"""Cancel, Again, Vary, Edit, Recipe, Send me this, Delete."""

from __future__ import annotations

import io
import logging
from functools import partial
from typing import Any

import discord

from spacebot.discord_bot.button_base import (
    AGAIN,
    CANCEL,
    DELETE,
    EDIT,
    RECIPE,
    SEND_ME,
    VARY,
    bot_of,
)
from spacebot.discord_bot.buttons.base import JobButton
from spacebot.discord_bot.buttons.outputs import page_ran_of
from spacebot.discord_bot.buttons.rerun import rerun
from spacebot.discord_bot.delivery import (
    DISCORD_ERRORS,
    NO_PINGS,
    MessageWriter,
    Refusal,
    refusal_of,
)
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.engine import recipes
from spacebot.engine.jobs import secrets_of
from spacebot.engine.store import JobRecord
from spacebot.models import Job
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH

log = logging.getLogger(__name__)

JOB_ENDED = "This job has already ended."
NOT_SENT = "Discord rejected it. Try again in a moment."
# Why a direct message cannot be sent.
UNSENT_REASONS = {
    Refusal.DELETED: "This message is gone from Discord. Run the command again.",
    Refusal.FILTERED: "Discord's content filter blocked the files, so it cannot be sent to you.",
    Refusal.TOO_LARGE: "The files are too large for a direct message. Download them here.",
    Refusal.NO_DIRECT_MESSAGES: (
        "I cannot send you direct messages. Allow them in this server's privacy settings, then "
        "press **Send me this** again."
    ),
}


class CancelButton(JobButton, spec=CANCEL):
    """Stops a job."""

    async def owner(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> str | None:
        if running := dispatcher.cancellable(self.job):
            return running.job.requester.user
        if await bot_of(interaction).runs_elsewhere(self.job) is not None:
            return await super().owner(dispatcher, interaction)
        return None

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        said = dispatcher.cancel(self.job) or await bot_of(interaction).cancel_elsewhere(self.job)
        await interaction.response.send_message(said or JOB_ENDED, ephemeral=True)


class AgainButton(JobButton, spec=AGAIN):
    """Runs a job again with the same values, asking for secrets again."""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        record, kept = await dispatcher.jobs.archive.recall(self.job)
        await _run(dispatcher, interaction, record, kept, kept.arguments)


class VaryButton(JobButton, spec=VARY):
    """Runs a job again with another seed."""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        record, kept = await dispatcher.jobs.archive.recall(self.job)
        await _run(
            dispatcher, interaction, record, kept, recipes.vary_seeds(kept.endpoint, kept.arguments)
        )


class EditButton(JobButton, spec=EDIT):
    """Opens a form with the earlier values."""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        _, kept = await dispatcher.jobs.archive.recall(self.job)
        await dispatcher.ask(
            interaction, kept.command, kept.endpoint, kept.arguments, **_followed(kept)
        )


class RecipeButton(JobButton, spec=RECIPE):
    """Shows how a result was made."""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        await show_recipe(dispatcher, interaction, self.job)


class SendMeButton(JobButton, spec=SEND_ME):
    """Sends a private result by direct message: Discord forgets private messages."""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        message = interaction.message
        assert message is not None
        await interaction.response.defer(ephemeral=True, thinking=True)
        said = "Sent to you as a direct message."
        try:
            # discord.py holds them in memory, so only a few are sent at once.
            async with dispatcher.jobs.uploads.at_once:
                files = [await one.to_file() for one in message.attachments]
                await interaction.user.send(message.content, files=files, allowed_mentions=NO_PINGS)
        except DISCORD_ERRORS as error:
            log.info("job %s: not sent as a direct message: %s", self.job, error)
            said = UNSENT_REASONS.get(refusal_of(error), NOT_SENT)
        await interaction.followup.send(said, ephemeral=True)


class DeleteButton(JobButton, spec=DELETE):
    """Deletes a result with all its messages."""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        record = await dispatcher.jobs.store.get(self.job)
        await interaction.response.defer()
        await interaction.delete_original_response()
        if record is not None and interaction.message is not None:
            await _delete_rest(dispatcher, record, interaction.message.id)


async def _run(
    dispatcher: Dispatcher,
    interaction: discord.Interaction,
    record: JobRecord,
    kept: Job,
    arguments: Any,
) -> None:
    before, more = record.arguments, _followed(kept)
    command, endpoint = kept.command, kept.endpoint
    await rerun(dispatcher, interaction, command, endpoint, arguments, before=before, **more)


def _followed(kept: Job) -> dict[str, Any]:
    """The chain that a job belongs to, with its session; without one, the job starts fresh."""
    if kept.chain is None:
        return {}
    return {"chain": kept.chain, "conversation": kept.conversation}


async def show_recipe(dispatcher: Dispatcher, interaction: discord.Interaction, job: str) -> None:
    """Privately show how a result was made."""
    record, kept = await dispatcher.jobs.archive.recall(job)
    line = recipes.line(kept.command, kept.endpoint, kept.arguments)
    first = record
    while first.chain and (before := await dispatcher.jobs.store.get(first.chain["parent"])):
        first = before
    if first is not record:
        _, start = await dispatcher.jobs.archive.recall(first.id)
        line = f"{recipes.line(start.command, start.endpoint, start.arguments)}\n{line}"
    url = dispatcher.jobs.catalogue.url_of(record.space)
    where = f"<{url}>" if url else record.space
    page_ran = await page_ran_of(dispatcher, job) if kept.endpoint.page else ()
    hides = bool(secrets_of(record))
    notes = recipes.recipe_notes(where, kept.endpoint, kept.arguments, page_ran, hides=hides)
    text = recipes.code_block(line) + notes
    respond = partial(interaction.response.send_message, ephemeral=True, allowed_mentions=NO_PINGS)
    if len(text) <= MAX_MESSAGE_LENGTH:
        await respond(text)
    else:
        await respond(notes, file=discord.File(io.BytesIO(line.encode()), "recipe.txt"))


async def _delete_rest(dispatcher: Dispatcher, record: JobRecord, done: int) -> None:
    """Delete the other messages of a result, as far as the bot may."""
    writer = MessageWriter(dispatcher.client, record.message_ref)
    for message, channel in reversed(record.message_ref.messages):
        if message == done:
            continue
        try:
            await writer.delete(message, channel=channel)
        except discord.HTTPException as error:
            log.info("job %s: one of its messages could not be deleted: %s", record.id, error)
