"""Cancel, Again, Vary, Edit, Recipe, Send me this, Delete."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import Any

import discord

from spacebot import recipes
from spacebot.buttons import AGAIN, CANCEL, DELETE, EDIT, RECIPE, SEND_ME, VARY
from spacebot.delivery import DISCORD_ERRORS, NOBODY, Refusal, Writer, refusal_of
from spacebot.desk import Desk
from spacebot.jobs import secrets_of
from spacebot.models import Job
from spacebot.presses.base import JobButton
from spacebot.presses.outputs import page_ran_of
from spacebot.store import Record

log = logging.getLogger(__name__)

SOON = "This job has not begun yet. Press **Cancel** again in a moment."
MESSAGE = 2000
# Why a direct message cannot be sent.
UNSENT = {
    Refusal.DELETED: "This message is gone from Discord. Run the command again.",
    Refusal.FILTERED: "Discord's content filter blocked the files, so it cannot be sent to you.",
    Refusal.TOO_LARGE: "The files are too large for a direct message. Download them here.",
    Refusal.NO_DIRECT_MESSAGES: (
        "I may not send you direct messages. Allow them in this server's privacy settings, then "
        "press **Send me this** again."
    ),
}


class Cancel(JobButton, spec=CANCEL):
    """Stops a job."""

    def _found(self, desk: Desk) -> tuple[Job, Callable[[str], str]] | None:
        """The job, and how to stop it; None where it does not run."""
        running = desk.jobs.find(self.job)
        return (running.job, running.cancel) if running else desk.stoppable.get(self.job)

    async def owner(self, desk: Desk, interaction: discord.Interaction[Any]) -> str | None:  # noqa: ARG002
        """Who asked for it."""
        found = self._found(desk)
        return found[0].asker.user if found else None

    async def run(self, desk: Desk, interaction: discord.Interaction[Any]) -> None:
        """Stop it, and say what that did."""
        if found := self._found(desk):
            said = found[1]("")
        else:
            # In a crowd, those who wait to be acknowledged come before it.
            said = SOON if self.job in desk.jobs.ours else "This job has already ended."
        await interaction.response.send_message(said, ephemeral=True)


class Again(JobButton, spec=AGAIN):
    """Runs a job again with the same values; what is secret is asked for anew."""

    async def run(self, desk: Desk, interaction: discord.Interaction[Any]) -> None:
        """Run it, for whoever pressed."""
        record, kept = await desk.jobs.kept.recall(self.job)
        await _run(desk, interaction, record, kept, kept.given)


class Vary(JobButton, spec=VARY):
    """Runs a job again with another seed."""

    async def run(self, desk: Desk, interaction: discord.Interaction[Any]) -> None:
        """Run it, for whoever pressed."""
        record, kept = await desk.jobs.kept.recall(self.job)
        await _run(desk, interaction, record, kept, recipes.varied(kept.endpoint, kept.given))


class Edit(JobButton, spec=EDIT):
    """Opens a form with the values as they were."""

    async def run(self, desk: Desk, interaction: discord.Interaction[Any]) -> None:
        """Open it."""
        _, kept = await desk.jobs.kept.recall(self.job)
        await desk.ask(interaction, kept.command, kept.endpoint, kept.given, **_followed(kept))


class ShowRecipe(JobButton, spec=RECIPE):
    """Shows what a result was made with."""

    async def run(self, desk: Desk, interaction: discord.Interaction[Any]) -> None:
        """Show it to whoever pressed."""
        await recipe(desk, interaction, self.job)


class SendMe(JobButton, spec=SEND_ME):
    """Sends a private result by direct message: Discord forgets private messages."""

    async def run(self, desk: Desk, interaction: discord.Interaction[Any]) -> None:
        """Send this message of it to whoever pressed."""
        await _send_me(desk, interaction, self.job)


class Delete(JobButton, spec=DELETE):
    """Deletes a result, all its messages."""

    async def run(self, desk: Desk, interaction: discord.Interaction[Any]) -> None:
        """Delete them, as far as the bot may."""
        record = await desk.jobs.store.get(self.job)
        await interaction.response.defer()
        await interaction.delete_original_response()
        if record is not None and interaction.message is not None:
            await _delete_rest(desk, record, interaction.message.id)


async def _run(
    desk: Desk, interaction: discord.Interaction[Any], record: Record, kept: Job, given: Any
) -> None:
    more = _followed(kept)
    # A file that is no longer kept, too.
    missing = record.given.keys() - kept.given.keys()
    if missing | secrets_of(record):
        only = missing | secrets_of(record)
        await desk.ask(interaction, kept.command, kept.endpoint, given, only=only, **more)
    else:
        await desk.answer(interaction, kept.command, kept.endpoint, given, **more)


def _followed(kept: Job) -> dict[str, Any]:
    """What a job follows, in whose session; one that follows nothing begins anew."""
    if kept.chain is None:
        return {}
    return {"chain": kept.chain, "conversation": kept.conversation}


async def recipe(desk: Desk, interaction: discord.Interaction[Any], job: str) -> None:
    """Show, to whoever pressed, what a result was made with."""
    record, kept = await desk.jobs.kept.recall(job)
    line = recipes.line(kept.command, kept.endpoint, kept.given)
    first = record
    while first.chain and (before := await desk.jobs.store.get(first.chain["parent"])):
        first = before
    if first is not record:
        _, start = await desk.jobs.kept.recall(first.id)
        line = f"{recipes.line(start.command, start.endpoint, start.given)}\n{line}"
    connection = desk.jobs.catalogue.connections.get(record.space)
    where = f"<{connection.url}>" if connection and connection.url else record.space
    page_ran = await page_ran_of(desk, job) if kept.endpoint.page else ()
    hides = bool(secrets_of(record))
    notes = recipes.notes(where, kept.endpoint, kept.given, page_ran, hides=hides)
    text = recipes.block(line) + notes
    if len(text) <= MESSAGE:
        await interaction.response.send_message(text, ephemeral=True, allowed_mentions=NOBODY)
        return
    file = discord.File(io.BytesIO(line.encode()), "recipe.txt")
    await interaction.response.send_message(
        notes, file=file, ephemeral=True, allowed_mentions=NOBODY
    )


async def _send_me(desk: Desk, interaction: discord.Interaction[Any], job: str) -> None:
    """Send the message of a private result to the person who pressed, as a direct message."""
    message = interaction.message
    assert message is not None
    await interaction.response.defer(ephemeral=True, thinking=True)
    try:
        # Held in memory by discord.py, so only a few at once.
        async with desk.jobs.uploads.at_once:
            files = [await one.to_file() for one in message.attachments]
            await interaction.user.send(message.content, files=files, allowed_mentions=NOBODY)
        said = "Sent to you as a direct message."
    except DISCORD_ERRORS as error:
        log.info("job %s: not sent as a direct message: %s", job, error)
        said = UNSENT.get(refusal_of(error), "Discord did not take it. Try again in a moment.")
    await interaction.followup.send(said, ephemeral=True)


async def _delete_rest(desk: Desk, record: Record, done: int) -> None:
    """Delete the other messages of a result, as far as the bot may."""
    writer = Writer(desk.client, record.message_ref)
    for message, channel in reversed(record.message_ref.messages):
        if message == done:
            continue
        try:
            await writer.delete(message, channel=channel)
        except discord.HTTPException as error:
            log.info("job %s: a message of it stays: %s", record.id, error)
