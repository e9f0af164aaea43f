"""The try-out's side of a job: run it, and tell the browser how it goes as server-sent events."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from spacebot.concurrency import TaskSet
from spacebot.engine import job_text, recipes
from spacebot.errors import SpacebotError
from spacebot.models import AnswerPlace, Job, Outcome, Progress, Reply, Space
from spacebot.spaces import inputs
from spacebot.spaces.outputs import MAX_MESSAGE_LENGTH
from spacebot.web import render
from spacebot.web.markdown import to_html
from spacebot.web.program import Program
from spacebot.web.tryout import forms, result_buttons
from spacebot.web.tryout.conversations import TryOutQuestion
from spacebot.web.tryout.file_cache import FileCache
from spacebot.web.tryout.result_buttons import ResultButton
from spacebot.web.tryout.results import TryOutResults
from spacebot.web.tryout.send_targets import SendTarget, send_targets

JobUpdate = Progress | Outcome
Folder = tempfile.TemporaryDirectory[str]

log = logging.getLogger(__name__)

# Proxies close a stream that stays silent for long; 15 s is what Gradio itself keeps to.
HEARTBEAT_INTERVAL = 15.0
# More updates a second than this only flicker.
MIN_EVENT_INTERVAL = 0.1


@dataclass(frozen=True, slots=True)
class TryOutEvent:
    """A step of a job as the browser gets it. `last` says that nothing follows.

    `under` are the buttons where nothing does, and `recipe` what one of them shows.
    """

    html: str
    last: bool = False
    targets: Sequence[SendTarget] = ()
    under: Sequence[ResultButton] = field(default_factory=result_buttons.failure_buttons)
    recipe: str = ""

    def event(self) -> str:
        """The step as one server-sent event."""
        return f"data: {json.dumps(asdict(self))}\n\n"


class TryOutRun:
    """One use of a command in the try-out, told to one browser.

    `running` holds the tasks of all; `after` is the press of another result's button that this
    is the answer to.
    """

    def __init__(
        self,
        program: Program,
        file_cache: FileCache,
        running: TaskSet,
        command: str,
        bot: str,
        results: TryOutResults,
        spaces: Callable[[], Sequence[Space]],
        after: str = "",
    ) -> None:
        self._program = program
        self._file_cache = file_cache
        self._running = running
        self._command = command
        self._question: TryOutQuestion | None = None
        self._answered: Callable[[Outcome], None] | None = None
        self._began = time.time()
        self._bot = bot
        self._header = ""
        self._results = results
        self._spaces = spaces
        self._after = after

    def said(self, question: TryOutQuestion, answered: Callable[[Outcome], None]) -> None:
        """Show what was said to a chat over its answer; `answered` keeps what it answers."""
        self._question, self._answered = question, answered

    def _render(self, **shown: Any) -> str:
        said = self._question
        return render.turn(self._command, self._bot, said=said, header=self._header, **shown)

    async def events(self, job: Job, folder: Folder) -> AsyncIterator[str]:
        """Server-sent events until the job's end; closing cancels it, and `folder` is removed."""
        # In a conversation what was asked stands right above.
        self._header = "" if job.conversation else job_text.header_line(job, job.command)
        steps: asyncio.Queue[TryOutEvent] = asyncio.Queue()
        running = self._running.start(self._run(job, steps), f"try {job.id}")
        running.add_done_callback(lambda _: folder.cleanup())
        try:
            yield TryOutEvent(self._render()).event()
            async for event in _paced_events(steps):
                yield event
        finally:
            # Not awaited: when the browser has gone, every await here is cancelled too.
            running.cancel()

    def refused(self, error: SpacebotError) -> str:
        """The event for what was not even started, and why."""
        return self._failed(error).event()

    async def _run(self, job: Job, steps: asyncio.Queue[TryOutEvent]) -> None:
        try:
            async with aclosing(self._program.run(job)) as updates:
                async for step in updates:
                    steps.put_nowait(await self._show(step, job))
        except SpacebotError as error:
            steps.put_nowait(self._failed(error))
        except Exception as error:
            log.exception("A job of the try-out failed inside Spacebot.")
            steps.put_nowait(self._failed(error))

    def _failed(self, error: Exception) -> TryOutEvent:
        return TryOutEvent(self._render(problem=job_text.describe_failure(error)), last=True)

    async def _show(self, step: JobUpdate, job: Job) -> TryOutEvent:
        if isinstance(step, Outcome):
            return await self._end(step, job)
        partial = await self._message(step.partial) if step.partial else None
        line = job_text.progress_line(step, self._began)
        stage = render.STAGE_LABELS[step.stage]
        shown = render.RunningLine(line, stage, partial)
        # Markdown of a Space's text takes the time it takes, off the event loop.
        return TryOutEvent(await asyncio.to_thread(self._render, running=shown))

    async def _end(self, outcome: Outcome, job: Job) -> TryOutEvent:
        messages = [await self._message(reply) for reply in outcome.replies]
        if self._answered:
            self._answered(outcome)
        files = [kept for message in messages for kept, _ in message.files]
        text = recipes.result_text(job.endpoint, outcome.outputs)
        commands = forms.commands_by_name(self._spaces()).values()
        found = send_targets(commands, files, text)
        html = await asyncio.to_thread(self._render, **_placed(job, outcome, messages))
        key = self._results.keep(job, outcome, self._after) if job.endpoint.then else ""
        return TryOutEvent(
            html,
            True,
            found,
            result_buttons.result_buttons(job, outcome, key),
            _recipe(job, outcome),
        )

    async def _message(self, reply: Reply) -> render.RenderedMessage:
        # The files are copied now: whoever ran the job may remove them afterwards.
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
    """The messages of a result where they are in Discord: in a thread, private, or just there."""
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
    """What the button Recipe shows."""
    endpoint = job.endpoint
    where = f"<{endpoint.space}>" if endpoint.space.startswith("http") else endpoint.space
    hides = any(one.secret for one in endpoint.parameters)
    notes = recipes.recipe_notes(where, endpoint, job.arguments, outcome.page_ran, hides=hides)
    return to_html(recipes.code_block(recipes.line(job.command, endpoint, job.arguments)) + notes)


async def _paced_events(steps: asyncio.Queue[TryOutEvent]) -> AsyncIterator[str]:
    """Each newest step, at most one in PAUSE seconds; a comment where there is none for long."""
    while True:
        try:
            step = await asyncio.wait_for(steps.get(), HEARTBEAT_INTERVAL)
        except TimeoutError:
            yield ": still at it\n\n"
            continue
        while not step.last and not steps.empty():
            step = steps.get_nowait()
        yield step.event()
        if step.last:
            return
        await asyncio.sleep(MIN_EVENT_INTERVAL)
