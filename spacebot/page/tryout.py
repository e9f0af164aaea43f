"""The try-out's side of a job: run it, and tell the browser how it goes as server-sent events."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from spacebot import inputs, recipes, words
from spacebot.errors import SpacebotError
from spacebot.models import Answer, Job, Outcome, Progress, Reply
from spacebot.outputs import MESSAGE_LIMIT
from spacebot.page import forms, render, under
from spacebot.page.house import House
from spacebot.page.markdown import to_html
from spacebot.page.media import Shelf
from spacebot.page.results import Results
from spacebot.page.sending import Target, targets
from spacebot.page.talks import Question
from spacebot.page.under import Under

Step = Progress | Outcome
Folder = tempfile.TemporaryDirectory[str]

log = logging.getLogger(__name__)

# Proxies close a stream that stays silent for long; 15 s is what Gradio itself keeps to.
HEARTBEAT = 15.0
# More updates a second than this only flicker.
PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Shown:
    """A step of a job as the browser gets it. `last` says that nothing follows.

    `under` are the buttons where nothing does, and `recipe` what one of them shows.
    """

    html: str
    last: bool = False
    targets: Sequence[Target] = ()
    under: Sequence[Under] = field(default_factory=under.of_failure)
    recipe: str = ""

    def event(self) -> str:
        """The step as one server-sent event."""
        return f"data: {json.dumps(asdict(self))}\n\n"


class Turn:
    """One use of a command in the try-out, told to one browser.

    `running` keeps the tasks alive until their end: the event loop itself does not.
    `after` is the press of another result's button that this is the answer to.
    """

    def __init__(
        self,
        house: House,
        shelf: Shelf,
        running: set[asyncio.Task[None]],
        command: str,
        bot: str,
        results: Results,
        after: str = "",
    ) -> None:
        self._house = house
        self._shelf = shelf
        self._running = running
        self._command = command
        self._question: Question | None = None
        self._answered: Callable[[Outcome], None] | None = None
        self._began = time.time()
        self._bot = bot
        self._header = ""
        self._results = results
        self._after = after

    def said(self, question: Question, answered: Callable[[Outcome], None]) -> None:
        """Show what was said to a chat over its answer; `answered` keeps what it answers."""
        self._question, self._answered = question, answered

    def _render(self, **shown: Any) -> str:
        said = self._question
        return render.turn(self._command, self._bot, said=said, header=self._header, **shown)

    async def events(self, job: Job, folder: Folder) -> AsyncIterator[str]:
        """Server-sent events of HTML until the job's end; closing it cancels the job.

        `folder` holds the job's files, and is removed at the end.
        """
        # In a conversation what was asked stands right above.
        self._header = "" if job.conversation else words.header(job, job.command)
        steps: asyncio.Queue[Shown] = asyncio.Queue()
        running = asyncio.create_task(self._run(job, steps))
        self._running.add(running)

        def ended(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            folder.cleanup()

        running.add_done_callback(ended)
        try:
            yield Shown(self._render()).event()
            async for event in _paced(steps):
                yield event
        finally:
            # Not awaited: when the browser has gone, every await here is cancelled too.
            running.cancel()

    def refused(self, error: SpacebotError) -> str:
        """The event for what was not even started, and why."""
        return self._failed(error).event()

    async def _run(self, job: Job, steps: asyncio.Queue[Shown]) -> None:
        try:
            async with aclosing(_closing(self._house.run(job))) as ways:
                async for step in ways:
                    steps.put_nowait(await self._show(step, job))
        except SpacebotError as error:
            steps.put_nowait(self._failed(error))
        except Exception as error:
            log.exception("A job of the try-out failed inside Spacebot.")
            steps.put_nowait(self._failed(error))

    def _failed(self, error: Exception) -> Shown:
        return Shown(self._render(problem=words.failure(error)), last=True)

    async def _show(self, step: Step, job: Job) -> Shown:
        if isinstance(step, Outcome):
            return await self._end(step, job)
        partial = await self._message(step.partial) if step.partial else None
        line = words.progress(step, self._began)
        stage = render.STAGES[step.stage]
        shown = render.Running(line, stage, partial)
        # Markdown of a Space's text takes the time it takes, off the event loop.
        return Shown(await asyncio.to_thread(self._render, running=shown))

    async def _end(self, outcome: Outcome, job: Job) -> Shown:
        messages = [await self._message(reply) for reply in outcome.replies]
        if self._answered:
            self._answered(outcome)
        files = [kept for message in messages for kept, _ in message.files]
        text = recipes.texts(job.endpoint, outcome.values)
        commands = forms.commands(self._house.spaces()).values()
        found = targets(commands, files, text)
        html = await asyncio.to_thread(self._render, **_placed(job, outcome, messages))
        key = self._results.keep(job, outcome, self._after) if job.endpoint.then else ""
        return Shown(html, True, found, under.of_result(job, outcome, key), _recipe(job, outcome))

    async def _message(self, reply: Reply) -> render.Message:
        # The files are copied now: whoever ran the job may remove them afterwards.
        files = [
            (await asyncio.to_thread(self._shelf.keep, Path(one.path), one.name), one.description)
            for one in reply.files
        ]
        return render.Message(reply.text, tuple(files))


def _placed(job: Job, outcome: Outcome, messages: Sequence[render.Message]) -> dict[str, Any]:
    """The messages of a result where they are in Discord: in a thread, private, or just there."""
    answer = job.endpoint.answer
    if job.conversation:
        return {"messages": messages}
    done = words.took(outcome.ran)
    if answer is Answer.THREAD:
        title = inputs.thread_title(job.endpoint, job.given)
        return {"messages": messages, "thread": render.Thread(title, f"{done} · in a thread")}
    first, *rest = messages or [render.Message("")]
    if len(first.text) + len(done) < MESSAGE_LIMIT:
        first = replace(first, text=f"{first.text}\n{done}".strip())
    return {"messages": [first, *rest], "private": answer is Answer.PRIVATE}


def _recipe(job: Job, outcome: Outcome) -> str:
    """What the button Recipe shows."""
    endpoint = job.endpoint
    where = f"<{endpoint.space}>" if endpoint.space.startswith("http") else endpoint.space
    hides = any(one.secret for one in endpoint.parameters)
    notes = recipes.notes(where, endpoint, job.given, outcome.page_ran, hides=hides)
    return to_html(recipes.block(recipes.line(job.command, endpoint, job.given)) + notes)


async def _closing(
    steps: AsyncIterator[Step],
) -> AsyncGenerator[Step]:
    """The steps as a generator, so that closing it closes an iterator that can be closed."""
    try:
        async for step in steps:
            yield step
    finally:
        if isinstance(steps, AsyncGenerator):
            await steps.aclose()


async def _paced(steps: asyncio.Queue[Shown]) -> AsyncIterator[str]:
    """Each newest step, at most one in PAUSE seconds; a comment where there is none for long."""
    while True:
        try:
            step = await asyncio.wait_for(steps.get(), HEARTBEAT)
        except TimeoutError:
            yield ": still at it\n\n"
            continue
        while not step.last and not steps.empty():
            step = steps.get_nowait()
        yield step.event()
        if step.last:
            return
        await asyncio.sleep(PAUSE)
