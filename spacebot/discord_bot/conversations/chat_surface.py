"""One question of a conversation: asked of the Space, its answer shown as it comes, and stored."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import discord

from spacebot.discord_bot.age import AgeGate
from spacebot.discord_bot.conversations.allowed import endpoint_of
from spacebot.discord_bot.conversations.button_specs import answer_view, stop_view
from spacebot.discord_bot.conversations.message_stream import MessageStream
from spacebot.discord_bot.conversations.transcript import (
    NOT_KEPT,
    answer_text,
    build_question,
    history_of,
    is_kept,
    left_out_note,
    secrets_missing,
)
from spacebot.discord_bot.delivery import DISCORD_ERRORS, Refusal, refusal_of, shown_despite
from spacebot.engine import job_text
from spacebot.engine.follow import CloseAction, Follower, ShowResult, Surface, tell_failure
from spacebot.engine.jobs import JobHandle, JobManager, arguments_of, from_stored
from spacebot.engine.jobs.runner import MAX_CHAT_MESSAGES
from spacebot.engine.store import Conversation, Turn, TurnState
from spacebot.errors import JobCancelled, JobInterrupted, SecretNeeded, SpacebotError, StoreError
from spacebot.models import (
    DEFAULT_FILE_LIMIT,
    NO_ACCOUNT,
    Endpoint,
    Job,
    MessageRef,
    Outcome,
    Reply,
    Requester,
)
from spacebot.spaces.client import Connection
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH
from spacebot.spaces.outputs.text import small, split

log = logging.getLogger(__name__)

# Discord shows that the bot types for 10 seconds.
TYPING_INTERVAL = 8.0
FORGOTTEN = small(
    "⚠️ The Space was restarted and has forgotten the conversation so far. It continues from here."
)
TWICE = small("This Space keeps the conversation itself, so it has heard the question twice.")
UNSAVED = small(
    "⚠️ The bot could not save this. The conversation goes on, until the bot is restarted."
)
LOST = (
    "⚠️ The bot was restarted while the Space answered this, so the answer is lost. "
    "Press Regenerate to ask again."
)


@dataclass(slots=True, eq=False)
class Question:
    """A turn that waits. `again` asks it anew; `over` writes over the last answer's messages.

    `conversation` is as it was when this was said. `ready` gives the turn once its files are
    here and it is written down.
    """

    conversation: Conversation
    requester: Requester
    ready: asyncio.Future[Turn]
    message: int | None = None
    again: bool = False
    over: bool = False
    dropped: bool = False


class ChatSurface(Surface):
    """Shows the answer to one question in the messages of a conversation, and stores it.

    `secrets` are the secret settings that the requester has entered, which are never stored.
    """

    leaving = CloseAction.PUT_OFF
    preview_limit = MAX_CHAT_MESSAGES * MAX_MESSAGE_LENGTH

    def __init__(
        self,
        client: discord.Client,
        jobs: JobManager,
        age: AgeGate,
        conversation: Conversation,
        turn: Turn,
        question: Question,
        secrets: Mapping[str, Any],
    ) -> None:
        super().__init__(jobs, turn.job)
        self.client = client
        self.age = age
        self.conversation = conversation
        self.turn = turn
        self.question = question
        # Nobody is there to be told any more.
        self.gone = False
        self.ending = self.posted = False
        self.stored = asyncio.Event()
        self.stream = MessageStream(
            client,
            int(conversation.channel),
            question=int(turn.message) if turn.message else None,
            messages=[int(one) for one in conversation.answer] if question.over else (),
        )
        self._secrets = secrets
        self._running: JobHandle | None = None
        self._endpoint: Endpoint | None = None
        self._stop: str | None = None
        self._left: list[str] = []

    def stop(self, why: str = "", *, gone: bool = False) -> str:
        """Stop the answer; returns what that does. With `gone` nobody is there to be told."""
        self.gone = self.gone or gone
        if self._running is None:
            self._stop = why
            return "Stopped before it was asked."
        return self._running.cancel(why)

    @property
    def sent(self) -> Any:
        """The history that the question comes after."""
        return self.conversation.before if self.question.again else self.conversation.history

    @property
    def closed(self) -> bool:
        """Whether the client is closed."""
        return self.client.is_closed()

    async def run(self) -> None:
        """Ask, show the answer and store it; what goes wrong is told there."""
        try:
            job = await self._job()
        except Exception as error:
            await tell_failure(self, error)
            await self.jobs.admission.ended(self.turn.job, counts=False)
            return
        await Follower(self, job).run()

    async def _job(self) -> Job:
        kept = self.conversation
        endpoint = await endpoint_of(self.jobs, kept)
        settings = {**arguments_of(kept), **self._secrets}
        if missing := secrets_missing(endpoint, kept.arguments, self._secrets):
            raise SecretNeeded(missing)
        files = [from_stored(one) for one in self.turn.files]
        filled, arguments, self._left = build_question(
            endpoint, settings, self.sent, self.turn.text, files
        )
        self._endpoint = endpoint
        return Job(
            id=self.turn.job,
            endpoint=filled,
            requester=self.question.requester,
            arguments=arguments,
            conversation=kept.session,
            command=kept.command,
            message_ref=self._ref(),
            account=self._account_key(endpoint),
        )

    def _account_key(self, endpoint: Endpoint) -> str | None:
        """The account of the session; None where the Space remembers nothing, or nothing yet.

        Then it is that of whoever asks.
        """
        kept = self.conversation
        if endpoint.takes_history or not endpoint.stateful:
            return None
        # A session of an earlier version had none.
        return kept.account if kept.account is not None or kept.process is None else ""

    def _ref(self) -> MessageRef:
        kept = self.conversation
        guild = self.client.get_guild(int(kept.guild)) if kept.guild else None
        user, channel = int(self.question.requester.user), int(kept.channel)
        nsfw = self.age.hears(self.client.get_channel(channel), user, direct=not kept.guild)
        return MessageRef(
            application=self.client.application_id or 0,
            created=time.time(),
            user=user,
            channel=channel,
            guild=guild and guild.id,
            file_limit=guild.filesize_limit if guild else DEFAULT_FILE_LIMIT,
            nsfw=nsfw,
        )

    async def mark(self, state: str) -> None:
        """Write down that the question is asked, or is not after all."""
        await self.save(self.jobs.store.chats.mark(self.turn.job, state=state))

    @asynccontextmanager
    async def showing(self, running: JobHandle) -> AsyncIterator[None]:
        """Show that the bot types, until there is something to read."""
        self._running = running
        if self._stop is not None:
            running.cancel(self._stop)
        typing = asyncio.create_task(self._type(), name=f"typing {self.name}")
        try:
            yield
        finally:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)

    async def _type(self) -> None:
        try:
            while not self.stream.messages:
                await self.stream.channel.typing()
                await asyncio.sleep(TYPING_INTERVAL)
        except DISCORD_ERRORS as error:
            log.info("job %s: typing is not shown: %s", self.name, type(error).__name__)

    async def show(self, running: JobHandle, preview: Reply | None) -> ShowResult:
        """Bring the messages to where the answer is."""
        replies = in_messages(preview)
        if not replies:
            replies = [Reply(job_text.progress_line(running.progress, running.started))]
        known = len(self.stream.messages)
        try:
            await self.stream.show(replies, stop_view(self.conversation.id))
        except DISCORD_ERRORS as error:
            # Where it cannot be shown, the answer goes to whoever asked, once it is whole.
            shown = shown_despite(error, self.name)
            self.gone = self.gone or shown is ShowResult.DELETED
            return shown
        if len(self.stream.messages) != known:
            await self._note_messages()
        return ShowResult.YES

    async def _note_messages(self) -> None:
        answer = [str(one) for one in self.stream.messages]
        await self.save(self.jobs.store.chats.change(self.conversation.id, answer=answer))

    async def deliver(self, running: JobHandle, outcome: Outcome) -> None:  # noqa: ARG002
        """Post the whole answer, and store what was said."""
        endpoint = self._endpoint
        assert endpoint is not None
        process = await self._process(endpoint)
        before, after = self.conversation.process, process
        notes = [FORGOTTEN] if before and after and before != after else []
        if self.question.again and endpoint.stateful and not notes and not endpoint.takes_history:
            notes.append(TWICE)
        if endpoint.takes_history and not is_kept(outcome.outputs):
            notes.append(NOT_KEPT)
        if self._left:
            notes.append(left_out_note(self._left))
        await self._end(
            with_notes(outcome.replies, notes),
            TurnState.DONE,
            answer=answer_text(endpoint, outcome.outputs, outcome.replies),
            history=history_of(endpoint, outcome.outputs),
            files=[file.name for reply in outcome.replies for file in reply.files],
            process=process,
        )

    async def _process(self, endpoint: Endpoint) -> str | None:
        """The Space's process that remembers this session; None where that does not matter."""
        if not endpoint.stateful or endpoint.takes_history:
            return None
        with contextlib.suppress(SpacebotError):
            return await self._connection(endpoint).process()
        return None

    def _connection(self, endpoint: Endpoint) -> Connection:
        account = self._running.account if self._running else NO_ACCOUNT
        return self.jobs.catalogue.connection(endpoint.space, account)

    async def fail(self, error: BaseException) -> None:
        """Say what went wrong under what there is of the answer, and store that.

        An answer that stands there whole stays as it is.
        """
        if self.posted:
            return
        endpoint, stopped = self._endpoint, isinstance(error, JobCancelled)
        values = self._partial(endpoint) if endpoint else []
        replies: list[Reply] = []
        with contextlib.suppress(SpacebotError):
            if self._running and values:
                preview = await self.jobs.preview(self._running, limit=self.preview_limit)
                replies = in_messages(preview)
        line = small("🛑 Stopped.") if stopped and replies else job_text.describe_failure(error)
        await self._end(
            with_notes(replies, [line]),
            TurnState.STOPPED if stopped and self._running else TurnState.FAILED,
            answer=answer_text(endpoint, values) if endpoint else "",
            history=history_of(endpoint, values) if endpoint else None,
            asks=isinstance(error, SecretNeeded),
        )

    async def interrupted(self, error: JobInterrupted) -> None:
        """Say that the bot stops; the turn stays as it is, for the next start."""
        try:
            said = [Reply(job_text.describe_failure(error))]
            await self.stream.show(said, stop_view(self.conversation.id))
            await self._note_messages()
        except DISCORD_ERRORS as trouble:
            log.info("job %s: its end could not be told: %s", self.name, trouble)

    def _partial(self, endpoint: Endpoint) -> list[Any]:
        if self._running is None or self._running.partial is None:
            return []
        connection = self._connection(endpoint)
        return connection.visible(endpoint.api_name, self._running.partial.outputs)

    async def _end(
        self,
        replies: Sequence[Reply],
        state: str,
        *,
        answer: str = "",
        history: Any = None,
        files: Sequence[str] = (),
        process: str | None = None,
        asks: bool = False,
    ) -> None:
        """Show the last of it and write down how it ended; `asks` for the member's secrets."""
        self.ending = True
        before, kept = list(self.conversation.answer), self.jobs.store.chats
        if not self.saved:
            replies = with_notes(replies, [UNSAVED])
        try:
            if not self.gone:
                view = answer_view(await self._fresh(), asks=asks)
                await self.stream.show(replies, view, lasting=True)
        except DISCORD_ERRORS as error:
            await self._another_way(error, replies)
        self.posted = True
        ended = kept.mark(self.turn.job, state=state, answer=answer, answer_files=list(files))
        await self.save(ended)
        changed: dict[str, Any] = {"before": self.sent, "history": history or self.sent}
        if process is not None:
            changed["process"] = process
        if self._running is not None and self.conversation.account is None:
            changed["account"] = self._running.job.account
        messages = [str(one) for one in self.stream.messages]
        changed |= {"answer": messages, "used": time.time()}
        await self.save(kept.change(self.conversation.id, **changed))
        self.stored.set()
        if before and before[-1] not in messages and not self.question.over:
            # Only the last answer has buttons.
            await MessageStream(
                self.client, self.stream.channel.id, messages=[int(before[-1])]
            ).bare()

    async def _fresh(self) -> Conversation:
        """The conversation as it is now: somebody may have opened it meanwhile."""
        with contextlib.suppress(StoreError):
            return await self.jobs.store.chats.get(self.conversation.id) or self.conversation
        return self.conversation

    async def _another_way(self, error: Exception, replies: Sequence[Reply]) -> None:
        """Send the answer to whoever asked, as it cannot be shown where they did."""
        if (refusal := refusal_of(error)) is Refusal.DELETED:
            return
        log.warning("job %s: the answer could not be posted: %s", self.name, error)
        said = f"I could not answer in <#{self.conversation.channel}>: " + (
            "the server's AutoMod blocked it. The answer:"
            if refusal is Refusal.MODERATED
            else "I may not write there, or the thread is locked. Start a new conversation with "
            f"{self.conversation.command}. The answer:"
        )
        try:
            person = await self.client.create_dm(discord.Object(int(self.question.requester.user)))  # type: ignore[arg-type]
            await person.send(said)
            await MessageStream(self.client, person.id).show(replies, lasting=True)
        except DISCORD_ERRORS as trouble:
            log.info("job %s: its requester could not be told: %s", self.name, trouble)


def in_messages(preview: Reply | None) -> list[Reply]:
    """What a stream has given so far, in as many messages as an answer may have."""
    text = preview.text if preview else ""
    return [Reply(part) for part in split(text)][:MAX_CHAT_MESSAGES] if text else []


def with_notes(replies: Sequence[Reply], notes: Sequence[str]) -> list[Reply]:
    """Messages with small lines under the last one, in a message of their own where need be."""
    said = "\n".join(notes)
    if not said:
        return list(replies)
    if replies and len(replies[-1].text) + len(said) < MAX_MESSAGE_LENGTH:
        text = f"{replies[-1].text}\n{said}".strip()
        return [*replies[:-1], replace(replies[-1], text=text)]
    return [*replies, Reply(said)]
