"""What the buttons under an answer do."""

from __future__ import annotations

from typing import Any, Protocol, cast

import discord

from spacebot import words
from spacebot.buttons import ButtonHandler, Who, roles_of
from spacebot.conversations.controls import (
    ENTER,
    EXPORT,
    FORK,
    REGENERATE,
    SHARE,
    STOP,
    answer_view,
)
from spacebot.conversations.conversations import Conversations, told
from spacebot.conversations.talk import secrets_missing, secrets_of
from spacebot.errors import SpacebotError
from spacebot.forms import Forms
from spacebot.inputs.base import clip
from spacebot.models import Asker
from spacebot.store import Conversation

GONE = "This conversation is no longer kept. Start a new one with its command."
OWNER = "Only whoever started this conversation can do that. **Fork** gives you one of your own."
BUSY = "An answer is under way. Wait for it, or stop it first."


class Host(Protocol):
    """What the buttons need of the conversations' side of Discord."""

    talks: Conversations
    forms: Forms


class ChatButton(ButtonHandler):
    """Handles a button of a conversation. A subclass implements `run`."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Run it for whoever may press it."""
        host: Host = cast(Any, interaction.client).conversations
        found = await self.allowed(host, interaction)
        if found is not None:
            await self.run(host, interaction, found)

    async def allowed(
        self, host: Host, interaction: discord.Interaction[Any]
    ) -> Conversation | None:
        """The conversation; where it is gone, or not theirs, whoever pressed is told."""
        await host.talks.lines.stored(self.ids[0])
        found = await host.talks.kept.get(self.ids[0])
        if found is None or found.ended is not None:
            await _say(interaction, GONE)
        elif not self.spec.who & self.roles(interaction, host, found):
            await _say(interaction, OWNER)
        else:
            return found
        return None

    def roles(
        self,
        interaction: discord.Interaction[Any],
        host: Host,  # noqa: ARG002
        found: Conversation,
    ) -> Who:
        """What whoever pressed is to the conversation."""
        roles = roles_of(interaction, found.user)
        return roles | Who.SPEAKER if found.open or Who.OWNER in roles else roles

    async def run(
        self, host: Host, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """What this button is for."""
        raise NotImplementedError


class Stop(ChatButton, spec=STOP):
    """Stops the answer that is being given: for whoever asked, too."""

    def roles(self, interaction: discord.Interaction[Any], host: Host, found: Conversation) -> Who:
        """Whoever asked this question may speak, whatever has changed since."""
        roles = super().roles(interaction, host, found)
        asking = host.talks.lines.of(found.id).now
        asks = asking is not None and asking.question.asker.user == str(interaction.user.id)
        return roles | Who.SPEAKER if asks else roles

    async def run(
        self, host: Host, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Stop it, and say what that did."""
        asking = host.talks.lines.of(found.id).now
        said = "This answer has already ended." if asking is None else asking.stop()
        await _say(interaction, said)


class Regenerate(ChatButton, spec=REGENERATE):
    """Asks the last question again; the new answer takes the old one's place."""

    async def run(
        self, host: Host, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Ask again, where no answer is under way."""
        line = host.talks.lines.of(found.id)
        last = map(str, line.now.stream.messages) if line.now else found.answer
        if line.is_busy:
            await _say(interaction, BUSY)
        elif interaction.message and str(interaction.message.id) not in last:
            await _say(interaction, "Only the last answer can be given anew.")
        else:
            await interaction.response.defer()
            user = interaction.user
            await host.talks.again(found, Asker(str(user.id), user.mention))


class Enter(ChatButton, spec=ENTER):
    """Asks whoever presses for their own secrets, then asks the last question again."""

    async def run(
        self, host: Host, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Open the form."""
        endpoint = host.talks.endpoint(found)
        user = str(interaction.user.id)
        needed = secrets_missing(endpoint, found.given, host.talks.secrets(found.id, user))

        async def finish(after: discord.Interaction[Any], filled: dict[str, Any]) -> None:
            host.talks.give_secrets(found.id, user, secrets_of(endpoint, filled))
            # It may have ended, or been closed to others, while the form was open.
            if (now := await self.allowed(host, after)) is not None:
                await after.response.defer()
                await host.talks.again(now, Asker(user, after.user.mention))

        await host.forms.open(interaction, found.command, endpoint, {}, finish, only=needed)


class Fork(ChatButton, spec=FORK):
    """Goes on from here in a thread of whoever presses; this one stays as it is."""

    async def run(
        self, host: Host, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Open the thread."""
        parent = getattr(interaction.channel, "parent", None) or interaction.channel
        if not isinstance(parent, discord.TextChannel):
            await _say(interaction, "No thread can be opened here, so it cannot be forked.")
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        name = getattr(interaction.channel, "name", None) or found.command
        kinds = discord.ChannelType
        kind = kinds.news_thread if parent.is_news() else kinds.public_thread
        try:
            thread = await parent.create_thread(name=clip(f"Fork of {name}", 100), type=kind)
        except discord.HTTPException:
            said = "I may not open threads in this channel, so it cannot be forked."
            await interaction.followup.send(said, ephemeral=True)
            return
        copy = await host.talks.fork(found, interaction.user, thread.id)
        await host.talks.tell(copy, await _forked(host.talks, found, copy))
        await interaction.followup.send(f"It goes on in {thread.mention}.", ephemeral=True)


class Export(ChatButton, spec=EXPORT):
    """Hands over what was said, as a Markdown file that only whoever presses sees."""

    async def run(
        self, host: Host, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Hand it over."""
        file = await host.talks.export(found)
        await interaction.response.send_message(file=file, ephemeral=True)


class Share(ChatButton, spec=SHARE):
    """Lets everybody speak in the thread, or only its owner again."""

    async def run(
        self, host: Host, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Open or close it, and say so in the thread."""
        now = not found.open
        await host.talks.kept.change(found.id, open=now)
        changed = await host.talks.kept.get(found.id)
        await interaction.response.edit_message(view=answer_view(changed or found))
        said = "Everybody can speak here now." if now else f"Only {found.mention} is answered now."
        await told(host.talks.tell(found, f"-# {said}"), "a conversation")


async def _forked(talks: Conversations, conversation: Conversation, copy: Conversation) -> str:
    """What the thread of a fork says first."""
    turns = await talks.kept.said(conversation.id)
    said = (
        f"🔀 {copy.mention} goes on here from <#{conversation.channel}>, "
        f"after {len(turns)} question{'s' * (len(turns) != 1)}."
    )
    try:
        endpoint = talks.endpoint(conversation)
    except SpacebotError as error:
        return f"{said}\n{words.failure(error)}"
    if endpoint.takes_history:
        return f"{said} Say what comes next."
    return (
        f"{said}\n-# ⚠️ This Space keeps conversations itself and cannot copy one: "
        "it has not heard what was said before."
    )


async def _say(interaction: discord.Interaction[Any], text: str) -> None:
    await interaction.response.send_message(text, ephemeral=True)


CHAT_BUTTONS: tuple[type[ChatButton], ...] = (Enter, Stop, Regenerate, Fork, Export, Share)
