"""What a member is told if an interaction fails before it becomes a job."""

from __future__ import annotations

import logging

import discord

from spacebot.discord_bot.delivery import DISCORD_ERRORS, Refusal, answer_privately, refusal_of
from spacebot.engine import job_text
from spacebot.errors import InputError, JobCancelled, SpacebotError, kind_of

log = logging.getLogger(__name__)

COMMAND_GONE = "❌ This command has changed or is no longer offered. Type / to see the commands."
ANSWERED_ELSEWHERE = (
    "another process answered an interaction first; stop the other program that uses this "
    "DISCORD_TOKEN"
)


async def tell(interaction: discord.Interaction, error: BaseException) -> None:
    """Tell the member what went wrong, and log it once."""
    refusal = refusal_of(error)
    if refusal is Refusal.UNANSWERED:
        log.warning("an interaction expired before it could be acknowledged")
        return
    if refusal is Refusal.ACKNOWLEDGED:
        log.error(ANSWERED_ELSEWHERE)
        return
    if not isinstance(error, SpacebotError):
        log.error("an interaction failed", exc_info=error)
    elif not isinstance(error, InputError | JobCancelled):
        log.warning("an interaction failed: %s", kind_of(error))
    await reply(interaction, job_text.describe_failure(error))


async def reply(interaction: discord.Interaction, text: str) -> None:
    """Answer an interaction privately; a failure is only logged."""
    try:
        await answer_privately(interaction, text)
    except DISCORD_ERRORS as error:
        log.warning("a failure could not be reported: %s", error)
