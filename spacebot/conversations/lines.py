"""The questions of each conversation, in order: one is answered at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from spacebot.conversations.chat_surface import ChatSurface, Question
from spacebot.errors import SpacebotError
from spacebot.store import Turn

log = logging.getLogger(__name__)

# More than this and somebody floods the conversation.
MOST = 10
# So many deleted messages are remembered.
DELETED = 1000
# So many seconds the files of what was just said may take to come, where the client is closed.
LAST = 2.0
# How long a press waits for the answer above it to be stored: Discord gives it 3 seconds.
STORED = 1.0


@dataclass(slots=True)
class Line:
    """One conversation's questions: the one being answered, and those behind it."""

    waiting: deque[Question] = field(default_factory=deque)
    now: ChatSurface | None = None
    task: asyncio.Task[None] | None = None
    told_full: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether an answer is waited for; one that is whole already is not."""
        done = self.now is not None and self.now.posted
        return bool(self.waiting) or (self.task is not None and not done)


class Lines:
    """All lines. `answer` answers one question of a conversation, noting itself as `Line.now`."""

    def __init__(self, answer: Callable[[str, Line, Question], Awaitable[None]]) -> None:
        self._answer = answer
        self._lines: dict[str, Line] = {}
        # A message can be deleted before it has found its line.
        self._deleted: deque[int] = deque(maxlen=DELETED)
        self._coming: set[asyncio.Future[Turn]] = set()

    def of(self, conversation: str) -> Line:
        """A conversation's line; an empty one is forgotten."""
        return self._lines.get(conversation) or Line()

    async def stored(self, conversation: str) -> None:
        """Wait a moment for an answer that stands there, or is about to, to be stored."""
        now = self.of(conversation).now
        if now is not None and now.ending:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(now.stored.wait(), STORED)

    def add(self, conversation: str, question: Question) -> None:
        """Put a question at the end of its conversation's line."""
        line = self._lines.setdefault(conversation, Line())
        line.waiting.append(question)
        self._coming.add(question.ready)
        question.ready.add_done_callback(self._coming.discard)
        if line.task is None:
            line.task = asyncio.create_task(
                self._work(conversation, line), name=f"conversation {conversation}"
            )

    async def _work(self, conversation: str, line: Line) -> None:
        try:
            while line.waiting:
                question = line.waiting.popleft()
                await self._one(conversation, line, question)
                line.now = None
                line.told_full = False
        finally:
            del self._lines[conversation]

    async def _one(self, conversation: str, line: Line, question: Question) -> None:
        try:
            question.dropped = question.dropped or question.message in self._deleted
            await self._answer(conversation, line, question)
        except SpacebotError as error:
            log.warning("a question could not be asked: %s", type(error).__name__)
        except Exception:
            log.exception("a question met a bug")

    async def close(self) -> None:
        """Leave every question as it is, for the next client to take up."""
        if self._coming:
            # It takes up what is written down.
            await asyncio.wait(set(self._coming), timeout=LAST)
        tasks = [line.task for line in self._lines.values() if line.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self, conversation: str, why: str) -> None:
        """Stop the answer under way and drop what waits: nobody is there any more."""
        line = self.of(conversation)
        for question in line.waiting:
            question.dropped = True
        if line.now is not None:
            line.now.stop(why, gone=True)

    def deleted(self, message: int) -> None:
        """Drop the question that was deleted; stop an answer that was, or whose question was."""
        self._deleted.append(message)
        for line in list(self._lines.values()):
            for question in line.waiting:
                question.dropped = question.dropped or question.message == message
            if line.now is None:
                continue
            asked = line.now.turn.message
            if asked == str(message) or message in line.now.stream.messages:
                line.now.stop("Its message was deleted.", gone=message in line.now.stream.messages)
