"""A real chromium, and pages that may only connect to this machine."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support.patience import PATIENCE

EXECUTABLE = os.environ.get("CHROMIUM") or shutil.which("chromium")
MISSING = "no browser: set CHROMIUM, or install chromium so that it is on PATH"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = (1280, 900)
PHONE = (360, 740)


# Tests share their machine with other programs.
expect.set_options(timeout=15_000 * PATIENCE)


def free_port() -> int:
    """A port that nothing on this machine listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A browser, closed at the end."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


class Visit:
    """A page in a visitor's own window, with its foreign requests and console errors."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._request)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._console)

    def _request(self, request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.foreign.append(request.url)

    def _console(self, message) -> None:
        if message.type == "error":
            self.complaints.append(message.text)


@asynccontextmanager
async def visit(
    browser: Browser, url: str, size: tuple[int, int] = DESKTOP, scheme: str = "light"
) -> AsyncIterator[Visit]:
    """Open the page as a new visitor with a window of `size` pixels, and wait until it is there."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=size == PHONE,
    )
    visited = Visit(await context.new_page())
    try:
        await visited.page.goto(url)
        await visited.page.wait_for_selector(".spacebot .counts")
        yield visited
    finally:
        await context.close()
