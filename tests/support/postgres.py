"""A PostgreSQL for the tests, on a unix socket in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest

HINT = "Install Debian's postgresql package (tests/support/install_postgres.sh)."
OPTIONS = ("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=100")


class Postgres:
    """One server. It refuses to run as root, so as root it runs as Debian's postgres user."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._user = _user()
        self.folder = Path(tempfile.mkdtemp(prefix="spacebot-postgres-"))
        if self._user:
            shutil.chown(self.folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None
        made = ("-D", self.folder / "data", "-U", "postgres", "-A", "trust", "--no-sync")
        self._call("initdb", *made)

    def _call(self, name: str, *arguments: object) -> None:
        command = [str(self._binaries / name), *map(str, arguments)]
        subprocess.run(command, check=True, user=self._user, capture_output=True, cwd=self.folder)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command = [self._binaries / "postgres", "-D", self.folder / "data", "-k", self.folder]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*map(str, command), *OPTIONS],
                user=self._user,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 30
        ready = [str(self._binaries / "pg_isready"), "-h", str(self.folder)]
        while subprocess.run(ready, capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server, cutting every connection."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        """Stop the server and delete all it has."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """The value of DATABASE_URL for one of its databases."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self.folder}"

    async def create(self, database: str) -> str:
        """Make an empty database; its DATABASE_URL."""
        await self.fetch("postgres", f'CREATE DATABASE "{database}"')
        return self.url(database)

    async def fetch(self, database: str, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a database answers, over a connection of its own."""
        connection = await asyncpg.connect(
            user="postgres", host=str(self.folder), database=database
        )
        try:
            return [tuple(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()


def _binaries() -> Path:
    found = shutil.which("initdb")
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found and not newest:
        pytest.skip(f"No PostgreSQL here. {HINT}")
    # It may be a link to where all of them are.
    return Path(found).resolve().parent if found else newest[-1].parent


def _user() -> str | None:
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL refuses to run as root, and there is no other user here.")
