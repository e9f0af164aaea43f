"""What the buttons under an answer do."""

from __future__ import annotations

import io
from typing import Any, Protocol, cast

import discord

from spacebot.discord_bot.button_base import ButtonHandler, Presser, bot_of, roles_of
from spacebot.discord_bot.conversations.allowed import ask_in
from spacebot.discord_bot.conversations.button_specs import (
    ENTER,
    EXPORT,
    FORK,
    REGENERATE,
    SHARE,
    STOP,
    answer_view,
)
from spacebot.discord_bot.conversations.conversations import Conversations
from spacebot.discord_bot.conversations.transcript import (
    secrets_missing,
    secrets_of,
    to_markdown,
)
from spacebot.discord_bot.delivery import (
    answer_privately,
    new_thread,
    requester_of,
    send_best_effort,
)
from spacebot.discord_bot.forms import Forms
from spacebot.engine import job_text
from spacebot.engine.store import Conversation
from spacebot.errors import SpacebotError
from spacebot.wording import clip

CONVERSATION_GONE = "This conversation is no longer stored. Start a new one with its command."
OWNER_ONLY = (
    "Only the person who started this conversation can do that. **Fork** gives you your own."
)
ANSWER_UNDER_WAY = "An answer is under way. Wait for it, or stop it first."


class HasConversations(Protocol):
    """What the buttons need from the client."""

    conversations: Conversations
    forms: Forms


class ConversationButton(ButtonHandler):
    """Handles a button of a conversation. A subclass implements `run`."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Run it for people who may press it."""
        router: HasConversations = cast(Any, interaction.client).chat_router
        found = await self.allowed(router, interaction)
        if found is not None:
            await self.run(router, interaction, found)

    async def allowed(
        self, router: HasConversations, interaction: discord.Interaction[Any]
    ) -> Conversation | None:
        """The conversation; None, with a message to the person, if it is gone or not theirs."""
        await router.conversations.question_queues.stored(self.ids[0])
        found = await router.conversations.latest(self.ids[0])
        if found is None or found.ended is not None:
            await answer_privately(interaction, CONVERSATION_GONE)
        elif not self.spec.allowed & self.roles(interaction, router, found):
            await answer_privately(interaction, OWNER_ONLY)
        else:
            return found
        return None

    def roles(
        self,
        interaction: discord.Interaction[Any],
        router: HasConversations,  # noqa: ARG002
        found: Conversation,
    ) -> Presser:
        """The roles of the person who pressed, in the conversation."""
        roles = roles_of(interaction, found.user)
        return roles | Presser.SPEAKER if found.open or Presser.OWNER in roles else roles

    async def run(
        self, router: HasConversations, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Do what this button is for."""
        raise NotImplementedError


class StopButton(ConversationButton, spec=STOP):
    """Stops the unfinished answer; the person who asked may press it, too."""

    def roles(
        self, interaction: discord.Interaction[Any], router: HasConversations, found: Conversation
    ) -> Presser:
        """The person who asked this question may stop it, whatever has changed since."""
        roles = super().roles(interaction, router, found)
        asking = router.conversations.question_queues.of(found.id).current
        asks = asking is not None and asking.question.requester.user == str(interaction.user.id)
        return roles | Presser.SPEAKER if asks else roles

    async def run(
        self, router: HasConversations, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Stop it, and say what that does."""
        asking = router.conversations.question_queues.of(found.id).current
        client = bot_of(interaction)
        said = asking.stop() if asking else await client.cancel_elsewhere(found.id)
        await answer_privately(interaction, said or "This answer has already ended.")


class RegenerateButton(ConversationButton, spec=REGENERATE):
    """Asks the last question again; the new answer replaces the old one."""

    async def run(
        self, router: HasConversations, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Ask again, unless an answer is still unfinished."""
        line = router.conversations.question_queues.of(found.id)
        last = map(str, line.current.stream.messages) if line.current else found.answer
        if line.is_busy or await bot_of(interaction).runs_elsewhere(found.id) is not None:
            await answer_privately(interaction, ANSWER_UNDER_WAY)
        elif interaction.message and str(interaction.message.id) not in last:
            await answer_privately(interaction, "Only the last answer can be regenerated.")
        else:
            await interaction.response.defer()
            await router.conversations.again(found, requester_of(interaction.user))


class EnterSecretsButton(ConversationButton, spec=ENTER):
    """Asks people for their own secrets, then asks the last question again."""

    async def run(
        self, router: HasConversations, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Open the form."""
        endpoint = await router.conversations.endpoint(found)
        user = str(interaction.user.id)
        needed = secrets_missing(
            endpoint, found.arguments, router.conversations.secrets(found.id, user)
        )

        async def finish(after: discord.Interaction[Any], filled: dict[str, Any]) -> None:
            router.conversations.give_secrets(found.id, user, secrets_of(endpoint, filled))
            # The conversation may have ended, or been closed to others, while the form was open.
            if (now := await self.allowed(router, after)) is not None:
                await after.response.defer()
                await router.conversations.again(now, requester_of(after.user))

        await router.forms.open(interaction, found.command, endpoint, {}, finish, only=needed)


class ForkButton(ConversationButton, spec=FORK):
    """Continues from here in a new thread for the person; this conversation stays."""

    async def run(
        self, router: HasConversations, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Open the thread."""
        parent = getattr(interaction.channel, "parent", None) or interaction.channel
        if not isinstance(parent, discord.TextChannel):
            await answer_privately(
                interaction, "No thread can be opened here, so it cannot be forked."
            )
            return
        asked = ask_in(parent, interaction.guild_id, requester_of(interaction.user))
        router.conversations.jobs.admission.check(asked)
        await interaction.response.defer(ephemeral=True, thinking=True)
        name = getattr(interaction.channel, "name", None) or found.command
        kinds = discord.ChannelType
        kind = kinds.news_thread if parent.is_news() else kinds.public_thread
        try:
            title = clip(f"Fork of {name}", 100)
            thread = await new_thread(parent.create_thread, title, type=kind)
        except discord.HTTPException:
            said = "I cannot open threads in this channel, so it cannot be forked."
            await interaction.followup.send(said, ephemeral=True)
            return
        copy = await router.conversations.fork(found, interaction.user, thread.id)
        await router.conversations.tell(
            copy, await _fork_message(router.conversations, found, copy)
        )
        await interaction.followup.send(f"It continues in {thread.mention}.", ephemeral=True)


class ExportButton(ConversationButton, spec=EXPORT):
    """Privately sends the conversation as a Markdown file."""

    async def run(
        self, router: HasConversations, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Send the file."""
        text = to_markdown(found, await router.conversations.jobs.store.said(found.id))
        file = discord.File(io.BytesIO(text.encode()), f"conversation-{found.id}.md")
        await interaction.response.send_message(file=file, ephemeral=True)


class ShareButton(ConversationButton, spec=SHARE):
    """Lets everybody speak in the thread, or only its owner again."""

    async def run(
        self, router: HasConversations, interaction: discord.Interaction[Any], found: Conversation
    ) -> None:
        """Open or close it, and announce that in the thread."""
        now = not found.open
        store = router.conversations.jobs.store
        # If saving fails, the change lasts until a restart.
        await store.saved(store.chats.change(found.id, open=now))
        changed = await router.conversations.store.get(found.id)
        await interaction.response.edit_message(view=answer_view(changed or found))
        said = "Everybody can speak here now." if now else f"Only {found.mention} gets answers now."
        await send_best_effort(router.conversations.tell(found, f"-# {said}"), "a conversation")


async def _fork_message(
    conversations: Conversations, conversation: Conversation, copy: Conversation
) -> str:
    """The first message in a fork's thread."""
    turns = await conversations.jobs.store.said(conversation.id)
    said = (
        f"🔀 {copy.mention} continues here from <#{conversation.channel}>, "
        f"after {len(turns)} question{'s' * (len(turns) != 1)}."
    )
    try:
        endpoint = await conversations.endpoint(conversation)
    except SpacebotError as error:
        return f"{said}\n{job_text.describe_failure(error)}"
    if endpoint.takes_history:
        return f"{said} Send the next message."
    return (
        f"{said}\n-# ⚠️ This Space keeps conversations itself and cannot copy one: "
        "it does not know what came before."
    )


CHAT_BUTTONS: tuple[type[ConversationButton], ...] = (
    EnterSecretsButton,
    StopButton,
    RegenerateButton,
    ForkButton,
    ExportButton,
    ShareButton,
)
