"""What the bot writes in Discord: surfaces, posting that persists, and what refusals mean."""

from spacebot.delivery.posting import UNATTACHED, Poster, persist, refused_files, without_files
from spacebot.delivery.refusals import DISCORD_ERRORS, GONE, Refusal, refusal_of
from spacebot.delivery.surfaces import LOST, MAYBE, MessageSurface, shown_despite
from spacebot.delivery.writer import (
    NOBODY,
    Writer,
    edit,
    fresh_nonce,
    ref_of,
    send,
    thread_on,
)

__all__ = [
    "DISCORD_ERRORS",
    "GONE",
    "LOST",
    "MAYBE",
    "NOBODY",
    "UNATTACHED",
    "MessageSurface",
    "Poster",
    "Refusal",
    "Writer",
    "edit",
    "fresh_nonce",
    "persist",
    "ref_of",
    "refusal_of",
    "refused_files",
    "send",
    "shown_despite",
    "thread_on",
    "without_files",
]
