"""`/automation …`: what a server's moderators add, list, pause, test and delete."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, Transform

from spacebot.discord_bot.automations import events, values
from spacebot.discord_bot.automations.answers import ANSWERS, DONE, missing_permissions
from spacebot.discord_bot.automations.events import Event, plain_emoji
from spacebot.discord_bot.automations.triggers import TRIGGERS, Trigger
from spacebot.discord_bot.automations.watcher import AutomationWatcher, describe
from spacebot.discord_bot.delivery import answer_privately
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.registration.channels import (
    WRITABLE_TYPES,
    ServerChannel,
    WritableChannel,
)
from spacebot.discord_bot.registration.commands import FOR_MODERATORS
from spacebot.engine import job_text
from spacebot.engine.store import Automation
from spacebot.errors import InputError
from spacebot.models import AnswerPlace, Endpoint
from spacebot.wording import clip

MAX_AUTOMATIONS = 50
AUTOMATION = "automation"
MESSAGE_LINK = re.compile(r"(?:.*/(?P<channel>\d+)/)?(?P<message>\d+)/?$")
TRIGGER_CHOICES = [Choice(name=kind.label, value=name) for name, kind in TRIGGERS.items()]
ANSWER_CHOICES = [
    Choice(name=f"By {how}", value=way) for way, how in ANSWERS.items() if way != "channel"
]
NO_SUCH_AUTOMATION = "There is no such automation in this server. Choose one from the list."
LACKS_INTENT = (
    "\n⚠️ This needs an intent that is off: my owner has to switch **{}** on in the Developer "
    "Portal, under Bot. Then use `/automation resume`. Until then it does nothing."
)

LACKS_PERMISSIONS = (
    "\n⚠️ I lack permissions for this: **{}**. Give me these in the channel, or it is paused "
    "after three failures."
)
CHANNELS_WITHOUT_MESSAGES = (
    discord.ChannelType.category,
    discord.ChannelType.forum,
    discord.ChannelType.media,
)


class EventChannel(WritableChannel):
    """An option for a channel in which something happens, including forums."""

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        return [*WRITABLE_TYPES, discord.ChannelType.forum]


class AutomationCommands(app_commands.Group):
    """The commands of a server's moderators; Discord hides them from everyone else."""

    def __init__(self, automations: AutomationWatcher, dispatcher: Dispatcher) -> None:
        super().__init__(
            name=AUTOMATION,
            description="Run a command whenever something happens in this server",
            **FOR_MODERATORS,
        )
        self.automations = automations
        self.dispatcher = dispatcher

    @app_commands.command(description="Run a command whenever something happens")
    @app_commands.describe(
        when="The event to wait for",
        run="The command to run",
        match="The emoji, the words to look for, the time (08:30 Europe/Berlin), or the hours",
        values="The command's options, for example  prompt:{text} seconds:8",
        channel="Where to watch, or to post for a timer or a new member; by default, here",
        answer="How to answer; by default, with a reply",
        to="A different channel for the answers",
        emoji="The reaction, if the command does not answer with an emoji itself",
        per_hour="How many times it may run in an hour; by default, 60",
    )
    @app_commands.choices(when=TRIGGER_CHOICES, answer=ANSWER_CHOICES)
    async def add(
        self,
        interaction: discord.Interaction,
        when: str,
        run: str,
        match: Range[str, 1, 200] = "",
        values: Range[str, 1, 1000] = "",
        channel: Transform[ServerChannel, EventChannel] | None = None,
        answer: str = "reply",
        to: Transform[ServerChannel, WritableChannel] | None = None,
        emoji: Range[str, 1, 80] = "",
        per_hour: Range[int, 1, 1000] = 60,
    ) -> None:
        """Add an automation."""
        command, endpoint = await self._command(interaction, run)
        kind = TRIGGERS[when]
        setting = kind.check(match)
        arguments = self._arguments(endpoint, when, values)
        _check_answer(kind, answer)
        if len(self.automations.of(interaction.guild_id)) >= MAX_AUTOMATIONS:
            raise InputError(
                f"This server has {MAX_AUTOMATIONS} automations already. Delete one first."
            )
        target = str(to.id) if to else plain_emoji(emoji) or DONE if answer == "reaction" else ""
        automation = Automation(
            id=uuid.uuid4().hex[:8],
            guild=str(interaction.guild_id),
            channel=str(_channel_id(interaction, channel)),
            maker=str(interaction.user.id),
            kind=when,
            setting=setting,
            space=endpoint.space,
            api_name=endpoint.api_name,
            command=command,
            arguments=arguments,
            answer="channel" if to else answer,
            target=target,
            rate=per_hour,
            due=kind.next(setting, time.time()),
        )
        # Raises if it may not answer there.
        await self.automations.endpoint(automation)
        _check_writable(to)
        if answer in ("reply", "thread") and kind.source in ("join", "time"):
            _check_messages(channel, "channel")
        await self._answer(interaction, "✅ ", automation, self.automations.add(automation))

    async def _command(
        self, interaction: discord.Interaction[Any], run: str
    ) -> tuple[str, Endpoint]:
        """The command with this name; raises InputError."""
        wanted = "/" + " ".join(run.removeprefix("/").split())
        found = (await self.dispatcher.commands_for(interaction)).get(wanted)
        if found is None:
            raise InputError("`run`: I have no such command. Choose one from the list.")
        if found.answer is AnswerPlace.PRIVATE:
            raise InputError("That command answers privately, so no automation can run it.")
        return wanted, found

    def _arguments(self, endpoint: Endpoint, when: str, written: str) -> dict[str, str]:
        arguments = values.parse(endpoint, written)
        if not values.placeholders_in(arguments):
            arguments = values.defaults(endpoint, TRIGGERS[when]) | arguments
        values.check(endpoint, arguments)
        return arguments

    async def _answer(
        self, interaction: discord.Interaction, mark: str, automation: Automation, work: Any
    ) -> None:
        """Do it, then show the automation and what it still lacks."""
        await interaction.response.defer(ephemeral=True)
        await work
        automation = self.automations.find(automation.id, interaction.guild_id) or automation
        kind = TRIGGERS[automation.kind]
        lacking = self.automations.intents.lacking(values.intents_for(kind, automation.arguments))
        text = mark + _summary(automation)
        if interaction.guild and (forbidden := missing_permissions(interaction.guild, automation)):
            text += LACKS_PERMISSIONS.format("**, **".join(forbidden))
        if lacking:
            text += LACKS_INTENT.format("** and **".join(lacking))
        await answer_privately(interaction, text)

    @app_commands.command(name="list", description="List this server's automations")
    async def show(self, interaction: discord.Interaction) -> None:
        """List the automations of this server."""
        shown = []
        for one in self.automations.of(interaction.guild_id):
            skipped = self.automations.limiter.skipped[one.id]
            shown.append(_summary(one) + (f" · {skipped} skipped by its limit" if skipped else ""))
        pages = [""]
        for text in shown or ["There are no automations yet. Use `/automation add`."]:
            if len(pages[-1]) + len(text) > 1900:
                pages.append("")
            pages[-1] += f"{text[:1900]}\n"
        for page in pages:
            await answer_privately(interaction, page)

    @app_commands.command(description="Pause an automation")
    @app_commands.describe(automation="Which one")
    async def pause(self, interaction: discord.Interaction, automation: str) -> None:
        """Pause an automation."""
        found = self._found(interaction, automation)
        await self.automations.change(found, paused=True)
        await answer_privately(interaction, f"⏸️ Paused: {describe(found)}.")

    @app_commands.command(description="Resume a paused automation")
    @app_commands.describe(automation="Which one")
    async def resume(self, interaction: discord.Interaction, automation: str) -> None:
        """Resume an automation, as if it had never failed."""
        found = self._found(interaction, automation)
        kind = TRIGGERS[found.kind]
        due = kind.next(found.setting, time.time())
        work = self.automations.change(found, paused=False, failures=0, problem="", due=due)
        await self._answer(interaction, "▶️ ", found, work)

    @app_commands.command(description="Delete an automation")
    @app_commands.describe(automation="Which one")
    async def delete(self, interaction: discord.Interaction, automation: str) -> None:
        """Delete an automation."""
        found = self._found(interaction, automation)
        await self.automations.delete(found)
        await answer_privately(interaction, f"🗑️ Deleted: {describe(found)}.")

    @app_commands.command(description="Test an automation on a past message, visible only to you")
    @app_commands.describe(automation="Which one", message="The message's link or id")
    async def test(
        self, interaction: discord.Interaction, automation: str, message: str = ""
    ) -> None:
        """Run an automation's command as the event of a past message would have."""
        found = self._found(interaction, automation)
        endpoint = await self.automations.endpoint(found)
        event = await self._event(interaction, found, message)
        kind = TRIGGERS[found.kind]
        runs = list(self.automations.prepared(found, kind, endpoint, event))
        if not kind.fits(found.setting, event) or not runs:
            raise InputError(f"That message would not start it: {describe(found)}.")
        hidden = values.private_copy(endpoint)
        await self.dispatcher.answer(interaction, found.command, hidden, runs[0])

    async def _event(
        self, interaction: discord.Interaction, found: Automation, written: str
    ) -> Event:
        """The event that would have happened."""
        kind = TRIGGERS[found.kind]
        member = interaction.user
        assert isinstance(member, discord.Member)
        if kind.source == "join":
            return events.join_event(member)
        if kind.source == "time":
            return self.automations.tick(found)
        message = await _fetch_message(interaction, found, written)
        if kind.source == "thread":
            title = message.thread.name if message.thread else message.clean_content[:100]
            return events.message_event(message, "thread", title=title)
        emoji = found.setting if kind.source == "reaction" else ""
        return events.message_event(message, kind.source, emoji=emoji)

    def _found(self, interaction: discord.Interaction, automation: str) -> Automation:
        found = self.automations.find(automation.strip("` "), interaction.guild_id)
        if found is None:
            raise InputError(NO_SUCH_AUTOMATION)
        return found

    @add.autocomplete("run")
    async def _runs(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        offered = (await self.dispatcher.commands_for(interaction)).items()
        names = [name for name, one in offered if one.answer is not AnswerPlace.PRIVATE]
        found = [name for name in names if current.casefold() in name.casefold()]
        return [Choice(name=name, value=name) for name in found[:25]]

    @add.autocomplete("values")
    async def _values(self, interaction: discord.Interaction, current: str) -> list[Choice[str]]:
        """The initial options if the moderator enters none."""
        now = interaction.namespace
        offered = await self.dispatcher.commands_for(interaction)
        endpoint, kind = offered.get(str(now.run)), TRIGGERS.get(str(now.when))
        typed = [current[:100]] if current else []
        usual = (
            values.format_line(values.defaults(endpoint, kind))[:100] if endpoint and kind else ""
        )
        lines = dict.fromkeys([*typed, *filter(None, [usual])])
        return [Choice(name=line, value=line) for line in lines]

    @pause.autocomplete("automation")
    @resume.autocomplete("automation")
    @delete.autocomplete("automation")
    @test.autocomplete("automation")
    async def _automations(
        self, interaction: discord.Interaction, current: str
    ) -> list[Choice[str]]:
        found = []
        for one in self.automations.of(interaction.guild_id):
            guild = interaction.guild
            channel = guild.get_channel_or_thread(int(one.channel)) if guild else None
            where = f"#{channel.name}" if channel else "a channel that is gone"
            label = f"{TRIGGERS[one.kind].describe(one.setting)} in {where} → {one.command}"
            if current.casefold() in f"{label} {one.id}".casefold():
                found.append(Choice(name=clip(label, 100), value=one.id))
        return found[:25]


def _channel_id(interaction: discord.Interaction, channel: ServerChannel | None) -> int:
    """The channel to watch; raises InputError if the moderator may not see it themselves."""
    if channel is None:
        return interaction.channel_id or 0
    if not channel.permissions.view_channel:
        raise InputError("You cannot see that channel yourself. Choose another `channel`.")
    if channel.type is discord.ChannelType.category:
        raise InputError("A category has no messages of its own. Choose one of its channels.")
    return channel.id


def _check_answer(kind: Trigger, answer: str) -> None:
    """Raise InputError if there is no message to answer in this way."""
    if answer == "reaction" and kind.source not in ("message", "reaction"):
        raise InputError("There is no message to react to. Choose another `answer`.")
    if answer == "thread" and kind.source in ("join", "time"):
        raise InputError("There is no message to open a thread on. Choose another `answer`.")


def _check_writable(to: ServerChannel | None) -> None:
    _check_messages(to, "to")
    if to is not None and not to.permissions.send_messages:
        raise InputError("You cannot write in that channel yourself. Choose another one for `to`.")


def _check_messages(place: ServerChannel | None, option: str) -> None:
    """Raise InputError if a channel itself has no messages."""
    if place is not None and place.type in CHANNELS_WITHOUT_MESSAGES:
        raise InputError(
            f"Nothing can be written in {place.mention} itself. Choose another one for `{option}`."
        )


async def _fetch_message(
    interaction: discord.Interaction, found: Automation, written: str
) -> discord.Message:
    """The message with this link or id; an id alone is looked up in the automation's channel."""
    named = MESSAGE_LINK.fullmatch(written.strip())
    if named is None:
        raise InputError("`message` is needed: a message's link, or its id.")
    channel_id = int(named["channel"] or found.channel)
    guild, member = interaction.guild, interaction.user
    channel = guild.get_channel_or_thread(channel_id) if guild else None
    if not isinstance(channel, discord.abc.Messageable) or not isinstance(member, discord.Member):
        raise InputError("That message is not in this server. Choose a message here.")
    may = channel.permissions_for(member)
    if not (may.view_channel and may.read_message_history):
        raise InputError(
            "You cannot read that channel yourself. Choose a message that you can read."
        )
    try:
        return await channel.fetch_message(int(named["message"]))
    except discord.HTTPException as error:
        raise InputError("That message is gone, or I cannot read it.") from error


def _summary(automation: Automation) -> str:
    """An automation, in a few lines."""
    how, kind = ANSWERS[automation.answer], TRIGGERS.get(automation.kind)
    if automation.answer == "channel":
        how = f"<#{automation.target}>"
    elif kind is not None and kind.source in ("join", "time"):
        how = "a message"
    arguments = values.format_line(automation.arguments)
    line = f"`{automation.id}` **{describe(automation)}** · by {how}"
    if arguments:
        line += f" · `{clip(arguments, 300).replace('`', chr(39))}`"
    line += f"\n-# by <@{automation.maker}> · at most {automation.rate} an hour"
    if automation.due and not automation.paused:
        line += f" · next <t:{int(automation.due)}:R>"
    if automation.paused:
        line += " · ⏸️ paused"
    if automation.problem:
        line += f" · {job_text.harmless_line(automation.problem, 200)}"
    return line
