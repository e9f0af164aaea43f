"""One answer's messages in a channel: posted, edited as it grows, continued in further ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import discord

from spacebot.discord_bot.delivery import (
    DISCORD_ERRORS,
    UNATTACHED,
    Refusal,
    edit,
    fresh_nonce,
    persist,
    refusal_of,
    refused_files,
    send,
    without_files,
)
from spacebot.engine.jobs.runner import MAX_CHAT_MESSAGES
from spacebot.models import Reply
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH
from spacebot.spaces.outputs.text import split

log = logging.getLogger(__name__)


class MessageStream:
    """The messages of one answer, in order.

    `messages` are their ids, in order. The first is a reply to `question`, if that is known. Errors
    are discord.py's: a `Refusal.DELETED` if one of the messages was deleted.
    """

    def __init__(
        self,
        client: discord.Client,
        channel: int,
        *,
        question: int | None = None,
        messages: Sequence[int] = (),
    ) -> None:
        self.client = client
        self.channel = client.get_partial_messageable(channel)
        self.question = question
        self.messages = list(messages)
        self._shown: list[tuple[str, bool, str]] = [("", True, "?")] * len(self.messages)

    async def show(
        self,
        replies: Sequence[Reply],
        view: discord.ui.View | None = None,
        *,
        lasting: bool = False,
    ) -> None:
        """Show these messages, with `view` under the last; unchanged messages are left alone.

        A `lasting` change is retried while Discord has trouble.
        """
        for number, reply in enumerate(replies):
            under = view if number == len(replies) - 1 else None
            state = (reply.text, bool(reply.files), _key(under))
            if number < len(self.messages) and self._shown[number] == state and not reply.files:
                continue
            await self._put(number, reply, under, lasting)
            self._shown[number] = state
        surplus = self.messages[len(replies) :]
        # Forgotten first: a deletion of a message that is still known here stops the answer.
        del self.messages[len(replies) :], self._shown[len(replies) :]
        for message in surplus:
            await self._delete(message)

    async def bare(self) -> None:
        """Remove the buttons: a newer answer has them."""
        if self.messages:
            try:
                await self._partial(self.messages[-1]).edit(view=None)
            except DISCORD_ERRORS as error:
                log.info("an older answer keeps its buttons: %s", type(error).__name__)

    async def _put(
        self, number: int, reply: Reply, view: discord.ui.View | None, lasting: bool
    ) -> None:
        way = partial(self._awake, number, nonce=fresh_nonce(), view=view)
        try:
            await (persist(way, reply, "of a conversation") if lasting else way(reply))
        except discord.HTTPException as error:
            why = UNATTACHED if refusal_of(error) is Refusal.FORBIDDEN else refused_files(error)
            if not reply.files or not why:
                raise
            await self._put(number, without_files(reply, why), view, lasting)

    async def _awake(
        self, number: int, reply: Reply, *, nonce: str, view: discord.ui.View | None
    ) -> None:
        """Post or edit, waking the thread if it is archived."""
        try:
            await self._send(number, reply, nonce, view)
        except discord.HTTPException as error:
            if refusal_of(error) is not Refusal.ARCHIVED:
                raise
            thread = await self.client.fetch_channel(self.channel.id)
            if not isinstance(thread, discord.Thread) or thread.locked:
                raise
            await thread.edit(archived=False)
            await self._send(number, reply, nonce, view)

    async def _send(
        self, number: int, reply: Reply, nonce: str, view: discord.ui.View | None
    ) -> None:
        if number < len(self.messages):
            message = self._partial(self.messages[number])
            await edit(message.edit, reply.text, files=reply.files, view=view)
            return
        reference = self._reference() if number == 0 else None
        sent = await send(self.channel, reply, nonce=nonce, view=view, reference=reference)
        self.messages.append(sent.id)
        self._shown.append(("", True, "?"))

    async def _delete(self, message: int) -> None:
        try:
            await self._partial(message).delete()
        except discord.HTTPException as error:
            if refusal_of(error) is not Refusal.DELETED:
                raise

    def _reference(self) -> discord.MessageReference | None:
        if self.question is None:
            return None
        return discord.MessageReference(
            message_id=self.question, channel_id=self.channel.id, fail_if_not_exists=False
        )

    def _partial(self, message: int) -> discord.PartialMessage:
        return self.channel.get_partial_message(message)

    async def shown(self, answer: Sequence[str]) -> discord.Message | None:
        """The last message of an answer, by its messages' ids, if it is visible and answers the
        question."""
        if not answer:
            return None
        try:
            first = await self.channel.fetch_message(int(answer[0]))
            answers = first.reference.message_id if first.reference else None
            if self.question and answers != self.question:
                return None
            return await self.channel.fetch_message(int(answer[-1]))
        except DISCORD_ERRORS as error:
            log.info("no answer can be seen in %s: %s", self.channel.id, type(error).__name__)
            return None


def _key(view: discord.ui.View | None) -> str:
    return "" if view is None else repr(view.to_components())


def in_messages(preview: Reply | None) -> list[Reply]:
    """What a stream has sent so far, in as many messages as an answer may have."""
    text = preview.text if preview else ""
    return [Reply(part) for part in split(text)][:MAX_CHAT_MESSAGES] if text else []


def with_notes(replies: Sequence[Reply], notes: Sequence[str]) -> list[Reply]:
    """Messages with small lines under the last, in a message of their own if need be."""
    said = "\n".join(notes)
    if not said:
        return list(replies)
    if replies and len(replies[-1].text) + len(said) < MAX_MESSAGE_LENGTH:
        text = f"{replies[-1].text}\n{said}".strip()
        return [*replies[:-1], replace(replies[-1], text=text)]
    return [*replies, Reply(said)]
