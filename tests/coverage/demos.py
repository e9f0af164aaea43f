"""One demo at a time: started, checked, killed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.support.apps.serving import free_port

NURSERY = Path(__file__).with_name("nursery.py")
START = 30.0
# The end of a demo's traceback → a reason that groups with its kind.
REASONS = (
    (re.compile(r"No module named '(\w+)"), "a library is not installed: {}"),
    (re.compile(r"(?:Unable to import|requires? (?:the )?)`?(\w+)`?"), "needs {}"),
    (re.compile(r"no network here|Network is unreachable|offline|Connection error"), "network"),
    (re.compile(r"No such file or directory: '([^']+)'|does not exist"), "a file is missing"),
    (re.compile(r"API_KEY|api_key|OPENAI|credentials"), "needs a key"),
)


class NoStart(Exception):
    """A demo does not start here; the text is the reason."""


class Nursery:
    """The process that demos are forked from (see `nursery`)."""

    def __init__(self, python: str) -> None:
        keep = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")
        home = tempfile.mkdtemp(prefix="demo-home-")
        environment = {name: os.environ[name] for name in keep if name in os.environ}
        self.process = subprocess.Popen(
            [python, "-W", "ignore", str(NURSERY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment | {"HF_HOME": home},
        )

    def fork(self, folder: Path, port: int, log: Path) -> int:
        """Start the demo in `folder`; returns its process id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        wanted = {"folder": str(folder), "port": port, "log": str(log)}
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """End it; its demos keep running."""
        self.process.kill()
        self.process.wait(10)


@contextlib.contextmanager
def running(nursery: Nursery, demo: Path) -> Iterator[str]:
    """A demo's address while it runs; raises `NoStart`."""
    place = Path(tempfile.mkdtemp(prefix="demo-"))
    # Demos write into their own folder: caches of examples, databases.
    folder = shutil.copytree(demo, place / demo.name)
    log, port = place / "log.txt", free_port()
    log.touch()
    pid = nursery.fork(folder, port, log)
    try:
        yield _wait(pid, port, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        shutil.rmtree(place, ignore_errors=True)


def _wait(pid: int, port: int, log: Path) -> str:
    deadline = time.monotonic() + START
    with httpx.Client(verify=False, timeout=5) as http:
        return _asked(http, deadline, pid, port, log)


def _asked(http: httpx.Client, deadline: float, pid: int, port: int, log: Path) -> str:
    while time.monotonic() < deadline:
        if not _lives(pid):
            raise NoStart(_reason(log.read_text(errors="replace")))
        told = re.search(rf"http://localhost:{port}(/\S+)", log.read_text(errors="replace"))
        url = f"http://127.0.0.1:{port}" + (told[1].rstrip("/") if told else "")
        with contextlib.suppress(httpx.HTTPError):
            # A demo behind a login answers too, with a refusal.
            if http.get(f"{url}/config").status_code in (200, 401):
                return url
        time.sleep(0.1)
    raise NoStart(f"does not answer within {START:.0f} s")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _reason(log: str) -> str:
    ends = re.compile(r"[\w.]+(Error|Exception)")
    lines = [line for line in log.strip().splitlines() if ends.match(line)]
    last = lines[-1] if lines else (log.strip().splitlines() or ["it ended at once"])[-1]
    for pattern, reason in REASONS:
        if found := pattern.search(last) or (pattern.search(log) if "network" in reason else None):
            return reason.format(*(found.groups() or ("",)))
    return last[:150]
