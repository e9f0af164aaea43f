"""The status, read once for all viewers, and never on the page's own loop."""

from __future__ import annotations

import asyncio
from functools import partial

from spacebot.models import Status
from spacebot.web import render
from spacebot.web.program import Program


class StatusOverview:
    """The page's sections, rendered again, in a thread, only when the status has changed."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._asking: asyncio.Task[Status] | None = None
        self._rendering: asyncio.Task[tuple[render.PageSection, ...]] | None = None
        self._status: Status | None = None

    async def status(self) -> Status:
        """The status. A bot that hangs delays only the viewers of the status."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(asyncio.to_thread(self._program.status))
        return await asyncio.shield(self._asking)

    async def changed(self, known: str) -> list[tuple[str, str, str]]:
        """(name, digest, html) of each section that is not `known` ("name:digest,…")."""
        parts = await self._rendered(await self.status())
        has = set(known.split(","))
        return [
            (part.name, part.digest, part.html)
            for part in parts
            if f"{part.name}:{part.digest}" not in has
        ]

    async def _rendered(self, status: Status) -> tuple[render.PageSection, ...]:
        if self._rendering is None or (self._rendering.done() and status != self._status):
            program, self._status = self._program, status
            render_all = partial(
                render.sections, status, token=program.has_token, hosted=program.hosted
            )
            self._rendering = asyncio.create_task(asyncio.to_thread(render_all))
        return await asyncio.shield(self._rendering)
