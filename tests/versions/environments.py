"""An environment for each version of Gradio, made by uv and cached by its requirements."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gradio
import httpx
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.apps.serving import free_port

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".venv-versions"
# PostgreSQL's driver, and all of requirements.txt.
REQUIREMENTS = HERE.parents[1] / "requirements-postgres.txt"
UV = [sys.executable, "-m", "uv", "--quiet"]
OLDER = sorted(
    (path.stem for path in (HERE / "requirements").glob("*.txt")),
    key=lambda version: [int(part) for part in version.split(".")],
)
# The bot's own version, in whose environment the tests run.
PRESENT = gradio.__version__
VERSIONS = [*OLDER, PRESENT]


def python(version: str) -> Path:
    """The interpreter of one version's environment, created if missing or outdated.

    Raises `CalledProcessError` where it cannot be made; uv has said why.
    """
    if version == PRESENT:
        return Path(sys.executable)
    return _made(version, HERE / "requirements" / f"{version}.txt")


def lowest() -> Path:
    """The interpreter of an environment with the oldest versions that the requirements accept."""
    return _made("lowest", REQUIREMENTS, "--resolution", "lowest-direct")


def installed(python: Path) -> dict[str, Version]:
    """The versions of the packages in an environment."""
    listing = [*UV, "pip", "list", "--format", "json", "--python", python]
    found = json.loads(subprocess.run(listing, check=True, stdout=subprocess.PIPE).stdout)
    return {canonicalize_name(one["name"]): Version(one["version"]) for one in found}


def _made(name: str, wanted: Path, *options: str) -> Path:
    made_from = [wanted.read_text(), sys.version, *options]
    digest = hashlib.sha256("\n".join(made_from).encode()).hexdigest()[:16]
    folder = ENVIRONMENTS / name
    stamp = folder / "made-from"
    found = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        subprocess.run([*UV, "venv", "--clear", "--python", sys.executable, folder], check=True)
        install = [*UV, "pip", "install", "--python", found, *options, "-r", wanted]
        subprocess.run(install, check=True)
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
