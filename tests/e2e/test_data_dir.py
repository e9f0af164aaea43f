"""DATA_DIR: an unusable folder is one line and exit code 2; one process uses it at a time."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sqlite3
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.disks import disk, fill
from tests.support.postgres import Postgres
from tests.support.program import Program, refused, running, start

# Seconds that a start may take on a busy machine.
SLOW = 90.0
NEWER = "made by a later version of Spacebot"


def only_line(log: str) -> str:
    """The line that a refused start prints; nothing else is logged."""
    (line,) = log.strip().splitlines()
    return line


@pytest.mark.parametrize("what", ["file", "under a file", "read-only", "full"])
def test_a_data_dir_that_can_never_work_is_one_line(tmp_path: Path, what: str) -> None:
    with ExitStack() as stack:
        folder = tmp_path / "disk"
        match what:
            case "file":
                folder.write_text("")
            case "under a file":
                (tmp_path / "disk").write_text("")
                folder = tmp_path / "disk" / "data"
            case "read-only":
                stack.enter_context(disk(folder, 4, options=",ro"))
            case "full":
                fill(stack.enter_context(disk(folder, 4)))
        code, log = refused(tmp_path / "start", {"DATA_DIR": str(folder)})
    assert code == 2
    line = only_line(log)
    assert line.startswith("DATA_DIR: ")
    assert str(folder) in line
    assert "Accepted: " in line


def test_a_database_url_without_its_driver_is_one_line(tmp_path: Path) -> None:
    env = {"DATABASE_URL": "postgresql+aiopg_missing://me:secret@host/name"}
    code, log = refused(tmp_path, env)
    assert code == 2
    assert only_line(log).startswith("DATABASE_URL: ")
    assert "secret" not in log


@pytest.mark.parametrize("shared", ["DATA_DIR", "DATABASE_URL"])
async def test_a_second_process_is_refused_and_the_first_goes_on(
    tmp_path: Path, shared: str
) -> None:
    env = {"DATA_DIR": str(tmp_path / "data"), "STOP_SECONDS": "0"}
    other = env
    if shared == "DATABASE_URL":
        env["DATABASE_URL"] = f"sqlite+aiosqlite:///{tmp_path}/shared.db"
        other = {**env, "DATA_DIR": str(tmp_path / "other")}
    async with running(tmp_path / "first", None, env=env) as first:
        await first.until_health("ok", SLOW)
        code, log = await asyncio.to_thread(refused, tmp_path / "second", other)
        assert code == 2
        assert "in use by another Spacebot" in only_line(log)
        assert (await first.get("/healthz")).status_code == 200


async def test_a_restart_waits_for_the_process_that_is_stopping(tmp_path: Path) -> None:
    env = {"DATA_DIR": str(tmp_path / "data")}
    async with running(tmp_path / "first", None, env=env) as first:
        await first.until_health("ok", SLOW)
        async with running(tmp_path / "second", None, env=env) as second:
            await asyncio.to_thread(_wait_until_asked, first.data / "spacebot.lock", second)
            await first.stop()
            await second.until_health("ok", SLOW)


def _wait_until_asked(lock: Path, program: Program) -> None:
    """Wait until a program has opened a file."""
    folder = Path(f"/proc/{program.process.pid}/fd")
    if not folder.exists():
        pytest.skip("What another process has open is only seen on Linux.")
    while program.process.poll() is None:
        for one in folder.iterdir():
            try:
                if os.readlink(one) == str(lock):
                    return
            except FileNotFoundError:
                continue
    raise AssertionError(program.log)


async def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    env = {"DATA_DIR": str(tmp_path / "data")}
    killed = start(tmp_path / "first", env)
    await killed.until_health("ok", SLOW)
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait(10)
    async with running(tmp_path / "second", None, env=env) as second:
        await second.until_health("ok", SLOW)


async def test_on_a_space_the_page_says_what_is_waited_for(tmp_path: Path) -> None:
    # Hugging Face ends the old container once the new one answers.
    data = tmp_path / "data"
    data.mkdir()
    with (data / "spacebot.lock").open("w") as old:
        fcntl.flock(old, fcntl.LOCK_EX)
        env = {"DATA_DIR": str(data), "SPACE_ID": "owner/name"}
        async with running(tmp_path / "new", None, env=env) as program:
            told = await program.until_health("retrying", SLOW)
            assert "Another Spacebot still uses DATA_DIR" in told["reason"]
            await program.until_page("Another Spacebot still uses DATA_DIR")
            fcntl.flock(old, fcntl.LOCK_UN)
            await program.until_health("ok", SLOW)
            assert program.log.count("the store does not open") == 1


async def test_where_nothing_can_be_locked_that_is_logged(tmp_path: Path) -> None:
    before = (
        "import errno, fcntl\n"
        "def flock(*_): raise OSError(errno.ENOLCK, 'No locks available')\n"
        "fcntl.flock = flock"
    )
    async with running(tmp_path, None, before=before) as program:
        await program.until_health("ok", SLOW)
        assert "cannot be locked" in program.log


async def test_a_database_that_another_process_locks_is_waited_for(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    old = sqlite3.connect(data / "spacebot.db", isolation_level=None)
    old.execute("PRAGMA locking_mode=EXCLUSIVE")
    old.execute("CREATE TABLE held (x)")
    env = {"DATA_DIR": str(data)}
    async with running(tmp_path / "new", None, env=env) as program:
        told = await program.until_health("retrying", SLOW)
        assert "Another process holds the bot's database" in told["reason"]
        old.close()
        await program.until_health("ok", SLOW)


async def test_a_postgresql_that_is_not_up_yet_is_waited_for(tmp_path: Path) -> None:
    server = Postgres()
    try:
        env = {"DATABASE_URL": server.url()}
        async with running(tmp_path, None, env=env) as program:
            told = await program.until_health("retrying", SLOW)
            assert "cannot reach its database" in told["reason"]
            await program.until_page("cannot reach its database")
            server.start()
            await program.until_health("ok", SLOW)
    finally:
        server.close()


async def test_a_start_that_waits_can_be_stopped(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"postgresql+asyncpg://me@/name?host={tmp_path}"}
    async with running(tmp_path, None, env=env) as program:
        await program.until_health("retrying", SLOW)


async def test_a_database_of_a_later_version_is_told_on_the_page(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with sqlite3.connect(data / "spacebot.db") as later:
        later.execute("CREATE TABLE schema_version (version INTEGER)")
        later.execute("INSERT INTO schema_version VALUES (999)")
    async with running(tmp_path / "start", None, env={"DATA_DIR": str(data)}) as program:
        told = await program.until_health("failed", SLOW)
        assert NEWER in told["reason"]
        await program.until_page(NEWER)
        assert program.log.count(NEWER) == 1
    with sqlite3.connect(data / "spacebot.db") as later:
        assert later.execute("SELECT version FROM schema_version").fetchall() == [(999,)]


async def test_nobody_else_can_read_the_stored_data(tmp_path: Path) -> None:
    data = tmp_path / "data"
    # As left by an earlier version.
    data.mkdir(mode=0o755)
    sqlite3.connect(data / "spacebot.db").close()
    (data / "spacebot.db").touch(mode=0o644)
    async with running(tmp_path / "start", None, env={"DATA_DIR": str(data)}) as program:
        await program.until_health("ok", SLOW)
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in data.rglob("*")}
        assert {"spacebot.db", "spacebot.db-wal", "spacebot.db-shm"} <= modes.keys()
        assert not {name: oct(mode) for name, mode in modes.items() if mode & 0o077}
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
