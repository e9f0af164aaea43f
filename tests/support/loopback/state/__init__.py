"""Discord's state: accounts, guilds, channels, threads, messages, files."""

from .account import Account
from .channel import FORUM, MIB, Channel
from .clock import Clock, Snowflakes, Watched, timestamp
from .guild import Guild
from .message import (
    COMPONENTS_V2,
    EPHEMERAL,
    HAS_THREAD,
    LOADING,
    Attachment,
    Message,
    Pings,
    content_type_of,
    emoji_json,
)

__all__ = [
    "COMPONENTS_V2",
    "EPHEMERAL",
    "FORUM",
    "HAS_THREAD",
    "LOADING",
    "MIB",
    "Account",
    "Attachment",
    "Channel",
    "Clock",
    "Guild",
    "Message",
    "Pings",
    "Snowflakes",
    "Watched",
    "content_type_of",
    "emoji_json",
    "timestamp",
]
