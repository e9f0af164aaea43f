"""The people who ask, as the engine sees them."""

from __future__ import annotations

import discord

from spacebot.errors import NotAllowed
from spacebot.models import Requester

MANAGERS_ONLY = "Only members with the permission **Manage Server** can do this."


def requester_of(user: discord.abc.User) -> Requester:
    """A Discord user or member as a requester, with their roles here."""
    return Requester(str(user.id), user.mention, roles=roles_of_member(user))


def roles_of_member(user: discord.abc.User) -> frozenset[str]:
    """The ids of a member's roles in the server; none in direct messages."""
    return frozenset(str(role.id) for role in getattr(user, "roles", ()))


def manages(interaction: discord.Interaction) -> bool:
    """Whether the person has Manage Server; administrators always do."""
    return interaction.guild_id is not None and interaction.permissions.manage_guild


def check_manages(interaction: discord.Interaction) -> int:
    """The server's id; raises `NotAllowed` for people who may not manage it.

    By default Discord hides such commands from them, but a server can change that.
    """
    if interaction.guild_id is None or not manages(interaction):
        raise NotAllowed(MANAGERS_ONLY)
    return interaction.guild_id
