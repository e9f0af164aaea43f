"""/quota: what a member has left here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeAlias

import discord
from discord import app_commands

from spacebot.discord_bot.delivery import NO_PINGS, requester_of
from spacebot.discord_bot.registration.commands import FOR_EVERYONE
from spacebot.engine import job_text
from spacebot.engine.admission import Allowance
from spacebot.engine.jobs import JobManager
from spacebot.errors import SpacebotError
from spacebot.models import user_key

# Adds a line to the member's answer, such as a quota elsewhere; "" adds none.
QuotaLine: TypeAlias = Callable[[discord.Interaction], Awaitable[str]]
QUOTA = "quota"


def quota_command(
    jobs: JobManager, more: Sequence[QuotaLine] = ()
) -> app_commands.Command[Any, ..., Any]:
    """The command; `more` are the lines that other features add to its answer."""

    async def callback(interaction: discord.Interaction) -> None:
        await interaction.response.defer(ephemeral=True)
        guild, requester = str(interaction.guild_id or ""), requester_of(interaction.user)
        now = jobs.admission.allowance(guild, requester)
        lines = [*_lines(now, jobs, in_server=bool(guild))]
        lines += filter(None, [await line(interaction) for line in more])
        await interaction.followup.send("\n".join(lines), ephemeral=True, allowed_mentions=NO_PINGS)

    return app_commands.Command(
        name=QUOTA,
        description="See what you have left here, visible only to you",
        callback=callback,
        **FOR_EVERYONE,
    )


def _lines(now: Allowance, jobs: JobManager, *, in_server: bool) -> Iterator[str]:
    limits = jobs.queue.limits
    if not in_server:
        yield "**Jobs a day**: no limit in direct messages"
        yield f"**At once**: {limits.running_per_user} running, {limits.waiting_per_user} waiting"
        return
    if now.jobs is None:
        yield "**Jobs a day**: no limit in this server"
    else:
        left = max(0, now.jobs - now.used)
        yield f"**Jobs a day**: {left} of {now.jobs} left, resets <t:{now.resets}:R>"
    most_running = _least(now.most_running, limits.running_per_user)
    most_waiting = _least(now.most_waiting, limits.waiting_per_user)
    yield f"**Running**: {now.running} of {most_running} at once"
    yield f"**Waiting**: {now.waiting} of {most_waiting} at once"


async def gpu_line(jobs: JobManager, interaction: discord.Interaction) -> str:
    """The ZeroGPU seconds left for a member's jobs here, if a token is set."""
    if jobs.accounts is None:
        return ""
    try:
        account = await jobs.accounts.choose(str(interaction.user.id), interaction.guild_id)
        if not account:
            return ""
        quota = await jobs.catalogue.hub.quota(account.token)
    except SpacebotError as error:
        return f"**ZeroGPU**: {error}"
    whose = "your own token" if account.key == user_key(interaction.user.id) else "the server's"
    seconds = f"{job_text.duration(quota.left)} of {job_text.duration(quota.total)}"
    again = f", resets <t:{int(quota.resets_at.timestamp())}:R>" if quota.resets_at else ""
    return f"**ZeroGPU** with {whose}: {seconds} left{again}"


def _least(most: int | None, owners: int) -> int:
    return owners if most is None else min(most, owners)
