"""Where a result's files are until they are posted: on the disk, or in memory while it is full."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
import uuid
from pathlib import Path

from spacebot.errors import DiskFull

log = logging.getLogger(__name__)

# A file system in memory, which Linux has; elsewhere a full disk costs the files.
MEMORY_FOLDER = Path("/dev/shm")
# In memory at once: so many results, of so many bytes each.
MAX_RESULTS_IN_MEMORY, MAX_BYTES_IN_MEMORY = 4, 16 << 20
# With less room than this in bytes, a disk that was full still is.
MIN_FREE_BYTES = 1 << 20


class ResultFolders:
    """A folder for each result, under `folder`; `is_full` says that the disk has no room."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Of this DATA_DIR alone, and the same after a restart, which clears it.
        name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        self._memory = MEMORY_FOLDER / f"spacebot-{name}"
        self._full = False
        # Results that a killed process had not posted yet: nobody will.
        for each in (folder, self._memory):
            shutil.rmtree(each, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True)

    @property
    def is_full(self) -> bool:
        """Whether the disk was found full, and still is."""
        with contextlib.suppress(OSError):
            if self._full and shutil.disk_usage(self.folder).free > MIN_FREE_BYTES:
                log.info("the disk under DATA_DIR has room again")
                self._full = False
        return self._full

    def path(self) -> Path:
        """The path of a new result's folder, which is made when it is needed."""
        return self.folder / f"job-{uuid.uuid4().hex}"

    def in_memory(self) -> Path:
        """A folder in memory, for a result that the disk has no room for; raises `DiskFull`."""
        if not self._full:
            log.error("the disk under DATA_DIR is full: results pass through memory")
        self._full = True
        path = self._memory / f"job-{uuid.uuid4().hex}"
        try:
            self._memory.mkdir(mode=0o700, exist_ok=True)
            # /dev/shm is everybody's: a folder of this name that is not ours is left alone.
            if len(list(self._memory.iterdir())) >= MAX_RESULTS_IN_MEMORY:
                raise DiskFull
            path.mkdir(mode=0o700)
        except OSError as error:
            raise DiskFull from error
        return path
