"""The Gradio app that contains the page, and the server it runs on."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import gradio as gr
import gradio.themes
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.middleware import Middleware

from spacebot.web import connections, render, routes
from spacebot.web.access import OwnerAccess
from spacebot.web.guard import RequestGuard
from spacebot.web.program import Program
from spacebot.web.tryout.file_cache import FileCache

# Gradio's own themes load their fonts from Google; these are on every system.
FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif"]
SCRIPTS = ("status.js", "owner.js", "tryout.js")
BACKGROUND = {"body_background_fill": "white", "body_background_fill_dark": "#121316"}
MONO_FONTS = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]


class PageBlocks(gr.Blocks):
    """A Gradio app with Gradio's routes for signing in with Hugging Face, if wanted.

    `gr.LoginButton` would add them too, with events that anyone could call.
    """

    signs_in = False

    @property
    def expects_oauth(self) -> bool:
        """Whether Gradio adds those routes."""
        return self.signs_in


def build(program: Program, access: OwnerAccess | None = None) -> gr.Blocks:
    """The page as a Gradio app without a single event: there is nothing to call in its API."""
    with PageBlocks(title="Spacebot", analytics_enabled=False) as demo:
        demo.signs_in = access is not None and access.huggingface
        gr.HTML(
            render.shell(tryout=program.tryout, any_space=program.any_space),
            js_on_load="window.spacebot(element)",
            apply_default_css=False,
            elem_id="spacebot",
        )
    # Gradio looks for events to run 1,000 times a second, using 6 % of a core; here there are none.
    demo._queue.sleep_when_free = 60.0
    demo._queue.progress_update_sleep_when_free = 60.0
    return demo


def launch_options() -> dict[str, Any]:
    """Keyword arguments of `launch` that the page needs: its look, its scripts, no extras."""
    static = files("spacebot.web") / "static"
    scripts = "\n".join((static / name).read_text() for name in SCRIPTS)
    style = (static / "page.css").read_text()
    icon = '<link rel="icon" type="image/svg+xml" href="favicon.ico">'
    return {
        "theme": gradio.themes.Base(font=FONTS, font_mono=MONO_FONTS).set(**BACKGROUND),
        "head": f"<style>{style}</style><script>{scripts}</script>{icon}",
        "favicon_path": str(static / "favicon.svg"),
        "footer_links": [],
        "run_history": False,
        "ssr_mode": False,
        "share": False,
        "pwa": False,
        "mcp_server": False,
        "enable_monitoring": False,
    }


def app_options(program: Program, file_cache: FileCache, access: OwnerAccess) -> dict[str, Any]:
    """Keyword arguments of the FastAPI app that contains the page's routes."""
    return {
        # Routes added after the start would be missing for a moment: /healthz among them.
        "routes": routes.router(program, file_cache, access).routes,
        "middleware": [Middleware(RequestGuard, access=access)],
        "exception_handlers": {RequestValidationError: unreadable},
    }


async def unreadable(_request: Request, error: Exception) -> Response:
    """Say which parameters cannot be read; FastAPI's own handler would echo their content."""
    wrong = error.errors() if isinstance(error, RequestValidationError) else ()
    names = sorted({str(one["loc"][-1]) for one in wrong})
    return JSONResponse({"detail": f"Cannot be read: {', '.join(names)}."}, status_code=422)


@dataclass(frozen=True, slots=True)
class PageServer:
    """A page that is being served at `url` until it is closed."""

    url: str
    demo: gr.Blocks
    file_cache: FileCache

    def close(self) -> None:
        """Stop serving and delete the try-out's files."""
        self.demo.close(verbose=False)
        self.file_cache.close()


def serve(
    program: Program,
    host: str | None = None,
    port: int | None = None,
    *,
    access: OwnerAccess | None = None,
) -> PageServer:
    """Serve the page from its own threads, on the first free port from 7860 or on `port`."""
    demo, file_cache = build(program, access), FileCache()
    try:
        _, url, _ = demo.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            app_kwargs=app_options(program, file_cache, access or OwnerAccess()),
            **launch_options(),
        )
    except OSError:
        file_cache.close()
        raise
    connections.bound(demo.server.config)
    return PageServer(url, demo, file_cache)
