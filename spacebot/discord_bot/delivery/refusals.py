"""What Discord's error codes mean. No other module knows them."""

from __future__ import annotations

import enum

import aiohttp
import discord

# What a failed request to Discord raises, for Discord's errors and the network's.
DISCORD_ERRORS = (discord.HTTPException, aiohttp.ClientError, OSError)


class Refusal(enum.Enum):
    """Why Discord did not do what it was asked."""

    # Somebody deleted the message and does not want it.
    DELETED = enum.auto()
    # There is no such channel, or the bot may not see it.
    NO_CHANNEL = enum.auto()
    NO_ACCESS = enum.auto()
    # The interaction was never acknowledged, or its token is over.
    UNANSWERED = enum.auto()
    EXPIRED = enum.auto()
    # A permission is missing; the text alone may need fewer than its files.
    FORBIDDEN = enum.auto()
    # A person takes no direct messages.
    NO_DIRECT_MESSAGES = enum.auto()
    # If only a person has installed the bot, an interaction has five follow-ups.
    USED_UP = enum.auto()
    ARCHIVED = enum.auto()
    LOCKED = enum.auto()
    # The server's AutoMod blocks the text; Discord's content filter blocks the files.
    MODERATED = enum.auto()
    FILTERED = enum.auto()
    TOO_LARGE = enum.auto()
    HAS_THREAD = enum.auto()
    # The interaction is acknowledged already.
    ACKNOWLEDGED = enum.auto()
    # A server takes no more commands of the application, or no more new ones today.
    TOO_MANY_COMMANDS = enum.auto()
    TOO_MANY_CREATED = enum.auto()
    # The request is malformed.
    INVALID = enum.auto()
    # Discord or the network is in trouble: the same request may work later.
    PASSING = enum.auto()
    OTHER = enum.auto()


def refusal_of(error: BaseException) -> Refusal:
    """What an error of discord.py, or of the network under it, means."""
    if isinstance(error, discord.HTTPException):
        return REFUSAL_BY_CODE.get(error.code) or _by_status(error.status)
    passes = isinstance(error, DISCORD_ERRORS) and not isinstance(error, FileNotFoundError)
    return Refusal.PASSING if passes else Refusal.OTHER


def _by_status(status: int) -> Refusal:
    if status >= 500 or status == 429:
        return Refusal.PASSING
    return {400: Refusal.INVALID, 413: Refusal.TOO_LARGE}.get(status, Refusal.OTHER)


# Nothing can be written there any more, however often it is tried.
GONE_REFUSALS = frozenset(
    {
        Refusal.DELETED,
        Refusal.NO_CHANNEL,
        Refusal.NO_ACCESS,
        Refusal.UNANSWERED,
        Refusal.EXPIRED,
        Refusal.FORBIDDEN,
        Refusal.NO_DIRECT_MESSAGES,
        Refusal.USED_UP,
        Refusal.ARCHIVED,
        Refusal.LOCKED,
    }
)
REFUSAL_BY_CODE = {
    10003: Refusal.NO_CHANNEL,
    10004: Refusal.NO_ACCESS,
    10008: Refusal.DELETED,
    10015: Refusal.UNANSWERED,
    10062: Refusal.UNANSWERED,
    20009: Refusal.FILTERED,
    30032: Refusal.TOO_MANY_COMMANDS,
    30034: Refusal.TOO_MANY_CREATED,
    40005: Refusal.TOO_LARGE,
    40060: Refusal.ACKNOWLEDGED,
    40094: Refusal.USED_UP,
    50001: Refusal.NO_ACCESS,
    50007: Refusal.NO_DIRECT_MESSAGES,
    50013: Refusal.FORBIDDEN,
    50027: Refusal.EXPIRED,
    50035: Refusal.INVALID,
    50083: Refusal.ARCHIVED,
    160004: Refusal.HAS_THREAD,
    160005: Refusal.LOCKED,
    200000: Refusal.MODERATED,
    200001: Refusal.MODERATED,
}
