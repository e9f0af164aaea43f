"""The questions of each conversation, in order: one is answered at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from spacebot.discord_bot.conversations.chat_surface import ChatSurface
from spacebot.discord_bot.conversations.question import Question
from spacebot.models import Job

# Beyond this, somebody is flooding the conversation.
MAX_WAITING = 10
# How many deleted messages are remembered.
MAX_REMEMBERED_DELETIONS = 1000
# How long the files of the latest message may take to arrive if the client closes, in seconds.
CLOSE_WAIT = 2.0
# How long a press waits for the answer above it to be stored, in seconds: Discord allows 3.
STORED = 1.0


@dataclass(slots=True)
class QuestionQueue:
    """One conversation's questions: the current one, and those behind it."""

    waiting: deque[Question] = field(default_factory=deque)
    taken: Question | None = None
    current: ChatSurface | None = None
    task: asyncio.Task[None] | None = None
    warned_full: bool = False

    @property
    def is_answering(self) -> bool:
        """Whether an answer is unfinished."""
        posted = self.current is not None and self.current.posted
        return self.taken is not None and not posted

    @property
    def is_full(self) -> bool:
        """Whether as many questions wait behind the current one as are allowed."""
        return len(self.waiting) + self.is_answering > MAX_WAITING

    @property
    def is_busy(self) -> bool:
        """Whether anyone waits for an answer."""
        return bool(self.waiting) or self.is_answering

    def go_behind(self, question: Question, earlier: AbstractSet[str]) -> None:
        """Put back a question that was taken too early: `earlier` ones come first."""
        first = [one for one in self.waiting if one.job in earlier]
        rest = [one for one in self.waiting if one.job not in earlier]
        self.waiting = deque((*first, question, *rest))


class QuestionQueues:
    """Every conversation's queue.

    `answer` answers one question, setting `QuestionQueue.current`; it raises nothing. `release`
    receives the job of each question that is left when the client closes.
    """

    def __init__(
        self,
        answer: Callable[[QuestionQueue, Question], Awaitable[None]],
        release: Callable[[str], None],
    ) -> None:
        self._answer = answer
        self._release = release
        self._lines: dict[str, QuestionQueue] = {}
        # A message can be deleted before it has reached its queue.
        self._deleted: deque[int] = deque(maxlen=MAX_REMEMBERED_DELETIONS)
        self._coming: set[asyncio.Future[Job]] = set()

    def of(self, conversation: str) -> QuestionQueue:
        """A conversation's queue; an empty one is dropped."""
        return self._lines.get(conversation) or QuestionQueue()

    async def stored(self, conversation: str) -> None:
        """Wait a moment until an answer that is (almost) posted is stored."""
        now = self.of(conversation).current
        if now is not None and now.ending:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(now.stored.wait(), STORED)

    def add(self, question: Question) -> None:
        """Append a question to its conversation's queue."""
        conversation = question.conversation.id
        line = self._lines.setdefault(conversation, QuestionQueue())
        line.waiting.append(question)
        self._coming.add(question.ready)
        question.ready.add_done_callback(self._coming.discard)
        if line.task is None:
            line.task = asyncio.create_task(
                self._work(conversation, line), name=f"conversation {conversation}"
            )

    async def _work(self, conversation: str, line: QuestionQueue) -> None:
        try:
            while line.waiting:
                line.taken = question = line.waiting.popleft()
                question.dropped = question.dropped or question.message in self._deleted
                await self._answer(line, question)
                line.taken = line.current = None
                line.warned_full = False
        finally:
            del self._lines[conversation]

    async def close(self) -> None:
        """Leave every question as it is, for the next client."""
        if self._coming:
            # The next start resumes what is stored.
            await asyncio.wait(set(self._coming), timeout=CLOSE_WAIT)
        lines = list(self._lines.values())
        left = [one for line in lines for one in (line.taken, *line.waiting) if one]
        tasks = [line.task for line in lines if line.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for question in left:
            self._release(question.job)

    def stop(self, conversation: str, why: str) -> None:
        """Stop the unfinished answer and drop the waiting questions: nobody is left."""
        line = self.of(conversation)
        for question in line.waiting:
            question.dropped = True
        if line.current is not None:
            line.current.stop(why, gone=True)

    def deleted(self, message: int) -> None:
        """Drop a question whose message was deleted; stop an answer if its or its
        question's was."""
        self._deleted.append(message)
        for line in list(self._lines.values()):
            for question in line.waiting:
                question.dropped = question.dropped or question.message == message
            if line.current is None:
                continue
            if message in (line.current.asked_in, *line.current.stream.messages):
                line.current.stop(
                    "Its message was deleted.", gone=message in line.current.stream.messages
                )
