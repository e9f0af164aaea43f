"""The try-out's side of a job: running it, and showing its progress on the page."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacebot.concurrency import TaskSet
from spacebot.discord_bot.conversations import transcript
from spacebot.engine import job_text, recipes
from spacebot.errors import JobCancelled, SpacebotError
from spacebot.models import AnswerPlace, Job, Outcome, Progress, Reply, Space
from spacebot.spaces import inputs
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH
from spacebot.web import render
from spacebot.web.markdown import to_html
from spacebot.web.program import Program
from spacebot.web.tryout import forms, result_buttons
from spacebot.web.tryout.conversations import TryOutQuestion
from spacebot.web.tryout.file_cache import FileCache
from spacebot.web.tryout.results import TryOutResults
from spacebot.web.tryout.send_targets import send_targets
from spacebot.web.tryout.visitors import ShownTurn, TryOutRequest, TryOutTurn

JobUpdate = Progress | Outcome
Folder = tempfile.TemporaryDirectory[str]

log = logging.getLogger(__name__)

CANCELLED = "Cancelled. The Space may still finish what it had begun."


class TryOutRun:
    """One use of a command in the try-out, shown in a turn on the page.

    `running` holds the tasks of all; `ended` is called once the turn shows its end.
    """

    def __init__(
        self,
        program: Program,
        file_cache: FileCache,
        running: TaskSet,
        bot: str,
        results: TryOutResults,
        spaces: Callable[[], Sequence[Space]],
        request: TryOutRequest,
        ended: Callable[[], None],
    ) -> None:
        self._program = program
        self._file_cache = file_cache
        self._running = running
        self._command = request.command
        self._question: TryOutQuestion | None = None
        self._answered: Callable[[Outcome], None] | None = None
        self._bot = bot
        self._header = ""
        self._streamed: render.RenderedMessage | None = None
        self._results = results
        self._spaces = spaces
        self._after = request.after
        self._ended = ended
        self.turn = TryOutTurn(request, ShownTurn(self._render()))

    def said(self, question: TryOutQuestion, answered: Callable[[Outcome], None]) -> None:
        """Show the message to a chat above its answer; `answered` stores the answer."""
        self._question, self._answered = question, answered

    def _render(self, **shown: Any) -> str:
        said = self._question
        return render.turn(self._command, self._bot, said=said, header=self._header, **shown)

    def start(self, job: Job, folder: Folder) -> None:
        """Run a job to its end, even if nobody watches; then remove `folder`."""
        # In a conversation, the question is right above.
        self._header = "" if job.conversation else job_text.header_line(job, named=job.command)
        self.turn.show(ShownTurn(self._render()))
        self.turn.task = self._running.start(self._run(job), f"try {job.id}")
        self.turn.task.add_done_callback(lambda _: folder.cleanup())

    async def _run(self, job: Job) -> None:
        try:
            async with aclosing(self._program.run(job)) as updates:
                async for step in updates:
                    self.turn.show(await self._show(step, job))
        except asyncio.CancelledError:
            self.fail(JobCancelled(CANCELLED))
            raise
        except SpacebotError as error:
            self.fail(error)
        except Exception as error:
            log.exception("A job of the try-out failed inside Spacebot.")
            self.fail(error)
        finally:
            self._ended()

    def fail(self, error: Exception) -> None:
        """Show why there is no result, even if the job never started."""
        problem = self._render(
            problem=job_text.describe_failure(error), messages=filter(None, [self._streamed])
        )
        self.turn.show(ShownTurn(problem, last=True))

    async def _show(self, step: JobUpdate, job: Job) -> ShownTurn:
        if isinstance(step, Outcome):
            return await self._end(step, job)
        partial = await self._message(step.partial) if step.partial else None
        self._streamed = partial or self._streamed
        line = job_text.progress_line(step, self.turn.started)
        stage = render.STAGE_LABELS[step.stage]
        shown = render.RunningLine(line, stage, partial)
        # Markdown of a Space's text can take long, so it is rendered off the event loop.
        return ShownTurn(await asyncio.to_thread(self._render, running=shown))

    async def _end(self, outcome: Outcome, job: Job) -> ShownTurn:
        messages = [await self._message(reply) for reply in outcome.replies]
        if self._question and self._question.left_out:
            note = transcript.left_out_note(self._question.left_out)
            messages.append(render.RenderedMessage(note))
        if self._answered:
            self._answered(outcome)
        files = [kept for message in messages for kept, _ in message.files]
        text = recipes.result_text(job.endpoint, outcome.outputs)
        commands = forms.commands_by_name(self._spaces()).values()
        found = send_targets(commands, files, text)
        html = await asyncio.to_thread(self._render, **_placed(job, outcome, messages))
        key = self._results.keep(job, outcome, self._after) if job.endpoint.then else ""
        return ShownTurn(
            html,
            True,
            found,
            result_buttons.result_buttons(job, outcome, key),
            _recipe(job, outcome),
        )

    async def _message(self, reply: Reply) -> render.RenderedMessage:
        # The files are copied now: the job may delete them afterwards.
        files = [
            (
                await asyncio.to_thread(self._file_cache.keep, Path(one.path), one.name),
                one.description,
            )
            for one in reply.files
        ]
        return render.RenderedMessage(reply.text, tuple(files))


def _placed(
    job: Job, outcome: Outcome, messages: Sequence[render.RenderedMessage]
) -> dict[str, Any]:
    """The messages of a result, placed as in Discord: in a thread, private, or directly."""
    answer = job.endpoint.answer
    if job.conversation:
        return {"messages": messages}
    done = job_text.duration_line(outcome.run_seconds)
    if answer is AnswerPlace.THREAD:
        title = inputs.thread_title(job.endpoint, job.arguments)
        return {"messages": messages, "thread": render.ThreadHeader(title, f"{done} · in a thread")}
    first, *rest = messages or [render.RenderedMessage("")]
    if len(first.text) + len(done) < MAX_MESSAGE_LENGTH:
        first = replace(first, text=f"{first.text}\n{done}".strip())
    return {"messages": [first, *rest], "private": answer is AnswerPlace.PRIVATE}


def _recipe(job: Job, outcome: Outcome) -> str:
    """The content of the Recipe button."""
    endpoint = job.endpoint
    where = f"<{endpoint.space}>" if endpoint.space.startswith("http") else endpoint.space
    hides = any(one.secret for one in endpoint.parameters)
    notes = recipes.recipe_notes(where, endpoint, job.arguments, outcome.page_ran, hides=hides)
    return to_html(recipes.code_block(recipes.line(job.command, endpoint, job.arguments)) + notes)
