"""An environment for each version of Gradio, made by uv and cached by its requirements."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gradio
import httpx

from tests.support.apps.serving import free_port

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".venv-versions"
OLDER = sorted(
    (path.stem for path in (HERE / "requirements").glob("*.txt")),
    key=lambda version: [int(part) for part in version.split(".")],
)
# The version that the bot itself runs on, in whose environment the tests are.
PRESENT = gradio.__version__
VERSIONS = [*OLDER, PRESENT]


def python(version: str) -> Path:
    """The interpreter of one version's environment, made where it is missing or outdated.

    Raises `CalledProcessError` where it cannot be made; uv has said why.
    """
    if version == PRESENT:
        return Path(sys.executable)
    wanted = HERE / "requirements" / f"{version}.txt"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = ENVIRONMENTS / version
    stamp = folder / "made-from"
    found = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        uv = [sys.executable, "-m", "uv", "--quiet"]
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, folder], check=True)
        subprocess.run([*uv, "pip", "install", "--python", found, "-r", wanted], check=True)
        stamp.write_text(digest)
    return found


@contextlib.contextmanager
def serving(version: str, folder: Path) -> Iterator[str]:
    """Serve the app on a version of Gradio, in a process of its own: its address."""
    port = free_port()
    settings = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "MPLBACKEND": "Agg",
    }
    log = folder / "log"
    command = [python(version), "-W", "ignore", HERE / "app.py", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=os.environ | settings, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url, log)
        yield url
    finally:
        process.kill()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/config", timeout=5).is_success:
                return
        time.sleep(0.2)
    raise RuntimeError(f"the app does not answer:\n{log.read_text()[-2000:]}")
