"""Where a result's files wait until they are posted: on disk, or in memory if that is full."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
import uuid
from pathlib import Path

from spacebot.errors import DiskFull

log = logging.getLogger(__name__)

# Linux's file system in memory; elsewhere, a full disk means losing the files.
MEMORY_FOLDER = Path("/dev/shm")
# How many results may be in memory at once, and how many bytes each may have.
MAX_RESULTS_IN_MEMORY, MAX_BYTES_IN_MEMORY = 4, 16 << 20
# With less free space than this, in bytes, a disk that was full still counts as full.
MIN_FREE_BYTES = 1 << 20


class ResultFolders:
    """A folder for each result, under `folder`; `is_full` says that the disk is full."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Specific to this DATA_DIR, and the same after a restart, which clears it.
        name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        self._memory = MEMORY_FOLDER / f"spacebot-{name}"
        self._full = False
        # A killed process never posted these results, and nobody will.
        for each in (folder, self._memory):
            shutil.rmtree(each, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True)

    @property
    def is_full(self) -> bool:
        """Whether the disk was found full and still is."""
        with contextlib.suppress(OSError):
            if self._full and shutil.disk_usage(self.folder).free > MIN_FREE_BYTES:
                log.info("the disk under DATA_DIR has room again")
                self._full = False
        return self._full

    def path(self) -> Path:
        """The path of a new result's folder, which is created when needed."""
        return self.folder / f"job-{uuid.uuid4().hex}"

    def in_memory(self) -> Path:
        """A folder in memory for a result that does not fit on the disk; raises `DiskFull`."""
        if not self._full:
            log.error("the disk under DATA_DIR is full: results pass through memory")
        self._full = True
        path = self._memory / f"job-{uuid.uuid4().hex}"
        try:
            self._memory.mkdir(mode=0o700, exist_ok=True)
            # Every user can write to /dev/shm: a folder of this name that is not ours is left
            # alone.
            if len(list(self._memory.iterdir())) >= MAX_RESULTS_IN_MEMORY:
                raise DiskFull
            path.mkdir(mode=0o700)
        except OSError as error:
            raise DiskFull from error
        return path
