"""The Discord client's status, in words for the page."""

from __future__ import annotations

import math
from collections import Counter

import discord

from spacebot.discord_bot.discord_internals import ShardedClient
from spacebot.discord_bot.gateway.intents import CONTENT, PrivilegedIntents
from spacebot.discord_bot.gateway.rate_limits import RateLimitMonitor
from spacebot.discord_bot.gateway.rest import RequestMonitor
from spacebot.discord_bot.gateway.shards import ShardSet
from spacebot.discord_bot.registration.registration import CommandRegistration
from spacebot.engine import job_text
from spacebot.models import BotPhase, BotProblem, BotStatus, ShardStatus

# The least the bot needs in a server: to post, with files, in channels and threads, and to open the
# threads for answers.
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    attach_files=True,
    embed_links=True,
    # To reply to a message.
    read_message_history=True,
    # For automations, which may answer with these.
    add_reactions=True,
)
NO_CONTENT_INTENT = (
    "In servers, conversations answer only messages that mention the bot. To answer every "
    "message in them, turn on Message Content Intent in the Developer Portal, under Bot, and "
    "restart."
)
REQUESTS_OVERDUE = (
    "Discord has not answered requests for {}: it is rate-limiting this bot, or the connection "
    "is broken. If this continues, restart Spacebot."
)
STANDS_BY = "Other processes hold every shard; this one stands by."
RATE_LIMITED = (
    "Discord is rate-limiting this bot until {} (error 429). Requests wait until then and are "
    "sent automatically."
)


class StatusClient(ShardedClient):
    """A client that reports its status. `problem` is why its commands are not registered."""

    limits: RateLimitMonitor
    requests: RequestMonitor
    privileged_intents: PrivilegedIntents
    registration: CommandRegistration
    shards: ShardSet
    problem = ""
    crowded = ""

    @property
    def has_chats(self) -> bool:
        """Whether there is a chat to talk to."""
        raise NotImplementedError

    def state(self) -> BotStatus:
        """The state for the page."""
        reason = self.problem or " ".join(
            filter(None, (self.crowded, self.registration.problems_text))
        )
        trouble = None
        connected = self.shards.ready
        phase = BotPhase.CONNECTED if connected else BotPhase.CONNECTING
        if self.shards.cluster.trouble:
            phase, trouble = BotPhase.RETRYING, BotProblem.STORE
            reason = self.shards.cluster.trouble
        elif not connected and self.shards.held and self.is_ready():
            phase, trouble = BotPhase.RETRYING, BotProblem.NETWORK
            reason = self._lost
        elif self.shards.stands_by:
            phase, reason = BotPhase.CONNECTED, STANDS_BY
        elif late := self.requests.overdue:
            phase, trouble = BotPhase.RETRYING, BotProblem.DISCORD
            reason = REQUESTS_OVERDUE.format(job_text.duration(late))
            if self.limits.limit:
                reason = RATE_LIMITED.format(job_text.clock_time(self.limits.limit.until))
        # Discord limits single routes of a running bot too, and discord.py waits for those.
        limit = self.limits.block if self.is_ready() else self.limits.limit
        if limit:
            phase, trouble = BotPhase.RETRYING, BotProblem.DISCORD
            reason = self.limits.sentence(limit)
        return BotStatus(
            phase=phase,
            reason=reason,
            name=str(self.user) if self.user else None,
            servers=len(self.guilds),
            latency=self.latency if math.isfinite(self.latency) else None,
            invite=self.invite,
            trouble=trouble,
            shards=len(self.shards),
            commands=self.registration.count,
            advice=self.deaf,
            until=limit.until if limit else None,
        )

    def shard_states(self) -> list[ShardStatus]:
        """Each shard that this process holds."""
        servers = Counter(guild.shard_id for guild in self.guilds)
        return [
            ShardStatus(
                shard.id,
                is_ready=shard.ready,
                latency=shard.ws.latency if shard.ws and math.isfinite(shard.ws.latency) else None,
                servers=servers[shard.id],
            )
            for shard in self.shards
        ]

    @property
    def _lost(self) -> str:
        """Which shards are not connected, if there are others."""
        lost = self.shards.lost
        if len(lost) == len(self.shards):
            return "Lost the connection to Discord. Reconnecting."
        numbers = ", ".join(map(str, lost))
        return f"Lost the connection to Discord of shard {numbers}. Reconnecting."

    @property
    def deaf(self) -> str:
        """What the owner can switch on so that conversations need no mention; empty if nothing."""
        if not self.has_chats or CONTENT in self.privileged_intents.asked:
            return ""
        return NO_CONTENT_INTENT

    @property
    def invite(self) -> str | None:
        """The address that adds the bot to a server, with the fewest permissions it needs."""
        if self.application_id is None:
            return None
        return discord.utils.oauth_url(
            self.application_id, permissions=PERMISSIONS, scopes=("bot", "applications.commands")
        )
