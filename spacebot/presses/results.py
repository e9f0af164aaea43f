"""Again, Vary, Edit, Recipe, Delete, Send me this, Cancel."""

from __future__ import annotations

import io
import logging
from typing import Any

import discord

from spacebot import recipes
from spacebot.desk import Desk
from spacebot.jobs import secrets_of
from spacebot.models import Job
from spacebot.places import NOBODY, TROUBLE, Place, Writer
from spacebot.store import Record

log = logging.getLogger(__name__)

NOT_YOURS = "Only the one who asked, or a moderator, can {} this."
SOON = "This job has not begun yet. Press **Cancel** again in a moment."
MESSAGE = 2000
# Why a direct message cannot be sent, by Discord's error code.
UNSENT = {
    10008: "This message is gone from Discord. Run the command again.",
    20009: "Discord's content filter blocked the files, so it cannot be sent to you.",
    40005: "The files are too large for a direct message. Download them here.",
    50007: "I may not send you direct messages. Allow them in this server's privacy settings, "
    "then press **Send me this** again.",
}


async def cancel(desk: Desk, interaction: discord.Interaction[Any], job: str) -> None:
    """Stop a job: for the one who asked, and for moderators."""
    running = desk.jobs.find(job)
    found = (running.job, running.cancel) if running else desk.stoppable.get(job)
    if found is None:
        # In a crowd, those who wait to be acknowledged come before it.
        said = SOON if job in desk.jobs.ours else "This job has already ended."
    elif not may_change(interaction, found[0].asker.user):
        said = NOT_YOURS.format("cancel")
    else:
        said = found[1]("")
    await interaction.response.send_message(said, ephemeral=True)


def may_change(interaction: discord.Interaction[Any], asker: str) -> bool:
    """Whether whoever pressed may end or delete what `asker` asked for."""
    moderates = interaction.guild_id is not None and interaction.permissions.manage_messages
    return str(interaction.user.id) == asker or moderates


async def again(desk: Desk, interaction: discord.Interaction[Any], job: str) -> None:
    """Run a job again with the same values; what is secret is asked for anew."""
    record, kept = await desk.jobs.kept.recall(job)
    await _run(desk, interaction, record, kept, kept.given)


async def vary(desk: Desk, interaction: discord.Interaction[Any], job: str) -> None:
    """Run a job again with another seed."""
    record, kept = await desk.jobs.kept.recall(job)
    await _run(desk, interaction, record, kept, recipes.varied(kept.endpoint, kept.given))


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


async def edit(desk: Desk, interaction: discord.Interaction[Any], job: str) -> None:
    """Open a form with the values as they were."""
    _, kept = await desk.jobs.kept.recall(job)
    await desk.ask(interaction, kept.command, kept.endpoint, kept.given, **_followed(kept))


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
    notes = recipes.notes(where, kept.endpoint, kept.given, hides=bool(secrets_of(record)))
    text = recipes.block(line) + notes
    if len(text) <= MESSAGE:
        await interaction.response.send_message(text, ephemeral=True, allowed_mentions=NOBODY)
        return
    file = discord.File(io.BytesIO(line.encode()), "recipe.txt")
    await interaction.response.send_message(
        notes, file=file, ephemeral=True, allowed_mentions=NOBODY
    )


async def send_me(desk: Desk, interaction: discord.Interaction[Any], job: str) -> None:
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
    except TROUBLE as error:
        log.info("job %s: not sent as a direct message: %s", job, error)
        code = error.code if isinstance(error, discord.HTTPException) else 0
        said = UNSENT.get(code, "Discord did not take it. Try again in a moment.")
    await interaction.followup.send(said, ephemeral=True)


async def delete(desk: Desk, interaction: discord.Interaction[Any], job: str) -> None:
    """Delete a result, all its messages: for the one who asked, and for moderators."""
    record = await desk.jobs.store.get(job)
    if not may_change(interaction, record.user if record else _asker(interaction)):
        await interaction.response.send_message(NOT_YOURS.format("delete"), ephemeral=True)
        return
    await interaction.response.defer()
    await interaction.delete_original_response()
    if record is not None and interaction.message is not None:
        await _delete_rest(desk, record, interaction.message.id)


def _asker(interaction: discord.Interaction[Any]) -> str:
    """Who asked for a result that is no longer kept, by what Discord knows of its message."""
    about = interaction.message.interaction_metadata if interaction.message else None
    return str(about.user.id) if about else ""


async def _delete_rest(desk: Desk, record: Record, done: int) -> None:
    """Delete the other messages of a result, as far as the bot may."""
    place = Place.from_json(record.place)
    writer = Writer(desk.client, place)
    for message, channel in reversed(place.messages):
        if message == done:
            continue
        try:
            await writer.delete(message, channel=channel)
        except discord.HTTPException as error:
            log.info("job %s: a message of it stays: %s", record.id, error)
