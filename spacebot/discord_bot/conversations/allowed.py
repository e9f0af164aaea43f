"""What a server allows in conversations, in the terms of `engine.admission`."""

from __future__ import annotations

from typing import Any

import discord

from spacebot.engine.admission import Ask
from spacebot.engine.jobs import JobManager
from spacebot.engine.on_demand import listing_server
from spacebot.engine.store import Conversation
from spacebot.models import Endpoint, Requester


def places_of(channel: Any) -> tuple[str, ...]:
    """Where somebody talks: a channel, and the channel that it is a thread of."""
    ids = (getattr(channel, "id", None), getattr(channel, "parent_id", None))
    return tuple(str(one) for one in ids if one)


def conversation_places(client: discord.Client, conversation: Conversation) -> tuple[str, ...]:
    """Where a conversation takes place."""
    channel = client.get_channel(int(conversation.channel))
    return places_of(channel) or (conversation.channel,)


def ask_in(channel: Any, guild: int | None, requester: Requester, *texts: str) -> Ask:
    """The request of somebody who wants to talk in a channel."""
    return Ask(str(guild or ""), requester, texts, places_of(channel))


async def endpoint_of(jobs: JobManager, conversation: Conversation) -> Endpoint:
    """The endpoint of a conversation, as its account sees it; raises `SpacebotError`.

    Pausing or removing a server's command also ends the conversations begun with it.
    """
    account = await jobs.account(conversation.account, conversation.user, conversation.guild)
    guild = listing_server(conversation.command, conversation.guild)
    named = conversation.space, conversation.api_name, conversation.command
    return await jobs.catalogue.find(*named, account, guild=guild)
