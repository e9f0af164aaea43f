"""Discord's side of conversations: the commands, mentions and messages that reach them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import discord

from spacebot.discord_bot.age import AgeGate
from spacebot.discord_bot.conversations.allowed import ask_in
from spacebot.discord_bot.conversations.chat_here import ChatHereCommand
from spacebot.discord_bot.conversations.conversations import Conversations
from spacebot.discord_bot.conversations.transcript import split_arguments
from spacebot.discord_bot.delivery import (
    DISCORD_ERRORS,
    NO_PINGS,
    named_command,
    persist,
    requester_of,
    send_best_effort,
    thread_on,
)
from spacebot.discord_bot.delivery.attachments import attachments_of
from spacebot.discord_bot.forms import Forms
from spacebot.engine import job_text
from spacebot.engine.jobs import JobManager
from spacebot.engine.store import Conversation
from spacebot.errors import SpacebotError, StoreError
from spacebot.models import AnswerPlace, Endpoint, File, Job, Reply, Requester
from spacebot.spaces import inputs
from spacebot.spaces.inputs.value_text import title_of

log = logging.getLogger(__name__)

MESSAGE_TYPES = (discord.MessageType.default, discord.MessageType.reply)
EMPTY_MESSAGE = "Say something to me in one message, with words or files, and I answer."
CANNOT_READ = (
    "-# I cannot read messages here, only those that mention me: "
    "begin each with {me}. (My owner can switch on the Message Content Intent.)"
)


class ConversationRouter(ChatHereCommand):
    """Starts conversations, and receives their messages.

    `began` is called when one starts: it may need an intent that no offered chat needs.
    """

    def __init__(
        self,
        client: discord.Client,
        jobs: JobManager,
        forms: Forms,
        age: AgeGate,
        *,
        began: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(Conversations(client, jobs, age))
        self.age = age
        self.client = client
        self.forms = forms
        self._began = began

    async def open(
        self,
        interaction: discord.Interaction[Any],
        command: str,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
    ) -> bool:
        """Begin a conversation with a chat's command.

        False if that is impossible: it is no chat, its answers are private, or the bot itself is
        not there.
        """
        private = endpoint.answer is AnswerPlace.PRIVATE
        if private or not endpoint.chats or not _is_there(interaction, self.client):
            return False
        texts = [value for value in arguments.values() if isinstance(value, str)]
        requester = requester_of(interaction.user)
        asked = ask_in(interaction.channel, interaction.guild_id, requester, *texts)
        self.conversations.jobs.admission.check(asked)
        here = await self.conversations.find(interaction.channel_id, interaction.user.id)
        if here is not None and interaction.guild_id and not here.addressed:
            await self._continue(interaction, here, command, endpoint, arguments)
            return True
        if interaction.guild_id is None:
            async with self.conversations.lock(interaction.channel_id):
                await self._open(interaction, command, endpoint, arguments)
        else:
            await self._open(interaction, command, endpoint, arguments)
        return True

    async def _open(
        self,
        interaction: discord.Interaction[Any],
        command: str,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
    ) -> None:
        """Acknowledge a command, and begin its conversation."""
        text, files, settings = split_arguments(endpoint, arguments)
        answered = await interaction.response.send_message(
            _header(interaction, command, endpoint, arguments), allowed_mentions=NO_PINGS
        )
        assert answered.message_id is not None
        # A thread has its message's id: messages there wait until the conversation is known.
        async with self.conversations.lock(answered.message_id):
            thread = await self._thread(
                interaction.channel, answered.message_id, endpoint, arguments
            )
            try:
                conversation = await self.conversations.begin(
                    command,
                    endpoint,
                    settings,
                    owner=interaction.user,
                    channel=thread.id if thread else interaction.channel_id or 0,
                    guild=interaction.guild_id,
                    addressed=thread is None and interaction.guild_id is not None,
                )
            except SpacebotError as error:
                await interaction.followup.send(job_text.describe_failure(error), ephemeral=True)
                return
            question = None if thread else answered.message_id
            self.conversations.say(conversation, interaction.user, text, files, question)
        await self._began()
        await self._explain(conversation)

    async def _continue(
        self,
        interaction: discord.Interaction[Any],
        here: Conversation,
        command: str,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
    ) -> None:
        """Treat a chat's command in a conversation's thread as another message to it."""
        mine = here.open or here.user == str(interaction.user.id)
        same = (endpoint.space, endpoint.api_name) == (here.space, here.api_name)
        if not mine or not same or here.ended is not None:
            said = "A thread holds one conversation. Use the command in the channel itself."
            await interaction.response.send_message(said, ephemeral=True)
            return
        text, files, _ = split_arguments(endpoint, arguments)
        answered = await interaction.response.send_message(
            _header(interaction, command, endpoint, arguments), allowed_mentions=NO_PINGS
        )
        self.conversations.say(here, interaction.user, text, files, answered.message_id)

    async def _thread(
        self, channel: Any, message: int, endpoint: Endpoint, arguments: Mapping[str, Any]
    ) -> discord.Thread | None:
        title = inputs.thread_title(endpoint, arguments)
        return await self._open_thread(channel, message, title)

    async def _open_thread(self, channel: Any, message: int, title: str) -> discord.Thread | None:
        """Open a thread on a message; None if that is impossible."""
        if not isinstance(channel, discord.TextChannel):
            return None
        under = channel.get_partial_message(message)
        try:
            return await persist(lambda _: thread_on(under, title), Reply(""), "of a conversation")
        except DISCORD_ERRORS as error:
            log.info("no thread can be opened: %s", error)
            return None

    async def _explain(self, conversation: Conversation) -> None:
        """Say how to continue, unless writing a message is enough."""
        if conversation.guild and (conversation.addressed or not self.reads):
            me = self.client.user.mention if self.client.user else "my name"
            if conversation.addressed:
                said = f"-# I cannot open a thread here: mention {me} in what you say next."
            else:
                said = CANNOT_READ.format(me=me)
            await self.conversations.tell(conversation, said)

    @property
    def reads(self) -> bool:
        """Whether the bot receives the content of messages that do not mention it."""
        return self.client.intents.message_content

    async def heard(self, message: discord.Message) -> None:
        """Handle a message: a question, the beginning of a conversation, or nothing for us."""
        if message.author.bot or message.webhook_id or message.type not in MESSAGE_TYPES:
            return
        mentioned = self.client.user in message.mentions
        async with self.conversations.lock(message.channel.id):
            try:
                here = await self.conversations.find(message.channel.id, message.author.id)
            except StoreError as error:
                # It belongs to some conversation, but which one cannot be looked up.
                await send_best_effort(
                    message.reply(job_text.describe_failure(error), allowed_mentions=NO_PINGS),
                    "a message",
                )
                return
            if here is not None:
                await self.conversations.hear(
                    here, message, self._text(message), mentioned=mentioned
                )
                return
            if message.guild is None:
                await self._begin(message)
                return
        if mentioned and self._is_named(message):
            # Not under the channel's lock: others begin theirs there at the same time.
            async with self.conversations.lock(message.id):
                await self._begin(message)

    def _is_named(self, message: discord.Message) -> bool:
        """Whether the text itself mentions the bot; a reply to its message mentions it as well."""
        me = self.client.user.id if self.client.user else 0
        return f"<@{me}>" in message.content or f"<@!{me}>" in message.content

    def _text(self, message: discord.Message) -> str:
        """The text of a message, without the bot's mention, and with other mentions as names."""
        text = message.content or "\n\n".join(one.content for one in message.message_snapshots)
        for user in message.mentions:
            name = "" if user == self.client.user else f"@{user.display_name}"
            text = text.replace(f"<@{user.id}>", name).replace(f"<@!{user.id}>", name)
        return text.strip()

    async def _begin(self, message: discord.Message) -> None:
        """Begin a conversation with a message."""
        try:
            chat = await self._chosen(message)
            if chat is not None:
                self.age.check_message(message, chat[1])
        except SpacebotError as error:
            await send_best_effort(message.reply(job_text.describe_failure(error)), "a mention")
            return
        text = self._text(message)
        files = attachments_of(message)
        if chat is None:
            return
        if not (text or files):
            await send_best_effort(
                message.reply(EMPTY_MESSAGE, allowed_mentions=NO_PINGS), "a mention"
            )
            return
        try:
            guild, requester = message.guild and message.guild.id, requester_of(message.author)
            asked = ask_in(message.channel, guild, requester, text)
            self.conversations.jobs.admission.check(asked)
        except SpacebotError as error:
            said = job_text.describe_failure(error)
            await send_best_effort(message.reply(said, allowed_mentions=NO_PINGS), "a mention")
            return
        command, endpoint = chat
        title = title_of(text) or title_of(command) or "conversation"
        thread = await self._open_thread(message.channel, message.id, title)
        conversation = await self.conversations.begin(
            command,
            endpoint,
            {},
            owner=message.author,
            channel=thread.id if thread else message.channel.id,
            guild=message.guild.id if message.guild else None,
            addressed=thread is None and message.guild is not None,
        )
        question = None if thread else message.id
        self.conversations.say(conversation, message.author, text, files, question)
        await self._explain(conversation)

    async def _chosen(self, message: discord.Message) -> tuple[str, Endpoint] | None:
        """The chat of this channel: its setting, or the only chat there is."""
        chats = await self.conversations.chats(message.guild.id if message.guild else None)
        parent = getattr(message.channel, "parent_id", None)
        chosen = self.conversations.chosen.get(str(parent or message.channel.id))
        if chosen is not None:
            for command, endpoint in chats.items():
                if (endpoint.space, endpoint.api_name) == chosen:
                    return command, endpoint
            # A chat from the settings may be no chat any more; a server may have removed its own.
            endpoint = self.conversations.jobs.catalogue.configured(*chosen)
            return endpoint.name, endpoint
        if len(chats) == 1:
            return next(iter(chats.items()))
        if chats:
            names = ", ".join(f"`{name}`" for name in chats)
            who = "" if message.guild is None else " A moderator can choose one for this channel"
            choose = f"{who} with `/chat-here`." if who else " `/chat-here` chooses one for here."
            said = f"There are several chats: {names}. Use one of these commands.{choose}"
            await send_best_effort(message.reply(said, allowed_mentions=NO_PINGS), "a mention")
        elif message.guild is None:
            said = "There is no chat here. Type / to see the commands."
            await send_best_effort(
                message.reply(said, allowed_mentions=NO_PINGS), "a direct message"
            )
        return None


def _is_there(interaction: discord.Interaction[Any], client: discord.Client) -> bool:
    """Whether the bot itself is where a command was used, and may write there."""
    if interaction.guild_id is None:
        return interaction.context.dm_channel and isinstance(interaction.channel, discord.DMChannel)
    is_thread = isinstance(interaction.channel, discord.Thread)
    allowed = interaction.app_permissions
    may = allowed.send_messages_in_threads if is_thread else allowed.send_messages
    return client.get_guild(interaction.guild_id) is not None and may


def _header(
    interaction: discord.Interaction[Any],
    command: str,
    endpoint: Endpoint,
    arguments: Mapping[str, Any],
) -> str:
    named = {
        name: File(one.filename) if isinstance(one, discord.Attachment) else one
        for name, one in arguments.items()
    }
    requester = Requester(str(interaction.user.id), interaction.user.mention)
    job = Job("", endpoint, requester, named, command=command)
    return f"💬 {job_text.request_line(job, named_command(interaction))}"
