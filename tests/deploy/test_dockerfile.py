"""The Dockerfile, parsed and carried out here: the tests need no Docker."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spacebot.deploy import files

ROOT = Path(__file__).parents[2]
# The instructions that the tests below read or carry out; any other needs its own test.
KNOWN = {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL"}
KNOWN |= {"ENTRYPOINT", "CMD", "HEALTHCHECK"}


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile and their arguments, each on one line."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line]


def given(name: str) -> list[str]:
    """The arguments of every instruction of that name."""
    return [rest for instruction, rest in instructions() if instruction == name]


def copies() -> list[tuple[list[str], str]]:
    """The sources and the destination of every COPY."""
    return [(rest.split()[:-1], rest.split()[-1]) for rest in given("COPY")]


def ignored(path: str) -> bool:
    """Whether .dockerignore excludes a path: the last matching line decides."""
    decided = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").rstrip("/")
        if not line or line.startswith("#"):
            continue
        names = path.split("/")
        anywhere = pattern.startswith("**/")
        fits = (
            any(fnmatch.fnmatchcase(name, pattern[3:]) for name in names)
            if anywhere
            else fnmatch.fnmatchcase(names[0], pattern)
        )
        if fits:
            decided = not line.startswith("!")
    return decided


def test_only_instructions_there_are_and_in_an_order_that_works() -> None:
    names = [name for name, _ in instructions()]
    assert names[0] == "FROM"
    assert set(names) <= KNOWN
    # Nothing is installed or copied as root after the switch, and nothing runs as root.
    assert given("USER") == ["user"]
    assert names.index("USER") > max(i for i, name in enumerate(names) if name in ("RUN", "COPY"))
    assert given("EXPOSE") == ["7860"]
    assert given("VOLUME") == ["/data"]
    (base,) = given("FROM")
    version = re.fullmatch(r"python:(\d+)\.(\d+)-slim", base)
    assert version is not None
    assert (int(version[1]), int(version[2])) >= (3, 11)


def test_the_image_gets_what_a_space_gets_and_nothing_else() -> None:
    for sources, _ in copies():
        for source in sources:
            assert (ROOT / source.rstrip("/")).exists(), source
            assert not ignored(source.rstrip("/")), source
    sources = [source.rstrip("/") for sources, _ in copies() for source in sources]
    # The image installs the lock file made from it.
    needed = files.needed_files().keys() - {"requirements.txt"}
    assert [name for name in needed if name.split("/")[0] not in sources] == []
    assert [name for name in needed if ignored(name)] == []
    for private in (
        ".env",
        ".git/config",
        "data/spacebot.db",
        "tests/support/deploy_hub.py",
        ".venv/bin/python",
    ):
        assert ignored(private), private
    assert ignored("spacebot/__pycache__/settings.cpython-312.pyc")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """What the COPY instructions make of the build context, as /app."""
    app = tmp_path / "app"
    app.mkdir()
    for sources, destination in copies():
        for source in sources:
            target = app / (source if destination == "./" else destination)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(ROOT / source, target)
    return app


def test_it_starts_is_healthy_and_sigterm_ends_it(image: Path, tmp_path: Path) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = str(sock.getsockname()[1])
    data = tmp_path / "data"
    (entry,), (command,) = given("ENTRYPOINT"), given("CMD")
    line = [*json.loads(entry), *json.loads(command)]
    line = [part.replace("7860", port).replace("/data", str(data)) for part in line]
    line[line.index("python")] = sys.executable
    # As `docker run --env-file .env` passes them, made from .env.example for this machine.
    env = {"PATH": os.defpath, "HOME": str(tmp_path), "GRADIO_SERVER_NAME": "127.0.0.1"}
    process = subprocess.Popen(
        line, cwd=image, env={**env, "DATA_DIR": "data/"}, stderr=subprocess.PIPE, text=True
    )
    try:
        check = given("HEALTHCHECK")[0].split("CMD ")[1].replace("7860", port)
        probe = [sys.executable, *json.loads(check)[1:]]
        deadline = time.monotonic() + 60
        while subprocess.run(probe, capture_output=True).returncode != 0:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert (data / "spacebot.db").exists()
    assert not (image / "data").exists()
    # A stopped or broken program fails the check.
    assert subprocess.run(probe, capture_output=True).returncode != 0
