"""What Gradio serves beside its page to whoever asks, closed: this page uses none of it."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

API = "/gradio_api/"
# What tells a client that there is nothing to call, and what Gradio asks itself as it starts.
OPEN = frozenset({"info", "app_id", "startup-events"})


class Closed:
    """Answers 404 for the rest of Gradio's API.

    The page has no event, but uploads could still fill the disk, made-up calls
    the log, and open streams the processor.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or answer it."""
        _, api, asked = scope.get("path", "").partition(API)
        if api and asked.rstrip("/") not in OPEN:
            nothing = JSONResponse({"detail": "There is nothing to call here."}, status_code=404)
            await nothing(scope, receive, send)
        else:
            await self._app(scope, receive, send)
