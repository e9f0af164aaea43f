"""A Space's name as a member writes it: a name on the Hub, or an address that stands for one."""

from __future__ import annotations

import re

from spacebot.errors import InputError

# A user or organization, then a repository. The Hub takes no -- or .. in a name.
_PART = r"[A-Za-z0-9](?:[\w.-]*\w)?"
_IMPOSSIBLE = re.compile(r"--|\.\.|\.git$")
_NAME = re.compile(rf"{_PART}/{_PART}", re.ASCII)
MAX_NAME_LENGTH = 96
_PAGE = re.compile(
    r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/spaces/(?P<name>[^/?#\s]+/[^/?#\s]+)",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"(?:https?://)?(?P<subdomain>[a-z0-9-]{3,})(?:\.static)?\.hf\.space(?:[/?#].*)?", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"://|^localhost\b|^\[|^[^/]+\.[a-z]{2,}(?:[:/]|$)|^\d+\.\d+\.|:\d+", re.IGNORECASE
)
NOT_A_NAME = (
    "That is not the name of a Space. Use owner/name, or the address of its page: "
    "https://huggingface.co/spaces/owner/name"
)
ADDRESS_REFUSED = (
    "Only Spaces on Hugging Face can be used from Discord, not other addresses: the bot would "
    "open them from its own network. The bot's owner can name one in the settings."
)


def hub_name(text: str) -> str:
    """The owner/name that a text means; raises `InputError` if it means none.

    An address on hf.space contains only the subdomain, which `subdomain_of` finds.
    """
    text = text.strip().strip("<>").rstrip("/")
    if page := _PAGE.match(text):
        text = page["name"]
    if is_hub_name(text):
        return text
    raise InputError(ADDRESS_REFUSED if _ADDRESS.search(text) else NOT_A_NAME)


def is_hub_name(text: str) -> bool:
    """Whether a text has the form of a Space's owner/name."""
    matches = len(text) <= MAX_NAME_LENGTH and _NAME.fullmatch(text)
    return bool(matches) and not _IMPOSSIBLE.search(text)


def subdomain_of(text: str) -> str | None:
    """The subdomain in a text that is an address on hf.space; None for other texts."""
    host = _HOST.fullmatch(text.strip().strip("<>"))
    return host["subdomain"].lower() if host else None
