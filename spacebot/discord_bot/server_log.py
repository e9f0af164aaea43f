"""The channel in which a server's moderators follow the bot's work: one line for each job."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import discord

from spacebot.discord_bot.delivery import (
    DISCORD_ERRORS,
    GONE_REFUSALS,
    NO_PINGS,
    persist,
    refusal_of,
    send_best_effort,
)
from spacebot.engine.jobs import JobManager
from spacebot.engine.store import ServerLimits
from spacebot.errors import JobCancelled, LimitReached, NotAllowed
from spacebot.models import Job, JobEnding, Reply
from spacebot.spaces import inputs

log = logging.getLogger(__name__)

# Lines that arrive within this many seconds share a message.
GATHER_SECONDS = 1.0
# How many lines may wait for a server; beyond that the oldest are dropped, and counted.
MAX_LINES = 200
MAX_LINE, MAX_MESSAGE, MAX_PROMPT = 500, 1900, 300
SWITCHED_OFF = (
    "⚠️ I can no longer write to the log channel <#{channel}> of **{server}**: it is gone, or I "
    "lack a permission there. The log is now off. To turn it back on, use `/limits log`."
)
ENDINGS = {
    JobEnding.DONE: "✅ done",
    JobEnding.FAILED: "❌ failed",
    JobEnding.CANCELLED: "🛑 cancelled",
    JobEnding.REJECTED: "✏️ not run: a value was rejected",
    JobEnding.LOST: "⚠️ lost in a restart",
}


@dataclass(slots=True, eq=False)
class PendingLines:
    """The lines still to be written in one server."""

    lines: deque[str] = field(default_factory=deque)
    left_out: int = 0

    def add(self, line: str) -> None:
        """Add a line; if there are too many, drop the oldest."""
        if len(self.lines) >= MAX_LINES:
            self.lines.popleft()
            self.left_out += 1
        self.lines.append(line)

    def next_message(self) -> str:
        """As many lines as fit into one message."""
        taken = [f"-# … {self.left_out} lines left out here"] if self.left_out else []
        self.left_out = 0
        size = sum(map(len, taken))
        while self.lines and size + len(self.lines[0]) < MAX_MESSAGE:
            taken.append(self.lines.popleft())
            size += len(taken[-1]) + 1
        return "\n".join(taken)


class ServerLog:
    """Writes to servers' log channels, from `start` to `close`. Never pings."""

    def __init__(self, client: discord.Client, jobs: JobManager) -> None:
        self._client = client
        self._jobs = jobs
        self._pending: dict[int, PendingLines] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._unsubscribe: Callable[[], None] | None = None

    async def start(self) -> None:
        """Subscribe to every job's end."""
        self._unsubscribe = self._jobs.subscribe(self._ended)

    async def close(self) -> None:
        """Stop writing."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def write(self, guild: int, line: str) -> None:
        """Write one line to a server's log channel, if it has one, without waiting."""
        if not self._limits(guild).log_channel or self._client.is_closed():
            return
        self._pending.setdefault(guild, PendingLines()).add(" ".join(line.split())[:MAX_LINE])
        if guild not in self._tasks:
            self._tasks[guild] = asyncio.create_task(self._send(guild), name=f"log of {guild}")

    def _limits(self, guild: int) -> ServerLimits:
        return self._jobs.admission.of(guild)

    def _ended(self, job: Job, ending: JobEnding, error: BaseException | None) -> None:
        if job.server is not None:
            self.write(job.server, job_line(job, ending, error, self._limits(job.server)))

    async def _send(self, guild: int) -> None:
        try:
            while self._pending[guild].lines:
                await asyncio.sleep(GATHER_SECONDS)
                await self._send_next(guild, self._pending[guild].next_message())
        finally:
            del self._pending[guild], self._tasks[guild]

    async def _send_next(self, guild: int, text: str) -> None:
        limits = self._limits(guild)
        if not limits.log_channel:
            return
        channel = self._client.get_partial_messageable(int(limits.log_channel))

        async def post(reply: Reply) -> discord.Message:
            return await channel.send(
                reply.text, allowed_mentions=NO_PINGS, suppress_embeds=True, silent=True
            )

        try:
            await persist(post, Reply(text), "log")
        except DISCORD_ERRORS as error:
            log.warning("a server's log channel rejects messages: %s", type(error).__name__)
            if refusal_of(error) in GONE_REFUSALS:
                await self._switch_off(guild, limits)

    async def _switch_off(self, guild: int, limits: ServerLimits) -> None:
        """Stop writing there, and tell the person who set it, once."""
        self._pending[guild].lines.clear()
        await self._jobs.admission.change(guild, lambda now: replace(now, log_channel=""))
        known = self._client.get_guild(guild)
        server = discord.utils.escape_markdown(known.name) if known else "your server"
        said = SWITCHED_OFF.format(channel=limits.log_channel, server=server)
        await send_best_effort(self._tell(int(limits.log_maker), said), "a log that is off")

    async def _tell(self, user: int, text: str) -> None:
        person = await self._client.create_dm(discord.Object(user))  # type: ignore[arg-type]
        await person.send(text, allowed_mentions=NO_PINGS)


def job_line(job: Job, ending: JobEnding, error: BaseException | None, limits: ServerLimits) -> str:
    """Who asked for what, and how it ended; with the prompt only if the server wants that."""
    parts = [job.requester.mention, f"**{job.command}**", _outcome(ending, error)]
    ref = job.message_ref
    private = ref is not None and ref.private
    if limits.log_prompts and not private:
        parts.append(inputs.summarize(job.endpoint, job.arguments, MAX_PROMPT))
    if ref is not None and ref.guild and ref.channel and ref.message and not private:
        parts.append(f"https://discord.com/channels/{ref.guild}/{ref.channel}/{ref.message}")
    return " · ".join(filter(None, parts))


def _outcome(ending: JobEnding, error: BaseException | None) -> str:
    match error:
        case LimitReached():
            return "⏳ not run: a limit is reached"
        case NotAllowed():
            return "🚫 not run: not allowed here"
        case JobCancelled():
            return ENDINGS[JobEnding.CANCELLED]
        case _:
            return ENDINGS[ending]
