"""The owner's routes, which strangers can neither see nor call."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from spacebot.engine import job_text
from spacebot.errors import SpacebotError
from spacebot.web import render
from spacebot.web.access import OwnerAccess, OwnerGate, require_own_page
from spacebot.web.headers import NO_STORE
from spacebot.web.overview import StatusOverview
from spacebot.web.program import Program
from spacebot.web.tryout.forms import read_fields


class OwnerView:
    """The routes; each but signing in checks with the gate first."""

    def __init__(self, program: Program, overview: StatusOverview, access: OwnerAccess) -> None:
        self._program = program
        self._overview = overview
        self._gate = OwnerGate(access)

    async def view(self, request: Request, known: str = "") -> Response:
        """The owner's section, unless it is `known`; for anyone else, how to sign in."""
        require_own_page(request)
        visitor = self._gate.visitor(request)
        if visitor.owner:
            status = await self._overview.status()
            shown = render.owner(status, await self._program.owner(), visitor.name)
        else:
            shown = render.sign_in(self._gate.access, visitor.name)
        if shown.digest == known:
            return Response(status_code=204)
        answer = {"owner": visitor.owner, "digest": shown.digest, "html": shown.html}
        return JSONResponse(answer, headers=NO_STORE)

    async def sign_in(self, request: Request) -> Response:
        """Start a session of the owner."""
        fields = await read_fields(request)
        response = Response(status_code=204)
        self._gate.sign_in(request, fields.get("password", ""), response)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        response = Response(status_code=204)
        self._gate.sign_out(request, response)
        return response

    async def act(self, request: Request) -> Response:
        """Do what the owner asks, and return a confirmation."""
        self._gate.owner(request)
        fields = await read_fields(request)
        try:
            said = await self._program.act(fields.get("action", ""), fields.get("target", ""))
        except SpacebotError as error:
            raise HTTPException(409, job_text.describe_failure(error)) from error
        return JSONResponse({"said": said}, headers=NO_STORE)

    async def log(self, request: Request) -> Response:
        """The last lines of the log, as a file."""
        self._gate.owner(request)
        headers = {**NO_STORE, "Content-Disposition": 'attachment; filename="spacebot.log"'}
        return PlainTextResponse(self._program.log(), headers=headers)

    def router(self) -> APIRouter:
        """All of these routes."""
        router = APIRouter(prefix="/spacebot/owner")
        router.add_api_route("", self.view, methods=["GET"])
        router.add_api_route("/sign-in", self.sign_in, methods=["POST"])
        router.add_api_route("/sign-out", self.sign_out, methods=["POST"])
        router.add_api_route("/act", self.act, methods=["POST"])
        router.add_api_route("/log", self.log, methods=["GET"])
        return router
