"""What the bot writes in Discord: surfaces, posting that persists, and what refusals mean."""

from spacebot.discord_bot.delivery.posting import (
    UNATTACHED,
    ResultPoster,
    persist,
    refused_files,
    send_best_effort,
    without_files,
)
from spacebot.discord_bot.delivery.refusals import (
    DISCORD_ERRORS,
    GONE_REFUSALS,
    Refusal,
    refusal_of,
)
from spacebot.discord_bot.delivery.surfaces import (
    LOST,
    POSTED_UNCERTAIN,
    MessageSurface,
    shown_despite,
)
from spacebot.discord_bot.delivery.writer import (
    NO_PINGS,
    MessageWriter,
    edit,
    fresh_nonce,
    ref_of,
    send,
    thread_on,
)

__all__ = [
    "DISCORD_ERRORS",
    "GONE_REFUSALS",
    "LOST",
    "NO_PINGS",
    "POSTED_UNCERTAIN",
    "UNATTACHED",
    "MessageSurface",
    "MessageWriter",
    "Refusal",
    "ResultPoster",
    "edit",
    "fresh_nonce",
    "persist",
    "ref_of",
    "refusal_of",
    "refused_files",
    "send",
    "send_best_effort",
    "shown_despite",
    "thread_on",
    "without_files",
]
