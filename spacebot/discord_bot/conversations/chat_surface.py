"""One question of a conversation: asked of the Space, its answer shown as it grows, and stored."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import discord

from spacebot.discord_bot.age import AgeGate
from spacebot.discord_bot.conversations.allowed import endpoint_of
from spacebot.discord_bot.conversations.button_specs import answer_view, is_answering, stop_view
from spacebot.discord_bot.conversations.message_stream import (
    MessageStream,
    in_messages,
    with_notes,
)
from spacebot.discord_bot.conversations.question import Question, ref_in
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
from spacebot.engine.follow import (
    CloseAction,
    Follower,
    ShowResult,
    Surface,
    SurfaceClosed,
    tell_failure,
)
from spacebot.engine.jobs import JobHandle, JobManager, arguments_of, ending_of
from spacebot.engine.jobs.runner import MAX_CHAT_MESSAGES
from spacebot.engine.store import Conversation
from spacebot.errors import JobCancelled, JobInterrupted, SecretNeeded, SpacebotError, StoreError
from spacebot.models import (
    NO_ACCOUNT,
    ChatTurn,
    Endpoint,
    Job,
    JobEnding,
    MessageRef,
    Outcome,
    Reply,
    Requester,
)
from spacebot.spaces.client import Connection
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH
from spacebot.spaces.outputs.text import small

log = logging.getLogger(__name__)

# Discord shows the typing indicator for 10 seconds.
TYPING_INTERVAL = 8.0
FORGOTTEN = small(
    "⚠️ The Space was restarted and has forgotten the conversation so far. It continues from here."
)
TWICE = small("This Space keeps the conversation itself, so it has received the question twice.")
UNSAVED = small(
    "⚠️ The bot could not save this. The conversation continues until the bot is restarted."
)
LOST = (
    "⚠️ The bot was restarted while the Space answered this, so the answer is lost. "
    "Press Regenerate to ask again."
)


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
        job: Job,
        question: Question,
        secrets: Mapping[str, Any],
    ) -> None:
        super().__init__(jobs, job.id)
        self.client = client
        self.age = age
        self.conversation = conversation
        self.job = job
        self.question = question
        # Nobody is left to tell.
        self.gone = False
        self.ending = self.posted = False
        self.stored = asyncio.Event()
        self.stream = self._stream()
        self._secrets = secrets
        self._running: JobHandle | None = None
        self._endpoint: Endpoint | None = None
        self._stop: str | None = None
        self._left: list[str] = []

    def _stream(self) -> MessageStream:
        kept = self.conversation
        return MessageStream(
            self.client,
            int(kept.channel),
            question=self.asked_in,
            messages=[int(one) for one in kept.answer] if self.question.over else (),
        )

    @property
    def turn(self) -> ChatTurn:
        """The question and its answer."""
        assert self.job.turn is not None
        return self.job.turn

    @property
    def asked_in(self) -> int | None:
        """The message that asked, if there is one."""
        return self.job.message_ref.origin if self.job.message_ref else None

    def stop(self, why: str = "", *, gone: bool = False) -> str:
        """Stop the answer; returns what that does. With `gone`, nobody is left to tell."""
        self.gone = self.gone or gone
        if self._running is None:
            self._stop = why
            return "Stopped before the question was sent."
        return self._running.cancel(why)

    @property
    def sent(self) -> Any:
        """The history before the question."""
        return self.conversation.before if self.question.again else self.conversation.history

    @property
    def closed(self) -> bool:
        """Whether the client is closed."""
        return self.client.is_closed()

    async def run(self) -> None:
        """Ask, show the answer and store it; failures are shown in its place."""
        older = list(self.conversation.answer)
        try:
            job = await self._job()
        except Exception as error:
            with contextlib.suppress(SurfaceClosed):
                await tell_failure(self, error)
                await self.jobs.drop(self.job, ending_of(error))
        else:
            await Follower(self, job).run()
        self.stored.set()
        if self.posted and older and not self.question.over:
            # Only the last answer has buttons.
            channel = self.stream.channel.id
            await MessageStream(self.client, channel, messages=[int(older[-1])]).bare()

    async def _job(self) -> Job:
        kept = self.conversation
        endpoint = await endpoint_of(self.jobs, kept)
        settings = {**arguments_of(kept), **self._secrets}
        if missing := secrets_missing(endpoint, kept.arguments, self._secrets):
            raise SecretNeeded(missing)
        filled, arguments, self._left = build_question(
            endpoint, settings, self.sent, self.turn.text, self.turn.files
        )
        self._endpoint = endpoint
        asker = self.question.requester
        return replace(
            self.job,
            endpoint=filled,
            requester=asker,
            arguments=arguments,
            conversation=kept.session,
            message_ref=self._ref(asker),
            account=self._account_key(endpoint),
        )

    def _account_key(self, endpoint: Endpoint) -> str | None:
        """The account of the session; None if the Space remembers nothing, or nothing yet.

        Then the account is the requester's.
        """
        kept = self.conversation
        if endpoint.takes_history or not endpoint.stateful:
            return None
        # A session of an earlier version had none.
        return kept.account if kept.account is not None or kept.process is None else ""

    def _ref(self, requester: Requester) -> MessageRef:
        ref = ref_in(self.client, self.conversation, requester, self.asked_in)
        channel, direct = self.client.get_channel(ref.channel or 0), not self.conversation.guild
        return replace(ref, nsfw=self.age.hears(channel, ref.user, direct=direct))

    @asynccontextmanager
    async def showing(self, running: JobHandle) -> AsyncIterator[None]:
        """Show the typing indicator until there is something to read."""
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
        """Bring the messages up to date with the answer."""
        replies = in_messages(preview)
        if not replies:
            replies = [Reply(job_text.progress_line(running.progress, running.started))]
        known = len(self.stream.messages)
        try:
            await self.stream.show(replies, stop_view(self.conversation.id))
        except DISCORD_ERRORS as error:
            # If it cannot be shown, the complete answer goes to the requester.
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
        """Post the complete answer, and store the turn."""
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
            answer=answer_text(endpoint, outcome.outputs, outcome.replies),
            history=history_of(endpoint, outcome.outputs),
            files=[file.name for reply in outcome.replies for file in reply.files],
            process=process,
        )

    async def _process(self, endpoint: Endpoint) -> str | None:
        """The Space's process that remembers this session; None if that does not matter."""
        if not endpoint.stateful or endpoint.takes_history:
            return None
        with contextlib.suppress(SpacebotError):
            return await self._connection(endpoint).process()
        return None

    def _connection(self, endpoint: Endpoint) -> Connection:
        account = self._running.account if self._running else NO_ACCOUNT
        return self.jobs.catalogue.connection(endpoint.space, account)

    async def fail(self, error: BaseException) -> None:
        """Say what went wrong under the partial answer, and store that.

        A complete answer stays as it is.
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
            answer=answer_text(endpoint, values) if endpoint else "",
            history=history_of(endpoint, values) if endpoint else None,
            asks=isinstance(error, SecretNeeded),
        )

    async def interrupted(self, error: JobInterrupted) -> None:
        """Say that the bot is stopping; the question stays for the next start."""
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
        *,
        answer: str = "",
        history: Any = None,
        files: Sequence[str] = (),
        process: str | None = None,
        asks: bool = False,
    ) -> None:
        """Show the end and store the turn; `asks` for the member's secrets."""
        self.ending = True
        if not self.saved:
            replies = with_notes(replies, [UNSAVED])
        try:
            if not self.gone:
                view = answer_view(await self._fresh(), asks=asks)
                await self.stream.show(replies, view, lasting=True)
        except DISCORD_ERRORS as error:
            await self._another_way(error, replies)
        self.posted = True
        if self._running is not None:
            turn = replace(self.turn, answer=answer, answer_files=list(files))
            self._running.job = replace(self._running.job, turn=turn)
        changed: dict[str, Any] = {"before": self.sent, "history": history or self.sent}
        if process is not None:
            changed["process"] = process
        if self._running is not None and self.conversation.account is None:
            changed["account"] = self._running.job.account
        answered = {"answer": [str(one) for one in self.stream.messages], "used": time.time()}
        await self.save(self.jobs.store.chats.change(self.conversation.id, **changed, **answered))

    async def _fresh(self) -> Conversation:
        """The current conversation: somebody may have opened it meanwhile."""
        with contextlib.suppress(StoreError):
            return await self.jobs.store.chats.get(self.conversation.id) or self.conversation
        return self.conversation

    async def _another_way(self, error: Exception, replies: Sequence[Reply]) -> None:
        """Send the answer to the requester, as it cannot be shown where they asked."""
        if (refusal := refusal_of(error)) is Refusal.DELETED:
            return
        log.warning("job %s: the answer could not be posted: %s", self.name, error)
        said = f"I could not answer in <#{self.conversation.channel}>: " + (
            "the server's AutoMod blocked it. The answer:"
            if refusal is Refusal.MODERATED
            else "I cannot write there, or the thread is locked. Start a new conversation with "
            f"{self.conversation.command}. The answer:"
        )
        try:
            person = await self.client.create_dm(discord.Object(int(self.question.requester.user)))  # type: ignore[arg-type]
            await person.send(said)
            await MessageStream(self.client, person.id).show(replies, lasting=True)
        except DISCORD_ERRORS as trouble:
            log.info("job %s: its requester could not be told: %s", self.name, trouble)

    async def ending_shown(self) -> JobEnding | None:
        """DONE if the complete answer is there after a restart; otherwise it is overwritten."""
        shown = await self.stream.shown(self.conversation.answer)
        if shown is None:
            return None
        if not is_answering(shown):
            turn = replace(self.turn, answer=self.turn.answer or shown.content)
            await self.save(self.jobs.store.mark(self.job.id, turn=turn))
            return JobEnding.DONE
        self.question.over = True
        self.stream = self._stream()
        return None

    async def tell_lost(self, state: str) -> None:  # noqa: ARG002
        """Say that a restart lost the answer, with the buttons of an answer."""
        await self.stream.show([Reply(LOST)], answer_view(self.conversation), lasting=True)
        changed = {
            "answer": [str(one) for one in self.stream.messages],
            "before": self.conversation.history,
        }
        await self.save(self.jobs.store.chats.change(self.conversation.id, **changed))
