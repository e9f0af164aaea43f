"""The README's pictures, of the real program in a real browser: `make pictures`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from playwright.async_api import Page, expect

from tests.support.browser.chromium import EXECUTABLE, MISSING, free_port, launched, visit

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs"
WINDOW = (1000, 1250)
RUNS = [
    ("compose", {"prompt": "calm piano in the rain", "seed": "7"}, "audio"),
    ("paint", {"prompt": "sunset over the mountains", "size": "256", "seed": "7"}, ".files img"),
]


@contextlib.asynccontextmanager
async def program() -> AsyncIterator[str]:
    """The program as `make run` starts it, without any setting but its port; gives its address."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="spacebot-pictures-") as folder:
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "DATA_DIR": folder}
        environ |= {"GRADIO_SERVER_PORT": str(port), "LOG_LEVEL": "WARNING"}
        # Settings that the environment names, though empty, are not read from .env.
        environ |= {"DISCORD_TOKEN": "", "HF_TOKEN": "", "SPACES": "", "TRYOUT": "1"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "app.py", cwd=ROOT, env=environ
        )
        try:
            await _answering(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def _answering(url: str, seconds: float = 90) -> None:
    """Wait until there are commands to try; TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient() as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(f"{url}/spacebot/tryout/commands")
                if answer.is_success and answer.json():
                    return
            await asyncio.sleep(0.5)
    raise TimeoutError(f"{url} offered no command within {seconds} s")


async def run(page: Page, command: str, values: dict[str, str], result: str) -> None:
    """Run a command of the embedded Space in the try-out, and wait for what it gives."""
    await page.fill(".line", f"/demo {command}")
    await page.press(".line", "Enter")
    for name, value in values.items():
        await page.fill(f"[name={name}]", value)
    await page.click(".panel .go")
    last = page.locator(".log .message").last
    await expect(last.locator(result)).to_be_visible(timeout=60_000)


async def take() -> None:
    """Write docs/tryout.png: the try-out with a tune and a picture."""
    async with program() as url, launched() as browser, visit(browser, url, WINDOW) as visited:
        # All of it in one picture, without scrolling.
        await visited.page.add_style_tag(content=".spacebot .log { max-height: none !important; }")
        for command, values, result in RUNS:
            await run(visited.page, command, values, result)
        # Players and pictures take a moment to know their length and size.
        await visited.page.wait_for_timeout(1500)
        await visited.page.locator(".discord").screenshot(path=PICTURES / "tryout.png")
    print("docs/tryout.png")


def shows_emoji() -> bool:
    """Whether this machine has a font for the emoji on buttons; true where nobody can tell."""
    if not shutil.which("fc-list"):
        return True
    asked = ["fc-list", ":lang=und-zsye", "family"]
    return bool(subprocess.run(asked, capture_output=True, check=False).stdout.strip())


if __name__ == "__main__":
    if EXECUTABLE is None:
        sys.exit(f"The pictures need a browser: {MISSING}")
    if not shows_emoji():
        sys.exit("The pictures need a font with emoji. On Debian: fonts-noto-color-emoji.")
    PICTURES.mkdir(exist_ok=True)
    asyncio.run(take())
