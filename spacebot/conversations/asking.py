"""One question on its way: asked of the Space, its answer shown as it comes, and kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import discord

from spacebot import words
from spacebot.conversations.controls import answer_view, stop_view
from spacebot.conversations.speech import Speech
from spacebot.conversations.talk import asked, history_of, secrets_missing, spoken
from spacebot.errors import Cancelled, Interrupted, SecretNeeded, SpacebotError, StoreError
from spacebot.jobs import Jobs, Running, given_of, restored
from spacebot.jobs.pipeline import CHAT_MESSAGES
from spacebot.models import FILE_LIMIT, Asker, Endpoint, Job, MessageRef, Outcome, Reply
from spacebot.outputs import MESSAGE_LIMIT
from spacebot.outputs.text import code, small, split
from spacebot.pacing import Pace
from spacebot.places import AUTOMOD, DELETED, GONE, TROUBLE
from spacebot.posting import is_moderated
from spacebot.store import Conversation, Turn, TurnState

log = logging.getLogger(__name__)

# Discord shows that the bot types for 10 seconds.
TYPING = 8.0
FORGOTTEN = small(
    "⚠️ The Space was restarted and has forgotten what was said before. It goes on from here."
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

    `ready` gives the turn once its files are here and it is written down.
    """

    asker: Asker
    ready: asyncio.Future[Turn]
    message: int | None = None
    again: bool = False
    over: bool = False
    dropped: bool = False


@dataclass(slots=True, eq=False)
class Asking:
    """One turn under way.

    `secrets` are the secret settings that the asker has entered, which are never stored.
    """

    client: discord.Client
    jobs: Jobs
    conversation: Conversation
    turn: Turn
    question: Question
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    running: Running | None = None
    gone: bool = False
    posted: bool = False
    speech: Speech = field(init=False)
    _stop: str | None = None
    _marked: bool = False
    _unseen: bool = False
    _unsaved: bool = False
    _left: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        number = self.turn.message
        self.speech = Speech(
            self.client,
            int(self.conversation.channel),
            question=int(number) if number else None,
            messages=[int(one) for one in self.conversation.answer] if self.question.over else (),
        )

    def stop(self, why: str = "", *, gone: bool = False) -> str:
        """Stop the answer; returns what that does. With `gone` nobody is there to be told."""
        self.gone = self.gone or gone
        if self.running is None:
            self._stop = why
            return "Stopped before it was asked."
        return self.running.cancel(why)

    @property
    def sent(self) -> Any:
        """The history that the question comes after."""
        return self.conversation.before if self.question.again else self.conversation.history

    async def run(self) -> None:
        """Ask, show the answer and keep it. Nothing is raised: what goes wrong is told there."""
        try:
            endpoint, job = self._job()
            self.running = running = await self.jobs.start(job)
        except Exception as error:
            await self._failed(error, None, TurnState.FAILED)
            return
        if self._stop is not None:
            running.cancel(self._stop)
        ended: BaseException | None = None
        posted = 0.0
        try:
            outcome = await self._follow(running)
            began = time.monotonic()
            await self._answered(endpoint, outcome)
            posted = time.monotonic() - began
        except Interrupted as error:
            ended = error
            await self._interrupted(error)
        except asyncio.CancelledError as error:
            # The client is closed. The next one asks again, or tells that this is lost.
            ended = error
            running.interrupt()
            raise
        except Exception as error:
            ended = error
            stopped = isinstance(error, Cancelled)
            await self._failed(error, endpoint, TurnState.STOPPED if stopped else TurnState.FAILED)
        finally:
            if isinstance(ended, Interrupted | asyncio.CancelledError):
                self.jobs.put_off(running)
            else:
                await self.jobs.settle(running, ended, posted=posted)

    def _job(self) -> tuple[Endpoint, Job]:
        kept = self.conversation
        endpoint = self.jobs.catalogue.find(kept.space, kept.api_name, kept.command)
        settings = {**given_of(kept), **self.secrets}
        if missing := secrets_missing(endpoint, kept.given, self.secrets):
            raise SecretNeeded(missing)
        files = [restored(one) for one in self.turn.files]
        filled, given, self._left = asked(endpoint, settings, self.sent, self.turn.text, files)
        job = Job(
            id=self.turn.job,
            endpoint=filled,
            asker=self.question.asker,
            given=given,
            conversation=kept.session,
            command=kept.command,
            message_ref=self._ref(),
        )
        return endpoint, job

    def _ref(self) -> MessageRef:
        kept = self.conversation
        guild = self.client.get_guild(int(kept.guild)) if kept.guild else None
        return MessageRef(
            application=self.client.application_id or 0,
            created=time.time(),
            user=int(self.question.asker.user),
            channel=int(kept.channel),
            guild=guild and guild.id,
            file_limit=guild.filesize_limit if guild else FILE_LIMIT,
        )

    async def _follow(self, running: Running) -> Outcome:
        """Show the answer as it grows, until it is whole."""
        result = asyncio.ensure_future(running.result())
        pace = Pace(self.jobs, running)
        async with self._typing():
            while True:
                await self._note_sent(running)
                if not await pace.due(result):
                    return await result
                await self._show(running)

    async def _note_sent(self, running: Running) -> None:
        if running.sent and not self._marked:
            self._marked = True
            await self._save(self.jobs.store.chats.mark(self.turn.job, state=TurnState.SENT))

    async def _save(self, writing: Awaitable[None]) -> None:
        """Write something down; where that fails, the answer is given all the same."""
        self._unsaved |= not await self.jobs.store.saved(writing)

    @asynccontextmanager
    async def _typing(self) -> AsyncIterator[None]:
        """Show that the bot types, until there is something to read."""
        typing = asyncio.create_task(self._type(), name=f"typing {self.turn.job}")
        try:
            yield
        finally:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)

    async def _type(self) -> None:
        try:
            while not self.speech.messages:
                await self.speech.channel.typing()
                await asyncio.sleep(TYPING)
        except TROUBLE as error:
            log.info("job %s: typing is not shown: %s", self.turn.job, type(error).__name__)

    async def _show(self, running: Running) -> None:
        """Bring the messages to where the answer is."""
        if self._unseen:
            return
        try:
            replies = await self._so_far(running)
            if not replies:
                replies = [Reply(words.progress(running.progress, running.started))]
            known = len(self.speech.messages)
            await self.speech.show(replies, stop_view(self.conversation.id))
            if len(self.speech.messages) != known:
                await self._note_messages()
        except discord.HTTPException as error:
            if error.code in DELETED:
                self.stop("Its message was deleted.", gone=True)
            elif error.code in GONE | AUTOMOD:
                # The answer goes to whoever asked, once it is whole.
                self._unseen = True
            else:
                log.warning("job %s: the answer could not be shown: %s", self.turn.job, error)
        except (aiohttp.ClientError, OSError) as error:
            log.info("job %s: progress is not shown: %s", self.turn.job, type(error).__name__)
        except SpacebotError as error:
            log.info("job %s: no preview: %s", self.turn.job, type(error).__name__)

    async def _so_far(self, running: Running) -> list[Reply]:
        preview = await self.jobs.preview(running, "", limit=CHAT_MESSAGES * MESSAGE_LIMIT)
        if preview is None or not preview.text:
            return []
        return [Reply(part) for part in split(preview.text)][:CHAT_MESSAGES]

    async def _note_messages(self) -> None:
        answer = [str(one) for one in self.speech.messages]
        await self._save(self.jobs.store.chats.change(self.conversation.id, answer=answer))

    async def _answered(self, endpoint: Endpoint, outcome: Outcome) -> None:
        """Post the whole answer, and keep what was said."""
        process = await self._process(endpoint)
        before, after = self.conversation.process, process
        notes = [FORGOTTEN] if before and after and before != after else []
        if self.question.again and endpoint.stateful and not notes and not endpoint.takes_history:
            notes.append(TWICE)
        if self._left:
            names = ", ".join(map(code, self._left))
            notes.append(small(f"This chat does not take {names}: left out."))
        await self._end(
            with_notes(outcome.replies, notes),
            TurnState.DONE,
            answer=spoken(endpoint, outcome.values),
            history=history_of(endpoint, outcome.values),
            files=[file.name for reply in outcome.replies for file in reply.files],
            process=process,
        )

    async def _process(self, endpoint: Endpoint) -> str | None:
        """The Space's process that remembers this session; None where that does not matter."""
        if not endpoint.stateful or endpoint.takes_history:
            return None
        with contextlib.suppress(SpacebotError):
            return await self.jobs.catalogue.connections[endpoint.space].process()
        return None

    async def _failed(self, error: BaseException, endpoint: Endpoint | None, state: str) -> None:
        """Say what went wrong under what there is of the answer, and keep that."""
        if not isinstance(error, SpacebotError):
            log.error("job %s met a bug", self.turn.job, exc_info=error)
        elif not isinstance(error, Cancelled):
            log.warning("job %s failed: %s", self.turn.job, type(error).__name__)
        values = self._partial(endpoint) if endpoint else []
        replies: list[Reply] = []
        with contextlib.suppress(SpacebotError):
            replies = await self._so_far(self.running) if self.running and values else []
        line = small("🛑 Stopped.") if isinstance(error, Cancelled) and replies else ""
        await self._end(
            with_notes(replies, [line or words.failure(error)]),
            state,
            answer=spoken(endpoint, values) if endpoint else "",
            history=history_of(endpoint, values) if endpoint else None,
            asks=isinstance(error, SecretNeeded),
        )

    async def _interrupted(self, error: Interrupted) -> None:
        """Say that the bot stops; the turn stays as it is, for the next start."""
        try:
            said = [Reply(words.failure(error))]
            await self.speech.show(said, stop_view(self.conversation.id))
            await self._note_messages()
        except TROUBLE as trouble:
            log.info("job %s: its end could not be told: %s", self.turn.job, trouble)

    def _partial(self, endpoint: Endpoint) -> list[Any]:
        if self.running is None or self.running.partial is None:
            return []
        connection = self.jobs.catalogue.connections[endpoint.space]
        return connection.visible(endpoint.api_name, self.running.partial.values)

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
        before, kept = list(self.conversation.answer), self.jobs.store.chats
        if self._unsaved or self.jobs.store.trouble:
            replies = with_notes(replies, [UNSAVED])
        try:
            if not self.gone:
                view = answer_view(await self._fresh(), asks=asks)
                await self.speech.show(replies, view, lasting=True)
        except TROUBLE as error:
            await self._another_way(error, replies)
        self.posted = True
        ended = kept.mark(self.turn.job, state=state, answer=answer, answer_files=list(files))
        await self._save(ended)
        changed: dict[str, Any] = {"before": self.sent, "history": history or self.sent}
        if process is not None:
            changed["process"] = process
        messages = [str(one) for one in self.speech.messages]
        changed |= {"answer": messages, "used": time.time()}
        await self._save(kept.change(self.conversation.id, **changed))
        if before and before[-1] not in messages and not self.question.over:
            # Only the last answer has buttons.
            await Speech(self.client, self.speech.channel.id, messages=[int(before[-1])]).bare()

    async def _fresh(self) -> Conversation:
        """The conversation as it is now: somebody may have opened it meanwhile."""
        with contextlib.suppress(StoreError):
            return await self.jobs.store.chats.get(self.conversation.id) or self.conversation
        return self.conversation

    async def _another_way(self, error: Exception, replies: Sequence[Reply]) -> None:
        """Send the answer to whoever asked, as it cannot be shown where they did."""
        if isinstance(error, discord.HTTPException) and error.code in DELETED:
            return
        log.warning("job %s: the answer could not be posted: %s", self.turn.job, error)
        moderated = is_moderated(error)
        said = f"I could not answer in <#{self.conversation.channel}>: " + (
            "the server's AutoMod blocked it. The answer:"
            if moderated
            else "I may not write there, or the thread is locked. Start a new conversation with "
            f"{self.conversation.command}. The answer:"
        )
        try:
            person = await self.client.create_dm(discord.Object(int(self.question.asker.user)))  # type: ignore[arg-type]
            await person.send(said)
            await Speech(self.client, person.id).show(replies, lasting=True)
        except TROUBLE as trouble:
            log.info("job %s: its asker could not be told: %s", self.turn.job, trouble)


def with_notes(replies: Sequence[Reply], notes: Sequence[str]) -> list[Reply]:
    """Messages with small lines under the last one, in a message of their own where need be."""
    said = "\n".join(notes)
    if not said:
        return list(replies)
    if replies and len(replies[-1].text) + len(said) < MESSAGE_LIMIT:
        text = f"{replies[-1].text}\n{said}".strip()
        return [*replies[:-1], replace(replies[-1], text=text)]
    return [*replies, Reply(said)]
