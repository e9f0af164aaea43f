"""/limits …: the limits that a server's moderators set for their members."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, Transform

from spacebot.discord_bot.delivery import NO_PINGS, answer_privately, check_manages
from spacebot.discord_bot.limits.panels import CHATS_QUESTION, WordsForm, chats_view
from spacebot.discord_bot.limits.texts import summary
from spacebot.discord_bot.registration.channels import ServerChannel, WritableChannel
from spacebot.discord_bot.registration.commands import FOR_MODERATORS
from spacebot.engine.jobs import JobManager
from spacebot.engine.store import NOBODY, ServerLimits
from spacebot.errors import InputError

LIMITS = "limits"
MAX_JOBS = 100_000
MAX_ROLES, MAX_BLOCKED = 25, 500
EVERYONE, ROLE = "everyone", "role"
ACCESS_CHOICES = [
    Choice(name="Everyone", value=EVERYONE),
    Choice(name="Members with a role", value=ROLE),
    Choice(name="Nobody", value=NOBODY),
]
LOG_TEST = "📋 This channel now gets one line for each of this bot's jobs in this server."
Jobs = Range[int, 0, MAX_JOBS]


class LimitsCommands(app_commands.Group):
    """The commands of a server's moderators; Discord hides them from everyone else."""

    def __init__(self, jobs: JobManager) -> None:
        super().__init__(
            name=LIMITS,
            description="What members may do with this bot in this server",
            **FOR_MODERATORS,
        )
        self.admission = jobs.admission

    @app_commands.command(description="Show this server's limits")
    async def show(self, interaction: discord.Interaction) -> None:
        """Show all limits."""
        limits = self.admission.of(check_manages(interaction))
        await answer_privately(interaction, summary(limits))

    @app_commands.command(description="Limit each member's jobs; 0 removes a limit")
    @app_commands.describe(
        per_day="Jobs a member may start per day",
        running="Jobs a member may have running at once; more wait",
        waiting="Jobs a member may have waiting at once; more are refused",
    )
    async def jobs(
        self,
        interaction: discord.Interaction,
        per_day: Jobs | None = None,
        running: Jobs | None = None,
        waiting: Jobs | None = None,
    ) -> None:
        """Set the limits that were entered, and leave the rest unchanged."""
        given = {"member_jobs": per_day, "running": running, "waiting": waiting}
        changes: dict[str, Any] = {
            name: most or None for name, most in given.items() if most is not None
        }
        await self._change(interaction, lambda now: replace(now, **changes))

    @app_commands.command(description="Set a role's own number of jobs per day")
    @app_commands.describe(
        role="The role; a member with several gets the highest number",
        per_day="Jobs per day for each member with it; 0 removes the number",
    )
    async def role(
        self, interaction: discord.Interaction, role: discord.Role, per_day: Jobs
    ) -> None:
        """Set a role's number."""

        def change(now: ServerLimits) -> ServerLimits:
            others = {key: most for key, most in now.role_jobs.items() if key != str(role.id)}
            if per_day and len(others) >= MAX_ROLES:
                raise InputError(
                    f"{MAX_ROLES} roles already have a number, the maximum. Remove one first."
                )
            return replace(now, role_jobs=others | ({str(role.id): per_day} if per_day else {}))

        await self._change(interaction, change)

    @app_commands.command(description="Choose where conversations and mentions work")
    async def chats(self, interaction: discord.Interaction) -> None:
        """Show the menu of channels."""
        limits = self.admission.of(check_manages(interaction))
        await interaction.response.send_message(
            CHATS_QUESTION, view=chats_view(limits.chat_channels), ephemeral=True
        )

    @app_commands.command(description="Choose who may use /run and /find")
    @app_commands.describe(who="Who may use them", role="The role, for members with a role")
    @app_commands.choices(who=ACCESS_CHOICES)
    async def run(
        self,
        interaction: discord.Interaction,
        who: str,
        role: discord.Role | None = None,
    ) -> None:
        """Set who may run any Space."""
        if who == ROLE and role is None:
            raise InputError("Also choose the role, in `role`.")
        access = {EVERYONE: "", NOBODY: NOBODY}.get(who, str(role.id if role else ""))
        await self._change(interaction, lambda now: replace(now, run_access=access))

    @app_commands.command(description="Block a member from using this bot here")
    @app_commands.describe(member="The member to block")
    async def block(self, interaction: discord.Interaction, member: discord.User) -> None:
        """Block a member."""

        def change(now: ServerLimits) -> ServerLimits:
            blocked = dict.fromkeys((*now.blocked_members, str(member.id)))
            if len(blocked) > MAX_BLOCKED:
                raise InputError(f"{MAX_BLOCKED} members are already blocked, the maximum.")
            return replace(now, blocked_members=tuple(blocked))

        await self._change(interaction, change)

    @app_commands.command(description="Let a blocked member use this bot again")
    @app_commands.describe(member="The member to unblock")
    async def unblock(self, interaction: discord.Interaction, member: discord.User) -> None:
        """Unblock a member."""

        def change(now: ServerLimits) -> ServerLimits:
            left = (one for one in now.blocked_members if one != str(member.id))
            return replace(now, blocked_members=tuple(left))

        await self._change(interaction, change)

    @app_commands.command(description="View and change the words that prompts may not contain")
    async def words(self, interaction: discord.Interaction) -> None:
        """Open the form."""
        limits = self.admission.of(check_manages(interaction))
        await interaction.response.send_modal(WordsForm(limits.blocked_words))

    @app_commands.command(description="Log one line per job in a channel")
    @app_commands.describe(
        channel="The channel; leave it out to turn the log off",
        prompts="Whether to include the prompts; off by default",
    )
    async def log(
        self,
        interaction: discord.Interaction,
        channel: Transform[ServerChannel, WritableChannel] | None = None,
        prompts: bool = False,
    ) -> None:
        """Set the log channel, once the bot has written there."""
        check_manages(interaction)
        await interaction.response.defer(ephemeral=True)
        if channel is not None:
            await self._try(interaction, channel.id)
        about = {"log_channel": str(channel.id) if channel else "", "log_prompts": prompts}
        maker = str(interaction.user.id)
        await self._change(interaction, lambda now: replace(now, **about, log_maker=maker))

    async def _try(self, interaction: discord.Interaction, channel: int) -> None:
        """Write to a channel; raises `InputError` if the bot may not."""
        there = interaction.client.get_partial_messageable(channel)
        try:
            await there.send(LOG_TEST, allowed_mentions=NO_PINGS)
        except discord.Forbidden as error:
            raise InputError(
                f"I cannot write in <#{channel}>. Give me View Channel and Send Messages there."
            ) from error

    async def _change(
        self,
        interaction: discord.Interaction,
        change: Callable[[ServerLimits], ServerLimits],
    ) -> None:
        limits = await self.admission.change(check_manages(interaction), change)
        await answer_privately(interaction, f"✅ Saved.\n{summary(limits)}")
