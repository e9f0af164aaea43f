"""DATA_DIR, and a SQLite file elsewhere: checked and locked before anything is written there."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import tempfile
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from spacebot.errors import SettingsError

log = logging.getLogger(__name__)

DATABASE_NAME = "spacebot.db"
# With less free space than this, in bytes, not even the database could be created.
MIN_FREE_BYTES = 1 << 20
# How often to try a lock that another process holds, in seconds.
POLL_INTERVAL = 0.1
WRITE_FAILURES = {
    errno.ENOSPC: "its disk is full",
    errno.EDQUOT: "its disk quota is used up",
    errno.EROFS: "it is on a read-only file system",
    errno.EACCES: "this program may not write there",
    errno.EPERM: "this program may not write there",
    errno.ENOTDIR: "a file is in the way",
    errno.EEXIST: "a file is in the way",
}


class DataFolder:
    """DATA_DIR. Once locked, it belongs to this process until the process ends.

    So does the SQLite file that a DATABASE_URL names, `database`. The operating system holds
    the locks (flock), so a killed process leaves none behind.
    """

    def __init__(self, path: Path, database: Path | None = None) -> None:
        self.path = path
        self._database = database
        self._locks = [_lock(path / "spacebot.lock")]
        if database is not None:
            # Through whatever link it is named.
            self._locks.append(_lock(Path(f"{database.resolve()}.lock")))
        self._is_ours = False

    def prepare(self) -> None:
        """Create the folder and test that it is writable; raises `SettingsError` if it is not."""
        try:
            is_new = not self.path.exists()
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path) as probe:
                probe.write(bytes(MIN_FREE_BYTES))
                probe.flush()
                os.fsync(probe.fileno())
        except OSError as error:
            why = WRITE_FAILURES.get(error.errno or 0) or (error.strerror or str(error)).lower()
            raise SettingsError(
                f"DATA_DIR: {self.path} cannot be used: {why}. Accepted: a folder that this "
                f"program may write to, with at least {MIN_FREE_BYTES >> 20} MB free."
            ) from error
        if not is_new:
            self._tighten()

    def _tighten(self) -> None:
        """Remove other users' access to files that an earlier version left open."""
        found = [*self.path.glob(f"{DATABASE_NAME}*")]
        # A folder that existed before (a home, /tmp) keeps its mode.
        shared = not found or self.path.stat().st_mode & stat.S_ISVTX
        for path in found:
            with contextlib.suppress(OSError):
                path.chmod(0o600)
        if not shared:
            with contextlib.suppress(OSError):
                self.path.chmod(0o700)

    def lock(self, seconds: float = 0.0) -> bool:
        """Lock everything, waiting this long for another process; False if that still holds it.

        On a file system without locks, everything is used unlocked, and the log says so.
        """
        if self._is_ours:
            return True
        for lock in self._locks:
            try:
                lock.acquire(timeout=seconds, poll_interval=POLL_INTERVAL)
            except Timeout:
                self.release()
                return False
            except (OSError, NotImplementedError) as error:
                log.warning(
                    "%s cannot be locked (%s): make sure that no second Spacebot uses it",
                    lock.lock_file,
                    error,
                )
        self._is_ours = True
        return True

    def release(self) -> None:
        """Let another process have all of it."""
        for lock in self._locks:
            lock.release()
        self._is_ours = False

    def in_use(self) -> SettingsError:
        """What to say when another process has the folder, or the SQLite file."""
        used = f"DATA_DIR: {self.path} is"
        if self._database is not None:
            used = f"DATA_DIR or DATABASE_URL: {self.path} or {self._database} is"
        return SettingsError(
            f"{used} in use by another Spacebot, which would run every command a second time. "
            "Stop that one first, or give this one its own. Several processes can share a "
            "PostgreSQL database."
        )


def _lock(file: Path) -> BaseFileLock:
    # A soft lock, a file that is merely there, would outlive a SIGKILL.
    return FileLock(file, mode=0o600, thread_local=False, fallback_to_soft=False)
