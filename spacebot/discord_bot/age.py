"""Where age-restricted Spaces may answer.

A command tells Discord by its `nsfw` flag, but Send to, Compare, mentions, automations and buttons
reach a Space without its command. This module decides whether a channel allows it; the answer's
`MessageRef` stores that, and `JobManager.start` enforces it for every job.
"""

from __future__ import annotations

from typing import Any

import discord
from cachetools import LRUCache

from spacebot.errors import AgeRestricted
from spacebot.models import Endpoint

RESTRICTED_LEVELS = (discord.NSFWLevel.explicit, discord.NSFWLevel.age_restricted)
MAX_ADULTS = 10_000
IN_DIRECT_MESSAGES = (
    "This Space is age-restricted, and Discord has to check your age first. Use the Space's own "
    "command here once, or go to an age-restricted channel."
)


def is_age_restricted(channel: Any) -> bool:
    """Whether Discord keeps minors out of a server's channel; a thread follows its parent."""
    guild = getattr(channel, "guild", None)
    if guild is None:
        return False
    # In such a server, every channel is restricted, whatever its own flag says.
    if guild.nsfw_level in RESTRICTED_LEVELS:
        return True
    place = channel.parent if isinstance(channel, discord.Thread) else channel
    return bool(getattr(place, "nsfw", False))


class AgeGate:
    """Knows where a member may use age-restricted Spaces.

    Outside servers, Discord offers an age-restricted command only to adults who have turned
    that on in their settings. So members who send one may continue with buttons and messages
    until the bot restarts; the newest `MAX_ADULTS` are remembered.
    """

    def __init__(self) -> None:
        self._adults = LRUCache[int, None](MAX_ADULTS)

    def takes(self, interaction: discord.Interaction[Any]) -> bool:
        """Whether an age-restricted Space may answer an interaction."""
        if interaction.guild_id is not None:
            return is_age_restricted(interaction.channel)
        if _is_restricted(interaction.command):
            self._adults[interaction.user.id] = None
        return interaction.user.id in self._adults

    def hears(self, channel: Any, user: int, *, direct: bool) -> bool:
        """Whether it may answer a member's message, in a channel or a `direct` message."""
        return user in self._adults if direct else is_age_restricted(channel)

    def check(self, interaction: discord.Interaction[Any], endpoint: Endpoint) -> None:
        """Raise `AgeRestricted` if an endpoint may not answer an interaction."""
        # Checked for every endpoint, to remember members who send a restricted command.
        if not self.takes(interaction):
            _refuse(endpoint, direct=interaction.guild_id is None)

    def check_message(self, message: discord.Message, endpoint: Endpoint) -> None:
        """Raise `AgeRestricted` if an endpoint may not answer a message."""
        direct = message.guild is None
        if not self.hears(message.channel, message.author.id, direct=direct):
            _refuse(endpoint, direct=direct)


def _refuse(endpoint: Endpoint, *, direct: bool) -> None:
    if endpoint.nsfw:
        raise AgeRestricted(IN_DIRECT_MESSAGES if direct else "")


def _is_restricted(command: Any) -> bool:
    root = getattr(command, "root_parent", None) or command
    return bool(getattr(root, "nsfw", False))
