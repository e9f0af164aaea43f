"""Writing to the message that a `MessageRef` refers to, and beside it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any

import discord
from discord import app_commands

from spacebot.discord_bot.delivery.refusals import Refusal, refusal_of
from spacebot.discord_bot.discord_internals import retry_nothing
from spacebot.models import MessageRef, OutgoingFile, Reply
from spacebot.spaces.outputs.text import MAX_MESSAGE_LENGTH

NO_PINGS = discord.AllowedMentions.none()
# The title of a thread whose own title AutoMod blocks.
PLAIN_TITLE = "Answer"
# Among how many of a channel's messages a message just sent is looked for.
SEARCHED_MESSAGES = 100


def ref_of(interaction: discord.Interaction, *, private: bool, nsfw: bool = False) -> MessageRef:
    """The reference to an interaction's reply."""
    return MessageRef(
        application=interaction.application_id,
        token=interaction.token,
        # Interactions arrive live, while ids may not match this host's clock.
        created=time.time(),
        user=interaction.user.id,
        channel=interaction.channel_id,
        guild=interaction.guild_id,
        private=private,
        file_limit=interaction.filesize_limit,
        nsfw=nsfw,
        named=named_command(interaction),
    )


def named_command(interaction: discord.Interaction) -> str:
    """The command that Discord names above the reply to an interaction, such as "/studio draw".

    It does so for a slash command, and for a form that a slash command opened.
    """
    command = interaction.command
    if isinstance(command, app_commands.Command):
        return f"/{command.qualified_name}"
    return interaction.extras.get("named", "")


async def answer_privately(interaction: discord.Interaction, text: str) -> None:
    """Answer an interaction privately, cutting a text that is too long for a message."""
    done = interaction.response.is_done()
    send = interaction.followup.send if done else interaction.response.send_message
    await send(text[:MAX_MESSAGE_LENGTH], ephemeral=True, allowed_mentions=NO_PINGS)


class MessageWriter:
    """Writes to one message: through the interaction's token while it is valid."""

    def __init__(self, client: discord.Client, ref: MessageRef) -> None:
        self.client = client
        self.ref = ref
        self._webhook = self._hook()
        self._once = self._hook()
        retry_nothing(self._once)

    def _hook(self) -> discord.Webhook:
        ref = self.ref
        hook = discord.Webhook.partial(ref.application, ref.token, client=self.client)
        # Marked as an interaction's: only then does discord.py send private messages.
        hook.type = discord.WebhookType.application
        return hook

    async def edit(
        self,
        text: str,
        *,
        files: Sequence[OutgoingFile] | None = (),
        view: discord.ui.View | None = None,
    ) -> None:
        """Edit the reply, replacing its buttons and its files; None keeps the files."""
        message = self._message() if self.ref.is_ordinary else None
        # Discord's name for the first reply.
        change = message.edit if message else partial(self._webhook.edit_message, "@original")  # type: ignore[arg-type]
        await edit(change, text, files=files, view=view)

    async def follow_up(
        self,
        reply: Reply,
        *,
        nonce: str,
        view: discord.ui.View | None = None,
        private: bool = False,
    ) -> int:
        """Post another message; returns its id. A `private` one is for the requester only.

        Replies to an interaction have no nonce: an attempt whose response was lost may have arrived
        (see `arrived`), so each is made once.
        """
        if self.ref.is_ordinary and not private:
            channel = self.client.get_partial_messageable(self.ref.channel or 0)
            return (await send(channel, reply, nonce=nonce, view=view)).id
        with OpenFiles(reply.files) as opened:
            sent = await self._once.send(
                reply.text,
                files=opened,
                ephemeral=private or self.ref.private,
                allowed_mentions=NO_PINGS,
                view=view or discord.utils.MISSING,
                wait=True,
            )
        return sent.id

    async def arrived(self, reply: Reply, *, besides: Collection[int]) -> int | None:
        """The id of a follow-up message that was created although Discord's response was lost.

        None if there is none, or if the bot cannot look: at private messages, and in channels where
        it is not a member.
        """
        ref = self.ref
        if ref.channel is None or ref.message is None or ref.private or ref.is_ordinary:
            return None
        channel = self.client.get_partial_messageable(ref.channel)
        try:
            async for message in channel.history(limit=SEARCHED_MESSAGES):
                about = message.interaction_metadata
                mine = about is not None and about.original_response_message_id == ref.message
                same = message.content == reply.text.strip()
                same = same and len(message.attachments) == len(reply.files)
                if mine and same and message.id not in besides:
                    return message.id
        except (discord.Forbidden, discord.NotFound):
            pass
        return None

    async def delete(self, message: int, *, channel: int | None = None) -> None:
        """Delete a message of this job: the reply, or one posted after it."""
        if self.ref.is_editable and not self.ref.is_ordinary and channel is None:
            await self._webhook.delete_message(message)
            return
        there = self.client.get_partial_messageable(channel or self.ref.channel or 0)
        await there.get_partial_message(message).delete()

    async def look(self, message: int, *, channel: int | None = None) -> discord.Message:
        """The current state of a message of this job: the reply, or a later message."""
        if self.ref.is_editable and not self.ref.is_ordinary and channel is None:
            return await self._webhook.fetch_message(message)
        there = self.client.get_partial_messageable(channel or self.ref.channel or 0)
        return await there.fetch_message(message)

    async def fetch(self) -> discord.Message | None:
        """The current reply; None if the bot cannot see it (any more)."""
        if self.ref.is_editable and not self.ref.is_ordinary:
            return await self._webhook.fetch_message("@original")  # type: ignore[arg-type]
        message = self._message()
        return await message.fetch() if message is not None else None

    def _message(self) -> discord.PartialMessage | None:
        if self.ref.channel is None or self.ref.message is None or self.ref.private:
            return None
        channel = self.client.get_partial_messageable(self.ref.channel)
        return channel.get_partial_message(self.ref.message)

    async def edit_without_token(self, text: str, *, view: discord.ui.View | None = None) -> None:
        """Edit the reply as the bot's own message, to this text and these buttons."""
        message = self._message()
        if message is not None:
            await message.edit(content=text, view=view, allowed_mentions=NO_PINGS)

    async def to_channel(
        self,
        reply: Reply,
        *,
        nonce: str,
        view: discord.ui.View | None = None,
        mention: bool = True,
    ) -> None:
        """Post an ordinary message in the channel that mentions the person who asked."""
        assert self.ref.channel is not None
        channel = self.client.get_partial_messageable(self.ref.channel)
        user = discord.Object(self.ref.user)
        requester = f"<@{self.ref.user}>"
        text = reply.text
        if mention and requester not in text:
            text = f"{requester}\n{text}"[:2000]
        reference = None
        if self.ref.message is not None:
            reference = discord.MessageReference(
                message_id=self.ref.message,
                channel_id=self.ref.channel,
                fail_if_not_exists=False,
            )
        await send(
            channel,
            Reply(text, reply.files),
            allowed=discord.AllowedMentions(
                everyone=False, roles=False, users=[user], replied_user=False
            )
            if mention
            else NO_PINGS,
            reference=reference,
            nonce=nonce,
            view=view,
        )

    async def to_person(
        self, reply: Reply, *, nonce: str, view: discord.ui.View | None = None
    ) -> None:
        """Post by direct message."""
        person = await self.client.create_dm(discord.Object(self.ref.user))  # type: ignore[arg-type]
        await send(person, reply, nonce=nonce, view=view)


async def send(
    channel: discord.abc.Messageable,
    reply: Reply,
    *,
    nonce: str = "",
    allowed: discord.AllowedMentions = NO_PINGS,
    reference: discord.MessageReference | None = None,
    view: discord.ui.View | None = None,
) -> discord.Message:
    """Send a reply as an ordinary message; it pings only people in `allowed`.

    If Discord's answer was lost, sending it again with the same `nonce` posts it only once.
    """
    with OpenFiles(reply.files) as opened:
        return await channel.send(
            reply.text,
            files=opened,
            allowed_mentions=allowed,
            reference=reference,  # type: ignore[arg-type]  # discord.py takes None, its types do not
            view=view,  # type: ignore[arg-type]
            # discord.py has Discord enforce it.
            nonce=nonce or fresh_nonce(),
        )


async def edit(
    change: Callable[..., Awaitable[Any]],
    text: str,
    *,
    files: Sequence[OutgoingFile] | None = (),
    view: discord.ui.View | None = None,
) -> None:
    """Edit a message to this text, these files and these buttons; None keeps its files.

    `change` is the message's `edit` method. It pings nobody.
    """
    with OpenFiles(files or ()) as opened:
        await change(
            content=text,
            attachments=discord.utils.MISSING if files is None else opened,
            view=view,
            allowed_mentions=NO_PINGS,
        )


async def thread_on(
    message: discord.PartialMessage | discord.Message, title: str
) -> discord.Thread:
    """The thread on a message: the existing thread, or a new one."""
    if message.thread is not None:
        return message.thread
    try:
        return await new_thread(message.create_thread, title)
    except discord.HTTPException as error:
        if refusal_of(error) is not Refusal.HAS_THREAD:
            raise
        return await message.fetch_thread()


async def new_thread(
    create: Callable[..., Awaitable[discord.Thread]], title: str, **options: Any
) -> discord.Thread:
    """A new thread; if AutoMod blocks its title, it gets a plain one."""
    try:
        return await create(name=title, **options)
    except discord.HTTPException as error:
        if refusal_of(error) is not Refusal.MODERATED:
            raise
        return await create(name=PLAIN_TITLE, **options)


def fresh_nonce() -> str:
    """Identifies one message, however often it is sent."""
    return secrets.token_hex(8)


class OpenFiles(list[discord.File]):
    """Files opened for one request, and closed after it."""

    def __init__(self, files: Sequence[OutgoingFile]) -> None:
        super().__init__(
            discord.File(file.path, file.name, description=file.description or None)
            for file in files
        )

    def __enter__(self) -> OpenFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self:
            file.close()
