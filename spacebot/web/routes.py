"""The routes of the page's scripts, beside Gradio's own.

The page has no Gradio event: nothing but these routes can be called.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    StreamingResponse,
)
from starlette.datastructures import FormData

from spacebot.concurrency import TaskSet
from spacebot.engine.on_demand import NONE_ALLOWED
from spacebot.engine.store import clean
from spacebot.errors import InputError, SpacebotError
from spacebot.models import AutocompleteRequest, BotPhase, Choice, Endpoint, Job, Requester
from spacebot.spaces import inputs
from spacebot.web import render
from spacebot.web.access import OwnerAccess, require_own_page
from spacebot.web.headers import NO_STORE
from spacebot.web.overview import StatusOverview
from spacebot.web.owner import OwnerView
from spacebot.web.program import Program
from spacebot.web.readme import readme_text
from spacebot.web.tryout import forms
from spacebot.web.tryout.conversations import TryOutConversations, TryOutQuestion
from spacebot.web.tryout.file_cache import FileCache
from spacebot.web.tryout.results import TryOutResults
from spacebot.web.tryout.tryout import TryOutRun
from spacebot.web.tryout.typed_commands import read_line
from spacebot.web.tryout.visitor_spaces import VisitorSpaces
from spacebot.web.tryout.visitors import (
    SESSION_ID,
    Session,
    TryOutRequest,
    Visitors,
    issue_session,
)

# An address on Hugging Face is shorter.
MAX_WRITTEN_SPACE = 300
# Prometheus' text format, as its own client names it.
PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Without this, an nginx in front of the app may delay events.
EVENT_STREAM_HEADERS = {**NO_STORE, "X-Accel-Buffering": "no"}


class TryOutRoutes:
    """The try-out's routes; each answers 404 if the try-out is not offered."""

    def __init__(self, program: Program, file_cache: FileCache, overview: StatusOverview) -> None:
        self._program = program
        self._overview = overview
        self._file_cache = file_cache
        self._running = TaskSet()
        self._conversations = TryOutConversations()
        self._results = TryOutResults(program)
        self._spaces = VisitorSpaces(program)
        self._visitors = Visitors()

    async def offered(self, request: Request) -> None:
        """Refuse if the try-out is off, or if another site's page asks."""
        if not self._program.tryout:
            raise HTTPException(404, "The try-out is off here.")
        # Another site's page could otherwise use up the share of a visitor or of the owner's
        # machine. A file can be opened in its own tab, which no page requests.
        if request.headers.get("sec-fetch-site") != "none":
            require_own_page(request)

    async def turns(
        self, request: Request, response: Response, session: Session
    ) -> list[dict[str, Any]]:
        """This visitor's turns on the page."""
        issue_session(request, response, hosted=self._program.hosted)
        return [turn.for_browser() for turn in self._visitors.turns(session)]

    async def turn(self, turn: str, session: Session) -> StreamingResponse:
        """A turn of this visitor as server-sent events, until its end."""
        return _events(self._visitors.find(session, turn).events())

    async def end(self, turn: str, session: Session) -> None:
        """Cancel a running turn, or forget a finished one."""
        found = self._visitors.find(session, turn)
        if found.state.last:
            self._visitors.drop(session, found)
        elif found.task:
            found.task.cancel()

    async def commands(
        self, request: Request, response: Response, session: Session
    ) -> list[dict[str, Any]]:
        """Each command's name, description and options, and whether it is a chat."""
        issue_session(request, response, hosted=self._program.hosted)
        self._visitors.renew(session)
        spaces = self._spaces.of(session)
        return [one.shown() for one in forms.commands_by_name(spaces).values()]

    async def space(self, request: Request, session: Session) -> dict[str, str]:
        """Read a Space that a visitor names, and offer its commands to that visitor."""
        if not self._program.any_space:
            raise HTTPException(404, NONE_ALLOWED)
        written = (await forms.read_fields(request)).get("space", "")[:MAX_WRITTEN_SPACE]
        try:
            space = await self._spaces.bring(session, written)
        except SpacebotError as error:
            raise HTTPException(409, str(error)) from error
        return {"name": space.name, "title": space.title}

    async def typed(self, request: Request, session: Session) -> dict[str, Any]:
        """The command of a typed line, and the fields that the line fills in."""
        line = (await forms.read_fields(request)).get("line", "")
        found = read_line(line, forms.commands_by_name(self._spaces.of(session)))
        if found is None:
            raise HTTPException(404, "No command has that name.")
        return {"command": found[0].name, "fields": list(found[1].items())}

    async def form(self, command: str, session: Session, after: str = "") -> HTMLResponse:
        """The form of a command, or of what a result's button calls."""
        called = self._called(command, after, session)
        # A menu may have tens of thousands of choices.
        html = await asyncio.to_thread(lambda: render.form(called.name, called.form))
        return HTMLResponse(html, headers=NO_STORE)

    async def suggest(
        self,
        request: Request,
        command: str,
        option: str,
        session: Session,
        after: str = "",
    ) -> list[dict[str, str]]:
        """Suggestions for an option of a form that is partly filled in."""
        requester = _visitor(session)
        endpoint = self._called(command, after, session).endpoint
        typed = await forms.read_fields(request)
        text = typed.pop(option, "")[:100]
        arguments = forms.partial_arguments(endpoint, typed)
        asked = AutocompleteRequest(endpoint, option, text, arguments, requester)
        found = await self._fitting(asked)
        return [{"label": choice.label, "value": str(choice.value)} for choice in found]

    async def _fitting(self, asked: AutocompleteRequest) -> list[Choice]:
        """Choices that the Space's page determines come from the bot's thread, all others from
        here."""
        parameter = inputs.parameter_of(asked.endpoint, asked.option)
        if parameter is not None and parameter.live:
            with contextlib.suppress(SpacebotError):
                return await self._program.suggest(asked)
        # A menu may have tens of thousands of choices.
        return await asyncio.to_thread(inputs.suggest, asked.endpoint, asked.option, asked.text)

    async def run(
        self,
        request: Request,
        command: str,
        session: Session,
        conversation: str = "",
        after: str = "",
        regenerate: bool = False,
        vary: bool = False,
    ) -> Response:
        """Run a command; the answer is a stream of server-sent events, each the turn so far.

        `after` is the press of a result's button, which calls another endpoint with that result.
        `regenerate` asks a chat its last question again; `vary` draws other seeds. A chat belongs
        to a `conversation`; the form of each further message has `said` and `files`.
        """
        requester = _visitor(session)
        key = f"{session}:{_conversation(conversation) or session}"
        called = self._called(command, after, session)
        endpoint = called.endpoint
        folder = tempfile.TemporaryDirectory(prefix="spacebot-given-")
        try:
            async with request.form(max_files=25, max_fields=forms.MAX_FIELDS) as sent:
                form, varied = forms.vary(endpoint, sent) if vary else (sent, {})
                stored, incomplete = forms.stored(endpoint, form)
                asked = TryOutRequest(called.name, after, conversation, stored, incomplete, varied)
                run = await self._new_run(session, asked)
                try:
                    question = await asyncio.to_thread(
                        self._question,
                        endpoint,
                        form,
                        Path(folder.name),
                        key,
                        regenerate=regenerate,
                    )
                except InputError as error:
                    folder.cleanup()
                    run.fail(error)
                    self._visitors.add(session, run.turn)
                    return _events(run.turn.events())
        except BaseException:
            folder.cleanup()
            raise
        job = Job(
            secrets.token_hex(8),
            question.endpoint,
            requester,
            question.arguments,
            command=f"/{called.name}",
            conversation=f"tryout:{key}" if endpoint.chats else None,
        )
        if endpoint.chats:
            run.said(question, lambda end: self._conversations.answered(key, endpoint, end))
        self._visitors.add(session, run.turn)
        run.start(job, folder)
        return _events(run.turn.events())

    async def _new_run(self, session: str, asked: TryOutRequest) -> TryOutRun:
        bot = (await self._overview.status()).bot.name or "Spacebot"
        spaces = partial(self._spaces.of, session)
        shared = (self._program, self._file_cache, self._running, bot, self._results)
        return TryOutRun(*shared, spaces, asked, partial(self._visitors.renew, session))

    def _question(
        self, endpoint: Endpoint, form: FormData, folder: Path, key: str, *, regenerate: bool
    ) -> TryOutQuestion:
        """An endpoint's question in a form; for a chat, together with the conversation so far."""
        said = form.get("said")
        if endpoint.chats and isinstance(said, str):
            said = clean(said)
            files = forms.save_attachments(form.getlist("files"), folder)
            return self._conversations.say(key, endpoint, said, files, regenerate=regenerate)
        arguments = forms.read_form(endpoint, form, folder)
        if endpoint.chats:
            return self._conversations.begin(key, endpoint, arguments)
        return TryOutQuestion(endpoint, arguments, "", ())

    async def file(self, key: str) -> FileResponse:
        """A file of a result, as long as it is stored."""
        kept = self._file_cache.find(key)
        if kept is None:
            raise HTTPException(404, "This file is no longer stored. Run the command again.")
        return FileResponse(kept.path, media_type=kept.media_type, headers=kept.headers)

    def _called(self, command: str, after: str, session: str) -> forms.PageCommand:
        """What to run: the command, or what a result's button calls."""
        if not after:
            return self._command(command, session)
        try:
            return self._results.pressed(after)
        except SpacebotError as error:
            raise HTTPException(404, str(error)) from error

    def _command(self, name: str, session: str) -> forms.PageCommand:
        found = forms.commands_by_name(self._spaces.of(session)).get(name)
        if found is None:
            raise HTTPException(404, "This command is no longer offered. Choose another one.")
        return found

    def router(self) -> APIRouter:
        """All of these routes."""
        router = APIRouter(prefix="/spacebot/tryout", dependencies=[Depends(self.offered)])
        router.add_api_route("/commands", self.commands, methods=["GET"])
        router.add_api_route("/turns", self.turns, methods=["GET"])
        router.add_api_route("/turn", self.turn, methods=["GET"], response_class=StreamingResponse)
        router.add_api_route("/end", self.end, methods=["POST"], status_code=204)
        router.add_api_route("/space", self.space, methods=["POST"])
        router.add_api_route("/typed", self.typed, methods=["POST"])
        router.add_api_route("/form", self.form, methods=["GET"], response_class=HTMLResponse)
        router.add_api_route("/suggest", self.suggest, methods=["POST"])
        router.add_api_route("/run", self.run, methods=["POST"], response_class=StreamingResponse)
        router.add_api_route("/files/{key}", self.file, methods=["GET", "HEAD"])
        return router


def router(program: Program, file_cache: FileCache, access: OwnerAccess) -> APIRouter:
    """/healthz, the page's sections, the try-out's routes and the owner's."""
    overview = StatusOverview(program)

    async def healthz() -> JSONResponse:
        status = await overview.status()
        bot = status.bot
        if bot.phase in (BotPhase.CONNECTED, BotPhase.OFF):
            if status.trouble:
                degraded = {"status": "degraded", "reason": status.trouble}
                return JSONResponse(degraded, status_code=503, headers=NO_STORE)
            return JSONResponse({"status": "ok"}, headers=NO_STORE)
        reason = bot.reason or "The first connection to Discord is under way."
        answer = {"status": bot.phase.value, "reason": reason}
        wait = str(max(1, math.ceil(bot.until - time.time()))) if bot.until else ""
        headers = {**NO_STORE, "Retry-After": wait} if wait else NO_STORE
        return JSONResponse(answer, status_code=503, headers=headers)

    async def sections(known: str = "") -> Response:
        changed = await overview.changed(known)
        return JSONResponse(changed, headers=NO_STORE) if changed else Response(status_code=204)

    async def metrics() -> Response:
        try:
            found = await program.metrics()
        except SpacebotError as error:
            return PlainTextResponse(str(error), status_code=503, headers=NO_STORE)
        return Response(found, headers={**NO_STORE, "Content-Type": PROMETHEUS_TYPE})

    async def readme() -> PlainTextResponse:
        return PlainTextResponse(await asyncio.to_thread(readme_text))

    async def look(request: Request) -> Response:
        require_own_page(request)
        try:
            await program.look()
        except SpacebotError as error:
            raise HTTPException(409, str(error)) from error
        return Response(status_code=204)

    every = APIRouter(include_in_schema=False)
    every.add_api_route("/healthz", healthz, methods=["GET", "HEAD"])
    every.add_api_route("/metrics", metrics, methods=["GET"])
    every.add_api_route("/spacebot/status", sections, methods=["GET"])
    every.add_api_route("/spacebot/readme", readme, methods=["GET"])
    every.add_api_route("/spacebot/look", look, methods=["POST"])
    every.include_router(TryOutRoutes(program, file_cache, overview).router())
    every.include_router(OwnerView(program, overview, access).router())
    return every


def _visitor(session: str) -> Requester:
    """A visitor by their session."""
    user = f"tryout:{session}"
    # Anyone can make up sessions, so all visitors together have one person's share.
    return Requester(user, "you", share="tryout")


def _conversation(name: str) -> str:
    if name and not SESSION_ID.fullmatch(name):
        raise HTTPException(400, "The conversation must be 32 hexadecimal digits.")
    return name


def _events(stream: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(stream, media_type="text/event-stream", headers=EVENT_STREAM_HEADERS)
