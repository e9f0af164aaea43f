"""The README's moving picture, of the real program in a real browser: `make pictures`."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
from PIL import Image

from tests.support.browser.chromium import EXECUTABLE, MISSING, free_port, launched, visit
from tests.support.program import VISITOR

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs"


@contextlib.asynccontextmanager
async def program() -> AsyncIterator[str]:
    """Start the program like `make run`, with its port as the only setting; returns its address."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="spacebot-pictures-") as folder:
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "DATA_DIR": folder}
        environ |= {"GRADIO_SERVER_PORT": str(port), "LOG_LEVEL": "WARNING"}
        # Settings in the environment, even empty ones, are not read from .env.
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
    async with httpx.AsyncClient(headers=VISITOR) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                answer = await client.get(f"{url}/spacebot/tryout/commands")
                if answer.is_success and answer.json():
                    return
            await asyncio.sleep(0.5)
    raise TimeoutError(f"{url} offered no command within {seconds} s")


async def film() -> None:
    """Write docs/demo.gif: a command typed in the try-out, its form, its progress, its result."""
    size = (760, 1000)
    frames: list[tuple[bytes, int]] = []
    async with (
        program() as url,
        launched() as browser,
        visit(browser, url, size, "dark") as visited,
    ):
        page = visited.page
        window = page.locator(".discord")
        await window.scroll_into_view_if_needed()

        async def shot(milliseconds: int) -> None:
            frames.append((await window.screenshot(), milliseconds))

        await shot(800)
        for end in (1, 3, 5, 7, 9, 11):
            await page.fill(".line", "/demo paint"[:end])
            await shot(120)
        await shot(500)
        await page.press(".line", "Enter")
        await page.wait_for_selector(".panel form")
        words = "sunset over the mountains"
        for end in range(0, len(words) + 1, 3):
            await page.fill("[name=prompt]", words[:end])
            await shot(90)
        await page.fill("[name=prompt]", words)
        await shot(700)
        await page.click(".panel .go")
        result = page.locator(".log .message").last.locator(".files img")
        for _ in range(40):
            await shot(350)
            if await result.is_visible():
                break
        await page.wait_for_timeout(1000)
        await shot(4000)
    save_film(frames, PICTURES / "demo.gif")
    print("docs/demo.gif")


def save_film(frames: Sequence[tuple[bytes, int]], path: Path) -> None:
    """Write PNGs, each with its milliseconds, as one GIF; frames that look alike become one."""
    pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data, _ in frames]
    size = max(one.width for one in pictures), max(one.height for one in pictures)
    shown: list[tuple[Image.Image, int]] = []
    for picture, (_, milliseconds) in zip(pictures, frames, strict=True):
        canvas = Image.new("RGB", size, picture.getpixel((picture.width // 2, 3)))
        # The composer stays where it is, as in Discord.
        canvas.paste(picture, (0, size[1] - picture.height))
        if shown and shown[-1][0].tobytes() == canvas.tobytes():
            shown[-1] = (canvas, shown[-1][1] + milliseconds)
        else:
            shown.append((canvas, milliseconds))
    first, *others = (picture.quantize(96) for picture, _ in shown)
    times = [milliseconds for _, milliseconds in shown]
    first.save(path, save_all=True, append_images=others, duration=times, loop=0, optimize=True)


def shows_emoji() -> bool:
    """Whether this machine has a font for the emoji on buttons; True if unknown."""
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
    asyncio.run(film())
